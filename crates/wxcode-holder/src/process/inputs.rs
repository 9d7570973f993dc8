//! What waits to be typed: whole messages in order, the screen's replies between them, Ctrl+C before them, and all
//! of it behind what is typed within a claim on the keyboard.

use std::collections::VecDeque;

use bytes::Bytes;

use super::paste::Paste;
use crate::state::{Kind, Typing, Waiting};

/// The most bytes that wait, each message counted with [`MESSAGE`] more.
pub(super) const MAX_WAITING: usize = (4 << 20) + (64 << 10); // 4 MiB and a bit
/// What a message counts beyond its bytes.
const MESSAGE: usize = 64;
/// The most bytes of replies that wait for an agent that asks and does not read; the newest are
/// left out beyond it.
const MAX_REPLIES: usize = 64 << 10; // 64 KiB
/// Ctrl+C, as a key.
const INTERRUPT: &[u8] = b"\x03";
/// Ctrl+C as a key in the middle of a bracketed paste: the paste ends before it and begins again behind it.
const INTERRUPT_IN_PASTE: &[u8] = b"\x1b[201~\x03\x1b[200~";

/// The number of no connection.
const NOBODY: u64 = u64::MAX;

/// Who is told when a message is typed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// An `Input` of a connection.
    Input { client: u64, seq: u64 },
    /// A `Deliver` of a connection.
    Delivery { client: u64, key: String },
}

/// Bytes that are typed as one.
struct Message {
    /// `None` for the beginning of a message that goes on behind an interrupt.
    origin: Option<Origin>,
    bytes: Bytes,
    /// Whether it is a Ctrl+C that has not overtaken anything.
    interrupt: bool,
}

/// The messages that wait.
#[derive(Default)]
pub(super) struct Inputs {
    messages: VecDeque<Message>,
    /// Those of who has the claim; they go first.
    claimed: VecDeque<Message>,
    /// Whether the others wait for the end of a claim.
    held: bool,
    replies: Vec<u8>,
    /// Whether the first message is partly typed, so that nothing may come between.
    begun: bool,
    /// Where what was typed so far stands within bracketed pastes.
    paste: Paste,
    waiting: usize,
    /// How many of the messages are interrupts that have not overtaken anything.
    interrupts: usize,
}

impl Inputs {
    /// What waits, and its bytes, to be handed on; `None` while something is typed within a claim.
    pub(super) fn keep(&self) -> Option<(Typing, Vec<u8>)> {
        if self.held || !self.claimed.is_empty() {
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
            pasting: self.paste.keep(),
        };
        bytes.extend_from_slice(&self.replies);
        Some((typing, bytes))
    }

    /// Goes on with what another one handed on. Nobody hears of those messages any more: their connections are gone.
    pub(super) fn go_on(typing: &Typing, bytes: Vec<u8>) -> Self {
        let mut bytes = Bytes::from(bytes);
        let mut inputs = Self {
            begun: typing.begun,
            paste: Paste::go_on(typing.pasting),
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

    /// Takes a message, or gives its origin back where there is no room.
    pub(super) fn offer(&mut self, origin: Origin, bytes: Bytes) -> Result<(), Origin> {
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

    /// Takes a message of who has the claim, or gives its origin back where there is no room.
    pub(super) fn offer_claimed(&mut self, origin: Origin, bytes: Bytes) -> Result<(), Origin> {
        if self.waiting + bytes.len() + MESSAGE > MAX_WAITING {
            return Err(origin);
        }
        self.waiting += bytes.len() + MESSAGE;
        self.claimed.push_back(Message {
            origin: Some(origin),
            bytes,
            interrupt: false,
        });
        Ok(())
    }

    /// Has what is offered from here on wait. Not while something waits already, or while a paste goes on.
    pub(super) fn hold(&mut self) -> bool {
        self.held = self.is_untouched();
        self.held
    }

    /// Whether nothing waits but replies, and nothing is half typed.
    fn is_untouched(&self) -> bool {
        let waits = !self.messages.is_empty() || !self.claimed.is_empty();
        !waits && !self.begun && !self.paste.is_open()
    }

    /// Lets go of what waited; of the messages within the claim one that is half typed is typed to its end, the origins of the
    /// others are given back.
    pub(super) fn let_go(&mut self) -> Vec<Origin> {
        self.held = false;
        let rest = self
            .claimed
            .split_off(usize::from(self.begun).min(self.claimed.len()));
        self.waiting -= rest.iter().map(|m| m.bytes.len() + MESSAGE).sum::<usize>();
        rest.into_iter().filter_map(|m| m.origin).collect()
    }

    /// Whether a Ctrl+C waits that has not overtaken anything.
    pub(super) fn has_interrupt(&self) -> bool {
        self.interrupts > 0
    }

    /// The messages that are typed next.
    fn line(&self) -> Option<&VecDeque<Message>> {
        if !self.claimed.is_empty() {
            return Some(&self.claimed);
        }
        (!self.held).then_some(&self.messages)
    }

    /// Takes the interrupts out that wait, for the terminal to make signals of them.
    pub(super) fn take_interrupts(&mut self) -> Vec<Origin> {
        let mut origins = Vec::new();
        while let Some(message) = self.next_interrupt() {
            self.waiting -= message.bytes.len() + MESSAGE;
            origins.extend(message.origin);
        }
        origins
    }

    /// Has the interrupts overtake what the agent does not read: they come next, but not within a character, a mark
    /// of a paste or a delivery.
    pub(super) fn let_interrupts_overtake(&mut self) {
        let mut at = None;
        while let Some(mut message) = self.next_interrupt() {
            let place = *at.get_or_insert_with(|| self.cut());
            let mut paste = self.paste;
            for message in self.claimed.iter().chain(self.messages.iter().take(place)) {
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

    /// Cuts the message that is half typed as soon as nothing is torn; the place behind the cut.
    fn cut(&mut self) -> usize {
        let within_claim = !self.claimed.is_empty();
        let first = self.messages.front_mut();
        let Some(first) = first.filter(|_| self.begun && !within_claim) else {
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
    pub(super) fn reply(&mut self, replies: &mut Vec<u8>) {
        if self.replies.len() + replies.len() <= MAX_REPLIES {
            self.replies.append(replies);
        }
        replies.clear();
    }

    /// What to type next; an empty piece where a message has no bytes.
    pub(super) fn next(&self) -> Option<&[u8]> {
        if self.replies_are_next() {
            return Some(&self.replies);
        }
        self.line()?.front().map(|message| &message.bytes[..])
    }

    /// Within a paste that goes on a reply would be text.
    fn replies_are_next(&self) -> bool {
        let pasting = self.paste.is_open() && self.line().is_some_and(|line| !line.is_empty());
        !self.replies.is_empty() && !self.begun && !pasting
    }

    /// The first `n` bytes of [`Inputs::next`] were typed; the origin of the message that they end.
    pub(super) fn typed(&mut self, n: usize) -> Option<Origin> {
        if self.replies_are_next() {
            self.replies.drain(..n.min(self.replies.len()));
            if self.replies.is_empty() {
                self.replies = Vec::new();
            }
            return None;
        }
        let line = match (self.claimed.is_empty(), self.held) {
            (false, _) => &mut self.claimed,
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

    /// Bytes that wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting + self.replies.len()
    }

    /// Gives up what waits; the origins, in order.
    pub(super) fn give_up(&mut self) -> Vec<Origin> {
        let given = std::mem::take(self);
        given
            .claimed
            .into_iter()
            .chain(given.messages)
            .filter_map(|message| message.origin)
            .collect()
    }
}

#[cfg(test)]
mod tests;
