//! Reflows lines to a new width, step by step like xterm.js.

use std::collections::VecDeque;

use crate::buffer::Buffer;
use crate::cell::Cell;
use crate::dictionary::Dictionary;
use crate::row::Row;

impl Buffer {
    /// Joins wrapped rows. The program redraws the line with the cursor.
    pub(crate) fn reflow_wider(&mut self, old_cols: usize, dictionary: &Dictionary) {
        let cols = self.cols;
        let cursor = self.base + self.y;
        let mut gone = vec![false; self.lines.len()];
        let mut at = 0;
        while at + 1 < self.lines.len() {
            let end = self.end_of_line(at);
            if end == at + 1 || (at..end).contains(&cursor) {
                at = end;
                continue;
            }
            let line: Vec<Row> = (at..end)
                .map(|i| std::mem::take(&mut self.lines[i]))
                .collect();
            let (line, kept) = join(line, old_cols, cols, dictionary);
            for (i, row) in line.into_iter().enumerate() {
                gone[at + i] = i >= kept;
                self.lines[at + i] = row;
            }
            at = end;
        }
        let removed = gone.iter().filter(|gone| **gone).count();
        if removed == 0 {
            return;
        }
        let mut gone = gone.into_iter();
        self.lines.retain(|_| !gone.next().unwrap_or(false));
        for _ in 0..removed {
            if self.base > 0 {
                self.base -= 1;
                continue;
            }
            self.y = self.y.saturating_sub(1);
            if self.lines.len() < self.rows {
                self.lines.push_back(self.blank(Cell::default()));
            }
        }
        self.saved.y = self.saved.y.saturating_sub(removed);
    }

    /// The index after the last row of the line that starts at `at`.
    fn end_of_line(&self, at: usize) -> usize {
        (at + 1..self.lines.len())
            .find(|i| !self.lines[*i].wrapped)
            .unwrap_or(self.lines.len())
    }

    /// Breaks too long rows. The program redraws the line with the cursor.
    pub(crate) fn reflow_narrower(&mut self, old_cols: usize, dictionary: &Dictionary) {
        let cols = self.cols;
        let max = self.max_lines();
        // Rows pushed off the bottom stay in the list but no longer count.
        let mut len = self.lines.len();
        let mut inserts: Vec<(usize, Vec<Row>)> = Vec::new();
        let mut inserted = 0;
        let mut end = len;
        while end > 0 {
            let mut at = end - 1;
            let last = &self.lines[at];
            if !last.wrapped && last.trimmed(dictionary) <= cols {
                end = at;
                continue;
            }
            while self.lines[at].wrapped && at > 0 {
                at -= 1;
            }
            let rows = end - at;
            end = at;
            if (at..at + rows).contains(&(self.base + self.y)) {
                continue;
            }
            let mut line: Vec<Row> = (at..at + rows)
                .map(|i| std::mem::take(&mut self.lines[i]))
                .collect();
            let lengths = new_lengths(&line, old_cols, cols, dictionary);
            let added = lengths.len().saturating_sub(rows);
            let fewer = rows.saturating_sub(lengths.len());
            for _ in 0..added {
                let mut row = Row::new(old_cols as u16, Cell::default());
                row.wrapped = true;
                line.push(row);
            }
            spread(&mut line, rows, &lengths, old_cols, dictionary);
            for (row, length) in line.iter_mut().zip(&lengths) {
                if *length < cols {
                    row.set(*length, Cell::default());
                }
            }
            let new_rows = line.split_off(rows);
            for (i, row) in line.into_iter().enumerate() {
                self.lines[at + i] = row;
            }
            let over = if self.base == 0 && self.y + 1 != len {
                (self.y + added).saturating_sub(max)
            } else {
                (len + added).saturating_sub(max)
            };
            if added > 0 {
                inserted += added;
                inserts.push((at + rows, new_rows));
            }
            for _ in 0..added.saturating_sub(over) {
                if self.base > 0 {
                    if self.base < max.min(len + inserted) - self.rows {
                        self.base += 1;
                    }
                } else if self.y + 1 < self.rows {
                    self.y += 1;
                    len -= 1;
                } else {
                    self.base += 1;
                }
            }
            let moved = (self.saved.y + added).saturating_sub(fewer);
            self.saved.y = moved.min(self.base + self.rows - 1);
        }
        if !inserts.is_empty() {
            self.insert_rows(len, inserts);
        }
        self.lines.truncate(len + inserted);
    }

    /// Inserts the new rows; the oldest rows beyond the bound are lost.
    fn insert_rows(&mut self, len: usize, inserts: Vec<(usize, Vec<Row>)>) {
        let mut all = VecDeque::new();
        let mut old: Vec<Row> = std::mem::take(&mut self.lines)
            .into_iter()
            .take(len)
            .collect();
        for (at, rows) in inserts {
            while old.len() > at {
                old.pop().into_iter().for_each(|row| all.push_front(row));
            }
            rows.into_iter().rev().for_each(|row| all.push_front(row));
        }
        while let Some(row) = old.pop() {
            all.push_front(row);
        }
        self.lines = all;
        let excess = self.lines.len().saturating_sub(self.max_lines());
        self.lines.drain(..excess);
    }
}

