//! Tracks bracketed pastes in a stream of keys, with any cuts.

use crate::state::Pasting;

/// The mark at the beginning of a bracketed paste.
const BEGIN: &[u8] = b"\x1b[200~";
/// The mark at the end of a paste; of the same length, and different in a single byte.
const END: &[u8] = b"\x1b[201~";

/// The position of a stream of keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Paste {
    open: bool,
    /// Bytes of a mark so far.
    matched: usize,
    /// Missing continuation bytes of the character so far.
    lacking: usize,
    /// Whether the mark is an end mark, once decided.
    ends: bool,
}

impl Paste {
    /// The position, for handing over.
    pub(crate) fn state(self) -> Pasting {
        Pasting {
            open: self.open,
            matched: self.matched,
            lacking: self.lacking,
            ends: self.ends,
        }
    }

    /// Continues another program's position.
    pub(crate) fn continued(kept: Pasting) -> Self {
        Self {
            open: kept.open,
            matched: kept.matched,
            lacking: kept.lacking,
            ends: kept.ends,
        }
    }

    /// Whether a paste is open.
    pub(crate) fn is_open(&self) -> bool {
        self.open
    }

    /// Takes typed bytes.
    pub(crate) fn typed(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.step(byte);
        }
    }

    /// The shortest beginning of `bytes` that tears neither a character nor a mark.
    pub(crate) fn boundary(mut self, bytes: &[u8]) -> usize {
        let mut at = 0;
        // An escape begins something new, after any bytes.
        while (self.matched > 0 || self.lacking > 0) && bytes.get(at).is_some_and(|b| *b != 0x1b) {
            self.step(bytes[at]);
            at += 1;
        }
        at
    }

    fn step(&mut self, byte: u8) {
        self.lacking = match byte {
            0x80..=0xbf => self.lacking.saturating_sub(1),
            0xc2..=0xdf => 1,
            0xe0..=0xef => 2,
            0xf0..=0xf4 => 3,
            _ => 0,
        };
        let expected = BEGIN.get(self.matched).copied();
        let ends = self.matched + 2 == END.len() && byte == b'1';
        if expected == Some(byte) || ends {
            self.ends |= ends;
            self.matched += 1;
        } else {
            self.matched = usize::from(byte == 0x1b);
            self.ends = false;
        }
        if self.matched == BEGIN.len() {
            self.open = !self.ends;
            self.matched = 0;
            self.ends = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(text: &str) -> Paste {
        let mut paste = Paste::default();
        paste.typed(text.as_bytes());
        paste
    }

    #[test]
    fn marks_are_found_across_cuts() {
        assert!(after("x\x1b[200~y").is_open());
        assert!(!after("x\x1b[200~y\x1b[201~").is_open());
        assert!(!after("\x1b[200\x1b[20x~").is_open());
        assert!(after("\x1b\x1b[200~").is_open());
        assert!(after("\x1b[200~ \x1b[202~ \x1b[A").is_open());
        let mut cut = Paste::default();
        for byte in b"a\x1b[200~b" {
            cut.typed(&[*byte]);
        }
        assert_eq!(cut, after("a\x1b[200~b"));
    }

    #[test]
    fn the_boundary_follows_unfinished_sequences() {
        assert_eq!(after("abc").boundary(b"def"), 0);
        assert_eq!(after("\x1b[2").boundary(b"00~abc"), 3);
        assert_eq!(after("\x1b[2").boundary(b"J abc"), 1);
        assert_eq!(after("\x1b").boundary(b"\x1b[200~"), 0);
        let mut torn = Paste::default();
        torn.typed("日".as_bytes().split_at(1).0);
        assert_eq!(torn.boundary("日x".as_bytes().split_at(1).1), 2);
        assert_eq!(torn.boundary(b""), 0);
    }
}
