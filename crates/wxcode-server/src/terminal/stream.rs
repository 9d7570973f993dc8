//! Streams between a client and its session's holder: output as fast as the client takes it, input
//! at the same time. Neither direction waits for the other.

use std::sync::Arc;

use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;
use wxcode_claude::hook::HookEvent;
use wxcode_holder::{
    client::{Connection, Event, Request, Sender},
    folder::Exit,
};

use super::{
    client::Client,
    end::{End, code},
    line::Turn,
    received::Received,
    report,
    typing::is_typing,
};
use crate::agent::Attendance;
use wxcode_protocol::Output;
use wxcode_protocol::websocket::{ClientFrame, Role, ServerFrame};

/// Most bytes passed on together; each event counts [`EVENT`] more.
const TOGETHER: usize = 32 << 10; // 32 KiB
/// Bytes that an event counts besides its content.
const EVENT: usize = 64;

/// Records a client's first keystroke.
pub(super) type Typed = Box<dyn FnOnce() + Send>;

/// A client and the session that it follows.
pub(super) struct Stream<'a> {
    client: &'a mut Client,
    attendance: Attendance,
    reports: broadcast::Receiver<Arc<HookEvent>>,
    read_only: bool,
    /// Called at the client's first keystroke.
    typed: Option<Typed>,
    role: Option<Role>,
    /// The holder takes no more requests. The holder's earlier output can still be read.
    is_write_closed: bool,
    /// The client has the session's output up to this offset; `None` before the first output.
    pub(super) reached: Option<u64>,
}

impl<'a> Stream<'a> {
    pub(super) fn new(
        client: &'a mut Client,
        attendance: Attendance,
        reports: broadcast::Receiver<Arc<HookEvent>>,
        read_only: bool,
        typed: Typed,
    ) -> Self {
        Self {
            client,
            attendance,
            reports,
            read_only,
            typed: Some(typed),
            role: None,
            is_write_closed: false,
            reached: None,
        }
    }

    /// Follows the session until the session ends; `None` when the holder is lost. With a known
    /// `since` the missing bytes come first.
    pub(super) async fn run(
        &mut self,
        closing: &CancellationToken,
        connection: Connection,
        since: Option<u64>,
    ) -> Result<Option<Exit>, End> {
        let Connection {
            sender,
            mut receiver,
            ..
        } = connection;
        let attach = self.client.protocol.attach(since);
        self.reached = since;
        if sender.send(attach).await.is_err() {
            return Ok(None);
        }
        self.client.line.listen();
        let drives = self.attendance.drives();
        self.send_role(drives);
        // A request is on its way to the holder: the client's next message waits for that request.
        let mut sending = false;
        loop {
            let room = self.client.line.has_room();
            tokio::select! {
                biased;
                () = closing.cancelled() => {
                    return Err(End::new(code::GOING_AWAY, None, "the server is ending, the agent is not: connect again"));
                }
                sent = sender.flush(), if sending => {
                    sending = false;
                    self.is_write_closed = sent.is_err();
                }
                turn = self.client.line.turn(!sending) => match turn {
                    Turn::Received(message) => {
                        let received = self.client.protocol.receive(message);
                        sending = self.take(received, &sender).await?;
                    }
                    Turn::Room => {}
                    Turn::Gone => return Err(End::gone()),
                },
                drives = self.attendance.driver_changed(), if room => {
                    // Also to a client without a new role: its view of the others is out of date.
                    self.role = None;
                    self.send_role(drives);
                    if let Some(size) = self.attendance.take_handed().filter(|_| !self.is_write_closed) {
                        sending |= sender.enqueue(Request::Resize { size }).await.is_ok();
                    }
                }
                report = self.reports.recv(), if room => self.report(report),
                event = receiver.next(), if room && self.client.protocol.has_credit() => {
                    let mut next = event;
                    let mut together = 0;
                    // Events that arrived together leave together.
                    loop {
                        match next {
                            Ok(Some(Event::Output(Output::Exited(exit)))) => return Ok(Some(exit)),
                            Ok(Some(Event::Output(output))) => together += self.forward(output),
                            Ok(Some(_)) => together += EVENT,
                            Ok(None) | Err(_) => return Ok(None),
                        }
                        if together >= TOGETHER || !self.client.protocol.has_credit() {
                            break;
                        }
                        match receiver.ready() {
                            Ok(None) => break,
                            event => next = event,
                        }
                    }
                },
            }
        }
    }

