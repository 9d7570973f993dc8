//! Setting and resetting modes (SM, RM, DECSET, DECRST).

use crate::charset::Charset;
use crate::terminal::{Mouse, MouseEncoding, Terminal};

impl Terminal {
    /// An ANSI mode.
    pub(crate) fn set_mode(&mut self, mode: i32, on: bool) {
        match mode {
            4 => self.switches.insert = on,
            20 => self.new_line = on,
            _ => {}
        }
    }

    /// A DEC private mode.
    pub(crate) fn set_private_mode(&mut self, mode: i32, on: bool) {
        let switches = &mut self.switches;
        match mode {
            1 => switches.application_cursor = on,
            2 if on => (0..4).for_each(|level| self.designate(level, Charset::ASCII)),
            6 => {
                switches.origin = on;
                let buffer = self.buffer_mut();
                buffer.x = 0;
                buffer.y = if on { buffer.top } else { 0 };
            }
            7 => switches.wrap = on,
            12 => self.blink = Some(on),
            25 => self.cursor_hidden = !on,
            45 => switches.reverse_wrap = on,
            66 => switches.application_keypad = on,
            9 => self.track(Mouse::X10, on),
            1000 => self.track(Mouse::Vt200, on),
            1002 => self.track(Mouse::Drag, on),
            1003 => self.track(Mouse::Any, on),
            1004 => switches.focus = on,
            1006 => self.encode_mouse(MouseEncoding::Sgr, on),
            1016 => self.encode_mouse(MouseEncoding::SgrPixels, on),
            1048 if on => self.save_cursor(),
            1048 => self.restore_cursor(),
            47 | 1047 | 1049 => self.show_alternate(mode == 1049, on),
            2004 => switches.bracketed_paste = on,
            2026 => switches.synchronized = on,
            _ => {}
        }
    }

    fn track(&mut self, mouse: Mouse, on: bool) {
        self.mouse = if on { mouse } else { Mouse::None };
    }

    fn encode_mouse(&mut self, encoding: MouseEncoding, on: bool) {
        self.mouse_encoding = if on { encoding } else { MouseEncoding::Default };
    }

    fn show_alternate(&mut self, with_cursor: bool, on: bool) {
        if on {
            if with_cursor {
                self.save_cursor();
            }
            if !self.on_alternate {
                self.alternate.fill_screen(self.erase_cell);
                (self.alternate.x, self.alternate.y) = (self.primary.x, self.primary.y);
                self.on_alternate = true;
            }
            return;
        }
        if self.on_alternate {
            (self.primary.x, self.primary.y) = (self.alternate.x, self.alternate.y);
            self.alternate.clear();
            self.keyboard.leave_alternate();
            self.on_alternate = false;
        }
        if with_cursor {
            self.restore_cursor();
        }
    }
}
