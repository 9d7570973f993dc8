//! The screen engine: a terminal that behaves like xterm.js 6.0.0 with 1,000 rows of history.

use crate::buffer::{Buffer, Saved};
use crate::cell::{Cell, StyleId};
use crate::charset::Charset;
use crate::dictionary::Dictionary;
use crate::keyboard::Keyboard;
use crate::palette::Palette;
use crate::parser::{Event, Parser, State};
use crate::style::{Color, Flags, Style};
use crate::width::Join;
use crate::{Modes, Screen, Size};

/// The mouse events requested by the program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mouse {
    #[default]
    None,
    X10,
    Vt200,
    Drag,
    Any,
}

/// The encoding of mouse events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum MouseEncoding {
    #[default]
    Default,
    Sgr,
    SgrPixels,
}

/// Modes restored by a reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Switches {
    pub(crate) application_cursor: bool,
    pub(crate) application_keypad: bool,
    pub(crate) bracketed_paste: bool,
    pub(crate) insert: bool,
    pub(crate) origin: bool,
    pub(crate) reverse_wrap: bool,
    pub(crate) focus: bool,
    pub(crate) synchronized: bool,
    pub(crate) wrap: bool,
    /// The last DECSCUSR, 0 for none.
    pub(crate) cursor_style: u8,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            application_cursor: false,
            application_keypad: false,
            bracketed_paste: false,
            insert: false,
            origin: false,
            reverse_wrap: false,
            focus: false,
            synchronized: false,
            wrap: true,
            cursor_style: 0,
        }
    }
}

/// A terminal emulator; see [`Screen`].
#[derive(Debug)]
pub struct Terminal {
    size: Size,
    pub(crate) parser: Parser,
    pub(crate) primary: Buffer,
    pub(crate) alternate: Buffer,
    pub(crate) on_alternate: bool,
    pub(crate) dictionary: Dictionary,
    pub(crate) pen: Style,
    /// An empty cell in the pen's style, and a cell as the pen erases.
    pub(crate) pen_cell: Cell,
    pub(crate) erase_cell: Cell,
    pub(crate) charsets: [Charset; 4],
    /// The index of the character set for printing (GL).
    pub(crate) gl: usize,
    /// The set in use; after a restored cursor the set may differ from `charsets[gl]`.
    pub(crate) charset: Charset,
    pub(crate) switches: Switches,
    pub(crate) mouse: Mouse,
    pub(crate) mouse_encoding: MouseEncoding,
    pub(crate) keyboard: Keyboard,
    pub(crate) cursor_hidden: bool,
    /// LNM: a line feed also returns the carriage.
    pub(crate) new_line: bool,
    /// DEC 12, once set or reset.
    pub(crate) blink: Option<bool>,
    pub(crate) title: String,
    pub(crate) palette: Palette,
    /// The character that a mark would join and REP would repeat.
    pub(crate) join: Join,
    /// Whether the last code was printed: the next code then continues the run.
    pub(crate) in_run: bool,
}

impl Terminal {
    /// Rows of history, which return when the screen grows: xterm.js's default.
    pub const HISTORY_ROWS: usize = 1000;
    /// Most bytes of a title; longer titles are cut.
    pub const MAX_TITLE_BYTES: usize = 4 << 10; // 4 KiB

    /// Creates a freshly reset terminal.
    pub fn new(size: Size) -> Self {
        let (cols, rows) = cells(size);
        Self {
            size,
            parser: Parser::new(),
            primary: Buffer::new(cols, rows, Some(Self::HISTORY_ROWS)),
            alternate: Buffer::new(cols, rows, None),
            on_alternate: false,
            dictionary: Dictionary::new(),
            pen: Style::default(),
            pen_cell: Cell::default(),
            erase_cell: Cell::default(),
            charsets: [Charset::ASCII; 4],
            gl: 0,
            charset: Charset::ASCII,
            switches: Switches::default(),
            mouse: Mouse::None,
            mouse_encoding: MouseEncoding::Default,
            keyboard: Keyboard::default(),
            cursor_hidden: false,
            new_line: false,
            blink: None,
            title: String::new(),
            palette: Palette::default(),
            join: Join::NONE,
            in_run: false,
        }
    }

