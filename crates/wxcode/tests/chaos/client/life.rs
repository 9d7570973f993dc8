//! The life of a client: its connections, its orders, and the frames that it receives.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use tokio::{
    net::TcpStream,
    sync::mpsc::UnboundedReceiver,
    time::{sleep, timeout},
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest},
};
use wxcode_protocol::websocket::{ClientFrame, PROTOCOL, ServerFrame};
use wxcode_terminal::Size;

use super::{
    super::{step::Word, taken::words, tape::Given},
    Order, Seen, lock,
};

/// The pause between attempts to connect.
const RETRY: Duration = Duration::from_millis(20);
/// How long an attempt may take: servers are stopped for a while too.
const CONNECT: Duration = Duration::from_secs(60);

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

pub(super) struct Life {
    pub(super) url: String,
    pub(super) token: String,
    /// The client's name, for the numbers of its inputs.
    pub(super) name: String,
    pub(super) orders: UnboundedReceiver<Order>,
    pub(super) seen: Arc<Mutex<Seen>>,
    pub(super) is_here: bool,
    pub(super) reads: bool,
    /// Inputs without an acknowledgement.
    pub(super) unanswered: VecDeque<(u64, Bytes)>,
    pub(super) newest: u64,
    pub(super) size: Option<Size>,
    /// Tool reports of the agents' hooks: each is published once, across all servers.
    pub(super) reports: HashSet<Word>,
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
    pub(super) async fn live(mut self) {
        loop {
            while !self.is_here {
                match self.orders.recv().await {
                    Some(order) => self.take(order),
                    None => return,
                }
            }
            let connected = timeout(CONNECT, self.connect()).await;
            let lost = match connected {
                Ok(Some(socket)) => {
                    let lost = self.follow(socket).await;
                    lock(&self.seen).is_connected = false;
                    lost
                }
                Ok(None) => Lost::Broken,
                Err(_) => {
                    self.wrong(format!("no connection within {CONNECT:?}"));
                    return;
                }
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
        let mut url = format!("{}?client={}", self.url, self.name);
        {
            let seen = lock(&self.seen);
            if let Some(session) = &seen.session {
                url = format!("{url}&session={session}&since={}", seen.offset);
            }
        }
        let mut request = url.into_client_request().ok()?;
        let headers = request.headers_mut();
        let bearer = format!("Bearer {}", self.token);
        headers.insert("authorization", bearer.parse().ok()?);
        headers.insert("sec-websocket-protocol", PROTOCOL.parse().ok()?);
        let (socket, _) = connect_async(request).await.ok()?;
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
                message = socket.next(), if self.reads => match message {
                    Some(Ok(Message::Binary(bytes))) => match ServerFrame::decode(bytes) {
                        Ok(Some(frame)) => {
                            if let Err(wrong) = self.frame(frame, &mut socket).await {
                                self.wrong(wrong);
                            }
                        }
                        Ok(None) => {}
                        Err(error) => self.wrong(format!("a frame: {error}")),
                    },
                    Some(Ok(Message::Close(Some(frame)))) => {
                        return match u16::from(frame.code) {
                            1001 => Lost::Broken,
                            1000 | 4004 | 4005 | 4003 => Lost::Over,
                            code => {
                                self.wrong(format!("closed with {code}: {}", frame.reason));
                                Lost::Over
                            }
                        };
                    }
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => return Lost::Broken,
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
                    // The inputs were for another session and are not typed into this one.
                    self.unanswered.clear();
                    self.newest = status.input;
                }
                // Acknowledged inputs need not be sent again. Now and then the client does: the
                // session must recognise them.
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
            ServerFrame::Snapshot {
                offset,
                size,
                bytes,
            } => {
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
            ServerFrame::Output { offset, bytes } => {
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
            ServerFrame::Resized { offset, .. } => {
                let at = lock(&self.seen).offset;
                if offset != at {
                    return Err(format!("a resize at {offset} for a client at {at}"));
                }
            }
            ServerFrame::Exited(exit) => {
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
            ServerFrame::InputTaken(number) | ServerFrame::InputRefused { number, .. } => {
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
            ServerFrame::Error { .. } | ServerFrame::Role(_) | ServerFrame::Report(_) => {}
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
    let _ = socket.send(Message::Binary(frame.encode())).await;
}
