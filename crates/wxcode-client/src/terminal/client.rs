//! A client of a session's terminal with a lasting connection.

use std::future::pending;

use bytes::Bytes;
use tokio::sync::mpsc;
use wxcode_protocol::Output;
use wxcode_protocol::{
    Signal, Size,
    websocket::{ClientFrame, HISTORY_MAX, Role, ServerFrame, Status},
};

use super::{
    connection::{Connection, News},
    inputs::InputError,
    link::Link,
    outgoing::Outgoing,
    retry::{Lost, Next, Retry},
    target::{Since, Target},
    update::{Attached, Update},
};
use crate::Server;

/// Names the server before each attempt to connect again; `None` when no server runs.
///
/// A restarted server may have another address, and a stranger may listen at the old one. A
/// program on the same machine reads the data directory again.
pub type Find<'a> = Box<dyn Fn() -> Option<Server> + Send + 'a>;

/// A client of a session's terminal. The [module](super) has an example.
///
/// - The terminal acknowledges output at the next call of [`Terminal::next`]: the caller has parsed
///   the output then. The server keeps at most 256 KiB on the way to a client without an
///   acknowledgement.
/// - After a break the terminal connects again, in pauses of 0.2 s, doubling to 5 s, and continues
///   at the byte. Where the server no longer has that byte, an [`Update::Snapshot`] comes.
/// - Inputs have numbers, so that the session types each input once, even if the input comes again
///   over another connection. At most [`WAITING_MAX`](super::WAITING_MAX) bytes wait, and
///   [`IN_FLIGHT_MAX`](super::IN_FLIGHT_MAX) of these bytes are unanswered at the server.
pub struct Terminal<'a> {
    server: Server,
    target: Target,
    find: Option<Find<'a>>,
    connection: Connection,
    retry: Retry,
    /// The session of the position and the inputs; empty before the first.
    session: String,
    is_read_only: bool,
    /// The offset after the last output, while further output continues there.
    position: Option<u64>,
    /// The caller has this output, and parses the output.
    given: Option<u64>,
    outgoing: Outgoing,
    size: Option<Size>,
    is_driver: bool,
    /// The last update.
    over: Option<Update>,
}

impl<'a> Terminal<'a> {
    /// Connects once, and waits for the server's account of the session.
    ///
    /// # Errors
    /// Any [`Lost`].
    pub async fn attach(server: Server, target: Target) -> Result<(Self, Attached), Lost> {
        let mut link = Link::connect(&server, &target, None).await?;
        let status = loop {
            if let ServerFrame::Status(status) = link.next().await? {
                break status;
            }
        };
        let mut terminal = Self {
            server,
            is_read_only: target.is_read_only,
            target,
            find: None,
            connection: Connection::up(link),
            retry: Retry::new(),
            session: String::new(),
            position: None,
            given: None,
            outgoing: Outgoing::new(),
            size: None,
            is_driver: false,
            over: None,
        };
        let attached = terminal.attached(status, true);
        Ok((terminal, attached))
    }

