//! A WebSocket as a line; its two directions do not wait for each other.
//!
//! Invariant: the messages of a client that left arrive. Once a write fails, the line writes nothing
//! more, and is read to its end.

use std::{
    collections::VecDeque,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    Error,
    extract::ws::{Message, WebSocket},
};
use bytes::Bytes;
use futures_util::{Sink, Stream};
use tokio::time::{Instant, Interval, MissedTickBehavior, Sleep, interval_at, sleep};

use crate::metric::Flow;

/// Pause between two pings of a client.
pub(super) const PING_EVERY: Duration = Duration::from_secs(20);
/// Longest silence of a live client: live clients answer pings.
pub(super) const SILENCE_MAX: Duration = Duration::from_secs(60);
/// Messages waiting for the socket; beyond this number the client's messages are not read.
const WAITING_MAX: usize = 64;

/// A client's WebSocket and its waiting messages.
pub(super) struct Line {
    socket: WebSocket,
    waiting: VecDeque<Message>,
    /// The library may hold an unwritten message.
    unflushed: bool,
    /// A write failed: the client takes nothing more, and its last messages may wait to be read.
    is_cut: bool,
    flow: Flow,
    pings: Interval,
    /// Ends [`SILENCE_MAX`] after the client's last message.
    silence: Pin<Box<Sleep>>,
}

/// An event on a line.
pub(super) enum Turn {
    /// The client sent a message.
    Received(Message),
    /// There is room again for messages to the client.
    Room,
    /// The client is gone, or silent for [`SILENCE_MAX`].
    Gone,
}

impl Line {
    pub(super) fn new(socket: WebSocket, flow: Flow) -> Self {
        let mut pings = interval_at(Instant::now() + PING_EVERY, PING_EVERY);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            socket,
            waiting: VecDeque::new(),
            unflushed: false,
            is_cut: false,
            flow,
            pings,
            silence: Box::pin(sleep(SILENCE_MAX)),
        }
    }

    /// Queues a message; [`Line::turn`] writes it.
    pub(super) fn push(&mut self, message: Message) {
        if self.is_cut {
            return;
        }
        self.flow.push(bytes(&message));
        self.waiting.push_back(message);
    }

    /// Whether the library has everything pushed; the library holds at most one message that the
    /// socket has not taken.
    pub(super) fn has_room(&self) -> bool {
        self.waiting.is_empty()
    }

    /// The client's silence counts from now on, because the server read no messages before.
    pub(super) fn listen(&mut self) {
        self.silence.as_mut().reset(Instant::now() + SILENCE_MAX);
    }

    /// Writes as fast as the client reads, and waits for the client's next message (with `listen`)
    /// or for room. Cancel-safe.
    pub(super) async fn turn(&mut self, listen: bool) -> Turn {
        let wants_room = !self.has_room();
        poll_fn(|cx| {
            if self.pings.poll_tick(cx).is_ready() {
                // Polled again, so that the next tick wakes this task.
                let _ = self.pings.poll_tick(cx);
                self.push(Message::Ping(Bytes::new()));
            }
            self.poll_write(cx);
            if wants_room && self.has_room() {
                return Poll::Ready(Turn::Room);
            }
            if !listen {
                // The server reads no answers of the client, so the client cannot be silent.
                if !self.is_cut {
                    self.listen();
                    return Poll::Pending;
                }
            } else if self.waiting.len() < WAITING_MAX
                && let Poll::Ready(message) = Pin::new(&mut self.socket).poll_next(cx)
            {
                return Poll::Ready(match message {
                    Some(Ok(message)) => {
                        self.listen();
                        Turn::Received(message)
                    }
                    Some(Err(_)) | None => Turn::Gone,
                });
            }
            ready!(self.silence.as_mut().poll(cx));
            tracing::debug!("dropped a silent terminal client");
            Poll::Ready(Turn::Gone)
        })
        .await
    }

    /// Writes everything pushed; returns whether the client took it.
    pub(super) async fn flush(&mut self) -> bool {
        poll_fn(|cx| {
            self.poll_write(cx);
            match self.has_room() && !self.unflushed {
                true => Poll::Ready(!self.is_cut),
                false => Poll::Pending,
            }
        })
        .await
    }

    /// Writes as much as the socket takes.
    fn poll_write(&mut self, cx: &mut Context<'_>) {
        if !self.is_cut
            && let Err(error) = self.try_write(cx)
        {
            tracing::debug!(%error, "a terminal client takes nothing more");
            self.is_cut = true;
            self.unflushed = false;
            for message in self.waiting.drain(..) {
                self.flow.take(bytes(&message));
            }
        }
    }

    fn try_write(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        let mut socket = Pin::new(&mut self.socket);
        while !self.waiting.is_empty() {
            match socket.as_mut().poll_ready(cx)? {
                Poll::Ready(()) => {}
                Poll::Pending => return Ok(()),
            }
            if let Some(message) = self.waiting.pop_front() {
                self.flow.take(bytes(&message));
                socket.as_mut().start_send(message)?;
                self.unflushed = true;
            }
        }
        if self.unflushed {
            self.unflushed = socket.poll_flush(cx)?.is_pending();
        }
        Ok(())
    }
}

fn bytes(message: &Message) -> usize {
    match message {
        Message::Text(text) => text.len(),
        Message::Binary(bytes) | Message::Ping(bytes) | Message::Pong(bytes) => bytes.len(),
        Message::Close(_) => 0,
    }
}
