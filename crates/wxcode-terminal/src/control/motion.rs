//! Moves the cursor: by cells and rows, by lines, over tab stops.

use crate::terminal::Terminal;

impl Terminal {
    /// Moves the cursor into the screen, or into the region in origin mode.
    pub(crate) fn restrict(&mut self, last_column: usize) {
        let origin = self.switches.origin;
        let buffer = self.buffer_mut();
        buffer.x = buffer.x.min(last_column);
        buffer.y = if origin {
            buffer.y.clamp(buffer.top, buffer.bottom)
        } else {
            buffer.y.min(buffer.rows - 1)
        };
    }

    pub(super) fn place(&mut self, x: usize, y: usize) {
        let origin = self.switches.origin;
        let buffer = self.buffer_mut();
        let top = if origin { buffer.top } else { 0 };
        buffer.x = x;
        buffer.y = y.saturating_add(top);
        let last = buffer.cols - 1;
        self.restrict(last);
    }

    pub(super) fn step(&mut self, dx: isize, dy: isize) {
        let last = self.buffer().cols - 1;
        self.restrict(last);
        let buffer = self.buffer();
        let x = buffer.x.saturating_add_signed(dx);
        // As xterm.js: in origin mode the row of a relative move is counted from the region again.
        let y = buffer.y.saturating_add_signed(dy);
        self.place(x, y);
    }

    pub(super) fn up(&mut self, n: usize) {
        let buffer = self.buffer();
        let n = match buffer.y.checked_sub(buffer.top) {
            Some(room) => n.min(room),
            None => n,
        };
        self.step(0, -(n as isize));
    }

    pub(super) fn down(&mut self, n: usize) {
        let buffer = self.buffer();
        let n = match buffer.bottom.checked_sub(buffer.y) {
            Some(room) => n.min(room),
            None => n,
        };
        self.step(0, n as isize);
    }

    pub(super) fn line_feed(&mut self) {
        let (fill, new_line) = (self.erase_cell, self.new_line);
        let buffer = self.buffer_mut();
        if new_line {
            buffer.x = 0;
        }
        if buffer.y == buffer.bottom {
            buffer.scroll(fill, false);
        } else if buffer.y + 1 < buffer.rows {
            buffer.y += 1;
            let y = buffer.y;
            buffer.row(y).wrapped = false;
        }
        if buffer.x >= buffer.cols {
            buffer.x -= 1;
        }
    }

    pub(super) fn index(&mut self) {
        let fill = self.erase_cell;
        let last = self.buffer().cols - 1;
        self.restrict(last);
        let buffer = self.buffer_mut();
        if buffer.y == buffer.bottom {
            buffer.scroll(fill, false);
        } else {
            buffer.y = (buffer.y + 1).min(buffer.rows - 1);
        }
        self.restrict(last);
    }

    pub(super) fn next_line(&mut self) {
        self.buffer_mut().x = 0;
        self.index();
    }

    pub(super) fn reverse_index(&mut self) {
        let fill = self.erase_cell;
        let last = self.buffer().cols - 1;
        self.restrict(last);
        let buffer = self.buffer_mut();
        if buffer.y == buffer.top {
            buffer.shift(buffer.bottom, buffer.top, 1, fill);
        } else {
            buffer.y = buffer.y.saturating_sub(1);
            self.restrict(last);
        }
    }

    pub(super) fn backspace(&mut self) {
        let cols = self.buffer().cols;
        if !self.switches.reverse_wrap {
            self.restrict(cols - 1);
            let buffer = self.buffer_mut();
            buffer.x = buffer.x.saturating_sub(1);
            return;
        }
        self.restrict(cols);
        let Self {
            primary,
            alternate,
            dictionary,
            on_alternate,
            ..
        } = self;
        let buffer = if *on_alternate { alternate } else { primary };
        let y = buffer.y;
        if buffer.x > 0 {
            buffer.x -= 1;
        } else if y > buffer.top && y <= buffer.bottom && buffer.row(y).wrapped {
            buffer.row(y).wrapped = false;
            buffer.y -= 1;
            buffer.x = cols - 1;
            let cell = buffer.row(y - 1).get(cols - 1);
            // The empty cell left by a wide character that did not fit.
            if dictionary.width(cell) > 0 && !dictionary.has_content(cell) {
                buffer.x -= 1;
            }
        }
        self.restrict(cols - 1);
    }

    pub(super) fn tab(&mut self, n: usize) {
        let buffer = self.buffer_mut();
        if buffer.x < buffer.cols {
            for _ in 0..n.min(buffer.cols) {
                buffer.x = buffer.tabs.next(buffer.x, buffer.cols);
            }
        }
    }

    pub(super) fn back_tab(&mut self, n: usize) {
        let buffer = self.buffer_mut();
        if buffer.x < buffer.cols {
            for _ in 0..n.min(buffer.cols) {
                buffer.x = buffer.tabs.previous(buffer.x, buffer.cols);
            }
        }
    }

    pub(super) fn set_tab(&mut self) {
        let buffer = self.buffer_mut();
        buffer.tabs.set(buffer.x);
    }

    pub(super) fn clear_tabs(&mut self, which: i32) {
        let buffer = self.buffer_mut();
        match which {
            0 => buffer.tabs.clear(buffer.x),
            3 => buffer.tabs.clear_all(),
            _ => {}
        }
    }
}
