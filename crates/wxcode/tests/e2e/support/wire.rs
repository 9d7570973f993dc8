//! A terminal client of the binary protocol, with a screen.

use std::sync::Arc;

use bytes::Bytes;
use tokio::time::timeout;
use wxcode_client::terminal::{ClientFrame, Message, Role, ServerFrame, Socket, Status};
use wxcode_protocol::Output;
use wxcode_terminal::{Screen as _, Size, Terminal};

use super::{PATIENCE, Server};

/// An attached client of `wxcode.v1`.
pub(crate) struct Wire {
    /// `None` once the client is disconnected.
    socket: Option<Socket>,
    pub(crate) status: Status,
    pub(crate) role: Option<Role>,
    /// The client's screen, from the first snapshot or from an earlier connection.
    pub(crate) screen: Option<Terminal>,
    /// The offset after the last parsed byte.
    pub(crate) offset: u64,
    /// The snapshots so far.
    pub(crate) snapshots: usize,
    /// The bytes of output so far.
    pub(crate) received: u64,
    /// Whether the client acknowledges parsed output.
    pub(crate) acknowledges: bool,
    /// The offsets of size changes.
    pub(crate) sizes: Vec<(u64, Size)>,
    /// The known output of the agent; the client checks all received output against this reference.
    pub(crate) reference: Option<Arc<Vec<u8>>>,
    /// All other frames so far.
    pub(crate) frames: Vec<ServerFrame>,
    pub(crate) closed: Option<(u16, String)>,
    inputs: u64,
}

impl Wire {
    /// Attaches to a project with this query and waits for the status.
    pub(crate) async fn attach(server: &Server, project: &str, query: &str) -> Self {
        let path = format!("/output-projects/{project}/terminal?{query}");
        let socket = Socket::connect(&server.remote(), &path).await.unwrap();
        let status = Status {
            session_id: String::new(),
            connected: true,
            claude_session_id: None,
            resumed: false,
            message: None,
            notice: None,
            input: 0,
            read_only: false,
            log_off: None,
            live: 0,
            client: 0,
        };
        let mut wire = Self {
            socket: Some(socket),
            status,
            role: None,
            screen: None,
            offset: 0,
            snapshots: 0,
            received: 0,
            acknowledges: true,
            sizes: Vec::new(),
            reference: None,
            frames: Vec::new(),
            closed: None,
            inputs: 0,
        };
        match wire.read().await {
            Some(ServerFrame::Status(status)) => wire.status = status,
            other => panic!("the status comes first: {other:?}"),
        }
        wire.inputs = wire.status.input;
        wire
    }

    /// Resumes at the offset of `before`, with the screen of `before`.
    pub(crate) async fn resume(server: &Server, project: &str, before: Self, query: &str) -> Self {
        let (session, since) = (&before.status.session_id, before.offset);
        let query = match before.screen {
            Some(_) => format!("session={session}&since={since}&{query}"),
            None => query.to_owned(),
        };
        let mut wire = Self::attach(server, project, &query).await;
        wire.offset = before.offset;
        wire.screen = before.screen;
        wire.snapshots = before.snapshots;
        wire.received = before.received;
        wire.sizes = before.sizes;
        wire
    }

    /// The next frame; `None` when the connection is closed.
    pub(crate) async fn read(&mut self) -> Option<ServerFrame> {
        loop {
            let socket = self.socket.as_mut()?;
            let message = timeout(PATIENCE, socket.next_message()).await;
            let message = message.unwrap_or_else(|_| panic!("no frame in time\n{}", self.text()));
            match message {
                Ok(Message::Binary(bytes)) => {
                    return Some(ServerFrame::decode(bytes).unwrap().expect("a known type"));
                }
                Ok(Message::Close(frame)) => {
                    self.closed = frame.map(|frame| (frame.code.into(), frame.reason.to_string()));
                }
                Ok(Message::Text(text)) => panic!("text: {text}"),
                Ok(_) => {}
                Err(_) => return None,
            }
        }
    }

