//! The screen engine: the `vt100` crate, with the answers to queries and the modes that it leaves to others.

use std::{fmt, num::NonZeroU16};

use vt100::{Callbacks, MouseProtocolMode};

use crate::{Modes, Screen, Size};

/// Longest title that is kept, in characters.
const TITLE_MAX: usize = 256;
/// What the page's terminal is called, with the version that it ships.
const XTVERSION: &[u8] = b"\x1bP>|xterm.js(6.0.0)\x1b\\";

/// A terminal emulator; see [`Screen`].
pub struct Terminal {
    parser: vt100::Parser<Rest>,
    size: Size,
}

/// What the parser hands on: queries, modes and the title.
#[derive(Default)]
struct Rest {
    replies: Vec<u8>,
    title: String,
    focus: bool,
    synchronized: bool,
}

impl Terminal {
    /// A freshly reset terminal.
    pub fn new(size: Size) -> Self {
        let parser =
            vt100::Parser::new_with_callbacks(side(size.rows), side(size.cols), 0, Rest::default());
        Self { parser, size }
    }
}

impl fmt::Debug for Terminal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Terminal")
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

fn side(length: u16) -> NonZeroU16 {
    NonZeroU16::new(length).unwrap_or(NonZeroU16::MIN)
}

impl Screen for Terminal {
    fn feed(&mut self, bytes: &[u8], replies: &mut Vec<u8>) {
        self.parser.process(bytes);
        replies.append(&mut self.parser.callbacks_mut().replies);
    }

    fn resize(&mut self, size: Size) {
        self.size = size;
        self.parser.set_size(side(size.rows), side(size.cols));
    }

    fn size(&self) -> Size {
        self.size
    }

    fn dump(&self) -> Vec<u8> {
        let screen = self.parser.screen();
        let rest = self.parser.callbacks();
        let mut dump = Vec::new();
        if screen.alternate_screen() {
            dump.extend(b"\x1b[?1049h");
        }
        if !rest.title.is_empty() {
            dump.extend(format!("\x1b]2;{}\x07", rest.title).bytes());
        }
        dump.extend(screen.state_formatted().bytes());
        if rest.focus {
            dump.extend(b"\x1b[?1004h");
        }
        dump
    }

    fn text(&self) -> String {
        let contents = self.parser.screen().contents();
        let lines: Vec<&str> = contents.lines().map(str::trim_end).collect();
        lines.join("\n")
    }

    fn modes(&self) -> Modes {
        let screen = self.parser.screen();
        let rest = self.parser.callbacks();
        Modes {
            bracketed_paste: screen.bracketed_paste(),
            alternate_screen: screen.alternate_screen(),
            mouse: screen.mouse_protocol_mode() != MouseProtocolMode::None,
            focus: rest.focus,
            synchronized: rest.synchronized,
            cursor_visible: !screen.hide_cursor(),
            application_cursor: screen.application_cursor(),
            application_keypad: screen.application_keypad(),
        }
    }

    fn title(&self) -> &str {
        &self.parser.callbacks().title
    }

    fn cursor(&self) -> (u16, u16) {
        self.parser.screen().cursor_position()
    }
}

impl Callbacks for Rest {
    fn set_window_title(&mut self, _: &mut vt100::Screen, title: &[u8]) {
        let title = String::from_utf8_lossy(title);
        self.title = title
            .chars()
            .filter(|c| !c.is_control())
            .take(TITLE_MAX)
            .collect();
    }

    fn unhandled_csi(
        &mut self,
        screen: &mut vt100::Screen,
        i1: Option<u8>,
        i2: Option<u8>,
        params: &[&[u16]],
        end: char,
    ) {
        let first = params
            .first()
            .and_then(|param| param.first())
            .copied()
            .unwrap_or(0);
        let (row, col) = screen.cursor_position();
        let position = |mark: &str| format!("\x1b[{mark}{};{}R", row + 1, col + 1);
        match (i1, i2, end, first) {
            (Some(b'>'), None, 'q', 0) => self.replies.extend(XTVERSION),
            (None, None, 'c', 0) => self.replies.extend(b"\x1b[?1;2c"),
            (Some(b'>'), None, 'c', 0) => self.replies.extend(b"\x1b[>0;276;0c"),
            (None, None, 'n', 5) => self.replies.extend(b"\x1b[0n"),
            (None, None, 'n', 6) => self.replies.extend(position("").bytes()),
            (Some(b'?'), None, 'n', 6) => self.replies.extend(position("?").bytes()),
            (Some(b'?'), Some(b'$'), 'p', mode) => self.report(screen, mode),
            (Some(b'?'), None, 'h' | 'l', _) => {
                for mode in params.iter().filter_map(|param| param.first()) {
                    match mode {
                        1004 => self.focus = end == 'h',
                        2026 => self.synchronized = end == 'h',
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
}

impl Rest {
    /// Answers DECRQM for the modes that are known; 0 says that a mode is not.
    fn report(&mut self, screen: &vt100::Screen, mode: u16) {
        let known = match mode {
            1 => Some(screen.application_cursor()),
            25 => Some(!screen.hide_cursor()),
            1004 => Some(self.focus),
            47 | 1047 | 1049 => Some(screen.alternate_screen()),
            2004 => Some(screen.bracketed_paste()),
            2026 => Some(self.synchronized),
            _ => None,
        };
        let value = known.map_or(0, |set| if set { 1 } else { 2 });
        self.replies
            .extend(format!("\x1b[?{mode};{value}$y").bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fed(bytes: &[u8]) -> (Terminal, Vec<u8>) {
        let mut terminal = Terminal::new(Size::new(20, 5).unwrap());
        let mut replies = Vec::new();
        terminal.feed(bytes, &mut replies);
        (terminal, replies)
    }

    #[test]
    fn queries_are_answered_in_stream_order() {
        let (_, replies) = fed(b"ab\x1b[6n\x1b[>0q\x1b[?2026$p\x1b[c");
        assert_eq!(
            replies,
            b"\x1b[1;3R\x1bP>|xterm.js(6.0.0)\x1b\\\x1b[?2026;2$y\x1b[?1;2c"
        );
    }

    #[test]
    fn a_dump_gives_the_same_screen_and_asks_nothing() {
        let (terminal, _) = fed(
            "\x1b[?1049h\x1b[?2004h\x1b[?1004h\x1b]2;T\x07\x1b[2;3H\x1b[31mação\x1b[0m".as_bytes(),
        );
        let (again, replies) = fed(&terminal.dump());
        assert_eq!(
            (again.text(), again.modes(), again.cursor(), again.title()),
            (terminal.text(), terminal.modes(), terminal.cursor(), "T")
        );
        assert!(replies.is_empty());
    }
}
