//! What waits to be typed: whole messages in order, and the screen's replies between them.

use std::collections::VecDeque;

use bytes::Bytes;

/// The most bytes that wait, each message counted with [`MESSAGE`] more.
pub(super) const MAX_WAITING: usize = (4 << 20) + (64 << 10); // 4 MiB and a bit
/// What a message counts beyond its bytes.
const MESSAGE: usize = 64;
/// The most bytes of replies that wait for an agent that asks and does not read; the newest are
/// left out beyond it.
const MAX_REPLIES: usize = 64 << 10; // 64 KiB

/// Who is told when a message is typed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// An `Input` of a connection.
    Input { client: u64, seq: u64 },
    /// A `Deliver` of a connection.
    Delivery { client: u64, key: String },
}

/// The messages that wait.
#[derive(Default)]
pub(super) struct Inputs {
    messages: VecDeque<(Origin, Bytes)>,
    replies: Vec<u8>,
    /// Whether the first message is partly typed, so that nothing may come between.
    begun: bool,
    waiting: usize,
}

impl Inputs {
    /// Takes a message, or gives its origin back where there is no room.
    pub(super) fn offer(&mut self, origin: Origin, bytes: Bytes) -> Result<(), Origin> {
        if self.waiting + bytes.len() + MESSAGE > MAX_WAITING {
            return Err(origin);
        }
        self.waiting += bytes.len() + MESSAGE;
        self.messages.push_back((origin, bytes));
        Ok(())
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
        if !self.begun && !self.replies.is_empty() {
            return Some(&self.replies);
        }
        self.messages.front().map(|(_, bytes)| &bytes[..])
    }

    /// The first `n` bytes of [`Inputs::next`] were typed; the origin of the message that they end.
    pub(super) fn typed(&mut self, n: usize) -> Option<Origin> {
        if !self.begun && !self.replies.is_empty() {
            self.replies.drain(..n.min(self.replies.len()));
            if self.replies.is_empty() {
                self.replies = Vec::new();
            }
            return None;
        }
        let (_, bytes) = self.messages.front_mut()?;
        let n = n.min(bytes.len());
        drop(bytes.split_to(n));
        self.waiting -= n;
        self.begun = !bytes.is_empty() && (self.begun || n > 0);
        if !bytes.is_empty() {
            return None;
        }
        self.waiting -= MESSAGE;
        self.messages.pop_front().map(|(origin, _)| origin)
    }

    /// Bytes that wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting + self.replies.len()
    }

    /// Gives up what waits; the origins, with whether a message was partly typed.
    pub(super) fn give_up(&mut self) -> Vec<Origin> {
        let given = std::mem::take(self);
        given
            .messages
            .into_iter()
            .map(|(origin, _)| origin)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(seq: u64) -> Origin {
        Origin::Input { client: 1, seq }
    }

    #[test]
    fn a_reply_comes_between_messages_never_within_one() {
        let mut inputs = Inputs::default();
        inputs.offer(input(1), Bytes::from_static(b"abc")).unwrap();
        inputs.offer(input(2), Bytes::from_static(b"def")).unwrap();
        assert_eq!(inputs.typed(1), None);
        inputs.reply(&mut b"R".to_vec());
        assert_eq!(inputs.next(), Some(&b"bc"[..]));
        assert_eq!(inputs.typed(2), Some(input(1)));
        assert_eq!(inputs.next(), Some(&b"R"[..]));
        assert_eq!(inputs.typed(1), None);
        assert_eq!(inputs.next(), Some(&b"def"[..]));
        assert_eq!(inputs.typed(3), Some(input(2)));
        assert_eq!((inputs.next(), inputs.waiting()), (None, 0));
    }

    #[test]
    fn beyond_the_bound_a_message_is_given_back() {
        let mut inputs = Inputs::default();
        let big = Bytes::from(vec![0; 4 << 20]);
        inputs.offer(input(1), big.clone()).unwrap();
        assert_eq!(inputs.offer(input(2), big), Err(input(2)));
        inputs.offer(input(3), Bytes::from_static(b"x")).unwrap();
        assert_eq!(inputs.give_up(), vec![input(1), input(3)]);
    }

    #[test]
    fn a_message_without_bytes_is_answered_too() {
        let mut inputs = Inputs::default();
        inputs.offer(input(1), Bytes::new()).unwrap();
        assert_eq!(inputs.next(), Some(&b""[..]));
        assert_eq!(inputs.typed(0), Some(input(1)));
        assert_eq!(inputs.next(), None);
    }
}