    /// Handles the next frame as a client should; false when the connection is closed.
    pub(crate) async fn next(&mut self) -> bool {
        let Some(frame) = self.read().await else {
            return false;
        };
        match frame {
            ServerFrame::Output(Output::Snapshot {
                offset,
                size,
                bytes,
            }) => {
                assert!(
                    offset >= self.offset,
                    "a snapshot of before what was parsed"
                );
                let mut screen = Terminal::new(size);
                screen.feed(&bytes, &mut Vec::new());
                self.screen = Some(screen);
                self.offset = offset;
                self.snapshots += 1;
                self.acknowledge().await;
            }
            ServerFrame::Output(Output::Output { offset, bytes }) => {
                assert_eq!(
                    offset, self.offset,
                    "output continues at the byte, or behind a snapshot"
                );
                if let Some(reference) = &self.reference {
                    let known = &reference[offset as usize..][..bytes.len()];
                    assert!(known == &bytes[..], "at {offset} other bytes were written");
                }
                let screen = self.screen.as_mut().expect("a snapshot first");
                screen.feed(&bytes, &mut Vec::new());
                self.offset += bytes.len() as u64;
                self.received += bytes.len() as u64;
                self.acknowledge().await;
            }
            ServerFrame::Output(Output::Resized { offset, size }) => {
                assert_eq!(
                    offset, self.offset,
                    "a size stands where it changed in the output"
                );
                let screen = self.screen.as_mut().expect("a snapshot first");
                screen.resize(size);
                self.sizes.push((offset, size));
            }
            ServerFrame::Role(role) => self.role = Some(role),
            other => self.frames.push(other),
        }
        true
    }

    async fn acknowledge(&mut self) {
        if self.acknowledges {
            let offset = self.offset;
            self.send(ClientFrame::Ack(offset)).await;
        }
    }

    /// Handles frames until a condition holds.
    pub(crate) async fn until(&mut self, what: &str, mut holds: impl FnMut(&Self) -> bool) {
        while !holds(self) {
            assert!(
                self.next().await,
                "closed before: {what}; {:?}",
                self.closed
            );
        }
    }

    /// Handles frames until the screen shows a text.
    pub(crate) async fn until_shown(&mut self, text: &str) {
        self.until(text, |wire| wire.text().contains(text)).await;
    }

    /// Handles frames until the connection is closed.
    pub(crate) async fn until_closed(&mut self) -> u16 {
        while self.next().await {}
        self.closed.as_ref().expect("a close frame").0
    }

    /// The text on the client's screen.
    pub(crate) fn text(&self) -> String {
        self.screen.as_ref().map_or(String::new(), Terminal::text)
    }

    /// The screen without history, redrawn on a new terminal.
    pub(crate) fn drawn(&self) -> Vec<u8> {
        drawn(self.screen.as_ref().expect("a screen"))
    }

    pub(crate) fn size(&self) -> Option<(u16, u16)> {
        let Size { cols, rows } = self.screen.as_ref()?.size();
        Some((cols, rows))
    }

    pub(crate) async fn send(&mut self, frame: ClientFrame) {
        self.send_raw(Message::Binary(frame.encode())).await;
    }

    pub(crate) async fn send_raw(&mut self, message: Message) {
        if let Some(socket) = &mut self.socket {
            // A reader notices a broken connection.
            let _ = socket.send_message(message).await;
        }
    }

    /// Breaks the connection.
    pub(crate) fn disconnect(&mut self) {
        self.socket = None;
    }

    /// Waits until the server has handled everything sent so far.
    pub(crate) async fn heard(&mut self) {
        // The server answers a malformed message in order.
        self.send_raw(Message::Binary(Bytes::new())).await;
        let before = self.frames.len();
        self.until("it is answered", |wire| {
            let error =
                |frame: &ServerFrame| matches!(frame, ServerFrame::Output(Output::Error { .. }));
            wire.frames[before..].iter().any(error)
        })
        .await;
    }

    /// Types the next input; returns the input's number.
    pub(crate) async fn input(&mut self, text: &str) -> u64 {
        self.inputs += 1;
        let number = self.inputs;
        self.type_as(number, text).await;
        number
    }

    pub(crate) async fn type_as(&mut self, number: u64, text: &str) {
        let bytes = Bytes::copy_from_slice(text.as_bytes());
        self.send(ClientFrame::Input { number, bytes }).await;
    }

    pub(crate) async fn resize(&mut self, cols: u16, rows: u16) {
        let size = Size::new(cols, rows).unwrap();
        self.send(ClientFrame::Resize(size)).await;
    }
}

/// A screen without history, redrawn on a new terminal.
pub(crate) fn drawn(screen: &Terminal) -> Vec<u8> {
    let mut fresh = Terminal::new(screen.size());
    fresh.feed(&screen.snapshot_with_history(0), &mut Vec::new());
    fresh.snapshot()
}