    /// Like [`Screen::text`], with blanks for dim cells: without placeholders and suggestions.
    pub fn text_without_dim(&self) -> String {
        self.text_where(|style| !style.flags.has(Flags::DIM))
    }

    /// The visible screen as text, with blanks for cells without a `wanted` style.
    fn text_where(&self, wanted: impl Fn(Style) -> bool) -> String {
        let mut text = String::new();
        for (y, row) in self.buffer().screen().enumerate() {
            if y > 0 {
                text.push('\n');
            }
            let start = text.len();
            let mut x = 0;
            while x < self.buffer().cols {
                let cell = row.get(x);
                let width = usize::from(self.dictionary.width(cell).max(1));
                if self.dictionary.has_content(cell) && wanted(self.dictionary.style(cell)) {
                    text.push_str(&self.dictionary.text(cell));
                } else {
                    text.extend(std::iter::repeat_n(' ', width));
                }
                x += width;
            }
            text.truncate(start + text[start..].trim_end().len());
        }
        text
    }

    /// The visible screen.
    #[inline]
    pub(crate) fn buffer(&self) -> &Buffer {
        if self.on_alternate {
            &self.alternate
        } else {
            &self.primary
        }
    }

    /// The visible screen.
    #[inline]
    pub(crate) fn buffer_mut(&mut self) -> &mut Buffer {
        if self.on_alternate {
            &mut self.alternate
        } else {
            &mut self.primary
        }
    }

    /// Recomputes the pen's cells after the pen changed.
    pub(crate) fn update_cells(&mut self) {
        self.make_room_for_cells();
        let (drawn, erased) = (self.pen.drawn(), self.pen.erased());
        let id = self.dictionary.style_id(drawn);
        self.pen_cell = self.dictionary.cell(0, id, drawn);
        if erased.bg == Color::DEFAULT {
            self.erase_cell = Cell::default();
        } else {
            let id = self.dictionary.style_id(erased);
            self.erase_cell = self.dictionary.cell(0, id, erased);
        }
    }

    /// Removes unused styles and clusters once there are many. A cell held elsewhere than on the
    /// screens and in the pen loses its meaning.
    #[inline]
    pub(crate) fn make_room_for_cells(&mut self) {
        if self.dictionary.is_crowded() {
            self.sweep();
        }
    }

    /// Removes unused styles, clusters and links.
    pub(crate) fn sweep(&mut self) {
        let pens = [self.pen, self.primary.saved.pen, self.alternate.saved.pen];
        let lines = self.primary.lines.iter().chain(&self.alternate.lines);
        let held = [&self.pen_cell, &self.erase_cell];
        let cells = lines.flat_map(|row| row.cells()).chain(held);
        self.dictionary.sweep(cells, &pens);
    }

    /// A cell in the pen's style.
    #[inline]
    pub(crate) fn pen_glyph(&mut self, glyph: u32) -> Cell {
        if self.pen_cell.style() == StyleId::IN_CLUSTER {
            let style = self.pen.drawn();
            self.dictionary.cell(glyph, StyleId::IN_CLUSTER, style)
        } else {
            Cell::new(glyph, self.pen_cell.style())
        }
    }

    /// RIS. Like xterm.js, keeps cursor visibility, LNM, blinking, title and palette.
    pub(crate) fn reset(&mut self) {
        let size = self.size;
        let old = std::mem::replace(self, Self::new(size));
        self.cursor_hidden = old.cursor_hidden;
        self.new_line = old.new_line;
        self.blink = old.blink;
        self.title = old.title;
        self.palette = old.palette;
    }

    fn take(&mut self, code: u32, replies: &mut Vec<u8>) {
        if self.parser.state == State::Ground && code >= 0x20 && !(0x7F..0xA0).contains(&code) {
            self.print(code);
            return;
        }
        self.end_run();
        self.in_run = false;
        match self.parser.step(code) {
            Event::None | Event::Print => return,
            Event::Execute => self.execute(code),
            Event::Csi(last) => self.csi(last, replies),
            Event::Esc(last) => self.esc(last),
            Event::Osc(done) => self.osc(done, replies),
            Event::Dcs(done) => self.dcs(done, replies),
        }
        self.join = Join::NONE;
    }
}

