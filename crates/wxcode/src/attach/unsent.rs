//! Typed input that is not in the PTY yet: numbered, bounded, and sent again after a lost
//! connection.

use std::collections::VecDeque;

use bytes::Bytes;
use wxcode_protocol::websocket::ClientFrame;

/// Most bytes that wait for the session; beyond that, the keyboard is not read.
pub(crate) const WAITING_MAX: usize = 16 << 20; // 16 MiB

/// Most unacknowledged bytes on the way, plus one read: the session refuses input beyond its own
/// bound, and a paste must arrive whole even with a slow agent.
const ON_THE_WAY_MAX: usize = 1 << 20; // 1 MiB

/// Unacknowledged input, in order.
#[derive(Debug)]
pub(crate) struct Unsent {
    waiting: VecDeque<(u64, Bytes)>,
    /// In `waiting`.
    bytes: usize,
    /// The number of the newest input.
    newest: u64,
    /// The number of the newest input sent on this connection.
    sent: u64,
    /// In `waiting`, of inputs already sent.
    on_the_way: usize,
}

impl Unsent {
    pub(crate) fn new() -> Self {
        Self {
            waiting: VecDeque::new(),
            bytes: 0,
            newest: 0,
            sent: 0,
            on_the_way: 0,
        }
    }

    /// Whether there is room for one more read of `bytes`.
    pub(crate) fn has_room(&self, bytes: usize) -> bool {
        self.bytes + bytes <= WAITING_MAX
    }

    /// Adds one read.
    pub(crate) fn push(&mut self, bytes: Bytes) {
        if bytes.is_empty() {
            return;
        }
        self.newest += 1;
        self.bytes += bytes.len();
        self.waiting.push_back((self.newest, bytes));
    }

    /// Whether any input is not sent yet.
    pub(crate) fn is_some(&self) -> bool {
        let newest = self.waiting.back();
        newest.is_some_and(|(number, _)| *number > self.sent)
    }

    /// Whether an input may be sent now.
    pub(crate) fn has_next(&self) -> bool {
        self.is_some() && self.on_the_way < ON_THE_WAY_MAX
    }

    /// The next input for the server; it stays until its acknowledgement.
    pub(crate) fn next(&mut self) -> Option<ClientFrame> {
        if !self.has_next() {
            return None;
        }
        let from = self.waiting.partition_point(|(n, _)| *n <= self.sent);
        let (number, bytes) = self.waiting.get(from)?;
        self.sent = *number;
        self.on_the_way += bytes.len();
        Some(ClientFrame::Input {
            number: *number,
            bytes: bytes.clone(),
        })
    }

    /// An input was typed or refused.
    pub(crate) fn answered(&mut self, number: u64) {
        if let Ok(at) = self.waiting.binary_search_by_key(&number, |(n, _)| *n)
            && let Some((_, bytes)) = self.waiting.remove(at)
        {
            self.bytes -= bytes.len();
            if number <= self.sent {
                self.on_the_way -= bytes.len();
            }
        }
    }

    /// A connection to the same session, which has the inputs up to `input`: the rest is sent
    /// again.
    pub(crate) fn resume(&mut self, input: u64) {
        while let Some((number, bytes)) = self.waiting.front()
            && *number <= input
        {
            self.bytes -= bytes.len();
            self.waiting.pop_front();
        }
        (self.sent, self.on_the_way) = (input, 0);
        self.newest = self.newest.max(input);
    }

    /// Another session, which has this client's inputs up to `input`: drops the inputs sent to the
    /// old one. True if there were any.
    pub(crate) fn restart(&mut self, input: u64) -> bool {
        let some = !self.waiting.is_empty();
        *self = Self::new();
        self.resume(input);
        some
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(unsent: &mut Unsent) -> Vec<(u64, Vec<u8>)> {
        let mut all = Vec::new();
        while unsent.has_next() {
            let Some(ClientFrame::Input { number, bytes }) = unsent.next() else {
                panic!("it said that there is one");
            };
            all.push((number, bytes.to_vec()));
        }
        assert_eq!(unsent.next(), None);
        all
    }

    fn three() -> Unsent {
        let mut unsent = Unsent::new();
        for text in ["a", "bc", "d"] {
            unsent.push(Bytes::from_static(text.as_bytes()));
        }
        unsent
    }

    #[test]
    fn inputs_are_numbered_from_one() {
        let mut unsent = three();
        let sent = typed(&mut unsent);
        let wanted = [(1, b"a".to_vec()), (2, b"bc".to_vec()), (3, b"d".to_vec())];
        assert_eq!(sent, wanted);
        unsent.push(Bytes::new());
        unsent.push(Bytes::from_static(b"e"));
        assert_eq!(typed(&mut unsent), [(4, b"e".to_vec())]);
    }

    #[test]
    fn missing_inputs_are_sent_again() {
        let mut unsent = three();
        typed(&mut unsent);
        unsent.push(Bytes::from_static(b"typed in between"));
        unsent.answered(1);
        unsent.resume(2);
        let again = [(3, b"d".to_vec()), (4, b"typed in between".to_vec())];
        assert_eq!(typed(&mut unsent), again);
        // Without an acknowledgement everything is sent again.
        unsent.resume(2);
        assert_eq!(typed(&mut unsent), again);
        unsent.resume(4);
        assert_eq!(typed(&mut unsent), []);
    }

    #[test]
    fn another_session_gets_no_old_input() {
        let mut unsent = three();
        assert!(unsent.restart(0));
        assert_eq!(typed(&mut unsent), []);
        unsent.push(Bytes::from_static(b"new"));
        assert_eq!(typed(&mut unsent), [(1, b"new".to_vec())]);
        unsent.answered(1);
        assert!(!unsent.restart(7));
        unsent.push(Bytes::from_static(b"newer"));
        assert_eq!(typed(&mut unsent), [(8, b"newer".to_vec())]);
    }

    #[test]
    fn input_on_the_way_is_bounded() {
        let mut unsent = Unsent::new();
        let read = Bytes::from(vec![0; ON_THE_WAY_MAX / 2]);
        for _ in 0..5 {
            unsent.push(read.clone());
        }
        let numbers = |unsent: &mut Unsent| -> Vec<u64> {
            typed(unsent)
                .into_iter()
                .map(|(number, _)| number)
                .collect()
        };
        assert_eq!(numbers(&mut unsent), [1, 2]);
        assert!(unsent.is_some() && !unsent.has_next());
        unsent.answered(1);
        assert_eq!(numbers(&mut unsent), [3]);
        // After a lost connection the server has none of them on the way.
        unsent.resume(2);
        assert_eq!(numbers(&mut unsent), [3, 4]);
        unsent.answered(3);
        unsent.answered(4);
        assert_eq!(numbers(&mut unsent), [5]);
        assert!(!unsent.is_some());
    }

    #[test]
    fn waiting_input_is_bounded() {
        let mut unsent = Unsent::new();
        unsent.push(vec![0; WAITING_MAX - 10].into());
        assert!(unsent.has_room(10));
        assert!(!unsent.has_room(11));
        unsent.answered(2);
        assert!(!unsent.has_room(11));
        unsent.answered(1);
        assert!(unsent.has_room(WAITING_MAX));
        unsent.answered(1);
        assert!(unsent.has_room(WAITING_MAX));
    }
}
