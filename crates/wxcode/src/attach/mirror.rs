//! The client's copy of the session's screen: the same bytes through the same engine, up to an
//! offset.

use wxcode_terminal::{Screen, Size, Terminal};

/// Bytes are missing between the mirror and the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("bytes are missing between the offsets {here} and {came}")]
pub(crate) struct Gap {
    here: u64,
    came: u64,
}

/// The session's screen at an offset.
#[derive(Debug)]
pub(crate) struct Mirror {
    terminal: Terminal,
    offset: u64,
    lacks_history: bool,
}

impl Mirror {
    /// The screen of a `Snapshot`.
    pub(crate) fn new(offset: u64, size: Size, bytes: &[u8]) -> Self {
        let mut mirror = Self {
            terminal: Terminal::new(size),
            offset,
            lacks_history: false,
        };
        mirror.feed(bytes);
        mirror
    }

    /// Applies an `Output`.
    pub(crate) fn output(&mut self, offset: u64, bytes: &[u8]) -> Result<(), Gap> {
        self.expect(offset)?;
        self.feed(bytes);
        self.offset += bytes.len() as u64;
        Ok(())
    }

    /// Applies a `Resized`.
    pub(crate) fn resized(&mut self, offset: u64, size: Size) -> Result<(), Gap> {
        self.expect(offset)?;
        self.terminal.resize(size);
        self.lacks_history = true;
        Ok(())
    }

    /// Whether the size changed since the snapshot: a growing screen takes rows from the history,
    /// and only the session's history is complete.
    pub(crate) fn lacks_history(&self) -> bool {
        self.lacks_history
    }

    /// The offset after the last parsed byte.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    pub(crate) fn terminal(&self) -> &Terminal {
        &self.terminal
    }

    fn expect(&self, came: u64) -> Result<(), Gap> {
        let here = self.offset;
        if here == came {
            Ok(())
        } else {
            Err(Gap { here, came })
        }
    }

    fn feed(&mut self, bytes: &[u8]) {
        // The holder has already answered these queries; a second reply would count as typed.
        let mut replies = Vec::new();
        self.terminal.feed(bytes, &mut replies);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(cols: u16, rows: u16) -> Size {
        Size::new(cols, rows).unwrap()
    }

    #[test]
    fn the_mirror_follows_bytes_and_sizes() {
        let mut mirror = Mirror::new(100, size(20, 3), b"\x1b[31mred");
        mirror.output(100, b" an\xc3").unwrap();
        mirror.output(104, b"\xa9d\r\nmore").unwrap();
        assert!(!mirror.lacks_history());
        mirror.resized(112, size(30, 2)).unwrap();
        assert!(mirror.lacks_history());
        assert_eq!(mirror.offset(), 112);
        assert_eq!(mirror.terminal().text(), "red anéd\nmore");
        assert_eq!(mirror.terminal().size(), size(30, 2));
    }

    #[test]
    fn gaps_and_old_bytes_are_refused() {
        let mut mirror = Mirror::new(10, size(20, 3), b"");
        assert_eq!(mirror.output(11, b"x"), Err(Gap { here: 10, came: 11 }));
        assert_eq!(mirror.output(9, b"xy"), Err(Gap { here: 10, came: 9 }));
        let resized = mirror.resized(12, size(2, 2));
        assert_eq!(resized, Err(Gap { here: 10, came: 12 }));
        assert_eq!(mirror.terminal().text().trim(), "");
        assert_eq!(mirror.offset(), 10);
    }
}