/// xterm.js has no terminal of fewer than two columns.
fn cells(size: Size) -> (usize, usize) {
    let within = |side: u16, least: u16| usize::from(side.clamp(least, Size::MAX));
    (within(size.cols, 2), within(size.rows, 1))
}

impl Screen for Terminal {
    fn feed(&mut self, bytes: &[u8], replies: &mut Vec<u8>) {
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            if self.parser.is_within_character() || byte >= 0x80 {
                let (code, again) = self.parser.decode(byte);
                if let Some(code) = code {
                    self.take(code, replies);
                }
                at += usize::from(!again);
                continue;
            }
            if self.parser.state == State::Ground && (0x20..0x7F).contains(&byte) {
                let rest = bytes.get(at..).unwrap_or_default();
                let run = text_length(rest);
                self.print_ascii(rest.get(..run).unwrap_or_default());
                at += run;
                continue;
            }
            let after = bytes.get(at + 1..).unwrap_or_default();
            let starts =
                byte == 0x1B && after.first() == Some(&b'[') && self.parser.state == State::Ground;
            if let Some(length) = after
                .get(1..)
                .filter(|_| starts)
                .and_then(|b| self.parser.whole_csi(b))
            {
                self.end_run();
                self.in_run = false;
                self.csi(after.get(length).copied().unwrap_or_default(), replies);
                self.join = Join::NONE;
                at += 2 + length;
                continue;
            }
            self.take(u32::from(byte), replies);
            at += 1;
        }
        self.end_run();
    }

    fn resize(&mut self, size: Size) {
        let (cols, rows) = cells(size);
        let same = cells(self.size) == (cols, rows);
        self.size = size;
        if same {
            return;
        }
        self.end_run();
        self.in_run = false;
        // Another character is before the cursor now: no mark joins it, and REP repeats nothing.
        self.join = Join::NONE;
        self.primary.resize(cols, rows, &self.dictionary);
        self.alternate.resize(cols, rows, &self.dictionary);
        self.primary.tabs.widen(cols);
        self.alternate.tabs.widen(cols);
    }

    fn size(&self) -> Size {
        self.size
    }

    fn snapshot(&self) -> Vec<u8> {
        self.snapshot_with_history(Self::HISTORY_BYTES)
    }

    fn text(&self) -> String {
        self.text_where(|_| true)
    }

    fn modes(&self) -> Modes {
        Modes {
            bracketed_paste: self.switches.bracketed_paste,
            alternate_screen: self.on_alternate,
            mouse: self.mouse != Mouse::None,
            focus: self.switches.focus,
            synchronized: self.switches.synchronized,
            cursor_visible: !self.cursor_hidden,
            application_cursor: self.switches.application_cursor,
            application_keypad: self.switches.application_keypad,
        }
    }

    fn title(&self) -> &str {
        &self.title
    }

    fn cursor(&self) -> (u16, u16) {
        let buffer = self.buffer();
        (buffer.y as u16, buffer.x.min(buffer.cols) as u16)
    }
}

/// Counts the printable ASCII bytes at the start.
#[inline]
fn text_length(bytes: &[u8]) -> usize {
    let mut at = 0;
    // Sixteen at a time, without a branch for each, so that the compiler uses vector instructions.
    while let Some(piece) = bytes.get(at..at + 16) {
        if !piece
            .iter()
            .fold(true, |all, b| all & (0x20..0x7F).contains(b))
        {
            break;
        }
        at += 16;
    }
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest
        .iter()
        .position(|b| !(0x20..0x7F).contains(b))
        .unwrap_or(rest.len())
}

/// The terminal's state saved by DECSC.
pub(crate) fn saved(buffer: &Buffer, pen: Style, charset: Charset) -> Saved {
    Saved {
        x: buffer.x,
        y: buffer.base + buffer.y,
        pen: Style {
            underline: 0,
            underline_color: Default::default(),
            link: 0,
            ..pen
        },
        charset,
    }
}
