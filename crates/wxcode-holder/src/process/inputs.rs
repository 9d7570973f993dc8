//! What waits to be typed: whole messages in order, the screen's replies between them, and Ctrl+C before them.

use std::collections::VecDeque;

use bytes::Bytes;

use super::paste::Paste;

/// The most bytes that wait, each message counted with [`MESSAGE`] more.
pub(super) const MAX_WAITING: usize = (4 << 20) + (64 << 10); // 4 MiB and a bit
/// What a message counts beyond its bytes.
const MESSAGE: usize = 64;
/// The most bytes of replies that wait for an agent that asks and does not read; the newest are
/// left out beyond it.
const MAX_REPLIES: usize = 64 << 10; // 64 KiB
/// Ctrl+C, as a key.
pub(super) const INTERRUPT: &[u8] = b"\x03";
/// Ctrl+C as a key in the middle of a bracketed paste: the paste ends before it and begins again behind it.
const INTERRUPT_IN_PASTE: &[u8] = b"\x1b[201~\x03\x1b[200~";

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
    /// What an interrupt cut off has no origin: its message goes on behind the interrupt.
    messages: VecDeque<(Option<Origin>, Bytes)>,
    replies: Vec<u8>,
    /// Whether the first message is partly typed, so that nothing may come between.
    begun: bool,
    /// Where what was typed so far stands within bracketed pastes.
    paste: Paste,
    waiting: usize,
}

impl Inputs {
    /// Takes a message, or gives its origin back where there is no room.
    pub(super) fn offer(&mut self, origin: Origin, bytes: Bytes) -> Result<(), Origin> {
        if self.waiting + bytes.len() + MESSAGE > MAX_WAITING {
            return Err(origin);
        }
        self.waiting += bytes.len() + MESSAGE;
        self.messages.push_back((Some(origin), bytes));
        Ok(())
    }

    /// Takes a Ctrl+C that overtakes what waits, or gives its origin back where there is no room. It comes
    /// at once, but not within a character, a mark of a paste or a delivery.
    pub(super) fn interrupt(&mut self, origin: Origin) -> Result<(), Origin> {
        if self.waiting + 2 * MESSAGE + INTERRUPT_IN_PASTE.len() > MAX_WAITING {
            return Err(origin);
        }
        let mut at = 0;
        let mut paste = self.paste;
        if self.begun
            && let Some((begun_by, bytes)) = self.messages.front_mut()
        {
            at = 1;
            let whole = matches!(begun_by, Some(Origin::Delivery { .. }));
            let cut = match whole {
                true => bytes.len(),
                false => paste.boundary(bytes),
            };
            paste.typed(&bytes[..cut]);
            if cut < bytes.len() {
                let first = bytes.split_to(cut);
                self.begun = cut > 0;
                at = usize::from(self.begun);
                if self.begun {
                    self.waiting += MESSAGE;
                    self.messages.push_front((None, first));
                }
            }
        }
        let keys = match paste.is_open() {
            true => INTERRUPT_IN_PASTE,
            false => INTERRUPT,
        };
        self.waiting += keys.len() + MESSAGE;
        self.messages
            .insert(at, (Some(origin), Bytes::from_static(keys)));
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
        if self.replies_are_next() {
            return Some(&self.replies);
        }
        self.messages.front().map(|(_, bytes)| &bytes[..])
    }

    /// Within a paste that goes on a reply would be text.
    fn replies_are_next(&self) -> bool {
        let pasting = self.paste.is_open() && !self.messages.is_empty();
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
        let (_, bytes) = self.messages.front_mut()?;
        let n = n.min(bytes.len());
        self.paste.typed(&bytes.split_to(n));
        self.waiting -= n;
        self.begun = !bytes.is_empty() && (self.begun || n > 0);
        if !bytes.is_empty() {
            return None;
        }
        self.waiting -= MESSAGE;
        self.messages.pop_front().and_then(|(origin, _)| origin)
    }

    /// Bytes that wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting + self.replies.len()
    }

    /// Gives up what waits; the origins, in order.
    pub(super) fn give_up(&mut self) -> Vec<Origin> {
        let given = std::mem::take(self);
        given
            .messages
            .into_iter()
            .filter_map(|(origin, _)| origin)
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

    #[test]
    fn an_interrupt_overtakes_what_waits_wherever_it_comes() {
        let paste = "\x1b[200~ação é 日本 x\x1b[201~";
        for typed in 0..paste.len() {
            let mut inputs = Inputs::default();
            inputs.offer(input(1), Bytes::from(paste)).unwrap();
            inputs.offer(input(2), Bytes::from_static(b"z")).unwrap();
            inputs.typed(typed);
            inputs.interrupt(input(3)).unwrap();
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
    fn an_interrupt_waits_for_a_delivery_that_is_half_typed_and_for_no_other() {
        let delivery = |key: &str| Origin::Delivery {
            client: 1,
            key: key.to_owned(),
        };
        let mut inputs = Inputs::default();
        let text = Bytes::from_static(b"\x1b[200~text\x1b[201~");
        inputs.offer(delivery("a"), text.clone()).unwrap();
        inputs.offer(delivery("b"), text).unwrap();
        inputs.typed(8);
        inputs.interrupt(input(1)).unwrap();
        let (bytes, told) = all(&mut inputs, 100);
        assert_eq!(bytes, b"xt\x1b[201~\x03\x1b[200~text\x1b[201~");
        assert_eq!(told, vec![delivery("a"), input(1), delivery("b")]);
    }
}
