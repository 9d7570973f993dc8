//! Splits a stream of bytes into lines, with any cuts.

use super::LINE_MAX;

/// The incomplete line, and its position in the stream.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// The beginning of a line from earlier pieces.
    kept: Vec<u8>,
    /// The line in `kept` was returned.
    is_spent: bool,
    /// The current line is too long, or its beginning is missing: skip it.
    is_skipped: bool,
    /// Offsets of the current line's first byte, and of the next byte.
    start: u64,
    at: u64,
}

/// A line without its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line<'a> {
    /// The offset of the first byte in the stream.
    pub(super) offset: u64,
    pub(super) bytes: &'a [u8],
}

impl Lines {
    /// Returns the next line of `rest` and advances `rest`; `None` at its end. Does not copy a line
    /// from a single piece. CR ends a line too: a terminal turns LF into CR LF, and programs
    /// overwrite lines.
    pub(super) fn cut<'s, 'a: 's>(&'s mut self, rest: &mut &'a [u8]) -> Option<Line<'s>> {
        if std::mem::take(&mut self.is_spent) {
            self.kept.clear();
        }
        loop {
            let Some(end) = memchr::memchr2(b'\n', b'\r', rest) else {
                self.keep(rest);
                self.at += rest.len() as u64;
                *rest = &[];
                return None;
            };
            let (bytes, after) = (&rest[..end], &rest[end + 1..]);
            *rest = after;
            let offset = self.start;
            self.at += end as u64 + 1;
            self.start = self.at;
            if std::mem::take(&mut self.is_skipped) {
                continue;
            }
            if self.kept.is_empty() {
                match bytes.len() {
                    0 => continue,
                    len if len > LINE_MAX => continue,
                    _ => return Some(Line { offset, bytes }),
                }
            }
            self.keep(bytes);
            if std::mem::take(&mut self.is_skipped) {
                continue;
            }
            self.is_spent = true;
            return Some(Line {
                offset,
                bytes: &self.kept,
            });
        }
    }

    /// Ends the stream: its last line may have no line end.
    pub(super) fn finish(&mut self) -> Option<Line<'_>> {
        let is_whole = !std::mem::take(&mut self.is_skipped) && !self.is_spent;
        self.is_spent = true;
        (is_whole && !self.kept.is_empty()).then_some(Line {
            offset: self.start,
            bytes: &self.kept,
        })
    }

    /// The offset of the next byte.
    pub(super) const fn at(&self) -> u64 {
        self.at
    }

    /// Skips missing bytes before `offset`, and the rest of the line they are in.
    pub(super) fn skip_to(&mut self, offset: u64) {
        self.give_up();
        self.is_spent = false;
        self.at = offset;
        self.start = offset;
    }

    /// The buffered bytes of the current line.
    #[cfg(test)]
    pub(super) fn kept(&self) -> usize {
        self.kept.capacity()
    }

    fn keep(&mut self, bytes: &[u8]) {
        if self.is_skipped || self.kept.len() + bytes.len() > LINE_MAX {
            self.give_up();
        } else {
            self.kept.extend_from_slice(bytes);
        }
    }

    fn give_up(&mut self) {
        self.is_skipped = true;
        self.kept = Vec::new();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Returns all lines with their offsets, of a stream in these pieces.
    fn lines<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<(u64, Vec<u8>)> {
        let mut lines = Lines::default();
        let mut all = Vec::new();
        for piece in pieces {
            let mut rest = piece;
            while let Some(line) = lines.cut(&mut rest) {
                all.push((line.offset, line.bytes.to_vec()));
            }
        }
        all.extend(
            lines
                .finish()
                .map(|line| (line.offset, line.bytes.to_vec())),
        );
        all
    }

    #[test]
    fn lines_have_their_offsets() {
        let stream: &[u8] = b"one\r\n\r\ntwo\rthree\nend";
        let found = lines([stream]);
        let found: Vec<_> = found
            .iter()
            .map(|(at, bytes)| (*at, std::str::from_utf8(bytes).unwrap()))
            .collect();
        assert_eq!(found, [(0, "one"), (7, "two"), (11, "three"), (17, "end")]);
    }

    #[test]
    fn the_next_whole_line_follows_a_gap() {
        let mut lines = Lines::default();
        let mut rest: &[u8] = b"begun";
        assert_eq!(lines.cut(&mut rest), None);
        lines.skip_to(1_000);
        rest = b"rest of it\nwhole\n";
        let line = lines.cut(&mut rest).unwrap();
        assert_eq!((line.offset, line.bytes), (1_011, b"whole".as_slice()));
        assert_eq!(lines.cut(&mut rest), None);
        assert_eq!((lines.at(), lines.finish()), (1_017, None));
    }

    proptest! {
        #[test]
        fn the_result_is_independent_of_cuts(text in "[ab\r\n]{0,60}", cuts in proptest::collection::vec(0_usize..60, 0..8)) {
            let bytes = text.as_bytes();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            prop_assert_eq!(lines(cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]])), lines([bytes]));
        }
    }
}
