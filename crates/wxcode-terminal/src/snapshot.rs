//! Writes the screen as a byte stream: a freshly reset xterm.js that reads the stream shows the
//! same terminal.

mod lines;

use std::io::Write as _;

use crate::buffer::Saved;
use crate::charset::Charset;
use crate::painter::Painter;
use crate::palette::Slot;
use crate::style::{Flags, Style};
use crate::terminal::{Mouse, MouseEncoding, Terminal};
use crate::width::{self, Kind};
use lines::{draw_lines, draw_region, draw_saved, draw_saved_below, draw_tabs, place, save_at};

/// Most bytes between two lines: a wrap, and the erasure of the wrapped character.
const LINE_END: usize = 12;

impl Terminal {
    /// Most bytes of history before the screen in a snapshot by [`crate::Screen::snapshot`].
    pub const HISTORY_BYTES: usize = 40 << 10; // 40 KiB

    /// Like [`crate::Screen::snapshot`], with as many of the newest rows of history as fit in
    /// `max_bytes`; 0 leaves the history out.
    pub fn snapshot_with_history(&self, max_bytes: usize) -> Vec<u8> {
        let mut painter = Painter::new(&self.dictionary);
        self.write_settings(&mut painter);
        self.keyboard.write(false, &mut painter.out);
        let first = self.first_line(max_bytes);
        let primary = &self.primary;
        draw_saved_below(&mut painter, primary, first);
        draw_lines(&mut painter, primary, first);
        draw_tabs(&mut painter, primary);
        draw_saved(&mut painter, primary);
        if first == primary.base && primary.saved.y < first {
            // Restoring a cursor of the history moves the cursor into the first row.
            save_at(&mut painter, primary, 0);
        }
        if self.on_alternate {
            draw_region(&mut painter, primary);
            place(&mut painter, primary, primary.y);
            painter.pen(Style::default());
            painter.put(b"\x1b[?47h");
            self.keyboard.write(true, &mut painter.out);
            painter.detours = false;
            painter.go(0, 0);
            draw_lines(&mut painter, &self.alternate, self.alternate.base);
            draw_tabs(&mut painter, &self.alternate);
            draw_saved(&mut painter, &self.alternate);
        } else if self.alternate.saved != Saved::default() || painter.overwrote_saved {
            painter.pen(Style::default());
            painter.put(b"\x1b[?47h");
            painter.detours = false;
            draw_saved(&mut painter, &self.alternate);
            painter.pen(Style::default());
            painter.put(b"\x1b[?47l");
        }
        self.write_cursor(&mut painter);
        self.parser.write_unfinished(&mut painter.out);
        painter.out
    }

    /// State unchanged by a reset.
    fn write_settings(&self, painter: &mut Painter<'_>) {
        let _ = write!(painter.out, "\x1b[20l\x1b]2;{}\x07", self.title);
        painter.put(b"\x1b]104\x07\x1b]110\x07\x1b]111\x07\x1b]112\x07");
        for (slot, [r, g, b]) in self.palette.changes() {
            let _ = match slot {
                Slot::Indexed(index) => write!(painter.out, "\x1b]4;{index}"),
                Slot::Foreground => write!(painter.out, "\x1b]10"),
                Slot::Background => write!(painter.out, "\x1b]11"),
                Slot::Cursor => write!(painter.out, "\x1b]12"),
            };
            let _ = write!(painter.out, ";rgb:{r:02x}/{g:02x}/{b:02x}\x07");
        }
    }

    /// Finds the oldest line that fits in `max_bytes` of history together with all later lines.
    fn first_line(&self, max_bytes: usize) -> usize {
        let mut painter = Painter::new(&self.dictionary);
        let (lines, cols) = (&self.primary.lines, self.primary.cols);
        let mut first = self.primary.base;
        let mut bytes = 0;
        while first > 0 && bytes <= max_bytes {
            // Each line is drawn from the default pen, like in the snapshot.
            painter.out.clear();
            let (row, next) = (&lines[first - 1], &lines[first]);
            let wraps = next.wrapped || painter.is_torn_half(row.get(cols - 1));
            if let Err(empty) = painter.row(row, cols, 0, wraps) {
                painter.wrap_wide(empty, cols);
            }
            painter.pen(Style::default());
            bytes += painter.out.len() + LINE_END;
            if bytes <= max_bytes {
                first -= 1;
            }
        }
        first
    }

