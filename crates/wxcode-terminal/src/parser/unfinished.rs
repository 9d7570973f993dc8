//! Writes the unfinished sequence for a snapshot.

use super::{Parser, State};

impl Parser {
    /// Writes the unfinished sequence or character, so that a fresh parser reaches the same state.
    pub(crate) fn write_unfinished(&self, out: &mut Vec<u8>) {
        let collected = self
            .collect
            .get(..self.collected.min(3))
            .unwrap_or_default();
        let (prefix, intermediates): (Vec<u8>, Vec<u8>) =
            collected.iter().partition(|b| **b >= 0x3C);
        // A space stands for the collected bytes beyond the third.
        let more: &[u8] = if self.collected > 3 { b" " } else { b"" };
        let started: &[u8] = match self.state {
            State::Ground => b"",
            State::Escape | State::EscapeIntermediate => b"\x1b",
            State::CsiEntry | State::CsiParam | State::CsiIntermediate => b"\x1b[",
            State::CsiIgnore => b"\x1b[0<",
            State::Swallow => b"\x1b_",
            State::Osc if self.string_over => b"\x1b]!",
            State::Osc => b"\x1b]",
            State::DcsIgnore => b"\x1bP0<",
            State::DcsEntry | State::DcsParam | State::DcsIntermediate | State::DcsPass => b"\x1bP",
        };
        out.extend_from_slice(started);
        match self.state {
            State::CsiParam
            | State::CsiIntermediate
            | State::DcsParam
            | State::DcsIntermediate
            | State::DcsPass => {
                out.extend(prefix);
                self.params.write(out);
                out.extend(intermediates);
                out.extend(more);
            }
            State::EscapeIntermediate => {
                out.extend(intermediates);
                out.extend(more);
            }
            _ => {}
        }
        if self.state == State::DcsPass {
            out.push(self.dcs_final);
        }
        if matches!(self.state, State::Osc | State::DcsPass) {
            out.extend_from_slice(self.string.as_bytes());
        }
        out.extend_from_slice(self.partial.get(..self.partial_len).unwrap_or_default());
    }
}
