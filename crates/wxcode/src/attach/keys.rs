//! Finds the detach key in the user's input.

use std::{fmt, str::FromStr};

/// Longest parsed sequence, in bytes; every searched sequence is shorter.
const SEQUENCE_MAX: usize = 48;
/// Bits of modifiers in kitty's protocol; xterm's modifyOtherKeys has the first three.
const SHIFT: u32 = 1;
const CTRL: u32 = 4;
const LOCKS: u32 = 64 | 128;
/// The event type of a key's release in kitty's protocol.
const RELEASE: u32 = 3;

/// A control key that detaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DetachKey(u8);

impl DetachKey {
    /// Whether a control sequence is the key: `CSI code:shifted:base ; modifiers:event u` of kitty's
    /// protocol, or `CSI 27 ; modifiers ; code ~` of xterm's modifyOtherKeys.
    fn is_sequence(self, sequence: &[u8]) -> bool {
        let Some((last, fields)) = sequence.strip_prefix(b"\x1b[").and_then(<[u8]>::split_last)
        else {
            return false;
        };
        let fields = String::from_utf8_lossy(fields);
        let numbers = |field: &str| -> Vec<u32> {
            let numbers = field.split(':').map(|number| number.parse().unwrap_or(0));
            numbers.collect()
        };
        let fields: Vec<Vec<u32>> = fields.split(';').map(numbers).collect();
        match (last, fields.as_slice()) {
            (b'u', [codes, modifiers, ..]) => {
                let event = modifiers.get(1).copied().unwrap_or_default();
                event != RELEASE && self.is_press(codes, modifiers)
            }
            (b'~', [number, modifiers, codes]) => {
                number.first() == Some(&27) && self.is_press(codes, modifiers)
            }
            _ => false,
        }
    }

    /// Whether these are the key's codes: of the user's layout, shifted, and of the base layout, which
    /// counts for a layout without Latin keys.
    fn is_press(self, codes: &[u32], modifiers: &[u32]) -> bool {
        let held = modifiers.first().map_or(0, |held| held.saturating_sub(1)) & !LOCKS;
        let key = (self.0 | 0x40).to_ascii_lowercase();
        let is_key = |at: usize| codes.get(at) == Some(&u32::from(key));
        let is_foreign = codes.first().is_some_and(|code| *code > 127);
        let here = is_key(0) || is_key(1) || (is_foreign && is_key(2));
        if key.is_ascii_lowercase() {
            return here && held == CTRL;
        }
        // A sign may need Shift; Ctrl+Space is Ctrl+@.
        let is_space = key == b'@' && codes.first() == Some(&u32::from(b' '));
        (here || is_space) && held & !SHIFT == CTRL
    }
}

impl FromStr for DetachKey {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let lower = text.to_ascii_lowercase();
        let name = lower
            .strip_prefix("ctrl-")
            .or_else(|| lower.strip_prefix('^'));
        let byte = match name.map(str::as_bytes) {
            Some([key @ (b'a'..=b'z' | b'@' | b'[' | b'\\' | b']' | b'^' | b'_')]) => key & 0x1f,
            _ => return Err("give a control key, such as ctrl-] or ctrl-q".to_owned()),
        };
        match byte {
            // Esc begins every function key; the others are Tab and Enter.
            0x1b | b'\t' | b'\n' | b'\r' => {
                Err("this key is needed for typing: give another, such as ctrl-q".to_owned())
            }
            byte => Ok(Self(byte)),
        }
    }
}

impl fmt::Display for DetachKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ctrl+{}", char::from(self.0 | 0x40))
    }
}

/// Whether a read begins with typed input, not with a report of focus or of the mouse.
pub(crate) fn is_typing(bytes: &[u8]) -> bool {
    !matches!(bytes, [0x1b, b'[', b'I' | b'O' | b'<' | b'M', ..])
}

/// Searches the input for the key across reads; inside a bracketed paste the key is text.
#[derive(Debug)]
pub(crate) struct Scanner {
    key: DetachKey,
    /// The incomplete escape sequence, including Esc.
    sequence: Vec<u8>,
    in_paste: bool,
}

impl Scanner {
    pub(crate) fn new(key: DetachKey) -> Self {
        Self {
            key,
            sequence: Vec::new(),
            in_paste: false,
        }
    }

    /// The number of bytes before the key; `None` without the key.
    pub(crate) fn find(&mut self, bytes: &[u8]) -> Option<usize> {
        for (at, &byte) in bytes.iter().enumerate() {
            if byte == self.key.0 && !self.in_paste {
                return Some(at);
            }
            if self.sequence_ends(byte) {
                let sequence = std::mem::take(&mut self.sequence);
                match sequence.as_slice() {
                    b"\x1b[200~" => self.in_paste = true,
                    b"\x1b[201~" => self.in_paste = false,
                    _ if !self.in_paste && self.key.is_sequence(&sequence) => {
                        // The key may have begun in an earlier read.
                        return Some((at + 1).saturating_sub(sequence.len()));
                    }
                    _ => {}
                }
            }
        }
        None
    }

