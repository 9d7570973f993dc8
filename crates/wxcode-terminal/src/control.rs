//! Executes control characters, escape sequences and control sequences.

mod motion;

use crate::cell::Cell;
use crate::charset::Charset;
use crate::params::Params;
use crate::sgr;
use crate::style::{Color, Flags, Style};
use crate::terminal::{Switches, Terminal, saved};

impl Terminal {
    /// Executes a C0 or C1 control.
    pub(crate) fn execute(&mut self, code: u32) {
        match code {
            0x08 => self.backspace(),
            0x09 => self.tab(1),
            0x0A..=0x0C => self.line_feed(),
            0x0D => self.buffer_mut().x = 0,
            0x0E => self.shift_to(1),
            0x0F => self.shift_to(0),
            0x84 => self.index(),
            0x85 => self.next_line(),
            0x88 => self.set_tab(),
            _ => {}
        }
    }

    /// Executes an escape sequence.
    pub(crate) fn esc(&mut self, last: u8) {
        match (self.parser.collected(), last) {
            ([], b'7') => self.save_cursor(),
            ([], b'8') => self.restore_cursor(),
            ([], b'D') => self.index(),
            ([], b'E') => self.next_line(),
            ([], b'H') => self.set_tab(),
            ([], b'M') => self.reverse_index(),
            ([], b'=') => self.switches.application_keypad = true,
            ([], b'>') => self.switches.application_keypad = false,
            ([], b'c') => self.reset(),
            ([], b'n' | b'}') => self.shift_to(2),
            ([], b'o' | b'|') => self.shift_to(3),
            ([], b'~') => self.shift_to(1),
            (b"%", b'@' | b'G') => {
                self.shift_to(0);
                self.designate(0, Charset::ASCII);
            }
            (b"#", b'8') => self.alignment_pattern(),
            ([bank @ (b'(' | b')' | b'*' | b'+' | b'-' | b'.')], last) => {
                let level = match bank {
                    b'(' => 0,
                    b')' | b'-' => 1,
                    b'*' | b'.' => 2,
                    _ => 3,
                };
                if let Some(charset) = Charset::designated_by(last) {
                    self.designate(level, charset);
                }
            }
            _ => {}
        }
    }

    /// Executes a control sequence.
    pub(crate) fn csi(&mut self, last: u8, replies: &mut Vec<u8>) {
        let params = std::mem::replace(&mut self.parser.params, Params::empty());
        let n = params.count(0);
        let first = params.get(0);
        match (self.parser.collected(), last) {
            ([], b'm') => {
                sgr::apply(&mut self.pen, &params);
                self.update_cells();
            }
            ([], b'H' | b'f') => self.place(params.count(1) - 1, n - 1),
            ([], b'A') => self.up(n),
            ([], b'B') => self.down(n),
            ([], b'C' | b'a') => self.step(n as isize, 0),
            ([], b'D') => self.step(-(n as isize), 0),
            ([], b'E') => {
                self.down(n);
                self.buffer_mut().x = 0;
            }
            ([], b'F') => {
                self.up(n);
                self.buffer_mut().x = 0;
            }
            ([], b'G' | b'`') => {
                let y = self.buffer().y;
                self.place(n - 1, y);
            }
            ([], b'd') => {
                let x = self.buffer().x;
                self.place(x, n - 1);
            }
            ([], b'e') => self.step(0, n as isize),
            ([], b'I') => self.tab(n),
            ([], b'Z') => self.back_tab(n),
            ([], b'g') => self.clear_tabs(first),
            ([], b'J') => self.erase_in_display(first, false),
            (b"?", b'J') => self.erase_in_display(first, true),
            ([], b'K') => self.erase_in_line(first, false),
            (b"?", b'K') => self.erase_in_line(first, true),
            ([], b'L') => self.shift_lines(n, true),
            ([], b'M') => self.shift_lines(n, false),
            ([], b'@') => self.edit_row(|row, x, fill, dict| row.insert(x, n, fill, dict)),
            ([], b'P') => self.edit_row(|row, x, fill, dict| row.delete(x, n, fill, dict)),
            ([], b'X') => {
                self.edit_row(|row, x, fill, dict| row.replace(x, x.saturating_add(n), fill, dict))
            }
            ([], b'S') => {
                let fill = self.erase_cell;
                let buffer = self.buffer_mut();
                buffer.shift(buffer.top, buffer.bottom, n, fill);
            }
            ([], b'T') => {
                let buffer = self.buffer_mut();
                buffer.shift(buffer.bottom, buffer.top, n, Cell::default());
            }
            (b" ", b'@') => self.edit_region(|row, _, fill, dict| row.delete(0, n, fill, dict)),
            (b" ", b'A') => self.edit_region(|row, _, fill, dict| row.insert(0, n, fill, dict)),
            (b"'", b'}') => self.edit_region(|row, x, fill, dict| row.insert(x, n, fill, dict)),
            (b"'", b'~') => self.edit_region(|row, x, fill, dict| row.delete(x, n, fill, dict)),
            ([], b'b') => self.repeat(n),
            ([], b'r') => self.set_region(params.get(0), params.get(1)),
            ([], b's') => self.save_cursor(),
            ([], b'u') => self.restore_cursor(),
            (b">", b'u') => self.keyboard.push(self.on_alternate, first),
            (b"<", b'u') => self.keyboard.pop(self.on_alternate, first),
            (b"=", b'u') => self
                .keyboard
                .change(self.on_alternate, first, params.get(1)),
            (b">", b'm') => self.keyboard.set_other_keys(first, params.get(1)),
            (b">", b'n') => self.keyboard.disable_other_keys(first),
            ([], b'h') => params
                .values()
                .iter()
                .for_each(|mode| self.set_mode(*mode, true)),
            ([], b'l') => params
                .values()
                .iter()
                .for_each(|mode| self.set_mode(*mode, false)),
            (b"?", b'h') => params
                .values()
                .iter()
                .for_each(|mode| self.set_private_mode(*mode, true)),
            (b"?", b'l') => params
                .values()
                .iter()
                .for_each(|mode| self.set_private_mode(*mode, false)),
            (b"!", b'p') => self.soft_reset(),
            (b" ", b'q') => self.set_cursor_style(first),
            (b"\"", b'q') => match first {
                0 | 2 => self.protect(false),
                1 => self.protect(true),
                _ => {}
            },
            _ => self.query(last, &params, replies),
        }
        self.parser.params = params;
    }

