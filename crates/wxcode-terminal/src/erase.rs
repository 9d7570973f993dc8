//! Erases cells; edits rows and lines.

use crate::cell::Cell;
use crate::dictionary::Dictionary;
use crate::row::Row;
use crate::style::Flags;
use crate::terminal::Terminal;

impl Terminal {
    /// Edits the cursor's row; the function receives row, column, fill and dictionary.
    pub(crate) fn edit_row(&mut self, edit: impl Fn(&mut Row, usize, Cell, &Dictionary)) {
        let last = self.buffer().cols - 1;
        self.restrict(last);
        let (fill, y) = (self.erase_cell, self.buffer().y);
        self.with_row(y, |row, x, dictionary| edit(row, x, fill, dictionary));
    }

    /// Edits every row of the scroll region, if the cursor is within it.
    pub(crate) fn edit_region(&mut self, edit: impl Fn(&mut Row, usize, Cell, &Dictionary)) {
        let fill = self.erase_cell;
        let (top, bottom) = (self.buffer().top, self.buffer().bottom);
        if !(top..=bottom).contains(&self.buffer().y) {
            return;
        }
        for y in top..=bottom {
            self.with_row(y, |row, x, dictionary| {
                edit(row, x, fill, dictionary);
                row.wrapped = false;
            });
        }
    }

    /// IL and DL.
    pub(crate) fn shift_lines(&mut self, n: usize, down: bool) {
        let last = self.buffer().cols - 1;
        self.restrict(last);
        let fill = self.erase_cell;
        let buffer = self.buffer_mut();
        if !(buffer.top..=buffer.bottom).contains(&buffer.y) {
            return;
        }
        if down {
            buffer.shift(buffer.bottom, buffer.y, n, fill);
        } else {
            buffer.shift(buffer.y, buffer.bottom, n, fill);
        }
        buffer.x = 0;
    }

    /// ED and DECSED; DECSED spares protected cells.
    pub(crate) fn erase_in_display(&mut self, part: i32, selective: bool) {
        let cols = self.buffer().cols;
        self.restrict(cols);
        let buffer = self.buffer();
        let (x, y, cols, rows) = (buffer.x, buffer.y, buffer.cols, buffer.rows);
        match part {
            0 => {
                self.erase(y, x, cols, x == 0, selective);
                (y + 1..rows).for_each(|y| self.erase_row(y, selective));
            }
            1 => {
                self.erase(y, 0, x + 1, true, selective);
                if x + 1 >= cols {
                    self.unwrap_line_after(y);
                }
                (0..y).for_each(|y| self.erase_row(y, selective));
            }
            2 => (0..rows).for_each(|y| self.erase_row(y, selective)),
            3 => self.buffer_mut().clear_history(),
            _ => {}
        }
    }

    /// xterm.js counts the row from the start of the history here, not of the screen.
    fn unwrap_line_after(&mut self, y: usize) {
        let buffer = self.buffer_mut();
        let at = (y + 1) % buffer.max_lines();
        if let Some(row) = buffer.lines.get_mut(at) {
            row.wrapped = false;
        }
    }

    /// EL and DECSEL; DECSEL spares protected cells.
    pub(crate) fn erase_in_line(&mut self, part: i32, selective: bool) {
        let cols = self.buffer().cols;
        self.restrict(cols);
        let buffer = self.buffer();
        let (x, y, cols) = (buffer.x, buffer.y, buffer.cols);
        match part {
            0 => self.erase(y, x, cols, x == 0, selective),
            1 => self.erase(y, 0, x + 1, false, selective),
            2 => self.erase(y, 0, cols, true, selective),
            _ => {}
        }
    }

    fn erase(&mut self, y: usize, from: usize, to: usize, unwrap: bool, selective: bool) {
        let fill = self.erase_cell;
        self.with_row(y, |row, _, dictionary| {
            if selective {
                row.replace_unprotected(from, to, fill, dictionary, |cell| {
                    is_protected(cell, dictionary)
                });
            } else {
                row.replace(from, to, fill, dictionary);
            }
            row.wrapped &= !unwrap;
        });
    }

    fn erase_row(&mut self, y: usize, selective: bool) {
        let fill = self.erase_cell;
        self.with_row(y, |row, _, dictionary| {
            if selective {
                row.fill_unprotected(fill, |cell| is_protected(cell, dictionary));
            } else {
                row.fill(fill);
            }
            row.wrapped = false;
        });
    }

    /// Calls the function with a row of the screen, the cursor's column and the dictionary.
    fn with_row(&mut self, y: usize, edit: impl FnOnce(&mut Row, usize, &Dictionary)) {
        let buffer = if self.on_alternate {
            &mut self.alternate
        } else {
            &mut self.primary
        };
        let x = buffer.x;
        edit(buffer.row(y), x, &self.dictionary);
    }
}

fn is_protected(cell: Cell, dictionary: &Dictionary) -> bool {
    dictionary.style(cell).flags.has(Flags::PROTECTED)
}
