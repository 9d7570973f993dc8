//! Inputs on their way into the PTY: numbered, bounded, and sent again after a break.

use std::collections::VecDeque;

use bytes::Bytes;
use wxcode_protocol::websocket::{ClientFrame, INPUT_MAX};

/// Most bytes of input waiting for the session.
pub const WAITING_MAX: usize = 16 << 20; // 16 MiB

/// Most bytes of unanswered input at the server, plus a single input. The session refuses input
/// beyond its memory, and a paste is to arrive whole however slowly the agent reads.
pub const IN_FLIGHT_MAX: usize = 1 << 20; // 1 MiB

/// Why an input is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InputError {
    /// The client is read-only.
    #[error("a read-only client types nothing: attach without read_only")]
    ReadOnly,
    /// More bytes than a message may have.
    #[error("the input has {0} bytes: give at most {INPUT_MAX} at once")]
    TooLarge(usize),
    /// More than [`WAITING_MAX`] bytes would wait.
    #[error("{WAITING_MAX} bytes of input wait for the session: go on after its answers")]
    Full,
}

/// Inputs without an answer, in order.
#[derive(Debug)]
pub(super) struct Inputs {
    waiting: VecDeque<(u64, Bytes)>,
    /// In `waiting`.
    bytes: usize,
    /// The number of the newest input.
    newest: u64,
    /// The number of the newest input sent to the server on this connection.
    sent: u64,
    /// In `waiting`, of inputs sent to the server.
    in_flight: usize,
}

impl Inputs {
    pub(super) fn new() -> Self {
        Self {
            waiting: VecDeque::new(),
            bytes: 0,
            newest: 0,
            sent: 0,
            in_flight: 0,
        }
    }

    /// Whether `bytes` more bytes may wait.
    pub(super) fn has_room(&self, bytes: usize) -> bool {
        self.bytes + bytes <= WAITING_MAX
    }

    /// Takes an input, and returns the input's number. An empty input has no effect.
    pub(super) fn push(&mut self, bytes: Bytes) -> Result<u64, InputError> {
        if bytes.len() > INPUT_MAX {
            return Err(InputError::TooLarge(bytes.len()));
        }
        if !self.has_room(bytes.len()) {
            return Err(InputError::Full);
        }
        if !bytes.is_empty() {
            self.newest += 1;
            self.bytes += bytes.len();
            self.waiting.push_back((self.newest, bytes));
        }
        Ok(self.newest)
    }

    /// Whether an input did not go to the server yet.
    pub(super) fn is_some(&self) -> bool {
        let newest = self.waiting.back();
        newest.is_some_and(|(number, _)| *number > self.sent)
    }

    /// Whether an input may go to the server now.
    pub(super) fn has_next(&self) -> bool {
        self.is_some() && self.in_flight < IN_FLIGHT_MAX
    }

    /// The next input for the server; the input stays here until its answer.
    pub(super) fn next(&mut self) -> Option<ClientFrame> {
        if !self.has_next() {
            return None;
        }
        let from = self.waiting.partition_point(|(n, _)| *n <= self.sent);
        let (number, bytes) = self.waiting.get(from)?;
        self.sent = *number;
        self.in_flight += bytes.len();
        Some(ClientFrame::Input {
            number: *number,
            bytes: bytes.clone(),
        })
    }

    /// The session typed or refused an input.
    pub(super) fn answered(&mut self, number: u64) {
        if let Ok(at) = self.waiting.binary_search_by_key(&number, |(n, _)| *n)
            && let Some((_, bytes)) = self.waiting.remove(at)
        {
            self.bytes -= bytes.len();
            if number <= self.sent {
                self.in_flight -= bytes.len();
            }
        }
    }

    /// A connection to the same session with the inputs up to `input`: sends the rest again.
    pub(super) fn resume(&mut self, input: u64) {
        while let Some((number, bytes)) = self.waiting.front()
            && *number <= input
        {
            self.bytes -= bytes.len();
            self.waiting.pop_front();
        }
        (self.sent, self.in_flight) = (input, 0);
        self.newest = self.newest.max(input);
    }

