//! Shows a session in a terminal of another size: repaints from the screen and passes nothing on.

mod crop;
mod frame;
mod input;

use std::io::Write as _;

use crate::terminal::Terminal;
use crate::{Screen as _, Size};
use crop::Crop;
use frame::Frame;
use input::Input;

/// From this many bytes on, a synchronized update (DEC 2026) wraps a paint, so the terminal never
/// shows half a paint.
const SYNCHRONIZED_BYTES: usize = 48;

/// Enters the alternate screen, pushes the title on the terminal's stack, and switches off every
/// mode that would distort a paint: insert mode, origin mode, scroll region, other character sets,
/// wrapping.
const ENTER: &[u8] = b"\x1b[22;0t\x1b[?1049h\x1b[4l\x1b[?6l\x1b[r\x1b(B\x0f\x1b[?7l";

/// Leaves the alternate screen, the counterpart of [`ENTER`].
const LEAVE: &[u8] = b"\x1b]8;;\x07\x1b[m\x1b[0 q\x1b[?25h\x1b[?7h\x1b[?1049l\x1b[23;0t";

/// The content of a viewer's own terminal; paints only changes.
///
/// The view lives on the terminal's alternate screen and asks the terminal nothing. A screen larger
/// than the window is cropped around the cursor; dim dots fill the space next to a smaller screen.
/// The application's palette is not painted: the terminal is the user's. Memory: 8 bytes a cell of
/// the window, and each different style, link and cluster of the window once.
#[derive(Debug)]
pub struct View {
    frame: Frame,
    crop: Crop,
    shown: Shown,
    /// Whether the terminal is on the view's alternate screen.
    entered: bool,
    /// Whether the window shows the frame.
    cleared: bool,
}

/// The terminal's state besides its cells; the default is the state of a shell.
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
    /// Creates a view for a window of this size; nothing is painted yet.
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

    /// Notes a change of the user's own window: the next paint repaints everything.
    pub fn resize(&mut self, window: Size) {
        self.frame = Frame::new(window);
        self.cleared = false;
    }

    /// Returns the bytes for taking the user's terminal from the last paint to this screen. Empty
    /// when nothing changed. Within a synchronized update ([`crate::Modes`]) the screen shows half
    /// a frame: a caller with time waits for the update's end.
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

    /// Returns the bytes for restoring the user's terminal for a shell: modes off, cursor shown,
    /// pen reset, the view's alternate screen left. Empty when nothing was painted.
    pub fn leave(&self) -> Vec<u8> {
        let mut out = Vec::new();
        if self.entered {
            Input::default().write_from(self.shown.input, &mut out);
            out.extend_from_slice(LEAVE);
        }
        out
    }

    /// Crops the screen and returns the state to show besides the cells.
    fn look(&mut self, screen: &Terminal) -> Shown {
        let buffer = screen.buffer();
        let size = (buffer.cols, buffer.rows);
        // With a wrap pending the cursor shows in the last column.
        let (x, y) = (buffer.x.min(buffer.cols - 1), buffer.y.min(buffer.rows - 1));
        self.crop = self.crop.follow(size, self.frame.size(), (x, y));
        let shape = match screen.switches.cursor_style {
            shape @ 0..=6 => shape,
            // A cursor with only the blinking set.
            7 => 0,
            _ => 2,
        };
        Shown {
            cursor: (x - self.crop.left, y - self.crop.top),
            visible: !screen.cursor_hidden,
            shape,
            // The terminal counts a click from its own top left. With a shifted screen the
            // application would take the click for a click elsewhere.
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
