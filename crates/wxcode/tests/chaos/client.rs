//! A terminal client: the client follows a project, loses its connection, resumes at its byte, and
//! stalls on request.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use wxcode_protocol::Output;

use bytes::Bytes;
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    time::sleep,
};
use wxcode_client::{
    Server,
    terminal::{ClientFrame, Lost as Break, ServerFrame, Since, Size, Socket, Target},
};

use super::{step::Word, taken::words, tape::Given};

/// The pause between attempts to connect.
const RETRY: Duration = Duration::from_millis(20);

/// Orders for a client.
#[derive(Debug, Clone)]
pub(crate) enum Order {
    Leave,
    Return,
    Blink,
    Stall,
    Read,
    Type(Bytes),
    /// Types, and breaks the connection before an answer.
    TypeAndBreak(Bytes),
    Resize(Size),
    Redraw(u32),
}

/// The client's state as seen from outside.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Received and not yet compared, with the session.
    pub(crate) given: Vec<(String, Given)>,
    /// The first error.
    pub(crate) wrong: Option<String>,
    pub(crate) session: Option<String>,
    /// The offset after the parsed output of the session.
    pub(crate) offset: u64,
    pub(crate) snapshots: u64,
    pub(crate) is_connected: bool,
    /// The session has ended or is unavailable: the client waits for an order.
    pub(crate) is_over: bool,
    /// Inputs without an acknowledgement.
    pub(crate) unanswered: usize,
    pub(crate) connections: u64,
}

/// A running client.
pub(crate) struct Client {
    orders: UnboundedSender<Order>,
    seen: Arc<Mutex<Seen>>,
    task: tokio::task::JoinHandle<()>,
}

impl Client {
    /// A new client of a project.
    pub(crate) fn start(base: &str, token: &str, project: &str) -> Self {
        let (orders, taken) = unbounded_channel();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let life = Life {
            server: Server::new(base.parse().unwrap(), token).unwrap(),
            // The server recognises repeated inputs by the target's name.
            target: Target::new(project).unwrap(),
            orders: taken,
            seen: Arc::clone(&seen),
            is_here: true,
            reads: true,
            unanswered: VecDeque::new(),
            newest: 0,
            size: None,
            reports: HashSet::new(),
        };
        let task = tokio::spawn(life.live());
        Self { orders, seen, task }
    }

    pub(crate) fn tell(&self, order: Order) {
        // A panicked client shows in missing effects.
        let _ = self.orders.send(order);
    }

    pub(crate) fn seen(&self) -> MutexGuard<'_, Seen> {
        lock(&self.seen)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Life {
    server: Server,
    target: Target,
    orders: UnboundedReceiver<Order>,
    seen: Arc<Mutex<Seen>>,
    is_here: bool,
    reads: bool,
    /// Inputs without an acknowledgement.
    unanswered: VecDeque<(u64, Bytes)>,
    newest: u64,
    size: Option<Size>,
    /// Tool reports of the agents' hooks: each is published once, across all servers.
    reports: HashSet<Word>,
}

/// Reasons for the end of a connection.
enum Lost {
    /// A break, or the server's end.
    Broken,
    /// The session has ended or is unavailable.
    Over,
    /// An order.
    Left,
    /// The end of all orders.
    Gone,
}

impl Life {
    async fn live(mut self) {
        loop {
            while !self.is_here {
                match self.orders.recv().await {
                    Some(order) => self.take(order),
                    None => return,
                }
            }
            let lost = match self.connect().await {
                Some(socket) => {
                    let lost = self.follow(socket).await;
                    lock(&self.seen).is_connected = false;
                    lost
                }
                None => Lost::Broken,
            };
            match lost {
                Lost::Gone => return,
                Lost::Left => {}
                Lost::Over => {
                    self.is_here = false;
                    lock(&self.seen).is_over = true;
                }
                Lost::Broken => {
                    while let Ok(order) = self.orders.try_recv() {
                        self.take(order);
                    }
                    sleep(RETRY).await;
                }
            }
        }
    }

    /// Handles an order without a connection.
    fn take(&mut self, order: Order) {
        match order {
            Order::Leave => self.is_here = false,
            Order::Return | Order::Blink => {
                self.is_here = true;
                lock(&self.seen).is_over = false;
            }
            Order::Stall => self.reads = false,
            Order::Read => self.reads = true,
            Order::Resize(size) => self.size = Some(size),
            // A person sees the missing connection and does not type.
            Order::Type(_) | Order::TypeAndBreak(_) | Order::Redraw(_) => {}
        }
    }

    fn wrong(&self, what: String) {
        lock(&self.seen).wrong.get_or_insert(what);
    }

    async fn connect(&mut self) -> Option<Socket> {
        let since = {
            let seen = lock(&self.seen);
            seen.session.clone().map(|session| Since {
                session,
                offset: seen.offset,
            })
        };
        let path = self.target.path(since.as_ref());
        let socket = Socket::connect(&self.server, &path).await.ok()?;
        let mut seen = lock(&self.seen);
        seen.is_connected = true;
        seen.connections += 1;
        Some(socket)
    }