    /// Writes region, modes, character sets, pen and cursor in an order in which no step undoes an
    /// earlier step.
    fn write_cursor(&self, painter: &mut Painter<'_>) {
        let buffer = self.buffer();
        let switches = &self.switches;
        let own_set = self.charsets.get(self.gl).copied().unwrap_or_default();
        draw_region(painter, buffer);
        let outside = switches.origin && !(buffer.top..=buffer.bottom).contains(&buffer.y);
        if switches.origin {
            painter.put(b"\x1b[?6h");
        }
        let y = if switches.origin {
            buffer.y.saturating_sub(buffer.top)
        } else {
            buffer.y
        };
        let mut placed = self.place_cursor(painter, y);
        let shifts: [&[u8]; 4] = [b"\x0f", b"\x0e", b"\x1bn", b"\x1bo"];
        let shift = shifts.get(self.gl).copied().unwrap_or_default();
        for (bank, set) in b"()*+".iter().zip(self.charsets) {
            if set != Charset::ASCII {
                painter.put(&[0x1b, *bank, set.designator()]);
            }
        }
        if self.gl > 0 {
            painter.put(shift);
        }
        self.write_modes(painter);
        let kept = self.restorable();
        if let Some((kept, elsewhere)) = kept {
            // Writes state that only DECRC can set: an underline of another pen, an undesignated
            // set.
            painter.underline_and_link(self.pen);
            painter.put(if elsewhere { b"\x1b[?47h" } else { b"" });
            painter.restore(kept.pen);
            painter.put(if elsewhere { b"\x1b[?47l" } else { b"" });
            if self.charset == own_set && self.charset != kept.charset {
                painter.put(shift);
            }
            placed = if self.on_alternate && is_torn(self.pen, kept.pen.flags) {
                // Printing the last cell, for a pending wrap, would use this pen.
                painter.go(buffer.x.min(buffer.cols - 1), y);
                buffer.x < buffer.cols
            } else {
                self.place_cursor(painter, y)
            };
            // Keeps a mark from joining the character just printed.
            self.write_visibility(painter);
        }
        match kept {
            Some((kept, _)) if is_torn(self.pen, kept.pen.flags) => {
                if self.pen.flags.has(Flags::EXTENDED) != kept.pen.flags.has(Flags::EXTENDED) {
                    painter.link_again(self.pen.link);
                }
                painter.colors_and_flags(self.pen);
            }
            _ => painter.whole_pen(self.pen),
        }
        if buffer.x > buffer.cols && placed {
            painter.put("\u{200b}".as_bytes());
        }
        // A pen that cannot be restored would draw the character differently.
        let unrestorable =
            is_split(self.pen) && !kept.is_some_and(|(kept, _)| is_torn(self.pen, kept.pen.flags));
        if !self.join.is_none() && !outside && !unrestorable {
            self.write_last_character(painter, y);
        }
    }

    /// The saved cursor with the only copy of the pen or the character set, and whether the cursor
    /// belongs to the alternate screen while the primary screen is shown.
    fn restorable(&self) -> Option<(Saved, bool)> {
        let own_set = self.charsets.get(self.gl).copied().unwrap_or_default();
        let other = (!self.on_alternate).then_some((self.alternate.saved, true));
        let slots = || {
            [Some((self.buffer().saved, false)), other]
                .into_iter()
                .flatten()
        };
        slots()
            .find(|(kept, _)| is_torn(self.pen, kept.pen.flags))
            .or_else(|| {
                slots().find(|(kept, _)| self.charset != own_set && self.charset == kept.charset)
            })
    }

    /// Moves the cursor to row `y`, counted like CUP. Returns whether the cursor's column is right,
    /// too.
    fn place_cursor(&self, painter: &mut Painter<'_>, y: usize) -> bool {
        let buffer = self.buffer();
        let outside = self.switches.origin && !(buffer.top..=buffer.bottom).contains(&buffer.y);
        let pending = buffer.x >= buffer.cols;
        if !self.on_alternate && (outside || pending) {
            // The cursor returns from the alternate screen unchanged: outside of the region, or
            // with a wrap pending after any last cell.
            painter.put(b"\x1b[?47h");
            painter.go(buffer.x.min(buffer.cols - 1), buffer.y);
            painter.put(if pending { b" " } else { b"" });
            painter.put(b"\x1b[?47l");
            true
        } else {
            place(painter, buffer, y)
        }
    }

