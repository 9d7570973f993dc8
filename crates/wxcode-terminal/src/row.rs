//! A row of cells, and the effect of edits on wide characters at the row's edges.

use crate::cell::{Cell, StyleId};
use crate::dictionary::Dictionary;

/// A row. Cells after the stored cells are empty and unstyled, so a blank row costs nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Row {
    cells: Vec<Cell>,
    /// The length in columns. After a narrower resize the rows of the alternate screen stay longer
    /// than the screen, as in xterm.js.
    len: u16,
    /// Whether the row continues the row above.
    pub(crate) wrapped: bool,
    /// Whether a cell may have a width other than a single column.
    rich: bool,
}

impl Row {
    /// Creates a row of `len` columns filled with `fill`.
    pub(crate) fn new(len: u16, fill: Cell) -> Self {
        let mut row = Self {
            len,
            ..Self::default()
        };
        row.fill(fill);
        row
    }

    /// Resets to the state of [`Row::new`], keeping the allocation.
    pub(crate) fn renew(&mut self, len: u16, fill: Cell) {
        self.len = len;
        self.wrapped = false;
        self.fill(fill);
    }

    /// The length in columns.
    pub(crate) fn len(&self) -> usize {
        usize::from(self.len)
    }

    /// The stored cells; the rest of the row is empty.
    pub(crate) fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// The cell at a column; empty outside.
    #[inline]
    pub(crate) fn get(&self, at: usize) -> Cell {
        self.cells.get(at).copied().unwrap_or_default()
    }

    /// Whether cells may be wide, joined or of no width.
    #[inline]
    pub(crate) fn is_rich(&self) -> bool {
        self.rich
    }

    /// Sets a cell; outside of the row this does nothing.
    #[inline]
    pub(crate) fn set(&mut self, at: usize, cell: Cell) {
        if let Some(old) = self.cells.get_mut(at) {
            *old = cell;
        } else if at < self.len() && cell != Cell::default() {
            self.cells.resize(at, Cell::default());
            self.cells.push(cell);
        }
        self.rich |= is_rich(cell);
    }

    /// Writes ASCII from column `at` on; `style` is an empty cell of the wanted style. The text
    /// ends within the row.
    #[inline]
    pub(crate) fn write_ascii(&mut self, at: usize, text: &[u8], style: Cell) {
        if self.cells.len() < at {
            self.cells.resize(at, Cell::default());
        }
        let over = text.len().min(self.cells.len() - at);
        for (cell, byte) in self.cells[at..at + over].iter_mut().zip(text) {
            *cell = style.with_ascii(*byte);
        }
        self.cells
            .extend(text[over..].iter().map(|byte| style.with_ascii(*byte)));
    }

    /// Fills the whole row.
    pub(crate) fn fill(&mut self, fill: Cell) {
        self.cells.clear();
        self.rich = false;
        if fill != Cell::default() {
            self.cells.resize(self.len(), fill);
            self.rich = is_rich(fill);
        }
    }

    /// Fills the unprotected cells.
    pub(crate) fn fill_unprotected(&mut self, fill: Cell, is_protected: impl Fn(Cell) -> bool) {
        for at in 0..self.len() {
            if !is_protected(self.get(at)) {
                self.set(at, fill);
            }
        }
    }

    /// Changes the length: new cells are empty, further cells are dropped.
    pub(crate) fn resize(&mut self, len: u16) {
        self.len = len;
        self.cells.truncate(usize::from(len));
    }

    /// Inserts `n` cells of `fill` before column `at`; cells pushed over the end are lost.
    pub(crate) fn insert(&mut self, at: usize, n: usize, fill: Cell, dictionary: &Dictionary) {
        let len = self.len();
        let at = at % len;
        self.part_wide(at, fill, dictionary);
        let n = n.min(len - at);
        for to in (at + n..len).rev() {
            self.set(to, self.get(to - n));
        }
        for to in at..at + n {
            self.set(to, fill);
        }
        if self.is_wide(len - 1, dictionary) {
            self.set(len - 1, fill);
        }
    }