    fn protect(&mut self, on: bool) {
        self.pen.flags.set(Flags::PROTECTED, on);
        self.update_cells();
    }

    fn shift_to(&mut self, level: usize) {
        self.gl = level;
        self.charset = self.charsets.get(level).copied().unwrap_or_default();
    }

    pub(crate) fn designate(&mut self, level: usize, charset: Charset) {
        if let Some(slot) = self.charsets.get_mut(level) {
            *slot = charset;
        }
        if self.gl == level {
            self.charset = charset;
        }
    }

    pub(crate) fn save_cursor(&mut self) {
        let (pen, charset) = (self.pen, self.charset);
        let buffer = self.buffer_mut();
        buffer.saved = saved(buffer, pen, charset);
    }

    pub(crate) fn restore_cursor(&mut self) {
        let buffer = self.buffer_mut();
        let kept = buffer.saved;
        buffer.x = kept.x;
        buffer.y = kept.y.saturating_sub(buffer.base);
        let last = buffer.cols - 1;
        // The underline style, the underline's colour and the link are not restored.
        self.pen = Style {
            fg: kept.pen.fg,
            bg: kept.pen.bg,
            flags: kept.pen.flags,
            ..self.pen
        };
        self.charset = kept.charset;
        self.update_cells();
        self.restrict(last);
    }

    fn set_region(&mut self, top: i32, bottom: i32) {
        let buffer = self.buffer_mut();
        let rows = buffer.rows;
        let top = top.max(1) as usize;
        let bottom = match bottom as usize {
            0 => rows,
            bottom if bottom > rows => rows,
            bottom => bottom,
        };
        if bottom > top {
            buffer.top = top - 1;
            buffer.bottom = bottom - 1;
            self.place(0, 0);
        }
    }

    fn set_cursor_style(&mut self, style: i32) {
        // Other numbers change only the blinking; 7 and 8 stand for blinking without a shape.
        let steady = if style % 2 == 1 { 0 } else { 1 };
        let shape = match (style, self.switches.cursor_style) {
            (0..=6, _) => style as u8,
            (_, 0 | 7 | 8) => 7 + steady,
            (_, now) => (now - 1) / 2 * 2 + 1 + steady,
        };
        self.switches.cursor_style = shape;
    }

    fn soft_reset(&mut self) {
        self.cursor_hidden = false;
        self.pen = Style::default();
        self.update_cells();
        self.switches = Switches::default();
        self.keyboard = crate::keyboard::Keyboard::default();
        self.charsets = [Charset::ASCII; 4];
        self.gl = 0;
        self.charset = Charset::ASCII;
        let buffer = self.buffer_mut();
        buffer.top = 0;
        buffer.bottom = buffer.rows - 1;
        buffer.saved = crate::buffer::Saved {
            y: buffer.base,
            ..Default::default()
        };
    }

    fn alignment_pattern(&mut self) {
        self.place(0, 0);
        // xterm.js takes colours and flags of the pen, but not the pen's underline style and link.
        let style = Style {
            underline: 0,
            underline_color: Color::DEFAULT,
            link: 0,
            ..self.pen
        };
        let id = self.dictionary.style_id(style);
        let cell = self.dictionary.cell(u32::from('E'), id, style);
        let buffer = self.buffer_mut();
        // With an origin, xterm.js fills as many rows as the screen has, starting at the origin.
        // When its list of rows is full, it continues at the oldest row.
        let first = buffer.base + buffer.y;
        for at in first..first + buffer.rows {
            let at = at % buffer.max_lines();
            if let Some(row) = buffer.lines.get_mut(at) {
                row.fill(cell);
                row.wrapped = false;
            }
        }
        self.place(0, 0);
    }
}
