//! The client's copy of the session's screen: the same bytes through the same engine.

use wxcode_terminal::{Screen, Size, Terminal};

/// The session's screen.
#[derive(Debug)]
pub(crate) struct Mirror {
    terminal: Terminal,
    lacks_history: bool,
}

impl Mirror {
    /// The screen of a `Snapshot`.
    pub(crate) fn new(size: Size, bytes: &[u8]) -> Self {
        let mut mirror = Self {
            terminal: Terminal::new(size),
            lacks_history: false,
        };
        mirror.feed(bytes);
        mirror
    }

    /// Applies an `Output`.
    pub(crate) fn output(&mut self, bytes: &[u8]) {
        self.feed(bytes);
    }

    /// Applies a `Resized`.
    pub(crate) fn resized(&mut self, size: Size) {
        self.terminal.resize(size);
        self.lacks_history = true;
    }

    /// Whether the size changed since the snapshot: a growing screen takes rows from the history,
    /// and only the session's history is complete.
    pub(crate) fn lacks_history(&self) -> bool {
        self.lacks_history
    }

    pub(crate) fn terminal(&self) -> &Terminal {
        &self.terminal
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
        let mut mirror = Mirror::new(size(20, 3), b"\x1b[31mred");
        mirror.output(b" an\xc3");
        mirror.output(b"\xa9d\r\nmore");
        assert!(!mirror.lacks_history());
        mirror.resized(size(30, 2));
        assert!(mirror.lacks_history());
        assert_eq!(mirror.terminal().text(), "red anéd\nmore");
        assert_eq!(mirror.terminal().size(), size(30, 2));
    }
}
