//! Puts characters on the screen: wrapping, wide characters, combining marks, insert mode.

use crate::cell::Cell;
use crate::charset::Charset;
use crate::terminal::Terminal;
use crate::width::Join;

impl Terminal {
    /// Prints a run of printable ASCII.
    pub(crate) fn print_ascii(&mut self, text: &[u8]) {
        let plain = self.charset == Charset::ASCII
            && !self.switches.insert
            && self.pen_cell.cluster().is_none();
        if !plain {
            text.iter().for_each(|byte| self.print(u32::from(*byte)));
            return;
        }
        self.begin_run();
        let pen_cell = self.pen_cell;
        let mut rest = text;
        while !rest.is_empty() {
            let wraps = self.switches.wrap;
            let cols = self.buffer().cols;
            if self.buffer().x >= cols {
                if wraps {
                    self.wrap_line(pen_cell, 0);
                } else {
                    // Every character lands in the last column; only the last character stays.
                    rest = rest.get(rest.len() - 1..).unwrap_or_default();
                    self.buffer_mut().x = cols - 1;
                }
            }
            let buffer = self.buffer_mut();
            let n = rest.len().min(cols - buffer.x);
            let (now, later) = rest.split_at(n);
            let (x, y) = (buffer.x, buffer.y);
            buffer.row(y).write_ascii(x, now, pen_cell);
            buffer.x += n;
            rest = later;
        }
        if let Some(last) = text.last() {
            self.join = Join::after_ascii(*last);
        }
    }

    /// Prints a character.
    pub(crate) fn print(&mut self, code: u32) {
        self.make_room_for_cells();
        self.begin_run();
        let code = if code < 0x7F {
            self.charset.replace(code)
        } else {
            code
        };
        let before = self.join;
        let (now, joins) = before.step(code);
        let wide = now.width;
        self.join = now;
        let cols = self.buffer().cols;
        // The columns already taken by the character before.
        let old = if joins { usize::from(before.width) } else { 0 };
        let needed = usize::from(wide).saturating_sub(old);
        if self.buffer().x + needed > cols {
            let empty = self.pen_glyph(0);
            if self.switches.wrap {
                self.wrap_line(empty, old);
            } else {
                self.buffer_mut().x = cols - 1;
                if wide == 2 {
                    return;
                }
            }
        }
        let x = self.buffer().x;
        if joins && x > 0 {
            self.join_mark(code, wide);
            let half = self.pen_glyph(Cell::SECOND_HALF);
            let buffer = self.buffer_mut();
            let y = buffer.y;
            for _ in 0..needed {
                let x = buffer.x;
                buffer.row(y).set(x, half);
                buffer.x += 1;
            }
            return;
        }
        if self.switches.insert {
            self.make_room(needed);
        }
        let cell = self.pen_glyph(code);
        let half = if wide == 2 {
            self.pen_glyph(Cell::SECOND_HALF)
        } else {
            cell
        };
        let buffer = self.buffer_mut();
        let y = buffer.y;
        buffer.row(y).set(x, cell);
        buffer.x += 1;
        if wide == 2 {
            buffer.row(y).set(x + 1, half);
            buffer.x += 1;
        }
    }

    /// Empties the first half of a wide character whose second half the run overwrites.
    fn begin_run(&mut self) {
        if self.in_run {
            return;
        }
        self.in_run = true;
        let (x, y) = (self.buffer().x, self.buffer().y);
        if x == 0 || !self.buffer_mut().row(y).is_rich() {
            return;
        }
        let before = self.buffer_mut().row(y).get(x - 1);
        if self.dictionary.width(before) == 2 {
            let empty = self.pen_glyph(0);
            self.buffer_mut().row(y).set(x - 1, empty);
        }
    }

    /// Empties the second half of a wide character whose first half the run overwrote.
    pub(crate) fn end_run(&mut self) {
        if !self.in_run {
            return;
        }
        let (x, y, cols) = (self.buffer().x, self.buffer().y, self.buffer().cols);
        if x >= cols || !self.buffer_mut().row(y).is_rich() {
            return;
        }
        let next = self.buffer_mut().row(y).get(x);
        if self.dictionary.is_second_half(next) {
            let empty = self.pen_glyph(0);
            self.buffer_mut().row(y).set(x, empty);
        }
    }

    /// Continues in the next row, as the continuation of this row. The last `kept` columns go
    /// along: a character on its way to becoming wide.
    fn wrap_line(&mut self, empty: Cell, kept: usize) {
        let erase_cell = self.erase_cell;
        let buffer = self.buffer_mut();
        let (x, y, cols) = (buffer.x.saturating_sub(kept), buffer.y, buffer.cols);
        let mut moved: [Cell; 2] = std::array::from_fn(|i| buffer.row(y).get(x + i));
        for at in x..cols {
            buffer.row(y).set(at, empty);
        }
        buffer.x = kept;
        if buffer.y == buffer.bottom {
            buffer.scroll(erase_cell, true);
            if buffer.lines.len() == 1 {
                // xterm.js reuses the only row before emptying the row's leftover cells.
                moved = std::array::from_fn(|_| buffer.row(0).get(x));
                (x..cols).for_each(|at| buffer.row(0).set(at, empty));
            }
        } else {
            buffer.y = (buffer.y + 1).min(buffer.rows - 1);
            let y = buffer.y;
            buffer.row(y).wrapped = true;
        }
        let y = buffer.y;
        for (at, cell) in moved.into_iter().enumerate().take(kept) {
            buffer.row(y).set(at, cell);
        }
    }

    fn join_mark(&mut self, code: u32, wide: u8) {
        let (x, y) = (self.buffer().x, self.buffer().y);
        let last = self.buffer_mut().row(y).get(x - 1);
        let offset = if self.dictionary.width(last) == 0 {
            2
        } else {
            1
        };
        let Some(at) = x.checked_sub(offset) else {
            return;
        };
        let cell = self.buffer_mut().row(y).get(at);
        let joined = self.dictionary.joined(cell, code, wide);
        self.buffer_mut().row(y).set(at, joined);
    }

    fn make_room(&mut self, n: usize) {
        let (x, y, cols) = (self.buffer().x, self.buffer().y, self.buffer().cols);
        let empty = self.pen_glyph(0);
        let buffer = if self.on_alternate {
            &mut self.alternate
        } else {
            &mut self.primary
        };
        let row = buffer.row(y);
        row.insert(x, n, empty, &self.dictionary);
        if row.is_wide(cols - 1, &self.dictionary) {
            row.set(cols - 1, empty);
        }
    }

    /// REP: prints the character before the cursor again.
    pub(crate) fn repeat(&mut self, n: usize) {
        let (x, y, cols) = (self.buffer().x, self.buffer().y, self.buffer().cols);
        let wide = usize::from(self.join.width);
        let Some(at) = x.checked_sub(wide).filter(|_| wide > 0) else {
            return;
        };
        let cell = self.buffer_mut().row(y).get(at);
        let text = self.dictionary.text(cell);
        // Like xterm, at most a screenful. The page's xterm.js gets the same bound.
        let n = n.min(self.buffer().rows * cols);
        self.in_run = false;
        match text.as_bytes() {
            [byte @ 0x20..0x7F] if wide == 1 => {
                let run = [*byte; 64];
                let mut left = n;
                while left > 0 {
                    let now = left.min(run.len());
                    self.print_ascii(run.get(..now).unwrap_or_default());
                    left -= now;
                }
            }
            _ => (0..n).for_each(|_| text.chars().for_each(|c| self.print(u32::from(c)))),
        }
        self.end_run();
        self.in_run = false;
    }
}
