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
mod tests {
    use super::*;

    fn input(seq: u64) -> Origin {
        Origin::Input { client: 1, seq }
    }

    /// Types all, in pieces; what was typed and who was told.
    fn all(inputs: &mut Inputs, piece: usize) -> (Vec<u8>, Vec<Origin>) {
        let (mut bytes, mut told) = (Vec::new(), Vec::new());
        while let Some(next) = inputs.next() {
            let n = next.len().min(piece);
            bytes.extend_from_slice(&next[..n]);
            told.extend(inputs.typed(n));
        }
        assert_eq!(inputs.waiting(), 0);
        (bytes, told)
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
    fn a_reply_waits_for_the_end_of_a_paste_of_several_messages() {
        let mut inputs = Inputs::default();
        for (seq, bytes) in [(1, "\x1b[200~one "), (2, "two\x1b[201~"), (3, "\r")] {
            inputs.offer(input(seq), Bytes::from(bytes)).unwrap();
        }
        assert_eq!(inputs.typed(10), Some(input(1)));
        inputs.reply(&mut b"R".to_vec());
        assert_eq!(all(&mut inputs, 4).0, b"two\x1b[201~R\r");
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

    fn interrupt(inputs: &mut Inputs, seq: u64) {
        let key = Bytes::from_static(INTERRUPT);
        inputs.offer(input(seq), key).unwrap();
    }

    #[test]
    fn while_the_agent_reads_an_interrupt_keeps_its_place() {
        let mut inputs = Inputs::default();
        inputs.offer(input(1), Bytes::from_static(b"abc")).unwrap();
        interrupt(&mut inputs, 2);
        assert_eq!(all(&mut inputs, 2).0, b"abc\x03");
        assert_eq!(inputs.interrupts, 0);
    }

    #[test]
    fn interrupts_overtake_what_waits_wherever_they_come() {
        let paste = "\x1b[200~ação é 日本 x\x1b[201~";
        for typed in 0..paste.len() {
            let mut inputs = Inputs::default();
            inputs.offer(input(1), Bytes::from(paste)).unwrap();
            inputs.offer(input(2), Bytes::from_static(b"z")).unwrap();
            inputs.typed(typed);
            interrupt(&mut inputs, 3);
            inputs.let_interrupts_overtake();
            inputs.let_interrupts_overtake();
            let mut bytes = paste.as_bytes()[..typed].to_vec();
            let (rest, told) = all(&mut inputs, 3);
            assert!(rest.iter().position(|b| *b == 3).unwrap() < 6 + 6, "soon");
            bytes.extend(rest);
            let text = String::from_utf8(bytes).expect("no character is torn");
            let place = |seq| told.iter().position(|origin| *origin == input(seq));
            assert_eq!(told.len(), 3);
            assert!(place(3) < place(2), "{told:?}");
            // The mark that ends the paste is not torn.
            let ending = typed + 6 > paste.len();
            assert_eq!(place(1) < place(3), ending, "{told:?} after {typed}");
            let whole = text
                .replace("\x1b[201~\x03\x1b[200~", "")
                .replace('\x03', "");
            assert_eq!(whole, format!("{paste}z"), "nothing of the paste is lost");
            let before = text.split('\x03').next().unwrap();
            let open = before.matches("\x1b[200~").count() - before.matches("\x1b[201~").count();
            assert_eq!(open, 0, "a key, not text: {text:?}");
        }
    }

    #[test]
    fn interrupts_wait_for_a_delivery_that_is_half_typed_and_for_no_other() {
        let delivery = |key: &str| Origin::Delivery {
            client: 1,
            key: key.to_owned(),
        };
        let mut inputs = Inputs::default();
        let text = Bytes::from_static(b"\x1b[200~text\x1b[201~");
        inputs.offer(delivery("a"), text.clone()).unwrap();
        inputs.offer(delivery("b"), text).unwrap();
        inputs.typed(8);
        interrupt(&mut inputs, 1);
        interrupt(&mut inputs, 2);
        inputs.let_interrupts_overtake();
        let (bytes, told) = all(&mut inputs, 100);
        assert_eq!(bytes, b"xt\x1b[201~\x03\x03\x1b[200~text\x1b[201~");
        let order = [delivery("a"), input(1), input(2), delivery("b")];
        assert_eq!(told, order);
    }

    #[test]
    fn what_others_type_waits_for_the_end_of_a_claim_in_order() {
        let mut inputs = Inputs::default();
        assert!(inputs.hold());
        inputs.offer(input(1), Bytes::from_static(b"a")).unwrap();
        inputs.offer(input(2), Bytes::from_static(b"b")).unwrap();
        assert_eq!(inputs.next(), None);
        inputs
            .offer_claimed(input(9), Bytes::from_static(b"paste"))
            .unwrap();
        inputs.reply(&mut b"R".to_vec());
        assert_eq!(
            inputs.next(),
            Some(&b"R"[..]),
            "the agent is not kept waiting"
        );
        inputs.typed(1);
        assert_eq!(inputs.next(), Some(&b"paste"[..]));
        inputs.typed(2);
        inputs
            .offer_claimed(input(10), Bytes::from_static(b"\r"))
            .unwrap();
        assert_eq!(inputs.let_go(), [input(10)], "too late");
        assert_eq!(
            all(&mut inputs, 9),
            (b"steab".to_vec(), vec![input(9), input(1), input(2)])
        );
    }

    #[test]
    fn a_claim_is_not_had_in_the_middle_of_what_others_type() {
        let mut inputs = Inputs::default();
        inputs
            .offer(input(1), Bytes::from_static(b"\x1b[200~a"))
            .unwrap();
        assert!(!inputs.hold());
        inputs.typed(7);
        assert!(!inputs.hold(), "their paste goes on");
        inputs
            .offer(input(2), Bytes::from_static(b"\x1b[201~"))
            .unwrap();
        inputs.typed(6);
        assert!(inputs.hold());
    }

    #[test]
    fn an_interrupt_comes_behind_what_is_half_typed_of_a_claim_and_before_the_rest() {
        let mut inputs = Inputs::default();
        assert!(inputs.hold());
        inputs.offer(input(1), Bytes::from_static(b"abc")).unwrap();
        let delivery = Bytes::from_static(b"\x1b[200~text\x1b[201~");
        inputs.offer_claimed(input(9), delivery).unwrap();
        inputs.typed(8);
        interrupt(&mut inputs, 2);
        assert!(inputs.has_interrupt());
        assert_eq!(inputs.let_go(), []);
        inputs.let_interrupts_overtake();
        let (bytes, told) = all(&mut inputs, 100);
        assert_eq!(bytes, b"xt\x1b[201~\x03abc");
        assert_eq!(told, [input(9), input(2), input(1)]);
    }

    #[test]
    fn what_is_handed_on_is_typed_the_same_wherever_it_stands() {
        let paste = "\x1b[200~ação é 日本 x\x1b[201~";
        for typed in 0..paste.len() {
            let waiting = || {
                let mut inputs = Inputs::default();
                inputs.offer(input(1), Bytes::from(paste)).unwrap();
                let delivery = Origin::Delivery {
                    client: 1,
                    key: "k".to_owned(),
                };
                inputs.offer(delivery, Bytes::from_static(b"z")).unwrap();
                inputs.typed(typed);
                interrupt(&mut inputs, 3);
                inputs.reply(&mut b"R".to_vec());
                inputs
            };
            let (mut one, other) = (waiting(), waiting());
            let (kept, bytes) = other.keep().unwrap();
            let mut other = Inputs::go_on(&kept, bytes);
            assert_eq!(other.keep().unwrap().0, kept);
            assert_eq!(other.waiting(), one.waiting());
            one.let_interrupts_overtake();
            other.let_interrupts_overtake();
            let ((one, told), (other, heard)) = (all(&mut one, 3), all(&mut other, 3));
            assert_eq!(one, other);
            assert_eq!(told.len(), heard.len());
        }
        let mut claimed = Inputs::default();
        assert!(claimed.hold());
        assert!(claimed.keep().is_none(), "the keyboard is somebody's");
    }

    #[test]
    fn interrupts_are_taken_out_to_become_signals() {
        let mut inputs = Inputs::default();
        inputs.offer(input(1), Bytes::from_static(b"abc")).unwrap();
        interrupt(&mut inputs, 2);
        interrupt(&mut inputs, 3);
        assert_eq!(inputs.take_interrupts(), [input(2), input(3)]);
        assert_eq!(all(&mut inputs, 9), (b"abc".to_vec(), vec![input(1)]));
    }
}
