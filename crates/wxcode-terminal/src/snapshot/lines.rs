//! Draws a buffer: its lines, tab stops, region and saved cursor.

use std::io::Write as _;

use crate::buffer::Buffer;
use crate::charset::Charset;
use crate::painter::Painter;
use crate::style::Style;
use crate::terminal::Terminal;

/// Draws a buffer's lines from `first` on; the lines above the screen scroll into the history.
pub(super) fn draw_lines(painter: &mut Painter<'_>, buffer: &Buffer, first: usize) {
    let (cols, rows) = (buffer.cols, buffer.rows);
    if rows > 1 && buffer.lines.get(first).is_some_and(|row| row.wrapped) {
        // The first row continues a lost row: wrap into the second row, then delete the first.
        painter.pen(Style::default());
        let _ = write!(painter.out, "\x1b[1;{cols}Hxx\x1b[1;1H\x1b[M\x1b[X");
    }
    let kept = buffer.saved.y.max(first);
    let mut dirty = 0;
    for at in first..buffer.lines.len() {
        if at == kept && kept < buffer.base {
            // The saved cursor scrolls away with its row.
            save_at(painter, buffer, (at - first).min(rows - 1));
            painter.put(b"\r");
        }
        let row = &buffer.lines[at];
        let next = buffer.lines.get(at + 1);
        let wraps = next.is_some_and(|next| next.wrapped);
        let torn = next.is_some() && painter.is_torn_half(row.get(cols - 1));
        let drawn = painter.row(row, cols, dirty, wraps || torn);
        dirty = 0;
        match (next, drawn) {
            (None, _) => {}
            (Some(_), Ok(_)) if !wraps => {
                // A new row takes the pen's background.
                painter.pen(Style::default());
                painter.put(b"\r\n");
            }
            (Some(_), Ok(_)) => {
                painter.pen(Style::default());
                painter.put(b" ");
                dirty = 1;
            }
            (Some(_), Err(empty)) => {
                dirty = painter.wrap_wide(empty, cols);
                if !wraps {
                    // Erasing the whole row ends the row's continuation.
                    painter.pen(Style::default());
                    painter.put(b"\r\x1b[2K");
                    dirty = 0;
                }
            }
        }
    }
}

/// Writes tab stops that differ from every eighth column.
pub(super) fn draw_tabs(painter: &mut Painter<'_>, buffer: &Buffer) {
    let usual = crate::tabs::Tabs::new(buffer.cols);
    if (0..buffer.cols).all(|x| usual.has(x) == buffer.tabs.has(x)) {
        return;
    }
    painter.put(b"\x1b[3g");
    for x in (0..buffer.cols).filter(|x| buffer.tabs.has(*x)) {
        let _ = write!(painter.out, "\x1b[{}G\x1bH", x + 1);
    }
}

pub(super) fn draw_region(painter: &mut Painter<'_>, buffer: &Buffer) {
    if buffer.top > 0 || buffer.bottom + 1 < buffer.rows {
        let _ = write!(
            painter.out,
            "\x1b[{};{}r",
            buffer.top + 1,
            buffer.bottom + 1
        );
    }
}

/// Writes DECSC at the buffer's saved cursor, if the saved cursor is on the screen.
pub(super) fn draw_saved(painter: &mut Painter<'_>, buffer: &Buffer) {
    let on_screen = buffer.base..buffer.base + buffer.rows;
    if on_screen.contains(&buffer.saved.y) {
        save_at(painter, buffer, buffer.saved.y - buffer.base);
    } else if buffer.history.is_none() {
        // Restoring a saved cursor there moves the cursor into the last row.
        save_at(painter, buffer, buffer.rows - 1);
    }
}

/// Writes DECSC below the screen, as after clearing the history; comes first in a snapshot.
pub(super) fn draw_saved_below(painter: &mut Painter<'_>, buffer: &Buffer, first: usize) {
    let last = buffer.base + buffer.rows - 1;
    if buffer.saved.y <= last {
        return;
    }
    let scrolled = (buffer.saved.y - first + 1 - buffer.rows).min(Terminal::HISTORY_ROWS);
    painter.go(0, buffer.rows - 1);
    painter.put(&vec![b'\n'; scrolled]);
    save_at(painter, buffer, buffer.rows - 1);
    painter.put(b"\x1b[3J");
    painter.go(0, 0);
}

pub(super) fn save_at(painter: &mut Painter<'_>, buffer: &Buffer, y: usize) {
    let kept = buffer.saved;
    painter.go(kept.x.min(buffer.cols - 1), y);
    painter.flags(kept.pen);
    if kept.charset != Charset::ASCII {
        painter.put(&[0x1b, b'(', kept.charset.designator()]);
    }
    painter.put(b"\x1b7");
    if kept.charset != Charset::ASCII {
        painter.put(b"\x1b(B");
    }
}

/// Moves the cursor to its column in row `y`; a pending wrap requires printing the last cell again.
/// Returns whether the cursor is there.
pub(super) fn place(painter: &mut Painter<'_>, buffer: &Buffer, y: usize) -> bool {
    let cols = buffer.cols;
    painter.go(buffer.x.min(cols - 1), y);
    let row = buffer.lines.get(buffer.base + buffer.y);
    buffer.x < cols || row.is_some_and(|row| painter.last_cell(row, cols, y))
}
