//! A live connection to a session: a queue of frames out, a watch over silence.

use std::{pin::Pin, sync::Arc, time::Duration};

use futures_util::{
    FutureExt, SinkExt, StreamExt,
    stream::{SplitSink, SplitStream},
};
use tokio::{
    sync::{Notify, mpsc},
    task::JoinHandle,
    time::{Instant, MissedTickBehavior, Sleep, interval_at, sleep, timeout},
};
use tokio_tungstenite::tungstenite::{Bytes, Message};
use wxcode_protocol::websocket::{ClientFrame, ServerFrame};

use super::{
    retry::Lost,
    socket::{self, Socket, Stream},
    target::{Since, Target},
};
use crate::{Server, awake::Awake};

/// How often the server is asked for a sign of life.
pub const PING_EVERY: Duration = Duration::from_secs(15);
/// Longest silence of a live server.
pub const SILENCE_MAX: Duration = Duration::from_secs(60);
/// Time for the server's sign of life after a sleep of the machine or [`Terminal::wake`].
///
/// [`Terminal::wake`]: super::Terminal::wake
pub const WAKE_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest time for the last frames at [`Terminal::close`](super::Terminal::close), and for the
/// server's answer.
pub const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// Frames waiting for the socket; further frames wait in the terminal's own bounds.
pub const OUTBOX_MAX: usize = 16;

/// A live connection.
#[derive(Debug)]
pub(super) struct Link {
    stream: SplitStream<Stream>,
    outbox: mpsc::Sender<ClientFrame>,
    sender: JoinHandle<()>,
    /// The end of the server's time for a sign of life.
    silence: Pin<Box<Sleep>>,
    /// Asks for a sign of life at once.
    ping: Arc<Notify>,
    awake: Awake,
}

impl Link {
    /// Connects.
    pub(super) async fn connect(
        server: &Server,
        target: &Target,
        since: Option<&Since>,
    ) -> Result<Self, Lost> {
        let Socket(socket) = Socket::connect(server, &target.path(since)).await?;
        let (sink, stream) = socket.split();
        let (outbox, frames) = mpsc::channel(OUTBOX_MAX);
        let ping = Arc::new(Notify::new());
        Ok(Self {
            stream,
            outbox,
            sender: tokio::spawn(send(sink, frames, Arc::clone(&ping))),
            silence: Box::pin(sleep(SILENCE_MAX)),
            ping,
            awake: Awake::new(),
        })
    }

    /// The queue of frames to send.
    pub(super) fn outbox(&self) -> mpsc::Sender<ClientFrame> {
        self.outbox.clone()
    }

    /// Asks for a sign of life within [`WAKE_TIMEOUT`].
    pub(super) fn wake(&mut self) {
        self.ping.notify_one();
        let until = self.silence.deadline().min(Instant::now() + WAKE_TIMEOUT);
        self.silence.as_mut().reset(until);
    }

    /// The next frame. The future may be dropped at any time.
    pub(super) async fn next(&mut self) -> Result<ServerFrame, Lost> {
        loop {
            let message = tokio::select! {
                biased;
                message = self.stream.next() => message,
                () = &mut self.silence => {
                    let why = "the server gives no sign of life".to_owned();
                    return Err(Lost::Broken(why));
                }
                () = self.awake.slept() => {
                    self.wake();
                    continue;
                }
            };
            self.silence.as_mut().reset(Instant::now() + SILENCE_MAX);
            let message = message.ok_or_else(socket::broken_off)?;
            if let Some(frame) = socket::frame(message.map_err(socket::lost)?)? {
                return Ok(frame);
            }
        }
    }

    /// A frame, if a frame has already arrived.
    pub(super) fn next_at_once(&mut self) -> Option<Result<ServerFrame, Lost>> {
        self.next().now_or_never()
    }

    /// Sends the frames of the queue and the `last` frames, then closes: the server's answer shows
    /// that it has read them. A connection that ends with unread bytes may lose frames on the way.
    pub(super) async fn close(self, last: impl Iterator<Item = ClientFrame>) {
        let Self {
            mut stream,
            outbox,
            sender,
            ..
        } = self;
        let out = async {
            for frame in last {
                if outbox.send(frame).await.is_err() {
                    break;
                }
            }
            drop(outbox);
            // However it ends, there is no more to do.
            let _ = sender.await;
            while let Some(Ok(_)) = stream.next().await {}
        };
        // A server that reads nothing sees the end of the connection.
        let _ = timeout(CLOSE_TIMEOUT, out).await;
    }
}

/// Carries frames to the socket until the queue closes.
async fn send(
    mut sink: SplitSink<Stream, Message>,
    mut frames: mpsc::Receiver<ClientFrame>,
    ping: Arc<Notify>,
) {
    let mut pings = interval_at(Instant::now() + PING_EVERY, PING_EVERY);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let message = tokio::select! {
            frame = frames.recv() => match frame {
                Some(frame) => Message::Binary(frame.encode()),
                None => break,
            },
            _ = pings.tick() => Message::Ping(Bytes::new()),
            () = ping.notified() => Message::Ping(Bytes::new()),
        };
        // The reading side sees and reports the failure.
        if sink.send(message).await.is_err() {
            return;
        }
    }
    let _ = sink.close().await;
}
