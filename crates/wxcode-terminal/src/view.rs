//! A session in a terminal of another size: repainted from the screen, never passed on.

mod crop;
mod frame;
mod input;

use std::io::Write as _;

use crate::terminal::Terminal;
use crate::{Screen as _, Size};
use crop::Crop;
use frame::Frame;
use input::Input;

/// Bytes of a paint from which on it is wrapped in a synchronized update (DEC 2026), so that the terminal
/// shows no half of it.
const SYNCHRONIZED_BYTES: usize = 48;

/// Onto the alternate screen, the title put on the terminal's stack, everything that would bend what
/// is painted switched off: insert mode, origin mode, scroll region, other character sets, wrapping.
const ENTER: &[u8] = b"\x1b[22;0t\x1b[?1049h\x1b[4l\x1b[?6l\x1b[r\x1b(B\x0f\x1b[?7l";

/// Off the alternate screen, as [`ENTER`] went onto it.
const LEAVE: &[u8] = b"\x1b]8;;\x07\x1b[m\x1b[0 q\x1b[?25h\x1b[?7h\x1b[?1049l\x1b[23;0t";

/// What a viewer's own terminal shows of a screen; paints only what changed.
///
/// It lives on the terminal's alternate screen and asks the terminal nothing. A screen larger than the
/// window is cropped around the cursor; beside a smaller one stand dim dots. What the application did to
/// the palette stays out: the terminal is the user's. Memory: 8 bytes a cell of the window, and each
/// different style, link and cluster on it once.
#[derive(Debug)]
pub struct View {
    frame: Frame,
    crop: Crop,
    shown: Shown,
    /// Whether the terminal is on the view's alternate screen.
    entered: bool,
    /// Whether the window holds what the frame says.
    cleared: bool,
}

/// What a terminal shows and does beside its cells; the default is what a shell leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Shown {
    /// Column and row in the window.
    cursor: (usize, usize),
    visible: bool,
    /// DECSCUSR; 0 is the user's own.
    shape: u8,
    input: Input,
    title: String,
}

impl View {
    /// A view of a window of this size; nothing is painted yet.
    pub fn new(window: Size) -> Self {
        Self {
            frame: Frame::new(window),
            crop: Crop::default(),
            shown: Shown {
                cursor: (0, 0),
                visible: true,
                shape: 0,
                input: Input::default(),
                title: String::new(),
            },
            entered: false,
            cleared: false,
        }
    }

    /// The user's own window changed: all is painted anew with the next paint.
    pub fn resize(&mut self, window: Size) {
        self.frame = Frame::new(window);
        self.cleared = false;
    }

    /// The bytes that bring the user's terminal from what was painted last to this screen. Empty when
    /// nothing changed. While the screen is within a synchronized update ([`crate::Modes`]) it shows
    /// half a frame: a caller with time waits for the end of it.
    pub fn paint(&mut self, screen: &Terminal) -> Vec<u8> {
        let next = self.look(screen);
        let mut out = Vec::new();
        if !self.entered {
            out.extend_from_slice(ENTER);
        }
        if !self.cleared {
            out.extend_from_slice(b"\x1b[m\x1b[2J");
        }
        self.frame.take(screen, self.crop);
        let cells = self.frame.draw();
        let moved = !self.cleared || !cells.is_empty();
        let hidden = !self.shown.visible || moved;
        if self.shown.visible && moved {
            out.extend_from_slice(b"\x1b[?25l");
        }
        out.extend_from_slice(&cells);
        next.input.write_from(self.shown.input, &mut out);
        if next.title != self.shown.title {
            let _ = write!(out, "\x1b]2;{}\x07", next.title);
        }
        if moved || next.cursor != self.shown.cursor {
            let _ = write!(out, "\x1b[{};{}H", next.cursor.1 + 1, next.cursor.0 + 1);
        }
        if next.shape != self.shown.shape {
            let _ = write!(out, "\x1b[{} q", next.shape);
        }
        if next.visible == hidden {
            out.extend_from_slice(if next.visible {
                b"\x1b[?25h"
            } else {
                b"\x1b[?25l"
            });
        }
        self.shown = next;
        (self.entered, self.cleared) = (true, true);
        synchronized(out)
    }

    /// The bytes that leave the user's terminal as a shell wants it: modes off, cursor shown, pen
    /// reset, the view's alternate screen left. Empty when nothing was painted.
    pub fn leave(&self) -> Vec<u8> {
        let mut out = Vec::new();
        if self.entered {
            Input::default().write_from(self.shown.input, &mut out);
            out.extend_from_slice(LEAVE);
        }
        out
    }

    /// Crops the screen and gives what is to be shown of it beside the cells.
    fn look(&mut self, screen: &Terminal) -> Shown {
        let buffer = screen.buffer();
        let size = (buffer.cols, buffer.rows);
        // With a wrap pending the cursor is shown in the last column.
        let (x, y) = (buffer.x.min(buffer.cols - 1), buffer.y.min(buffer.rows - 1));
        self.crop = self.crop.follow(size, self.frame.size(), (x, y));
        let shape = match screen.switches.cursor_style {
            shape @ 0..=6 => shape,
            // A cursor that was told only to blink, or only not to.
            7 => 0,
            _ => 2,
        };
        Shown {
            cursor: (x - self.crop.left, y - self.crop.top),
            visible: !screen.cursor_hidden,
            shape,
            // The terminal counts a click from its own top left: where that is not the screen's, the
            // application would take it for a click elsewhere.
            input: Input::of(screen, self.crop.is_at_origin()),
            title: screen.title().chars().filter(|c| !c.is_control()).collect(),
        }
    }
}

fn synchronized(bytes: Vec<u8>) -> Vec<u8> {
    if bytes.len() < SYNCHRONIZED_BYTES {
        return bytes;
    }
    [b"\x1b[?2026h", bytes.as_slice(), b"\x1b[?2026l"].concat()
}
