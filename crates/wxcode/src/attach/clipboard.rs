//! Finds the agent's writes to the clipboard (OSC 52) in its output, for the terminal around
//! `wxcode attach`. A request to read the clipboard is not passed on.

/// Longest text of one copy, in bytes of Base64: 1 MiB of text.
pub(crate) const COPY_MAX: usize = (1 << 20) / 3 * 4 + 4;
/// Longest list of selections in front of the text.
const SELECTIONS_MAX: usize = 16;
/// The beginning of the command.
const COMMAND: &[u8] = b"52;";

const BEL: u8 = 0x07;
const CAN: u8 = 0x18;
const SUB: u8 = 0x1a;
const ESC: u8 = 0x1b;

/// A write to the clipboard.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Copy {
    /// The sequence for the user's terminal.
    Sequence(Vec<u8>),
    /// Longer than [`COPY_MAX`]: it is dropped.
    TooLarge,
}

/// The scanner of the output, which may be cut anywhere.
#[derive(Debug, Default)]
pub(crate) struct Clipboard {
    at: At,
}

#[derive(Debug, Default)]
enum At {
    #[default]
    Text,
    Escape,
    /// In an operating system command that may be OSC 52, with its text so far.
    Command(Vec<u8>),
    /// In another string; BEL ends an operating system command only.
    String {
        is_command: bool,
    },
}

impl Clipboard {
    /// Takes the next output; returns its last complete write.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> Option<Copy> {
        let mut copy = None;
        for &byte in bytes {
            self.at = match (std::mem::take(&mut self.at), byte) {
                (At::Command(text), BEL | ESC) => {
                    copy = parse(&text).or(copy);
                    match byte {
                        ESC => At::Escape,
                        _ => At::Text,
                    }
                }
                (_, ESC) => At::Escape,
                (At::Text, _) | (At::Command(_) | At::String { .. }, CAN | SUB) => At::Text,
                (At::Escape, b']') => At::Command(Vec::new()),
                (At::Escape, b'P' | b'X' | b'^' | b'_') => At::String { is_command: false },
                (At::Escape, _) | (At::String { is_command: true }, BEL) => At::Text,
                (At::String { is_command }, _) => At::String { is_command },
                (At::Command(mut text), byte) => {
                    text.push(byte);
                    if !may_be_copy(&text) {
                        At::String { is_command: true }
                    } else if text.len() > COMMAND.len() + SELECTIONS_MAX + 1 + COPY_MAX {
                        copy = Some(Copy::TooLarge);
                        At::String { is_command: true }
                    } else {
                        At::Command(text)
                    }
                }
            };
        }
        copy
    }
}

fn may_be_copy(text: &[u8]) -> bool {
    let head = text.len().min(COMMAND.len());
    text.get(..head) == COMMAND.get(..head)
}

fn parse(text: &[u8]) -> Option<Copy> {
    let rest = text.strip_prefix(COMMAND)?;
    let end = rest.iter().position(|byte| *byte == b';')?;
    let (selections, data) = (rest.get(..end)?, rest.get(end + 1..)?);
    let known = |byte: &u8| matches!(byte, b'c' | b'p' | b'q' | b's' | b'0'..=b'7');
    if selections.len() > SELECTIONS_MAX || !selections.iter().all(known) {
        return None;
    }
    // A request to read is `?`; an empty text would clear the clipboard.
    let body = data.trim_ascii_end();
    let padding = body.iter().rev().take_while(|byte| **byte == b'=').count();
    let digits = body.get(..body.len() - padding)?;
    let is_digit =
        |byte: &u8| matches!(byte, b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/');
    if digits.is_empty() || padding > 2 || !digits.iter().all(is_digit) {
        return None;
    }
    if body.len() > COPY_MAX {
        return Some(Copy::TooLarge);
    }
    // Terminals differ in the meaning of no selection: it is the clipboard here.
    let selections = match selections {
        [] => b"c",
        selections => selections,
    };
    let sequence = [b"\x1b]52;", selections, b";", body, b"\x07"].concat();
    Some(Copy::Sequence(sequence))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copied(output: &[u8]) -> Option<String> {
        let mut whole = Clipboard::default();
        let all = whole.take(output);
        for cut in 0..output.len() {
            let mut clipboard = Clipboard::default();
            let (first, second) = output.split_at(cut);
            let first = clipboard.take(first);
            assert_eq!(clipboard.take(second).or(first), all, "cut at {cut}");
        }
        match all? {
            Copy::Sequence(bytes) => Some(String::from_utf8(bytes).unwrap()),
            Copy::TooLarge => panic!("too large"),
        }
    }

    #[test]
    fn writes_are_found() {
        let hi = Some("\x1b]52;c;aGk=\x07".to_owned());
        assert_eq!(copied(b"a\x1b]52;c;aGk=\x07b"), hi);
        assert_eq!(copied(b"a\x1b]52;c;aGk=\x1b\\b"), hi);
        assert_eq!(copied(b"\x1b]52;;aGk=\x07"), hi);
        assert_eq!(copied(b"\x1b]0;title\x07\x1b]52;c;aGk=\x07"), hi);
        assert_eq!(copied(b"\x1b]52;c;eA==\x07\x1b]52;c;aGk=\x07"), hi);
        let both = Some("\x1b]52;pc;aGk\x07".to_owned());
        assert_eq!(copied(b"\x1b]52;pc;aGk\x07"), both);
    }

    #[test]
    fn reads_and_others_are_not_passed_on() {
        for output in [
            b"\x1b]52;c;?\x07".as_slice(),
            b"\x1b]52;;?\x1b\\",
            b"\x1b]52;c;\x07",
            b"\x1b]52;c;!\x07",
            b"\x1b]52;c;aGk=?\x07",
            b"\x1b]52;x;aGk=\x07",
            b"\x1b]52;aGk=\x07",
            b"\x1b]52;c;aGk=\x18\x07",
            b"\x1b]520;c;aGk=\x07",
            b"\x1bP]52;c;aGk=\x07\x1b\\",
            b"]52;c;aGk=\x07",
            b"\x1b]0;52;c;aGk=\x07",
        ] {
            assert_eq!(copied(output), None, "{output:?}");
        }
    }

    #[test]
    fn a_copy_has_a_bound() {
        let write = |len: usize| [b"\x1b]52;c;", vec![b'A'; len].as_slice(), b"\x07"].concat();
        let mut clipboard = Clipboard::default();
        let fits = clipboard.take(&write(COPY_MAX));
        assert!(matches!(fits, Some(Copy::Sequence(_))));
        assert_eq!(clipboard.take(&write(COPY_MAX + 1)), Some(Copy::TooLarge));
        assert_eq!(clipboard.take(&write(64 << 20)), Some(Copy::TooLarge));
        let after = clipboard.take(b"\x1b]52;c;aGk=\x07");
        assert!(matches!(after, Some(Copy::Sequence(_))));
    }
}
