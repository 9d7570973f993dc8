//! Writing pens and rows as a stream that a terminal reads back to the same cells.

use std::io::Write as _;

use crate::cell::Cell;
use crate::dictionary::Dictionary;
use crate::row::Row;
use crate::style::{Color, Flags, Style};

/// A stream under way, and the pen that its reader has by now.
pub(crate) struct Painter<'a> {
    dictionary: &'a Dictionary,
    pub(crate) out: Vec<u8>,
    pen: Style,
    /// The link that the reader has open; a link that was closed and is opened again is the same.
    link: u16,
    /// Whether a pen was made by way of the reader's saved cursor since it was last set.
    pub(crate) overwrote_saved: bool,
    /// Whether the alternate screen's saved cursor is used for that, to spare the primary's.
    pub(crate) detours: bool,
}

/// A wide character that is put where a half of it is needed for a moment.
const WIDE: &str = "\u{3000}";

impl<'a> Painter<'a> {
    pub(crate) fn new(dictionary: &'a Dictionary) -> Self {
        Self {
            dictionary,
            out: Vec::new(),
            pen: Style::default(),
            link: 0,
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

    /// Opens or closes the link.
    fn open(&mut self, link: u16) {
        if link == self.link {
            return;
        }
        self.link = link;
        match self.dictionary.link(link) {
            Some(to) => {
                let id = to
                    .id
                    .as_ref()
                    .map(|id| format!("id={id}"))
                    .unwrap_or_default();
                let _ = write!(self.out, "\x1b]8;{id};{}\x07", to.uri);
            }
            None => self.put(b"\x1b]8;;\x07"),
        }
        self.pen.link = link;
        self.pen.update_extended();
    }

    /// Opens or closes the link once more, which sets or clears the flag that a restored cursor tore.
    pub(crate) fn link_again(&mut self, link: u16) {
        self.link = u16::MAX;
        self.open(link);
    }

    /// Makes the pen draw cells like `style`.
    pub(crate) fn pen(&mut self, style: Style) {
        let style = style.drawn();
        if style == self.pen.drawn() {
            return;
        }
        if style.is_plain() {
            self.plain(style);
        } else {
            self.torn(style);
        }
    }

    /// A style that SGR and OSC 8 can say.
    fn plain(&mut self, style: Style) {
        self.open(style.link);
        let mut sgr = Vec::new();
        let loses = Flags::SGR
            .iter()
            .any(|(f, _, _)| self.pen.flags.has(*f) && !style.flags.has(*f));
        let extended = style.flags.has(Flags::EXTENDED);
        let recolors = extended && self.pen.underline_color != style.underline_color;
        let loses_color = recolors && style.underline_color == Color::DEFAULT;
        let loses_line = self.pen.flags.has(Flags::UNDERLINE) && !style.flags.has(Flags::UNDERLINE);
        let loses_protection =
            self.pen.flags.has(Flags::PROTECTED) && !style.flags.has(Flags::PROTECTED);
        if loses || loses_color || loses_line || loses_protection || is_torn(self.pen) {
            sgr.extend_from_slice(b";0");
            self.pen.reset();
        }
        for (flag, on, _) in Flags::SGR {
            if style.flags.has(flag) && !self.pen.flags.has(flag) {
                let _ = write!(sgr, ";{on}");
            }
        }
        if style.flags.has(Flags::UNDERLINE) {
            let line = if style.link == 0 { style.underline } else { 1 };
            if line != self.pen.underline {
                let _ = if line == 1 {
                    write!(sgr, ";4")
                } else {
                    write!(sgr, ";4:{line}")
                };
                self.pen.underline = line;
            }
        }
        for (new, old, base) in [(style.fg, self.pen.fg, 30), (style.bg, self.pen.bg, 40)] {
            if new != old {
                sgr.push(b';');
                new.sgr(base, &mut sgr);
            }
        }
        if extended && self.pen.underline_color != style.underline_color {
            sgr.push(b';');
            style.underline_color.sgr(58, &mut sgr);
            self.pen.underline_color = style.underline_color;
        }
        if let Some(sgr) = sgr.get(1..) {
            self.put(b"\x1b[");
            self.put(if sgr == b"0" { b"" } else { sgr });
            self.put(b"m");
        }
        if style.flags.has(Flags::PROTECTED) && !self.pen.flags.has(Flags::PROTECTED) {
            self.put(b"\x1b[1\"q");
        }
        self.pen.fg = style.fg;
        self.pen.bg = style.bg;
        self.pen.flags = style.flags;
    }

    /// A style that only restoring a cursor gives: flags of one pen with the underline of another.
    /// Overwrites the reader's saved cursor; the cursor is not to have a wrap pending.
    fn torn(&mut self, style: Style) {
        self.flags(style);
        if style.flags.has(Flags::UNDERLINE) && !style.flags.has(Flags::EXTENDED) {
            return;
        }
        self.leave();
        self.put(b"\x1b7");
        self.open(0);
        self.put(b"\x1b[m");
        self.pen.reset();
        if style.underline != 0 {
            let _ = write!(self.out, "\x1b[4:{}m", style.underline);
        }
        if style.underline_color != Color::DEFAULT {
            self.put(b"\x1b[");
            let mut sgr = Vec::new();
            style.underline_color.sgr(58, &mut sgr);
            self.put(&sgr);
            self.put(b"m");
        }
        self.put(b"\x1b8");
        self.come_back();
        self.pen = style;
    }

    fn leave(&mut self) {
        self.overwrote_saved = true;
        self.put(if self.detours { b"\x1b[?47h" } else { b"" });
    }

    fn come_back(&mut self) {
        self.put(if self.detours { b"\x1b[?47l" } else { b"" });
    }

    /// Makes the pen have the colours and flags of `style`, whatever its underline.
    pub(crate) fn flags(&mut self, style: Style) {
        let bare = |underline, link| Style {
            underline,
            link,
            underline_color: Color::DEFAULT,
            ..style
        };
        match (
            style.flags.has(Flags::EXTENDED),
            style.flags.has(Flags::UNDERLINE),
        ) {
            (false, false) => self.plain(bare(0, 0)),
            (true, true) => self.plain(bare(1, 0)),
            (true, false) => {
                let mut flags = style.flags;
                flags.set(Flags::EXTENDED, false);
                self.plain(Style {
                    flags,
                    ..bare(0, 0)
                });
                // Any link makes the flag.
                self.put(b"\x1b]8;;wxcode:\x07");
                self.link = u16::MAX;
                self.pen.link = u16::MAX;
                self.pen.update_extended();
            }
            (false, true) => {
                let mut flags = style.flags;
                flags.set(Flags::EXTENDED, true);
                self.plain(Style {
                    flags,
                    ..bare(1, 0)
                });
                self.leave();
                self.put(b"\x1b7\x1b[m\x1b8\x1b]8;;\x07");
                self.come_back();
                self.pen = bare(0, 0);
                self.link = 0;
            }
        }
    }

    /// Sets the whole pen from nothing, also what draws no cell yet.
    pub(crate) fn whole_pen(&mut self, pen: Style) {
        self.reset_pen();
        self.underline_and_link(pen);
        let mut flags = pen.flags;
        flags.set(Flags::UNDERLINE, self.pen.flags.has(Flags::UNDERLINE));
        flags.set(Flags::EXTENDED, self.pen.flags.has(Flags::EXTENDED));
        self.colors_and_flags(Style { flags, ..pen });
    }

    /// The pen of a fresh terminal, also where no cell shows the difference.
    pub(crate) fn reset_pen(&mut self) {
        if self.pen != Style::default() {
            self.open(0);
            self.put(b"\x1b[m");
            self.pen = Style::default();
        }
    }

    /// The parts of a pen that a saved cursor does not keep.
    pub(crate) fn underline_and_link(&mut self, pen: Style) {
        self.reset_pen();
        if pen.underline != 0 {
            let _ = write!(self.out, "\x1b[4:{}m", pen.underline);
            self.pen.set_underline(pen.underline);
        }
        if pen.underline_color != Color::DEFAULT {
            let mut sgr = Vec::new();
            pen.underline_color.sgr(58, &mut sgr);
            self.put(b"\x1b[");
            self.put(&sgr);
            self.put(b"m");
            self.pen.underline_color = pen.underline_color;
        }
        self.open(pen.link);
    }

    /// DECRC: the pen's colours and flags become those of `kept`.
    pub(crate) fn restore(&mut self, kept: Style) {
        self.put(b"\x1b8");
        self.pen = Style {
            fg: kept.fg,
            bg: kept.bg,
            flags: kept.flags,
            ..self.pen
        };
    }

    /// Changes colours and flags without touching underline and link.
    pub(crate) fn colors_and_flags(&mut self, pen: Style) {
        let mut sgr = Vec::new();
        for (flag, _, off) in Flags::SGR {
            if self.pen.flags.has(flag) && !pen.flags.has(flag) {
                let _ = write!(sgr, ";{off}");
                if off == 22 {
                    self.pen.flags.set(Flags::BOLD, false);
                    self.pen.flags.set(Flags::DIM, false);
                }
            }
        }
        for (flag, on, _) in Flags::SGR {
            if pen.flags.has(flag) && !self.pen.flags.has(flag) {
                let _ = write!(sgr, ";{on}");
            }
        }
        for (new, old, base) in [(pen.fg, self.pen.fg, 30), (pen.bg, self.pen.bg, 40)] {
            if new != old {
                sgr.push(b';');
                new.sgr(base, &mut sgr);
            }
        }
        if let Some(sgr) = sgr.get(1..) {
            self.put(b"\x1b[");
            self.put(sgr);
            self.put(b"m");
        }
        if pen.flags.has(Flags::PROTECTED) != self.pen.flags.has(Flags::PROTECTED) {
            self.put(if pen.flags.has(Flags::PROTECTED) {
                b"\x1b[1\"q"
            } else {
                b"\x1b[0\"q"
            });
        }
        self.pen.fg = pen.fg;
        self.pen.bg = pen.bg;
        self.pen.flags = pen.flags;
    }

    /// Draws a row whose cells are empty so far, from its first column on. Gives the column that the
    /// cursor is in then. With `wraps` the next row is to be its continuation: the cursor is left
    /// where the next character wraps, or `Err` names the empty last cell that a wide character has
    /// to leave behind.
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
        let mut soiled = usize::MAX;
        if first > 0 {
            // The row's first columns hold what was put there to wrap.
            self.pen(Style::default());
            let _ = write!(self.out, "\r\x1b[{first}X");
        }
        if !wraps && cols > 2 && self.is_torn_half(last) && !self.is_torn_half(row.get(cols - 2)) {
            // An empty cell with attributes is what is left of a wide character.
            self.column(cols - 2);
            self.put(WIDE.as_bytes());
            self.column(cols - 2);
            self.pen(dictionary.style(last));
            self.put(b" ");
            self.column(0);
            soiled = cols - 2;
        }
        let mut x = 0;
        while x < end || x == soiled {
            let cell = row.get(x);
            let style = dictionary.style(cell);
            let width = dictionary.width(cell);
            let empty = !dictionary.has_content(cell);
            let splits =
                width == 2 && (x + 1 >= cols || !dictionary.is_second_half(row.get(x + 1)));
            if empty && width == 1 && style == style.erased() {
                let mut run = 1;
                while x + run < end && x + run != soiled && row.get(x + run) == cell {
                    run += 1;
                }
                if style != Style::default() || x == soiled {
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
                soiled = x + 1;
                at = x + 2;
                x += 1;
            } else if empty || splits {
                // The last cell is drawn already; a half alone cannot be drawn.
                if x == soiled {
                    self.column(x);
                    at = x;
                    self.pen(Style::default());
                    self.put(b"\x1b[X");
                }
                x += 1;
            } else {
                if at != x || width == 0 {
                    self.column(x);
                }
                self.pen(style);
                let text = dictionary.text(cell);
                self.put(text.as_bytes());
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

    /// Prints the last cell of a row again, so that a wrap is pending. Gives whether that can be done:
    /// not for an empty cell, nor for a style that takes the saved cursor.
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

    /// Leaves an empty cell like `cell` in the last column, where the cursor is, by a wide character
    /// that wraps to the next row; gives how many columns it takes there.
    pub(crate) fn wrap_wide(&mut self, cell: Cell, cols: usize) -> usize {
        let style = self.dictionary.style(cell);
        self.pen(style);
        self.put(WIDE.as_bytes());
        // A row that scrolled in has the pen's background everywhere.
        if style.bg == Color::DEFAULT { 2 } else { cols }
    }

    /// Whether a cell is what is left of a wide character: empty, with attributes.
    pub(crate) fn is_torn_half(&self, cell: Cell) -> bool {
        let style = self.dictionary.style(cell);
        !self.dictionary.has_content(cell)
            && self.dictionary.width(cell) == 1
            && style != style.erased()
    }
}

/// Whether the flags of a reader's pen do not say what its underline and link say.
fn is_torn(pen: Style) -> bool {
    let mut same = pen;
    same.update_extended();
    same != pen || pen.flags.has(Flags::UNDERLINE) != (pen.underline != 0)
}
