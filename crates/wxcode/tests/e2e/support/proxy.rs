//! A proxy between the server and a holder. The proxy stops at a chosen frame. Hooks go to the
//! holder directly, because the holder checks the reporting process.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::{Bytes, BytesMut};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        UnixListener, UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::mpsc,
    task::JoinHandle,
};
use wxcode_protocol::holder::{
    Event, Request,
    frame::{Decoder, Type},
};

/// The name of a holder's socket.
const SOCKET: &str = "holder.sock";

/// Kinds of frames.
#[derive(Debug, Clone)]
pub(crate) enum Frame {
    Request(Request),
    Event(Event),
    /// Greetings and the like.
    Other,
}

/// Chooses the frame at which the proxy stops. The proxy keeps back this frame and all later
/// frames.
pub(crate) type Stop = fn(&Frame) -> bool;
/// An action at a frame.
type Before = Arc<dyn Fn() + Send + Sync>;

/// Takes the place of a holder's socket until removed.
pub(crate) struct Proxy {
    socket: PathBuf,
    aside: PathBuf,
    stopped: mpsc::Receiver<()>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// Places itself before the holder of the session in `dir`. With `forwards`, the chosen frame
    /// still goes through.
    pub(crate) fn new(dir: &Path, stop: Stop, forwards: bool) -> Self {
        Self::with(dir, stop, forwards, None)
    }

    /// Breaks the connection after the chosen frame, and calls `before` before forwarding the
    /// frame.
    pub(crate) fn breaking(
        dir: &Path,
        stop: Stop,
        before: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        Self::with(dir, stop, true, Some(Arc::new(before)))
    }

    fn with(dir: &Path, stop: Stop, forwards: bool, breaks: Option<Before>) -> Self {
        let (socket, aside) = (dir.join(SOCKET), dir.join("aside").join(SOCKET));
        fs::create_dir(dir.join("aside")).unwrap();
        fs::rename(&socket, &aside).unwrap();
        report_to(dir, &aside);
        let listener = UnixListener::bind(&socket).unwrap();
        let (tell, stopped) = mpsc::channel(8);
        let holder = aside.clone();
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(holder) = UnixStream::connect(&holder).await else {
                    return;
                };
                let (from_client, to_client) = client.into_split();
                let (from_holder, to_holder) = holder.into_split();
                let way = Way {
                    stop,
                    forwards,
                    breaks: breaks.clone(),
                    tell: tell.clone(),
                };
                let told = tell.clone();
                let there = forward(from_client, to_holder, way.clone());
                let back = forward(from_holder, to_client, way);
                tokio::spawn(async move {
                    // A stopped proxy keeps both ends open until the server is gone.
                    let broke = tokio::select! {
                        broke = there => broke,
                        broke = back => broke,
                    };
                    if broke {
                        let _ = told.send(()).await;
                    }
                });
            }
        });
        Self {
            socket,
            aside,
            stopped,
            task,
        }
    }

    /// Waits until the proxy has stopped.
    pub(crate) async fn stopped(&mut self) {
        let stopped = tokio::time::timeout(super::PATIENCE, self.stopped.recv());
        stopped.await.expect("the frame comes").expect("it runs");
    }

    /// Restores the holder's socket.
    pub(crate) fn take_away(self) {
        self.task.abort();
        fs::remove_file(&self.socket).unwrap();
        fs::rename(&self.aside, &self.socket).unwrap();
        let (Some(dir), Some(aside)) = (self.socket.parent(), self.aside.parent()) else {
            return;
        };
        fs::remove_dir(aside).unwrap();
        report_to(dir, &self.socket);
    }
}

/// Makes the hooks of the session in `dir` report to `socket`.
fn report_to(dir: &Path, socket: &Path) {
    let (file, new) = (dir.join("hook.json"), dir.join("hook.json.new"));
    let mut hook: serde_json::Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    hook["socket"] = socket.to_str().unwrap().into();
    fs::write(&new, hook.to_string()).unwrap();
    fs::rename(new, file).unwrap();
}

/// How frames are forwarded.
#[derive(Clone)]
struct Way {
    stop: Stop,
    forwards: bool,
    /// For a proxy that breaks instead of stopping: the action before the break.
    breaks: Option<Before>,
    tell: mpsc::Sender<()>,
}

/// Forwards frames in a single direction until the sender is gone or the proxy breaks; returns true
/// for a break.
async fn forward(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, way: Way) -> bool {
    let mut decoder = Decoder::default();
    let mut stopped = false;
    loop {
        while let Ok(Some((kind, payload))) = decoder.next_frame() {
            if stopped {
                continue;
            }
            let stops = (way.stop)(&frame(kind, &payload));
            if let Some(before) = way.breaks.as_ref().filter(|_| stops) {
                before();
            }
            if (!stops || way.forwards) && to.write_all(&encoded(kind, &payload)).await.is_err() {
                return false;
            }
            if stops {
                if way.breaks.is_some() {
                    return true;
                }
                stopped = true;
                let _ = way.tell.send(()).await;
            }
        }
        match from.read_buf(decoder.buffer()).await {
            Ok(0) | Err(_) => return false,
            Ok(_) => {}
        }
    }
}

fn frame(kind: Type, payload: &Bytes) -> Frame {
    if let Ok(Some(request)) = Request::decode(kind, payload.clone()) {
        return Frame::Request(request);
    }
    match Event::decode(kind, payload.clone()) {
        Ok(Some(event)) => Frame::Event(event),
        _ => Frame::Other,
    }
}

fn encoded(kind: Type, payload: &[u8]) -> BytesMut {
    let mut out = BytesMut::new();
    out.extend_from_slice(&(payload.len() as u32).to_be_bytes());
    out.extend_from_slice(&[kind as u8]);
    out.extend_from_slice(payload);
    out
}
