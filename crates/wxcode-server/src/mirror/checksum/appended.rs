//! The checksums of lines while the lines are appended to a copy: nothing is read again.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write as _},
    path::Path,
};

use super::{End, RECORD, Record, extend, sums};

impl End {
    /// The bytes of the checksums.
    pub(in crate::mirror) const fn size(self) -> u64 {
        (self.lines * RECORD) as u64
    }
}

/// The checksums of the lines that are appended to a copy.
pub(in crate::mirror) struct Appended {
    file: File,
    end: End,
    /// Checksums that are not written yet.
    unwritten: Vec<u8>,
}

impl Appended {
    /// Goes on after the known end, if the checksums still end there; otherwise reads them. The copy
    /// has `len` bytes.
    pub(in crate::mirror) fn after(copy: &Path, known: Option<End>, len: u64) -> io::Result<Self> {
        let path = sums(copy);
        let open = || OpenOptions::new().append(true).open(&path);
        if let Some(end) = known.filter(|end| end.bytes == len)
            && let Ok(file) = open()
            && file.metadata()?.len() == end.size()
        {
            return Ok(Self::new(file, end));
        }
        let end = extend(copy)?;
        Ok(Self::new(open()?, end))
    }

    const fn new(file: File, end: End) -> Self {
        Self {
            file,
            end,
            unwritten: Vec::new(),
        }
    }

    /// Takes a line; [`Self::write`] follows.
    pub(in crate::mirror) fn add(&mut self, line: &[u8]) {
        let record = Record::of(line).bytes(self.end.lines);
        self.unwritten.extend_from_slice(&record);
        self.end.lines += 1;
        self.end.bytes += line.len() as u64;
    }

    /// Writes the checksums of the lines, which are in the copy by now.
    pub(in crate::mirror) fn write(&mut self) -> io::Result<()> {
        self.file.write_all(&self.unwritten)?;
        self.unwritten.clear();
        Ok(())
    }

    /// Cuts the checksums of a failed step.
    pub(in crate::mirror) fn cut(&self, end: End) -> io::Result<()> {
        self.file.set_len(end.size())
    }

    pub(in crate::mirror) const fn end(&self) -> End {
        self.end
    }
}
