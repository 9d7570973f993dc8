//! Waiting input: whole messages in order, the screen's replies between messages, Ctrl+C before
//! messages, and everything after input within an input lock.

use std::collections::VecDeque;

use bytes::Bytes;

use super::paste::Paste;
use crate::state::{Kind, Typing, Waiting};

/// Most waiting bytes; each message counts [`MESSAGE`] more.
pub(crate) const MAX_WAITING: usize = (4 << 20) + (64 << 10); // 4 MiB and a bit
/// Bytes that a message counts besides its content.
const MESSAGE: usize = 64;
/// Most bytes of replies waiting for an agent that queries and does not read; newer replies beyond
/// this number are dropped.
const MAX_REPLIES: usize = 64 << 10; // 64 KiB
/// Ctrl+C, as a key.
const INTERRUPT: &[u8] = b"\x03";
/// Ctrl+C as a key within a bracketed paste: the paste ends before the key and begins again after
/// the key.
const INTERRUPT_IN_PASTE: &[u8] = b"\x1b[201~\x03\x1b[200~";

/// The number for no connection.
const NOBODY: u64 = u64::MAX;

/// The receiver of a message's answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// An `Input` of a connection.
    Input { client: u64, seq: u64 },
    /// A `Deliver` of a connection.
    Delivery { client: u64, key: String },
}

impl Origin {
    /// The connection.
    pub(crate) fn client(&self) -> u64 {
        match self {
            Self::Input { client, .. } | Self::Delivery { client, .. } => *client,
        }
    }
}

/// Bytes typed without interruption.
struct Message {
    /// `None` for the first part of a message that continues after an interrupt.
    origin: Option<Origin>,
    bytes: Bytes,
    /// Whether the message is a Ctrl+C that has overtaken nothing so far.
    interrupt: bool,
}

/// The waiting messages.
#[derive(Default)]
pub(crate) struct Queue {
    messages: VecDeque<Message>,
    /// Messages within the input lock, typed before all others.
    locked: VecDeque<Message>,
    /// Whether the other messages wait for the end of an input lock.
    held: bool,
    replies: Vec<u8>,
    /// Whether the first message is partly typed, so that no other input may come in between.
    begun: bool,
    /// The state of typed input within bracketed pastes.
    paste: Paste,
    waiting: usize,
    /// The number of waiting interrupts that have overtaken nothing so far.
    interrupts: usize,
}

impl Queue {
    /// The waiting input and its bytes, for handing over; `None` while a lock has input.
    pub(crate) fn waiting(&self) -> Option<(Typing, Vec<u8>)> {
        if self.held || !self.locked.is_empty() {
            return None;
        }
        let mut bytes = Vec::new();
        let waiting = |message: &Message| {
            bytes.extend_from_slice(&message.bytes);
            Waiting {
                kind: match &message.origin {
                    Some(Origin::Input { .. }) => Kind::Input,
                    Some(Origin::Delivery { key, .. }) => Kind::Delivery { key: key.clone() },
                    None => Kind::Beginning,
                },
                len: message.bytes.len(),
                interrupt: message.interrupt,
            }
        };
        let typing = Typing {
            messages: self.messages.iter().map(waiting).collect(),
            replies: self.replies.len(),
            begun: self.begun,
            pasting: self.paste.state(),
        };
        bytes.extend_from_slice(&self.replies);
        Some((typing, bytes))
    }

    /// Continues another program's input. The messages get no answer, because their connections are
    /// gone.
    pub(crate) fn continued(typing: &Typing, bytes: Vec<u8>) -> Self {
        let mut bytes = Bytes::from(bytes);
        let mut inputs = Self {
            begun: typing.begun,
            paste: Paste::continued(typing.pasting),
            ..Self::default()
        };
        for waiting in &typing.messages {
            let origin = match &waiting.kind {
                Kind::Input => Some(Origin::Input {
                    client: NOBODY,
                    seq: 0,
                }),
                Kind::Delivery { key } => Some(Origin::Delivery {
                    client: NOBODY,
                    key: key.clone(),
                }),
                Kind::Beginning => None,
            };
            inputs.waiting += waiting.len + MESSAGE;
            inputs.interrupts += usize::from(waiting.interrupt);
            inputs.messages.push_back(Message {
                origin,
                bytes: bytes.split_to(waiting.len.min(bytes.len())),
                interrupt: waiting.interrupt,
            });
        }
        inputs.replies = bytes.to_vec();
        inputs
    }

    /// Takes a message; without room for the message, returns its origin.
    pub(crate) fn offer(&mut self, origin: Origin, bytes: Bytes) -> Result<(), Origin> {
        if self.waiting + bytes.len() + MESSAGE > MAX_WAITING {
            return Err(origin);
        }
        self.waiting += bytes.len() + MESSAGE;
        let interrupt = matches!(origin, Origin::Input { .. }) && bytes[..] == *INTERRUPT;
        self.interrupts += usize::from(interrupt);
        self.messages.push_back(Message {
            origin: Some(origin),
            bytes,
            interrupt,
        });
        Ok(())
    }

    /// Takes a message within the lock; without room for the message, returns its origin.
    pub(crate) fn offer_locked(&mut self, origin: Origin, bytes: Bytes) -> Result<(), Origin> {
        if self.waiting + bytes.len() + MESSAGE > MAX_WAITING {
            return Err(origin);
        }
        self.waiting += bytes.len() + MESSAGE;
        self.locked.push_back(Message {
            origin: Some(origin),
            bytes,
            interrupt: false,
        });
        Ok(())
    }

    /// Makes further input wait. Refused while input waits already, or within a paste.
    pub(crate) fn hold(&mut self) -> bool {
        self.held = self.is_untouched();
        self.held
    }