    /// Removes `n` cells at column `at` and fills up at the end.
    pub(crate) fn delete(&mut self, at: usize, n: usize, fill: Cell, dictionary: &Dictionary) {
        let len = self.len();
        let at = at % len;
        let n = n.min(len - at);
        for to in at..len {
            let cell = if to + n < len { self.get(to + n) } else { fill };
            self.set(to, cell);
        }
        self.part_wide(at, fill, dictionary);
        if self.rich && dictionary.is_second_half(self.get(at)) {
            self.set(at, fill);
        }
    }

    /// Fills the columns `from..to`, and any halves of wide characters at the edges.
    pub(crate) fn replace(&mut self, from: usize, to: usize, fill: Cell, dictionary: &Dictionary) {
        self.part_wide(from, fill, dictionary);
        if to < self.len() && to > 0 && self.is_wide(to - 1, dictionary) {
            self.set(to, fill);
        }
        let to = to.min(self.len());
        if from == 0 && to == self.len() {
            self.fill(fill);
        } else if to >= self.cells.len() && fill == Cell::default() {
            self.cells.truncate(from);
        } else {
            for at in from..to {
                self.set(at, fill);
            }
        }
    }

    /// Like [`Row::replace`], but keeps protected cells.
    pub(crate) fn replace_unprotected(
        &mut self,
        from: usize,
        to: usize,
        fill: Cell,
        dictionary: &Dictionary,
        is_protected: impl Fn(Cell) -> bool,
    ) {
        if from > 0 && self.is_wide(from - 1, dictionary) && !is_protected(self.get(from - 1)) {
            self.set(from - 1, fill);
        }
        if to < self.len()
            && to > 0
            && self.is_wide(to - 1, dictionary)
            && !is_protected(self.get(to))
        {
            self.set(to, fill);
        }
        for at in from..to.min(self.len()) {
            if !is_protected(self.get(at)) {
                self.set(at, fill);
            }
        }
    }

    /// Copies `n` cells of `source` from column `from` to column `to` of this row.
    pub(crate) fn copy_from(&mut self, source: &Row, from: usize, to: usize, n: usize) {
        for i in 0..n {
            self.set(to + i, source.get_for_copy(from + i));
        }
    }

    /// The cell at a column. Past the end, the second half of a wide character at the edge, lost to
    /// a narrower size, as in xterm.js.
    fn get_for_copy(&self, at: usize) -> Cell {
        if at < self.len() {
            self.get(at)
        } else {
            Cell::new(Cell::SECOND_HALF, StyleId::DEFAULT)
        }
    }

    /// Moves `n` cells from column `from` to column `to` of this row.
    pub(crate) fn copy_within(&mut self, from: usize, to: usize, n: usize) {
        let moved: Vec<Cell> = (from..from + n).map(|at| self.get_for_copy(at)).collect();
        for (i, cell) in moved.into_iter().enumerate() {
            self.set(to + i, cell);
        }
    }

    /// Columns up to the end of the last cell with a character.
    pub(crate) fn trimmed(&self, dictionary: &Dictionary) -> usize {
        let last = self
            .cells
            .iter()
            .rposition(|cell| dictionary.has_content(*cell));
        last.map_or(0, |at| at + usize::from(dictionary.width(self.get(at))))
    }

    /// Whether the cell at a column is the first half of a wide character.
    #[inline]
    pub(crate) fn is_wide(&self, at: usize, dictionary: &Dictionary) -> bool {
        self.rich && at < self.len() && dictionary.width(self.get(at)) == 2
    }

    /// Empties the first half of a wide character whose second half is at `at`.
    fn part_wide(&mut self, at: usize, fill: Cell, dictionary: &Dictionary) {
        if at > 0 && self.is_wide(at - 1, dictionary) {
            self.set(at - 1, fill);
        }
    }
}

/// Whether a cell may have a width other than a single column: beyond Latin, or a soft hyphen.
#[inline]
fn is_rich(cell: Cell) -> bool {
    cell.glyph() >= 0x300 || cell.glyph() == 0xAD
}