    /// Another session with this client's inputs up to `input`: drops the inputs for the old
    /// session. Returns whether there were any.
    pub(super) fn restart(&mut self, input: u64) -> bool {
        let some = !self.waiting.is_empty();
        *self = Self::new();
        self.resume(input);
        some
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(inputs: &mut Inputs) -> Vec<(u64, Vec<u8>)> {
        let mut all = Vec::new();
        while inputs.has_next() {
            let Some(ClientFrame::Input { number, bytes }) = inputs.next() else {
                panic!("it said that there is one");
            };
            all.push((number, bytes.to_vec()));
        }
        assert_eq!(inputs.next(), None);
        all
    }

    fn three() -> Inputs {
        let mut inputs = Inputs::new();
        for text in ["a", "bc", "d"] {
            inputs.push(Bytes::from_static(text.as_bytes())).unwrap();
        }
        inputs
    }

    #[test]
    fn inputs_are_numbered_from_one_and_each_goes_once() {
        let mut inputs = three();
        let sent = typed(&mut inputs);
        let wanted = [(1, b"a".to_vec()), (2, b"bc".to_vec()), (3, b"d".to_vec())];
        assert_eq!(sent, wanted);
        inputs.push(Bytes::new()).unwrap();
        inputs.push(Bytes::from_static(b"e")).unwrap();
        assert_eq!(typed(&mut inputs), [(4, b"e".to_vec())]);
    }

    #[test]
    fn a_break_sends_missing_inputs_again() {
        let mut inputs = three();
        typed(&mut inputs);
        inputs
            .push(Bytes::from_static(b"typed in between"))
            .unwrap();
        inputs.answered(1);
        inputs.resume(2);
        let again = [(3, b"d".to_vec()), (4, b"typed in between".to_vec())];
        assert_eq!(typed(&mut inputs), again);
        // Nothing was answered: all inputs go again.
        inputs.resume(2);
        assert_eq!(typed(&mut inputs), again);
        inputs.resume(4);
        assert_eq!(typed(&mut inputs), []);
    }

    #[test]
    fn another_session_gets_nothing_of_the_old_one() {
        let mut inputs = three();
        assert!(inputs.restart(0));
        assert_eq!(typed(&mut inputs), []);
        inputs.push(Bytes::from_static(b"new")).unwrap();
        assert_eq!(typed(&mut inputs), [(1, b"new".to_vec())]);
        inputs.answered(1);
        assert!(!inputs.restart(7));
        inputs.push(Bytes::from_static(b"newer")).unwrap();
        assert_eq!(typed(&mut inputs), [(8, b"newer".to_vec())]);
    }

    #[test]
    fn answers_let_further_inputs_follow() {
        let mut inputs = Inputs::new();
        let read = Bytes::from(vec![0; IN_FLIGHT_MAX / 2]);
        for _ in 0..5 {
            inputs.push(read.clone()).unwrap();
        }
        let numbers = |inputs: &mut Inputs| -> Vec<u64> {
            typed(inputs)
                .into_iter()
                .map(|(number, _)| number)
                .collect()
        };
        assert_eq!(numbers(&mut inputs), [1, 2]);
        assert!(inputs.is_some() && !inputs.has_next());
        inputs.answered(1);
        assert_eq!(numbers(&mut inputs), [3]);
        // After a break no input is on its way to the server.
        inputs.resume(2);
        assert_eq!(numbers(&mut inputs), [3, 4]);
        inputs.answered(3);
        inputs.answered(4);
        assert_eq!(numbers(&mut inputs), [5]);
        assert!(!inputs.is_some());
    }

    #[test]
    fn waiting_inputs_are_bounded() {
        let mut inputs = Inputs::new();
        let most = Bytes::from(vec![0; INPUT_MAX]);
        for number in 1..=4 {
            assert_eq!(inputs.push(most.clone()), Ok(number));
        }
        assert_eq!(inputs.push(Bytes::from_static(b"x")), Err(InputError::Full));
        inputs.answered(5);
        assert!(!inputs.has_room(1));
        inputs.answered(1);
        assert!(inputs.has_room(INPUT_MAX) && !inputs.has_room(INPUT_MAX + 1));
        inputs.answered(1);
        assert!(!inputs.has_room(INPUT_MAX + 1));
        let large = Bytes::from(vec![0; INPUT_MAX + 1]);
        let refused = inputs.push(large);
        assert_eq!(refused, Err(InputError::TooLarge(INPUT_MAX + 1)));
    }
}