    /// Forwards output to the client; returns the client's count of the bytes.
    fn forward(&mut self, output: Output) -> usize {
        let len = match &output {
            Output::Snapshot { offset, bytes, .. } => {
                self.reached = Some(*offset);
                bytes.len()
            }
            Output::Output { offset, bytes } => {
                self.reached = Some(offset + bytes.len() as u64);
                bytes.len()
            }
            _ => 0,
        };
        self.client.send(ServerFrame::Output(output));
        len + EVENT
    }

    fn send_role(&mut self, drives: bool) {
        let role = match drives {
            true => Role::Driver,
            false => Role::Viewer,
        };
        if self.role.replace(role) != Some(role) {
            self.client.send(ServerFrame::Role(role));
        }
    }

    fn report(&mut self, report: Result<Arc<HookEvent>, broadcast::error::RecvError>) {
        // A client that missed some hooks still has the screen.
        if let Ok(event) = report {
            for message in report::messages(&event) {
                self.client.send(ServerFrame::Report(message));
            }
        }
    }

    /// Carries out the client's request; returns whether a request is on its way to the holder.
    async fn take(&mut self, received: Received, sender: &Sender) -> Result<bool, End> {
        let requests = match received {
            Received::Left => return Err(End::gone()),
            Received::Nothing => return Ok(false),
            Received::Refused(code, message) => {
                let code = code.to_owned();
                self.client
                    .send(ServerFrame::Output(Output::Error { code, message }));
                return Ok(false);
            }
            Received::Frame(frame) => self.requests(frame),
            Received::Drive(_) if self.read_only => self.refuse(None),
            Received::Drive(size) => {
                // The window first, so that the request refers to the new size.
                let grown = self.attendance.window(size);
                let size = self.attendance.drive().or(grown);
                [size.map(|size| Request::Resize { size }), None]
            }
        };
        let mut sending = false;
        for request in requests
            .into_iter()
            .flatten()
            .filter(|_| !self.is_write_closed)
        {
            // Nothing is torn or lost here: input beyond a bound was refused before.
            sending |= sender.enqueue(request).await.is_ok();
        }
        Ok(sending)
    }

    /// The request of a frame to the holder.
    fn requests(&mut self, frame: ClientFrame) -> [Option<Request>; 2] {
        let resize = |size| Request::Resize { size };
        match frame {
            ClientFrame::Redraw { history } => [Some(Request::Redraw { history }), None],
            ClientFrame::Ack(_) => [None, None],
            ClientFrame::Ping => {
                self.client.send(ServerFrame::Pong);
                [None, None]
            }
            ClientFrame::Input { number, .. } if self.read_only => self.refuse(Some(number)),
            _ if self.read_only => self.refuse(None),
            ClientFrame::Input { number, bytes } => {
                let size = match is_typing(&bytes) {
                    true => {
                        if let Some(typed) = self.typed.take() {
                            typed();
                        }
                        self.attendance.drive()
                    }
                    false => None,
                };
                let input = Request::Input { seq: number, bytes };
                [size.map(resize), Some(input)]
            }
            ClientFrame::Resize(size) => [self.attendance.window(size).map(resize), None],
            ClientFrame::Drive => [self.attendance.drive().map(resize), None],
            ClientFrame::Signal(signal) => [Some(Request::Signal { signal }), None],
        }
    }

    fn refuse(&mut self, number: Option<u64>) -> [Option<Request>; 2] {
        let reason = "this client only looks: connect without read_only to type".to_owned();
        if let Some(number) = number.filter(|_| self.client.protocol.numbers_inputs()) {
            let reason = reason.clone();
            self.client.send(ServerFrame::Output(Output::InputRefused {
                seq: number,
                reason,
            }));
        }
        self.client.send(ServerFrame::Output(Output::Error {
            code: "READ_ONLY".to_owned(),
            message: reason,
        }));
        [None, None]
    }
}