    /// Whether only replies wait, and nothing is half typed.
    fn is_untouched(&self) -> bool {
        let waits = !self.messages.is_empty() || !self.locked.is_empty();
        !waits && !self.begun && !self.paste.is_open()
    }

    /// Releases the waiting input. A half-typed message within the lock is typed to its end;
    /// returns the origins of the other messages within the lock.
    pub(crate) fn release(&mut self) -> Vec<Origin> {
        self.held = false;
        let rest = self
            .locked
            .split_off(usize::from(self.begun).min(self.locked.len()));
        self.waiting -= rest.iter().map(|m| m.bytes.len() + MESSAGE).sum::<usize>();
        rest.into_iter().filter_map(|m| m.origin).collect()
    }

    /// Whether a waiting Ctrl+C has overtaken nothing so far.
    pub(crate) fn has_interrupt(&self) -> bool {
        self.interrupts > 0
    }

    /// The messages to type next.
    fn line(&self) -> Option<&VecDeque<Message>> {
        if !self.locked.is_empty() {
            return Some(&self.locked);
        }
        (!self.held).then_some(&self.messages)
    }

    /// Removes the waiting interrupts, for the terminal to turn into signals.
    pub(crate) fn take_interrupts(&mut self) -> Vec<Origin> {
        let mut origins = Vec::new();
        while let Some(message) = self.next_interrupt() {
            self.waiting -= message.bytes.len() + MESSAGE;
            origins.extend(message.origin);
        }
        origins
    }

    /// Moves the interrupts before unread input, but not into a character, a paste's mark or a
    /// delivery.
    pub(crate) fn let_interrupts_overtake(&mut self) {
        let mut at = None;
        while let Some(mut message) = self.next_interrupt() {
            let place = *at.get_or_insert_with(|| self.cut());
            let mut paste = self.paste;
            for message in self.locked.iter().chain(self.messages.iter().take(place)) {
                paste.typed(&message.bytes);
            }
            if paste.is_open() {
                self.waiting += INTERRUPT_IN_PASTE.len() - INTERRUPT.len();
                message.bytes = Bytes::from_static(INTERRUPT_IN_PASTE);
            }
            self.messages.insert(place, message);
            at = Some(place + 1);
        }
    }

    fn next_interrupt(&mut self) -> Option<Message> {
        if self.interrupts == 0 {
            return None;
        }
        let at = self.messages.iter().position(|m| m.interrupt)?;
        let mut message = self.messages.remove(at)?;
        message.interrupt = false;
        self.interrupts -= 1;
        Some(message)
    }

    /// Cuts the half-typed message at the next place between characters and marks; returns the
    /// index after the cut.
    fn cut(&mut self) -> usize {
        let within_lock = !self.locked.is_empty();
        let first = self.messages.front_mut();
        let Some(first) = first.filter(|_| self.begun && !within_lock) else {
            return 0;
        };
        if matches!(first.origin, Some(Origin::Delivery { .. })) {
            return 1;
        }
        let boundary = self.paste.boundary(&first.bytes);
        if boundary == first.bytes.len() {
            return 1;
        }
        let bytes = first.bytes.split_to(boundary);
        self.begun = boundary > 0;
        if self.begun {
            self.waiting += MESSAGE;
            self.messages.push_front(Message {
                origin: None,
                bytes,
                interrupt: false,
            });
        }
        usize::from(self.begun)
    }

    /// Takes replies of the screen, to be typed before the next whole message.
    pub(crate) fn reply(&mut self, replies: &mut Vec<u8>) {
        if self.replies.len() + replies.len() <= MAX_REPLIES {
            self.replies.append(replies);
        }
        replies.clear();
    }

    /// The bytes to type next; an empty piece for an empty message.
    pub(crate) fn next(&self) -> Option<&[u8]> {
        if self.replies_are_next() {
            return Some(&self.replies);
        }
        self.line()?.front().map(|message| &message.bytes[..])
    }

    /// Within an open paste a reply would be text.
    fn replies_are_next(&self) -> bool {
        let pasting = self.paste.is_open() && self.line().is_some_and(|line| !line.is_empty());
        !self.replies.is_empty() && !self.begun && !pasting
    }

    /// The first `n` bytes of [`Queue::next`] were typed; returns the origin of a completed
    /// message.
    pub(crate) fn typed(&mut self, n: usize) -> Option<Origin> {
        if self.replies_are_next() {
            self.replies.drain(..n.min(self.replies.len()));
            if self.replies.is_empty() {
                self.replies = Vec::new();
            }
            return None;
        }
        let line = match (self.locked.is_empty(), self.held) {
            (false, _) => &mut self.locked,
            (true, false) => &mut self.messages,
            (true, true) => return None,
        };
        let bytes = &mut line.front_mut()?.bytes;
        let n = n.min(bytes.len());
        self.paste.typed(&bytes.split_to(n));
        self.waiting -= n;
        self.begun = !bytes.is_empty() && (self.begun || n > 0);
        if !bytes.is_empty() {
            return None;
        }
        self.waiting -= MESSAGE;
        let message = line.pop_front()?;
        self.interrupts -= usize::from(message.interrupt);
        message.origin
    }

    /// The number of waiting bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.waiting + self.replies.len()
    }

    /// Drops the waiting input; returns the origins, in order.
    pub(crate) fn drain(&mut self) -> Vec<Origin> {
        let given = std::mem::take(self);
        given
            .locked
            .into_iter()
            .chain(given.messages)
            .filter_map(|message| message.origin)
            .collect()
    }
}

#[cfg(test)]
mod tests;
