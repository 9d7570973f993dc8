//! Writes rows as a stream from which a terminal reads the same cells.

mod pen;

use std::io::Write as _;

use crate::cell::Cell;
use crate::dictionary::Dictionary;
use crate::row::Row;
use crate::style::{Color, Style};
use crate::width::Join;

/// A stream under construction, and its reader's pen so far.
pub(crate) struct Painter<'a> {
    dictionary: &'a Dictionary,
    pub(crate) out: Vec<u8>,
    pen: Style,
    /// The link open at the reader; closing and reopening keeps the link the same.
    link: u16,
    /// Bytes of addresses and ids of links so far.
    link_bytes: usize,
    /// Whether a pen was built through the reader's saved cursor since the cursor was last saved.
    pub(crate) overwrote_saved: bool,
    /// Whether the alternate screen's saved cursor serves for detours, to spare the primary's.
    pub(crate) detours: bool,
}

/// A wide character, printed where half of the character is needed for a moment.
const WIDE: &str = "\u{3000}";

impl<'a> Painter<'a> {
    /// Most bytes of links in a stream; further cells are drawn without their links.
    pub(crate) const MAX_LINK_BYTES: usize = 4 << 20; // 4 MiB

    pub(crate) fn new(dictionary: &'a Dictionary) -> Self {
        Self {
            dictionary,
            out: Vec::new(),
            pen: Style::default(),
            link: 0,
            link_bytes: 0,
            overwrote_saved: false,
            detours: true,
        }
    }

    pub(crate) fn put(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// CUP, counted from 0.
    pub(crate) fn go(&mut self, x: usize, y: usize) {
        let _ = write!(self.out, "\x1b[{};{}H", y + 1, x + 1);
    }

    /// CHA, counted from 0.
    fn column(&mut self, x: usize) {
        let _ = write!(self.out, "\x1b[{}G", x + 1);
    }

    /// Draws a row with empty cells so far, from the first column on, and returns the cursor's
    /// column afterwards. With `wraps`, the next row continues this row: the cursor stays where the
    /// next character wraps. `Err` names an empty last cell; a wide character has to leave such a
    /// cell.
    pub(crate) fn row(
        &mut self,
        row: &Row,
        cols: usize,
        first: usize,
        wraps: bool,
    ) -> Result<usize, Cell> {
        let dictionary = self.dictionary;
        let end = row.cells().len().min(cols);
        let last = row.get(cols - 1);
        let mut at = 0;
        let mut dirty = usize::MAX;
        let mut join = Join::NONE;
        if first > 0 {
            // The row's first columns hold the text printed for the wrap.
            self.pen(Style::default());
            let _ = write!(self.out, "\r\x1b[{first}X");
        }
        if !wraps && cols > 2 && self.is_torn_half(last) && !self.is_torn_half(row.get(cols - 2)) {
            // An empty cell with attributes is the remainder of a wide character.
            self.column(cols - 2);
            self.put(WIDE.as_bytes());
            self.column(cols - 2);
            self.pen(dictionary.style(last));
            self.put(b" ");
            self.column(0);
            dirty = cols - 2;
        }
        let mut x = 0;
        while x < end || x == dirty {
            let cell = row.get(x);
            let style = dictionary.style(cell);
            let width = dictionary.width(cell);
            let empty = !dictionary.has_content(cell);
            let splits =
                width == 2 && (x + 1 >= cols || !dictionary.is_second_half(row.get(x + 1)));
            if empty && width == 1 && style == style.erased() {
                let mut run = 1;
                while x + run < end && x + run != dirty && row.get(x + run) == cell {
                    run += 1;
                }
                if style != Style::default() || x == dirty {
                    if at != x {
                        self.column(x);
                        at = x;
                    }
                    let n = if style == Style::default() { 1 } else { run };
                    self.pen(style);
                    let _ = write!(self.out, "\x1b[{n}X");
                }
                x += run;
            } else if empty && width == 1 && x + 1 < cols {
                if at != x {
                    self.column(x);
                }
                self.put(WIDE.as_bytes());
                self.column(x + 1);
                self.pen(style);
                self.put(b" ");
                dirty = x + 1;
                at = x + 2;
                x += 1;
            } else if empty || splits {
                // The last cell is drawn already; a half alone cannot be drawn.
                if x == dirty {
                    self.column(x);
                    at = x;
                    self.pen(Style::default());
                    self.put(b"\x1b[X");
                }
                x += 1;
            } else if let Some(byte) = ascii(cell) {
                if at != x {
                    self.column(x);
                }
                self.pen(style);
                self.out.push(byte);
                join = Join::after_ascii(byte);
                x += 1;
                at = x;
            } else {
                let text = dictionary.text(cell);
                let next = text.chars().next().map_or(0, u32::from);
                // Moving the cursor keeps the character from joining the previous character.
                if at != x || width == 0 || join.step(next).1 {
                    self.column(x);
                }
                self.pen(style);
                self.put(text.as_bytes());
                join = Join::after(&text);
                let width = usize::from(width.max(1));
                x += width;
                at = x;
            }
        }
        if !wraps || at == cols {
            return Ok(at);
        }
        self.column(cols - 1);
        let half = dictionary.has_content(last) || dictionary.is_second_half(last);
        Err(if half { Cell::default() } else { last })
    }

    /// Prints the last cell of a row again, to make a wrap pending. Returns false for an empty cell
    /// and for a style that takes the saved cursor.
    pub(crate) fn last_cell(&mut self, row: &Row, cols: usize, y: usize) -> bool {
        let dictionary = self.dictionary;
        let half = dictionary.is_second_half(row.get(cols - 1));
        let x = cols - 1 - usize::from(half);
        let cell = row.get(x);
        if !dictionary.has_content(cell) || !dictionary.style(cell).is_plain() {
            return false;
        }
        self.go(x, y);
        self.pen(dictionary.style(cell));
        self.put(dictionary.text(cell).as_bytes());
        true
    }

    /// Leaves an empty cell like `cell` in the last column, at the cursor, by a wide character
    /// wrapping to the next row; returns the columns of the wide character.
    pub(crate) fn wrap_wide(&mut self, cell: Cell, cols: usize) -> usize {
        let style = self.dictionary.style(cell);
        self.pen(style);
        self.put(WIDE.as_bytes());
        // A row that scrolled in has the pen's background everywhere.
        if style.bg == Color::DEFAULT { 2 } else { cols }
    }

    /// Whether a cell is the remainder of a wide character: empty, with attributes.
    pub(crate) fn is_torn_half(&self, cell: Cell) -> bool {
        let style = self.dictionary.style(cell);
        !self.dictionary.has_content(cell)
            && self.dictionary.width(cell) == 1
            && style != style.erased()
    }
}

/// The character of a cell, if the character is printable ASCII: no printable ASCII joins another
/// character.
fn ascii(cell: Cell) -> Option<u8> {
    let byte = u8::try_from(cell.glyph()).ok()?;
    (0x20..0x7F).contains(&byte).then_some(byte)
}