    /// Adds a byte to the incomplete sequence; true when this completes it.
    fn sequence_ends(&mut self, byte: u8) -> bool {
        match (byte, self.sequence.as_slice()) {
            (0x1b, _) => {
                self.sequence.clear();
                self.sequence.push(byte);
                false
            }
            (_, []) => false,
            (b'[', [0x1b]) => {
                self.sequence.push(byte);
                false
            }
            (b'0'..=b'9' | b';' | b':', [0x1b, b'[', ..]) if self.sequence.len() < SEQUENCE_MAX => {
                self.sequence.push(byte);
                false
            }
            (0x40..=0x7e, [0x1b, b'[', ..]) => {
                self.sequence.push(byte);
                true
            }
            _ => {
                self.sequence.clear();
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scanner(key: &str) -> Scanner {
        Scanner::new(key.parse().unwrap())
    }

    #[test]
    fn names_of_keys() {
        for (text, shown) in [
            ("ctrl-]", "Ctrl+]"),
            ("Ctrl-Q", "Ctrl+Q"),
            ("^\\", "Ctrl+\\"),
            ("ctrl-@", "Ctrl+@"),
        ] {
            assert_eq!(text.parse::<DetachKey>().unwrap().to_string(), shown);
        }
        for bad in [
            "", "]", "ctrl-", "ctrl-ab", "alt-x", "ctrl-é", "ctrl-1", "ctrl-[", "ctrl-i", "ctrl-m",
            "ctrl-j",
        ] {
            let error = bad.parse::<DetachKey>().unwrap_err();
            assert!(error.contains("ctrl-"), "{bad}: {error}");
        }
    }

    #[test]
    fn reports_are_not_typing() {
        for report in ["\x1b[I", "\x1b[O", "\x1b[<35;10;20M", "\x1b[M !!"] {
            assert!(!is_typing(report.as_bytes()), "{report:?}");
        }
        for keys in ["a", "\x1b", "\x1b[A", "\x1bOP", "\x1b[200~x"] {
            assert!(is_typing(keys.as_bytes()), "{keys:?}");
        }
    }

    #[test]
    fn bytes_before_the_key_are_counted() {
        assert_eq!(scanner("ctrl-]").find(b"ab\x1dcd"), Some(2));
        assert_eq!(scanner("ctrl-]").find(b"\x1d"), Some(0));
        assert_eq!(scanner("ctrl-]").find(b"abc\x1b[A\x1b"), None);
        assert_eq!(scanner("ctrl-q").find(b"\x1d\x11"), Some(1));
    }

    #[test]
    fn the_key_in_a_paste_is_text() {
        let stream = b"x\x1b[200~a\x1db\x1b[201~y\x1dz";
        let at = stream.len() - 2;
        for cut in 0..=stream.len() {
            let mut scanner = scanner("ctrl-]");
            let (first, second) = stream.split_at(cut);
            let found = scanner
                .find(first)
                .or_else(|| scanner.find(second).map(|found| found + cut));
            assert_eq!(found, Some(at), "cut at {cut}");
        }
    }

    #[test]
    fn the_key_as_a_sequence_detaches() {
        assert_eq!(scanner("ctrl-]").find(b"a\x1b[93;5u"), Some(1));
        assert_eq!(scanner("ctrl-]").find(b"a\x1b[27;5;93~"), Some(1));
        assert_eq!(scanner("ctrl-q").find(b"\x1b[113;5u"), Some(0));
        assert_eq!(
            scanner("ctrl-]").find(b"\x1b[94;5u\x1b[93;2u\x1b[1;5A"),
            None
        );
        for (key, sequences) in [
            (
                "ctrl-]",
                [
                    "\x1b[93;133u",
                    "\x1b[93:125;69u",
                    "\x1b[93::93;5:1u",
                    "\x1b[1098:1066:93;5:2;29u",
                ],
            ),
            (
                "ctrl-q",
                [
                    "\x1b[113;197u",
                    "\x1b[27;5;113~",
                    "\x1b[1081::113;5u",
                    "\x1b[113:81;5:1u",
                ],
            ),
            (
                "ctrl-_",
                [
                    "\x1b[45:95;6u",
                    "\x1b[27;6;95~",
                    "\x1b[95;5u",
                    "\x1b[45:95:45;134:1u",
                ],
            ),
            (
                "ctrl-@",
                [
                    "\x1b[32;5u",
                    "\x1b[50:64;6u",
                    "\x1b[27;6;64~",
                    "\x1b[27;5;32~",
                ],
            ),
        ] {
            for sequence in sequences {
                let found = scanner(key).find(sequence.as_bytes());
                assert_eq!(found, Some(0), "{key}: {sequence:?}");
            }
        }
        for other in [
            "\x1b[93;5:3u",
            "\x1b[93u",
            "\x1b[93;1u",
            "\x1b[93;7u",
            "\x1b[27;1;93~",
            "\x1b[28;5;93~",
            "\x1b[93;5~",
            "\x1b[5u",
        ] {
            assert_eq!(scanner("ctrl-]").find(other.as_bytes()), None, "{other:?}");
        }
        assert_eq!(scanner("ctrl-q").find(b"\x1b[113;6u"), None);
        // Another Latin key at the place of Q.
        assert_eq!(scanner("ctrl-q").find(b"\x1b[97::113;5u"), None);
        let mut cut = scanner("ctrl-]");
        assert_eq!(cut.find(b"\x1b[93"), None);
        assert_eq!(cut.find(b";5u"), Some(0));
        let endless = [b"\x1b[".as_slice(), &[b'1'; 1 << 16], b"\x1d"].concat();
        assert_eq!(scanner("ctrl-]").find(&endless), Some(endless.len() - 1));
    }
}