    async fn follow(&mut self, mut socket: Socket) -> Lost {
        loop {
            tokio::select! {
                biased;
                order = self.orders.recv() => match order {
                    None => return Lost::Gone,
                    Some(Order::Leave) => {
                        self.is_here = false;
                        return Lost::Left;
                    }
                    Some(Order::Blink) => return Lost::Broken,
                    Some(Order::Type(bytes)) => self.types(bytes, &mut socket).await,
                    Some(Order::TypeAndBreak(bytes)) => {
                        self.types(bytes, &mut socket).await;
                        return Lost::Broken;
                    }
                    Some(Order::Resize(size)) => {
                        self.size = Some(size);
                        send(&mut socket, &ClientFrame::Resize(size)).await;
                        send(&mut socket, &ClientFrame::Drive).await;
                    }
                    Some(Order::Redraw(history)) => {
                        send(&mut socket, &ClientFrame::Redraw { history }).await;
                    }
                    Some(order) => self.take(order),
                },
                frame = socket.next(), if self.reads => match frame {
                    Ok(frame) => {
                        if let Err(wrong) = self.frame(frame, &mut socket).await {
                            self.wrong(wrong);
                        }
                    }
                    Err(Break::Foreign(error)) => self.wrong(format!("a frame: {error}")),
                    Err(Break::Closed { code, reason }) => {
                        return match code {
                            1001 => Lost::Broken,
                            1000 | 4004 | 4005 | 4003 => Lost::Over,
                            // A close without a code.
                            1005 => Lost::Broken,
                            code => {
                                self.wrong(format!("closed with {code}: {reason}"));
                                Lost::Over
                            }
                        };
                    }
                    Err(_) => return Lost::Broken,
                },
            }
        }
    }

    async fn types(&mut self, bytes: Bytes, socket: &mut Socket) {
        self.newest += 1;
        let number = self.newest;
        self.unanswered.push_back((number, bytes.clone()));
        self.show_unanswered();
        send(socket, &ClientFrame::Input { number, bytes }).await;
    }

    fn show_unanswered(&self) {
        lock(&self.seen).unanswered = self.unanswered.len();
    }

    async fn frame(&mut self, frame: ServerFrame, socket: &mut Socket) -> Result<(), String> {
        match frame {
            ServerFrame::Status(status) => {
                let is_new = {
                    let mut seen = lock(&self.seen);
                    let is_new = seen.session.as_ref() != Some(&status.session_id);
                    if is_new {
                        seen.session = Some(status.session_id);
                        seen.offset = 0;
                    }
                    is_new
                };
                if is_new {
                    // The inputs were for another session and are not typed into the new session.
                    self.unanswered.clear();
                    self.newest = status.input;
                }
                // Acknowledged inputs need not be sent again. Now and then the client does: the
                // session must recognise repeated inputs.
                let repeats = lock(&self.seen).connections.is_multiple_of(2);
                while let Some((number, _)) = self.unanswered.front()
                    && *number <= status.input
                    && !repeats
                {
                    self.unanswered.pop_front();
                }
                self.show_unanswered();
                for (number, bytes) in self.unanswered.clone() {
                    send(socket, &ClientFrame::Input { number, bytes }).await;
                }
                if let Some(size) = self.size {
                    send(socket, &ClientFrame::Resize(size)).await;
                }
            }
            ServerFrame::Output(Output::Snapshot {
                offset,
                size,
                bytes,
            }) => {
                self.given(offset, |seen| {
                    if offset < seen.offset {
                        return Err(format!(
                            "a snapshot at {offset} for a client that has all up to {}",
                            seen.offset
                        ));
                    }
                    seen.snapshots += 1;
                    Ok(Given::Snapshot {
                        offset,
                        size,
                        bytes,
                    })
                })?;
                send(socket, &ClientFrame::Ack(offset)).await;
            }
            ServerFrame::Output(Output::Output { offset, bytes }) => {
                let end = offset + bytes.len() as u64;
                self.given(end, |seen| {
                    if offset != seen.offset {
                        return Err(format!(
                            "output at {offset} for a client that has all up to {}",
                            seen.offset
                        ));
                    }
                    Ok(Given::Output { offset, bytes })
                })?;
                send(socket, &ClientFrame::Ack(end)).await;
            }
            ServerFrame::Output(Output::Resized { offset, .. }) => {
                let at = lock(&self.seen).offset;
                if offset != at {
                    return Err(format!("a size at {offset} for a client that is at {at}"));
                }
            }
            ServerFrame::Output(Output::Exited(exit)) => {
                let at = lock(&self.seen).offset;
                // The last output of a killed holder is unknown.
                let is_known = !matches!(exit.reason.as_str(), "holder_lost" | "damaged");
                if is_known && exit.offset != at {
                    return Err(format!(
                        "the exit is told at {at}, and the agent wrote {} bytes: {exit:?}",
                        exit.offset
                    ));
                }
            }
            ServerFrame::Output(Output::InputTaken { seq: number })
            | ServerFrame::Output(Output::InputRefused { seq: number, .. }) => {
                self.unanswered
                    .retain(|(unanswered, _)| *unanswered != number);
                self.show_unanswered();
            }
            ServerFrame::Report(report) if report["type"] == "bash" => {
                let command = report["command"].as_str().unwrap_or_default();
                // Events without a hook number may repeat.
                let again = words(command).any(|word| !self.reports.insert(word));
                if again {
                    return Err(format!("reported twice: {report}"));
                }
            }
            ServerFrame::Output(Output::Error { .. })
            | ServerFrame::Role(_)
            | ServerFrame::Report(_)
            | ServerFrame::Pong => {}
        }
        Ok(())
    }

    /// Handles the frames up to the offset `end`.
    fn given(
        &self,
        end: u64,
        check: impl FnOnce(&mut Seen) -> Result<Given, String>,
    ) -> Result<(), String> {
        let mut seen = lock(&self.seen);
        let given = check(&mut seen)?;
        let session = seen.session.clone().ok_or("output before the status")?;
        seen.given.push((session, given));
        seen.offset = end;
        Ok(())
    }
}

async fn send(socket: &mut Socket, frame: &ClientFrame) {
    // Reading reports a broken connection.
    let _ = socket.send(frame).await;
}
