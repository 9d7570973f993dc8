//! A screen, primary or alternate: its rows and the history above, cursor, scroll region and tab
//! stops.

use std::collections::VecDeque;

use crate::cell::Cell;
use crate::charset::Charset;
use crate::dictionary::Dictionary;
use crate::row::Row;
use crate::style::Style;
use crate::tabs::Tabs;

/// The state saved by DECSC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Saved {
    pub(crate) x: usize,
    /// The row, counted from the oldest row of the history, so that the position scrolls with the
    /// text.
    pub(crate) y: usize,
    /// Colours and flags; underline style and link are not kept.
    pub(crate) pen: Style,
    pub(crate) charset: Charset,
}

/// A screen. The alternate screen has rows only while it is shown.
#[derive(Debug)]
pub(crate) struct Buffer {
    /// History and screen, oldest first.
    pub(crate) lines: VecDeque<Row>,
    /// Rows of history: the index of the screen's first row.
    pub(crate) base: usize,
    /// The cursor's column; `cols` while a wrap is pending, and `cols + 1` after a character of no
    /// width there.
    pub(crate) x: usize,
    /// The cursor's row on the screen.
    pub(crate) y: usize,
    /// The first row of the scroll region.
    pub(crate) top: usize,
    /// The last row of the scroll region.
    pub(crate) bottom: usize,
    pub(crate) tabs: Tabs,
    pub(crate) saved: Saved,
    pub(crate) cols: usize,
    pub(crate) rows: usize,
    /// Most rows of history; `None` for the alternate screen, which never reflows.
    pub(crate) history: Option<usize>,
    /// Most rows of history and screen together. xterm.js does not lower the bound for a hidden
    /// alternate screen, so such a screen has history until the program leaves it.
    max_lines: usize,
}

impl Buffer {
    pub(crate) fn new(cols: usize, rows: usize, history: Option<usize>) -> Self {
        let mut buffer = Self {
            lines: VecDeque::new(),
            base: 0,
            x: 0,
            y: 0,
            top: 0,
            bottom: rows - 1,
            tabs: Tabs::new(cols),
            saved: Saved::default(),
            cols,
            rows,
            history,
            max_lines: rows + history.unwrap_or(0),
        };
        if history.is_some() {
            buffer.fill_screen(Cell::default());
        }
        buffer
    }

    /// Most rows of history and screen together.
    pub(crate) fn max_lines(&self) -> usize {
        self.max_lines
    }

    pub(crate) fn blank(&self, fill: Cell) -> Row {
        Row::new(self.cols as u16, fill)
    }

    /// Creates the rows of a screen without rows.
    pub(crate) fn fill_screen(&mut self, fill: Cell) {
        if self.lines.is_empty() {
            let row = self.blank(fill);
            self.lines.resize(self.rows, row);
        }
    }

    /// Forgets rows, cursor, region and tab stops; the saved cursor stays.
    pub(crate) fn clear(&mut self) {
        let fresh = Self::new(self.cols, self.rows, None);
        let (saved, history) = (self.saved, self.history);
        *self = Self {
            saved,
            history,
            ..fresh
        };
    }

    /// The row of the screen at `y`.
    #[inline]
    pub(crate) fn row(&mut self, y: usize) -> &mut Row {
        let last = self.lines.len() - 1;
        &mut self.lines[(self.base + y).min(last)]
    }

    /// The rows of the screen.
    pub(crate) fn screen(&self) -> impl Iterator<Item = &Row> {
        self.lines.range(self.base.min(self.lines.len())..)
    }

    /// Moves the scroll region up by a row; the row at the top of the screen becomes history.
    pub(crate) fn scroll(&mut self, fill: Cell, wrapped: bool) {
        let full = self.lines.len() >= self.max_lines();
        let below = self.base + self.bottom + 1;
        if self.top > 0 {
            let row = self.lines.remove(self.base + self.top);
            self.put_back(below - 1, row, fill, wrapped);
            return;
        }
        if full {
            let row = self.lines.pop_front();
            self.put_back(below - 1, row, fill, wrapped);
        } else {
            self.put_back(below, None, fill, wrapped);
            self.base += 1;
        }
    }

    fn put_back(&mut self, at: usize, row: Option<Row>, fill: Cell, wrapped: bool) {
        let mut row = row.unwrap_or_default();
        row.renew(self.cols as u16, fill);
        row.wrapped = wrapped;
        if at >= self.lines.len() {
            self.lines.push_back(row);
        } else {
            self.lines.insert(at, row);
        }
    }

    /// Removes row `from` of the screen and inserts a blank row at `to`, `n` times.
    pub(crate) fn shift(&mut self, from: usize, to: usize, n: usize, fill: Cell) {
        for _ in 0..n.min(from.abs_diff(to) + 1) {
            let row = self.lines.remove(self.base + from);
            self.put_back(self.base + to, row, fill, false);
        }
    }

    /// Forgets the history.
    pub(crate) fn clear_history(&mut self) {
        self.lines.drain(..self.base.min(self.lines.len()));
        self.base = 0;
    }

    /// Changes the size: rows move between screen and history, and lines reflow.
    pub(crate) fn resize(&mut self, cols: usize, rows: usize, dictionary: &Dictionary) {
        let old_cols = self.cols;
        let old_rows = self.rows;
        self.cols = cols;
        self.rows = rows;
        let most = rows + self.history.unwrap_or(0);
        self.max_lines = self.max_lines.max(most);
        if !self.lines.is_empty() {
            if old_cols < cols {
                self.lines
                    .iter_mut()
                    .for_each(|row| row.resize(cols as u16));
            }
            let raised = self.resize_rows(old_rows, rows);
            self.x = self.x.min(cols - 1);
            self.y = self.y.min(rows - 1) + raised;
            self.saved.x = self.saved.x.min(cols - 1);
            self.top = 0;
        }
        self.bottom = rows - 1;
        if self.history.is_some() {
            if cols > old_cols {
                self.reflow_wider(old_cols, dictionary);
            } else if cols < old_cols {
                self.reflow_narrower(old_cols, dictionary);
                self.lines
                    .iter_mut()
                    .for_each(|row| row.resize(cols as u16));
            }
        }
    }

    /// Returns by how many rows the screen's text moved down.
    fn resize_rows(&mut self, old: usize, rows: usize) -> usize {
        let mut raised = 0;
        for _ in old..rows {
            if self.lines.len() >= rows + self.base {
                continue;
            }
            if self.base > 0 && self.lines.len() <= self.base + self.y + raised + 1 {
                self.base -= 1;
                raised += 1;
            } else {
                self.lines.push_back(self.blank(Cell::default()));
            }
        }
        for _ in rows..old {
            if self.lines.len() <= rows + self.base {
                continue;
            }
            if self.lines.len() > self.base + self.y + 1 {
                self.lines.pop_back();
            } else {
                self.base += 1;
            }
        }
        let most = rows + self.history.unwrap_or(0);
        if most < self.max_lines {
            self.max_lines = most;
            let excess = self.lines.len().saturating_sub(self.max_lines());
            if excess > 0 {
                self.lines.drain(..excess);
                self.base = self.base.saturating_sub(excess);
                self.saved.y = self.saved.y.saturating_sub(excess);
            }
        }
        raised
    }
}
