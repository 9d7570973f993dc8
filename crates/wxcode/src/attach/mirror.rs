//! The session's screen on this side: the same bytes through the same engine.

use wxcode_terminal::{Screen, Size, Terminal};

/// The session's screen.
#[derive(Debug)]
pub(crate) struct Mirror {
    terminal: Terminal,
    lacks_history: bool,
}

impl Mirror {
    /// The screen that a `Snapshot` draws.
    pub(crate) fn new(size: Size, bytes: &[u8]) -> Self {
        let mut mirror = Self {
            terminal: Terminal::new(size),
            lacks_history: false,
        };
        mirror.feed(bytes);
        mirror
    }

    /// Takes an `Output` in.
    pub(crate) fn output(&mut self, bytes: &[u8]) {
        self.feed(bytes);
    }

    /// Takes a `Resized` in.
    pub(crate) fn resized(&mut self, size: Size) {
        self.terminal.resize(size);
        self.lacks_history = true;
    }

    /// Whether it changed its size since the snapshot: a screen that grows takes rows from the history,
    /// and only the session's is complete.
    pub(crate) fn lacks_history(&self) -> bool {
        self.lacks_history
    }

    pub(crate) fn terminal(&self) -> &Terminal {
        &self.terminal
    }

    fn feed(&mut self, bytes: &[u8]) {
        // The holder has answered the queries among them; whoever answered again would type.
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
    fn it_follows_bytes_and_sizes() {
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
