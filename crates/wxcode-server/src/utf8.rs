//! UTF-8 boundary buffer: turns chunks of bytes into text, cut only between characters.

/// Turns a stream of bytes into text, with any chunks: an incomplete character waits for its rest.
#[derive(Debug, Default)]
pub(crate) struct Utf8Buffer {
    /// The beginning of a character, at most three bytes.
    rest: Vec<u8>,
}

impl Utf8Buffer {
    /// Returns the text of the waiting bytes and `bytes`, up to the last whole character. Invalid
    /// bytes become U+FFFD.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> String {
        let joined;
        let mut bytes = if self.rest.is_empty() {
            bytes
        } else {
            joined = [&std::mem::take(&mut self.rest), bytes].concat();
            &joined
        };
        let mut text = String::with_capacity(bytes.len());
        for chunk in bytes.utf8_chunks() {
            text.push_str(chunk.valid());
            bytes = &bytes[chunk.valid().len()..];
            let invalid = chunk.invalid();
            if invalid.len() == bytes.len() && is_beginning(invalid) {
                self.rest = invalid.to_vec();
                break;
            }
            if !invalid.is_empty() {
                text.push(char::REPLACEMENT_CHARACTER);
                bytes = &bytes[invalid.len()..];
            }
        }
        text
    }

    /// Returns the text of the waiting bytes at the end of the stream.
    pub(crate) fn finish(&mut self) -> String {
        String::from_utf8_lossy(&std::mem::take(&mut self.rest)).into_owned()
    }
}

/// Whether the bytes could become valid UTF-8 with further bytes.
fn is_beginning(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(bytes: &[u8], size: usize) -> String {
        let mut buffer = Utf8Buffer::default();
        let text: String = bytes.chunks(size).map(|chunk| buffer.push(chunk)).collect();
        text + &buffer.finish()
    }

    #[test]
    fn any_cut_gives_the_same_text() {
        let samples: [&[u8]; 6] = [
            "Ação é ótimo 🎉 日本語 e\u{301}".as_bytes(),
            b"plain",
            b"bad \xff\xfe byte, \xe2\x82 half, \xf0\x9f\x8e end",
            b"\xe2\x82",
            b"\xc3(\xc3\xa9",
            b"\xed\xa0\x80 surrogate",
        ];
        for sample in samples {
            for size in 1..=sample.len() {
                assert_eq!(
                    decode(sample, size),
                    String::from_utf8_lossy(sample),
                    "{sample:?} by {size}"
                );
            }
        }
    }

    #[test]
    fn a_half_character_waits() {
        let mut buffer = Utf8Buffer::default();
        assert_eq!(buffer.push("a€".as_bytes().split_at(2).0), "a");
        assert_eq!(buffer.push("€".as_bytes().split_at(1).1), "€");
    }
}