    fn write_modes(&self, painter: &mut Painter<'_>) {
        let switches = &self.switches;
        let modes: [(bool, &[u8]); 12] = [
            (switches.application_cursor, b"\x1b[?1h"),
            (switches.application_keypad, b"\x1b="),
            (switches.bracketed_paste, b"\x1b[?2004h"),
            (switches.reverse_wrap, b"\x1b[?45h"),
            (switches.focus, b"\x1b[?1004h"),
            (!switches.wrap, b"\x1b[?7l"),
            (switches.insert, b"\x1b[4h"),
            (self.new_line, b"\x1b[20h"),
            (self.blink == Some(true), b"\x1b[?12h"),
            (self.blink == Some(false), b"\x1b[?12l"),
            (self.mouse_encoding == MouseEncoding::Sgr, b"\x1b[?1006h"),
            (
                self.mouse_encoding == MouseEncoding::SgrPixels,
                b"\x1b[?1016h",
            ),
        ];
        modes
            .iter()
            .filter(|(on, _)| *on)
            .for_each(|(_, bytes)| painter.put(bytes));
        self.write_visibility(painter);
        painter.put(match self.mouse {
            Mouse::None => b"",
            Mouse::X10 => b"\x1b[?9h",
            Mouse::Vt200 => b"\x1b[?1000h",
            Mouse::Drag => b"\x1b[?1002h",
            Mouse::Any => b"\x1b[?1003h",
        });
        if switches.cursor_style > 0 {
            let _ = write!(painter.out, "\x1b[{} q", switches.cursor_style);
        }
        if switches.synchronized {
            painter.put(b"\x1b[?2026h");
        }
    }

    fn write_visibility(&self, painter: &mut Painter<'_>) {
        painter.put(match self.cursor_hidden {
            true => b"\x1b[?25l",
            false => b"\x1b[?25h",
        });
    }

    /// Prints the last character again: a mark then joins the character, and REP repeats the
    /// character.
    fn write_last_character(&self, painter: &mut Painter<'_>, y: usize) {
        let buffer = self.buffer();
        let wide = usize::from(self.join.width);
        let Some(row) = buffer.lines.get(buffer.base + buffer.y) else {
            return;
        };
        let found = buffer.x.checked_sub(wide).filter(|x| {
            let cell = row.get(*x);
            self.dictionary.has_content(cell)
                && usize::from(self.dictionary.width(cell)) == wide
                && self.dictionary.style(cell) == self.pen.drawn()
        });
        let Some(x) = found else {
            if !self.switches.wrap && buffer.x + 1 == buffer.cols && wide == 2 {
                // A wide character without room left only itself to be joined.
                if row.is_wide(buffer.x - 1, &self.dictionary) {
                    painter.last_cell(row, buffer.cols, y);
                    painter.pen(self.pen);
                }
                painter.put(match self.join.kind {
                    Kind::Person => "👋".as_bytes(),
                    Kind::Pictograph => "🎉".as_bytes(),
                    _ => "\u{3000}".as_bytes(),
                });
            }
            return;
        };
        let cell = row.get(x);
        let text = self.dictionary.text(cell);
        painter.go(x, y);
        if self.switches.insert {
            // Only the first character makes room; a joined character that widens the cell
            // overwrites a cell.
            let room = text.chars().next().map_or(1, |c| width::of(u32::from(c)));
            let _ = write!(painter.out, "\x1b[{room}P");
        }
        let mut chars = text.chars();
        let first = chars.next().map(|c| self.charset.unreplace(u32::from(c)));
        let mut shown: String = first.and_then(char::from_u32).into_iter().collect();
        shown.push_str(chars.as_str());
        painter.put(shown.as_bytes());
    }
}

/// Whether a pen's flags disagree with the pen's underline and link.
fn is_split(pen: Style) -> bool {
    let mut same = pen;
    same.update_extended();
    same != pen || pen.flags.has(Flags::UNDERLINE) != (pen.underline != 0)
}

/// Whether restoring a cursor with the flags `kept` gives a split pen its state.
fn is_torn(pen: Style, kept: Flags) -> bool {
    let mut same = pen;
    same.update_extended();
    is_split(pen)
        && pen.flags.has(Flags::UNDERLINE) == kept.has(Flags::UNDERLINE)
        && (same == pen || pen.flags.has(Flags::EXTENDED) == kept.has(Flags::EXTENDED))
}