    /// Asks `find` for the server before each attempt to connect again.
    #[must_use]
    pub fn with_find<'b>(self, find: Find<'b>) -> Terminal<'b>
    where
        'a: 'b,
    {
        Terminal {
            find: Some(find),
            ..self
        }
    }

    /// The session; empty where the project never had a session.
    pub fn session(&self) -> &str {
        &self.session
    }

    /// Whether the client only looks, by its own wish or the server's.
    pub fn is_read_only(&self) -> bool {
        self.is_read_only
    }

    /// Whether `bytes` more bytes of input may wait.
    pub fn has_room(&self, bytes: usize) -> bool {
        self.outgoing.inputs.has_room(bytes)
    }

    /// Types bytes. Returns the number of the input in this session, for [`Update::InputTaken`].
    ///
    /// # Errors
    /// [`InputError`]; nothing is typed then.
    pub fn input(&mut self, bytes: Bytes) -> Result<u64, InputError> {
        if self.is_read_only {
            return Err(InputError::ReadOnly);
        }
        self.outgoing.inputs.push(bytes)
    }

    /// The client's window has this size; the session has the size of its driver.
    pub fn resize(&mut self, size: Size) {
        self.size = Some(size);
        if !self.is_read_only {
            self.outgoing.resize(size);
        }
    }

    /// Asks the session to follow this client's size, again after each break.
    pub fn drive(&mut self) {
        if !self.is_read_only {
            self.outgoing.drive();
        }
    }

    /// Sends a signal to the program in the foreground.
    pub fn signal(&mut self, signal: Signal) {
        if !self.is_read_only {
            self.outgoing.signal(signal);
        }
    }

    /// Requests a snapshot with up to `history` bytes of history, at most 1 MiB.
    pub fn redraw(&mut self, history: u32) {
        self.outgoing.redraw(history.min(HISTORY_MAX));
    }

    /// The process was stopped, or the network has changed. Asks the server for a sign of life;
    /// without an answer within [`WAKE_TIMEOUT`](super::WAKE_TIMEOUT), connects again. Ends a pause
    /// between two attempts. The terminal itself notices a sleep of the machine of more than 10 s.
    pub fn wake(&mut self) {
        self.connection.wake();
    }

    /// The next update; meanwhile sends frames. The future may be dropped at any time without a
    /// loss.
    pub async fn next(&mut self) -> Update {
        self.acknowledge();
        loop {
            if let Some(over) = &self.over {
                return over.clone();
            }
            let outbox = self.connection.outbox();
            let outbox = outbox.filter(|_| self.outgoing.is_some());
            let news = tokio::select! {
                biased;
                () = hand_over(outbox, &mut self.outgoing) => continue,
                news = self.connection.next() => news,
            };
            if let Some(update) = self.take(news) {
                return update;
            }
        }
    }

    /// An update that is here already.
    pub fn next_at_once(&mut self) -> Option<Update> {
        self.acknowledge();
        loop {
            if self.over.is_some() {
                return self.over.clone();
            }
            let news = self.connection.next_at_once()?;
            if let Some(update) = self.take(news) {
                return Some(update);
            }
        }
    }

    /// Sends the waiting frames and closes, within 1 s. Returns whether every input went out.
    pub async fn close(mut self) -> bool {
        self.acknowledge();
        let Self {
            connection,
            mut outgoing,
            ..
        } = self;
        connection
            .close(std::iter::from_fn(|| outgoing.next()))
            .await;
        !outgoing.inputs.is_some()
    }

    fn acknowledge(&mut self) {
        if let Some(offset) = self.given.take() {
            self.outgoing.ack(offset);
        }
    }

    fn take(&mut self, news: News) -> Option<Update> {
        match news {
            News::Frame(frame) => self.frame(frame),
            News::Lost(lost) => Some(self.lost(lost)),
            News::PauseOver => self.attempt(),
            News::Connected(link) => {
                self.connection = Connection::up(link);
                None
            }
        }
    }

    fn attempt(&mut self) -> Option<Update> {
        if let Some(find) = &self.find {
            // Another program may listen at the address of an ended server.
            let Some(server) = find() else {
                let why = "no server runs on the data folder".to_owned();
                return Some(self.lost(Lost::Broken(why)));
            };
            self.server = server;
        }
        let since = self.position.map(|offset| Since {
            session: self.session.clone(),
            offset,
        });
        let (server, target) = (self.server.clone(), self.target.clone());
        self.connection = Connection::attempt(server, target, since);
        None
    }

    fn frame(&mut self, frame: ServerFrame) -> Option<Update> {
        Some(match frame {
            ServerFrame::Status(status) => Update::Attached(self.attached(status, false)),
            ServerFrame::Output(Output::Snapshot {
                offset,
                size,
                bytes,
            }) => {
                self.position = Some(offset);
                self.given = Some(offset);
                Update::Snapshot {
                    offset,
                    size,
                    bytes,
                }
            }
            ServerFrame::Output(Output::Output { offset, bytes }) => {
                let here = self.position?;
                if here != offset {
                    return Some(self.torn(here, offset));
                }
                let end = here + bytes.len() as u64;
                self.position = Some(end);
                self.given = Some(end);
                Update::Output { offset, bytes }
            }
            ServerFrame::Output(Output::Resized { offset, size }) => {
                let here = self.position?;
                if here != offset {
                    return Some(self.torn(here, offset));
                }
                Update::Resized(size)
            }
            ServerFrame::Output(Output::InputTaken { seq: number }) => {
                self.outgoing.inputs.answered(number);
                Update::InputTaken(number)
            }
            ServerFrame::Output(Output::InputRefused {
                seq: number,
                reason,
            }) => {
                self.outgoing.inputs.answered(number);
                Update::InputRefused { number, reason }
            }
            ServerFrame::Output(Output::Exited(exit)) => Update::Exited(exit),
            ServerFrame::Output(Output::Error { code, message }) => Update::Error { code, message },
            ServerFrame::Role(role) => {
                self.is_driver = role == Role::Driver;
                Update::Role(role)
            }
            ServerFrame::Report(report) => Update::Report(report),
            ServerFrame::Pong => return None,
        })
    }

    /// The first frame of a connection.
    fn attached(&mut self, status: Status, is_first: bool) -> Attached {
        self.retry.attached();
        self.connection.attached();
        self.is_read_only = self.target.is_read_only || status.read_only;
        let is_same_session = self.session == status.session_id;
        let mut lost_inputs = false;
        if is_same_session {
            self.outgoing.inputs.resume(status.input);
        } else {
            self.position = None;
            lost_inputs = self.outgoing.inputs.restart(status.input);
            self.session.clone_from(&status.session_id);
        }
        let drove = std::mem::take(&mut self.is_driver);
        if !self.is_read_only {
            if let Some(size) = self.size {
                self.outgoing.resize(size);
            }
            if drove {
                self.outgoing.drive();
            }
        }
        Attached {
            status,
            is_first,
            is_same_session,
            lost_inputs,
        }
    }

    /// The output cannot continue here: the next connection begins with a snapshot.
    fn torn(&mut self, here: u64, came: u64) -> Update {
        self.position = None;
        let why = format!("bytes are missing between the offsets {here} and {came}");
        self.lost(Lost::Broken(why))
    }

    fn lost(&mut self, lost: Lost) -> Update {
        self.given = None;
        self.outgoing.disconnected();
        let over = match self.retry.lost(&lost) {
            Next::Again(pause) => {
                self.connection = Connection::pause(pause);
                return Update::Away { lost, pause };
            }
            Next::Ended => Update::Ended,
            Next::Fail => Update::Failed(lost),
        };
        self.over.insert(over).clone()
    }
}

/// Puts the next frame into the outbox, where there is an outbox with room.
async fn hand_over(outbox: Option<mpsc::Sender<ClientFrame>>, outgoing: &mut Outgoing) {
    if let Some(outbox) = outbox
        && let Ok(room) = outbox.reserve().await
    {
        if let Some(frame) = outgoing.next() {
            room.send(frame);
        }
        return;
    }
    // The connection is gone, and reports its own end.
    pending().await
}