/// The columns of row `at` that belong to its line's text.
fn used(line: &[Row], at: usize, cols: usize, dictionary: &Dictionary) -> usize {
    let Some(row) = line.get(at) else { return 0 };
    let Some(next) = line.get(at + 1) else {
        return row.trimmed(dictionary);
    };
    // A wide character that did not fit left an empty cell behind.
    let last = row.get(cols - 1);
    let ends_empty = !dictionary.has_content(last) && dictionary.width(last) == 1;
    if ends_empty && next.is_wide(0, dictionary) {
        cols - 1
    } else {
        cols
    }
}

/// Moves the text of a line to the front of its rows. Returns the rows and how many stay.
fn join(
    mut line: Vec<Row>,
    old_cols: usize,
    cols: usize,
    dictionary: &Dictionary,
) -> (Vec<Row>, usize) {
    let mut to_row = 0;
    let mut to = used(&line, 0, old_cols, dictionary);
    let mut from_row = 1;
    let mut from = 0;
    while from_row < line.len() {
        let length = used(&line, from_row, old_cols, dictionary);
        let n = length.saturating_sub(from).min(cols - to);
        copy(&mut line, (from_row, from), (to_row, to), n);
        to += n;
        if to == cols {
            to_row += 1;
            to = 0;
        }
        from += n;
        if from >= length {
            from_row += 1;
            from = 0;
        }
        // A wide character does not straddle the edge.
        if to == 0 && to_row > 0 && line[to_row - 1].is_wide(cols - 1, dictionary) {
            copy(&mut line, (to_row - 1, cols - 1), (to_row, 0), 1);
            to = 1;
            line[to_row - 1].set(cols - 1, Cell::default());
        }
    }
    if let Some(row) = line.get_mut(to_row) {
        row.replace(to, cols, Cell::default(), dictionary);
    }
    let stays = |(i, row): (usize, &Row)| i <= to_row && row.trimmed(dictionary) > 0;
    let kept = line
        .iter()
        .enumerate()
        .skip(1)
        .filter(|r| stays(*r))
        .map(|(i, _)| i + 1)
        .max();
    (line, kept.unwrap_or(1))
}

/// Copies cells between rows of a line, which may be the same row.
fn copy(line: &mut [Row], from: (usize, usize), to: (usize, usize), n: usize) {
    if from.0 == to.0 {
        if let Some(row) = line.get_mut(to.0) {
            row.copy_within(from.1, to.1, n);
        }
    } else if let Ok([source, target]) = line.get_disjoint_mut([from.0, to.0]) {
        target.copy_from(source, from.1, to.1, n);
    }
}

/// The lengths of a line's rows at the new width: the width, or the width less one before a wide
/// character.
fn new_lengths(line: &[Row], old_cols: usize, cols: usize, dictionary: &Dictionary) -> Vec<usize> {
    let needed: usize = (0..line.len())
        .map(|i| used(line, i, old_cols, dictionary))
        .sum();
    let mut lengths = Vec::new();
    let (mut row, mut column, mut given) = (0, 0, 0);
    while given < needed {
        if needed - given < cols {
            lengths.push(needed - given);
            break;
        }
        column += cols;
        let length = used(line, row, old_cols, dictionary);
        if column > length {
            column -= length;
            row += 1;
        }
        let wide = line
            .get(row)
            .is_some_and(|r| r.is_wide(column - 1, dictionary));
        if wide {
            column -= 1;
        }
        lengths.push(if wide { cols - 1 } else { cols });
        given += if wide { cols - 1 } else { cols };
    }
    lengths
}

/// Moves the text of the first `rows` rows of a line to rows of the new lengths, from the end.
fn spread(
    line: &mut [Row],
    rows: usize,
    lengths: &[usize],
    old_cols: usize,
    dictionary: &Dictionary,
) {
    let Some(mut to_row) = lengths.len().checked_sub(1) else {
        return;
    };
    let mut to = lengths[to_row];
    let mut from_row = rows - 1;
    let mut from = line[from_row].trimmed(dictionary);
    loop {
        let n = from.min(to);
        copy(line, (from_row, from - n), (to_row, to - n), n);
        to -= n;
        if to == 0 {
            let Some(before) = to_row.checked_sub(1) else {
                return;
            };
            to_row = before;
            to = lengths[to_row];
        }
        from -= n;
        if from == 0 {
            let Some(before) = from_row.checked_sub(1) else {
                return;
            };
            from_row = before;
            from = used(line, from_row, old_cols, dictionary);
        }
    }
}
