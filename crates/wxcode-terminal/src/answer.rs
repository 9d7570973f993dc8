//! Replies to terminal queries, equal to the replies of xterm.js 6.0.0 byte for byte.
//!
//! | query | reply |
//! |---|---|
//! | XTVERSION `CSI > 0 q` | `DCS > \| xterm.js(6.0.0) ST`; xterm.js replies to this from 6.1 on |
//! | DA1 `CSI c`, `CSI 0 c` | `CSI ? 1 ; 2 c` |
//! | DA2 `CSI > c` | `CSI > 0 ; 276 ; 0 c` |
//! | DSR `CSI 5 n` | `CSI 0 n` |
//! | CPR `CSI 6 n`, DECXCPR `CSI ? 6 n` | `CSI row ; col R`, `CSI ? row ; col R` |
//! | DECRQM `CSI n $ p`, `CSI ? n $ p` | `CSI n ; state $ y`, `CSI ? n ; state $ y` |
//! | DECRQSS `DCS $ q … ST` for `m`, `r`, `" q`, `" p`, `SP q` | `DCS 1 $ r … ST`, else `DCS 0 $ r ST` |
//! | OSC 4, 10, 11, 12 with `?` | the colour as `rgb:rrrr/gggg/bbbb` |
//! | `CSI 14 t`, `CSI 16 t`, `CSI 18 t` | size in pixels, cell in pixels, size in cells; as xterm.js with these reports allowed |
//! | kitty keyboard `CSI ? u` | `CSI ? flags u`; xterm.js replies to this from 6.1 on, when allowed |
//! | XTGETTCAP, `CSI = c`, other DSR | none |
//!
//! Invariant: only the holder's screen answers queries. A snapshot contains none, and the page and
//! `wxcode attach` answer none.

use std::io::Write as _;

use crate::palette::Slot;
use crate::params::Params;
use crate::style::Flags;
use crate::terminal::{Mouse, MouseEncoding, Terminal};

/// The reply of DECRQM about a mode.
const UNKNOWN: u8 = 0;
const SET: u8 = 1;
const RESET: u8 = 2;
const ALWAYS_SET: u8 = 3;
const NEVER_SET: u8 = 4;

impl Terminal {
    /// Width and height of a cell as reported to programs, in CSS pixels: the size of monospace
    /// text 15 pixels high. The page's real cell depends on each viewer's font.
    pub const CELL_PIXELS: (u16, u16) = (9, 18);

    /// Replies to a control sequence if it is a query.
    pub(crate) fn query(&mut self, last: u8, params: &Params, replies: &mut Vec<u8>) {
        let first = params.get(0);
        let (row, column) = (self.buffer().y + 1, self.buffer().x + 1);
        // Writing to a Vec cannot fail.
        let _ = match (self.parser.collected(), last, first) {
            ([], b'c', 0) => write!(replies, "\x1b[?1;2c"),
            (b">", b'c', 0) => write!(replies, "\x1b[>0;276;0c"),
            (b"?", b'u', _) => {
                let flags = self.keyboard.present(self.on_alternate).kitty;
                write!(replies, "\x1b[?{flags}u")
            }
            (b">", b'q', 0) => write!(replies, "\x1bP>|xterm.js(6.0.0)\x1b\\"),
            ([], b'n', 5) => write!(replies, "\x1b[0n"),
            ([], b'n', 6) => write!(replies, "\x1b[{row};{column}R"),
            (b"?", b'n', 6) => write!(replies, "\x1b[?{row};{column}R"),
            (b"$", b'p', mode) => write!(replies, "\x1b[{mode};{}$y", self.mode_state(mode)),
            (b"?$", b'p', mode) => {
                write!(replies, "\x1b[?{mode};{}$y", self.private_mode_state(mode))
            }
            ([], b't', 14) if params.get(1) != 2 => {
                let (width, height) = Self::CELL_PIXELS;
                let (width, height) = (usize::from(width), usize::from(height));
                let buffer = self.buffer();
                write!(
                    replies,
                    "\x1b[4;{};{}t",
                    height * buffer.rows,
                    width * buffer.cols
                )
            }
            ([], b't', 16) => {
                let (width, height) = Self::CELL_PIXELS;
                write!(replies, "\x1b[6;{height};{width}t")
            }
            ([], b't', 18) => write!(
                replies,
                "\x1b[8;{};{}t",
                self.buffer().rows,
                self.buffer().cols
            ),
            _ => Ok(()),
        };
    }

    fn mode_state(&self, mode: i32) -> u8 {
        match mode {
            2 => NEVER_SET,
            4 => on(self.switches.insert),
            12 => ALWAYS_SET,
            20 => on(self.new_line),
            _ => UNKNOWN,
        }
    }

    fn private_mode_state(&self, mode: i32) -> u8 {
        let switches = &self.switches;
        match mode {
            1 => on(switches.application_cursor),
            6 => on(switches.origin),
            7 => on(switches.wrap),
            8 => ALWAYS_SET,
            9 => on(self.mouse == Mouse::X10),
            12 => on(self.blink == Some(true)),
            25 => on(!self.cursor_hidden),
            45 => on(switches.reverse_wrap),
            66 => on(switches.application_keypad),
            67 | 1005 | 1015 => NEVER_SET,
            1000 => on(self.mouse == Mouse::Vt200),
            1002 => on(self.mouse == Mouse::Drag),
            1003 => on(self.mouse == Mouse::Any),
            1004 => on(switches.focus),
            1006 => on(self.mouse_encoding == MouseEncoding::Sgr),
            1016 => on(self.mouse_encoding == MouseEncoding::SgrPixels),
            1048 => SET,
            47 | 1047 | 1049 => on(self.on_alternate),
            2004 => on(switches.bracketed_paste),
            2026 => on(switches.synchronized),
            _ => UNKNOWN,
        }
    }

    /// DECRQSS.
    pub(crate) fn answer_status(&self, what: &str, replies: &mut Vec<u8>) {
        let buffer = self.buffer();
        let protected = u8::from(self.pen.flags.has(Flags::PROTECTED));
        // xterm.js reports its option, a block; only DEC 12 changes the option.
        let cursor = if self.blink == Some(true) { 1 } else { 2 };
        let _ = match what {
            "\"q" => write!(replies, "\x1bP1$r{protected}\"q\x1b\\"),
            "\"p" => write!(replies, "\x1bP1$r61;1\"p\x1b\\"),
            "r" => write!(
                replies,
                "\x1bP1$r{};{}r\x1b\\",
                buffer.top + 1,
                buffer.bottom + 1
            ),
            "m" => write!(replies, "\x1bP1$r0m\x1b\\"),
            " q" => write!(replies, "\x1bP1$r{cursor} q\x1b\\"),
            _ => write!(replies, "\x1bP0$r\x1b\\"),
        };
    }

    /// OSC 4, 10, 11 and 12 with `?`.
    pub(crate) fn answer_color(&self, slot: Slot, replies: &mut Vec<u8>) {
        let [r, g, b] = self.palette.get(slot);
        let _ = match slot {
            Slot::Indexed(index) => write!(replies, "\x1b]4;{index}"),
            Slot::Foreground => write!(replies, "\x1b]10"),
            Slot::Background => write!(replies, "\x1b]11"),
            Slot::Cursor => write!(replies, "\x1b]12"),
        };
        let _ = write!(
            replies,
            ";rgb:{r:02x}{r:02x}/{g:02x}{g:02x}/{b:02x}{b:02x}\x1b\\"
        );
    }
}

fn on(on: bool) -> u8 {
    if on { SET } else { RESET }
}
