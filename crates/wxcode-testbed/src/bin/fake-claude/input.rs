//! Parses keys and pastes from the bytes of the terminal.

/// Parsed input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Key {
    /// Text for the box: typed, or pasted.
    Text(String),
    /// A lone carriage return.
    Submit,
    Escape,
    Up,
    Down,
    Backspace,
    Interrupt,
    Stash,
}

const PASTE_BEGIN: &[u8] = b"\x1b[200~";
const PASTE_END: &[u8] = b"\x1b[201~";

/// Parses keys and keeps the unfinished end of a burst.
#[derive(Debug, Default)]
pub(crate) struct Keyboard {
    /// The unfinished paste.
    paste: Option<Vec<u8>>,
    /// The incomplete sequence or character at the end.
    pending: Vec<u8>,
}

impl Keyboard {
    /// The keys of a burst.
    pub(crate) fn burst(&mut self, bytes: &[u8]) -> Vec<Key> {
        let mut keys = Vec::new();
        let bytes = [std::mem::take(&mut self.pending), bytes.to_vec()].concat();
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            rest = if self.paste.is_some() {
                self.pasted(rest, &mut keys)
            } else {
                self.typed(rest, &mut keys)
            };
        }
        keys
    }

    /// Takes the bytes of a paste up to its end.
    fn pasted<'a>(&mut self, bytes: &'a [u8], keys: &mut Vec<Key>) -> &'a [u8] {
        let paste = self.paste.get_or_insert_default();
        paste.extend_from_slice(bytes);
        let Some(end) = paste
            .windows(PASTE_END.len())
            .position(|window| window == PASTE_END)
        else {
            return &[];
        };
        let behind = paste.len() - end - PASTE_END.len();
        keys.push(Key::Text(lines(&paste[..end])));
        self.paste = None;
        &bytes[bytes.len() - behind..]
    }

    /// Takes a key, or the text up to the next escape sequence.
    fn typed<'a>(&mut self, bytes: &'a [u8], keys: &mut Vec<Key>) -> &'a [u8] {
        if let Some(rest) = bytes.strip_prefix(PASTE_BEGIN) {
            self.paste = Some(Vec::new());
            return rest;
        }
        match bytes {
            [b'\x1b', b'[' | b'O', ..] => {
                let Some(end) = bytes[2..]
                    .iter()
                    .position(|byte| (0x40..=0x7e).contains(byte))
                else {
                    self.pending = bytes.to_vec();
                    return &[];
                };
                match &bytes[1..2 + end + 1] {
                    [_, b'A'] => keys.push(Key::Up),
                    [_, b'B'] => keys.push(Key::Down),
                    // Replies to queries, focus reports, other keys.
                    _ => {}
                }
                &bytes[2 + end + 1..]
            }
            // Replies of other kinds (DCS, OSC) end in ST or BEL.
            [b'\x1b', b'P' | b']', ..] => {
                let end = bytes.iter().position(|&byte| byte == 7).map(|at| at + 1);
                let end = end.or_else(|| {
                    bytes
                        .windows(2)
                        .position(|pair| pair == b"\x1b\\")
                        .map(|at| at + 2)
                });
                &bytes[end.unwrap_or(bytes.len())..]
            }
            [b'\x1b', rest @ ..] => {
                keys.push(Key::Escape);
                rest
            }
            _ => {
                let end = bytes
                    .iter()
                    .position(|&byte| byte == b'\x1b')
                    .unwrap_or(bytes.len());
                self.text(&bytes[..end], keys);
                &bytes[end..]
            }
        }
    }

    /// A run without escape sequences. A return next to text is a line end of a paste.
    fn text(&mut self, run: &[u8], keys: &mut Vec<Key>) {
        let whole = match std::str::from_utf8(run) {
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            _ => run.len(),
        };
        self.pending = run[whole..].to_vec();
        let run = &run[..whole];
        let is_text = |byte: &u8| *byte >= b' ' && *byte != 0x7f;
        if run.iter().any(is_text) {
            let printable: Vec<u8> = run
                .iter()
                .copied()
                .filter(|byte| is_text(byte) || matches!(byte, b'\r' | b'\n' | b'\t'))
                .collect();
            keys.push(Key::Text(lines(&printable)));
            return;
        }
        keys.extend(run.iter().filter_map(|byte| match byte {
            b'\r' => Some(Key::Submit),
            b'\n' => Some(Key::Text("\n".to_owned())),
            3 => Some(Key::Interrupt),
            0x13 => Some(Key::Stash),
            8 | 0x7f => Some(Key::Backspace),
            _ => None,
        }));
    }
}

fn lines(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes)
        .replace("\r\n", "\n")
        .replace('\r', "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(bursts: &[&[u8]]) -> Vec<Key> {
        let mut keyboard = Keyboard::default();
        bursts
            .iter()
            .flat_map(|burst| keyboard.burst(burst))
            .collect()
    }

    fn text(text: &str) -> Key {
        Key::Text(text.to_owned())
    }

    #[test]
    fn a_return_submits_only_on_its_own() {
        assert_eq!(keys(&[b"abc\r"]), [text("abc\n")]);
        assert_eq!(keys(&[b"abc", b"\r"]), [text("abc"), Key::Submit]);
        assert_eq!(keys(&[b"\n"]), [text("\n")]);
    }

    #[test]
    fn a_bracketed_paste_ends_where_it_says() {
        assert_eq!(
            keys(&[b"\x1b[200~a\rb\x1b[201~\r"]),
            [text("a\nb"), Key::Submit]
        );
        assert_eq!(
            keys(&[b"\x1b[20", b"0~a", b"b\x1b[2", b"01~", b"\r"]),
            [text("ab"), Key::Submit]
        );
    }

    #[test]
    fn replies_and_other_keys_are_no_text() {
        assert_eq!(
            keys(&[b"\x1b[?1;2c\x1b[I\x1bP>|x\x1b\\\x1b[A\x1bOB"]),
            [Key::Up, Key::Down]
        );
        assert_eq!(
            keys(&[b"\x1b", b"\x03", b"\x7f"]),
            [Key::Escape, Key::Interrupt, Key::Backspace]
        );
    }

    #[test]
    fn characters_may_be_cut() {
        assert_eq!(keys(&[b"\xc3", b"\xa7"]), [text("\u{e7}")]);
    }
}
