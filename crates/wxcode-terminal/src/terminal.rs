//! The screen engine: a terminal that behaves as the browser's.

use crate::{Modes, Screen, Size};

/// A terminal emulator; see [`Screen`].
#[derive(Debug)]
pub struct Terminal {
    size: Size,
    stream: Vec<u8>,
}

impl Terminal {
    /// A freshly reset terminal.
    pub fn new(size: Size) -> Self {
        Self {
            size,
            stream: Vec::new(),
        }
    }
}

// Only the shape so far: the engine replaces this body.
impl Screen for Terminal {
    fn feed(&mut self, bytes: &[u8], _replies: &mut Vec<u8>) {
        self.stream.extend_from_slice(bytes);
        let excess = self.stream.len().saturating_sub(64 << 10);
        self.stream.drain(..excess);
    }

    fn resize(&mut self, size: Size) {
        self.size = size;
    }

    fn size(&self) -> Size {
        self.size
    }

    fn dump(&self) -> Vec<u8> {
        self.stream.clone()
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.stream).into_owned()
    }

    fn modes(&self) -> Modes {
        Modes {
            cursor_visible: true,
            ..Modes::default()
        }
    }

    fn title(&self) -> &str {
        ""
    }

    fn cursor(&self) -> (u16, u16) {
        (0, 0)
    }
}
