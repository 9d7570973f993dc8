//! Reads the lines of a transcript that grows.

use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom},
};

use wxcode_claude::conversation::LINE_MAX;

/// Bytes read from the file at a time.
const BUFFER: usize = 64 << 10; // 64 KiB

/// Bytes to pass over.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Passage<'a> {
    /// How many.
    pub(crate) count: u64,
    /// The line in them, with its end; `None` for a part of a line beyond [`LINE_MAX`].
    pub(crate) line: Option<&'a [u8]>,
}

/// The lines of a file from an offset on.
pub(crate) struct Lines {
    from: BufReader<File>,
    line: Vec<u8>,
}

impl Lines {
    /// Begins at an offset of the file.
    pub(crate) fn at(mut file: File, offset: u64) -> io::Result<Self> {
        file.seek(SeekFrom::Start(offset))?;
        Ok(Self {
            from: BufReader::with_capacity(BUFFER, file),
            line: Vec::new(),
        })
    }

    /// The next bytes to pass over; `None` at the end of the file, or where the rest is half a
    /// line.
    pub(crate) fn next(&mut self) -> io::Result<Option<Passage<'_>>> {
        self.line.clear();
        let mut bounded = (&mut self.from).take(LINE_MAX as u64);
        let count = bounded.read_until(b'\n', &mut self.line)?;
        let is_whole = self.line.last() == Some(&b'\n');
        if !is_whole && count < LINE_MAX {
            return Ok(None);
        }
        Ok(Some(Passage {
            count: count as u64,
            line: is_whole.then_some(&self.line),
        }))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn file(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    fn passage(count: u64, line: Option<&[u8]>) -> Option<Passage<'_>> {
        Some(Passage { count, line })
    }

    #[test]
    fn half_a_line_is_left() {
        let mut lines = Lines::at(file(b"no\none\n\nhalf"), 3).unwrap();
        assert_eq!(lines.next().unwrap(), passage(4, Some(&b"one\n"[..])));
        assert_eq!(lines.next().unwrap(), passage(1, Some(&b"\n"[..])));
        assert_eq!(lines.next().unwrap(), None);
    }

    #[test]
    fn a_line_beyond_the_bound_is_passed_over() {
        let mut bytes = vec![b'x'; LINE_MAX + 1];
        bytes.extend(b"\nnext\n");
        let mut lines = Lines::at(file(&bytes), 0).unwrap();
        assert_eq!(lines.next().unwrap(), passage(LINE_MAX as u64, None));
        // The rest of the line is broken JSON for its readers.
        assert_eq!(lines.next().unwrap(), passage(2, Some(&b"x\n"[..])));
        assert_eq!(lines.next().unwrap(), passage(5, Some(&b"next\n"[..])));
    }
}
