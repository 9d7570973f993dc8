//! The keyboard protocols requested by a program: kitty's, and xterm's modifyOtherKeys.
//!
//! The engine gets no keys. The engine only keeps the requests: a snapshot repeats them, and a view
//! passes them to the user's terminal.

use std::io::Write as _;

/// Most entries of a screen's stack; a further entry drops the oldest.
const STACK_MAX: usize = 8;
/// The flags of kitty's protocol.
const FLAGS: u8 = 0b1_1111;
/// The largest level of modifyOtherKeys.
const LEVEL_MAX: i32 = 3;
/// The number of modifyOtherKeys among xterm's key resources.
const OTHER_KEYS: i32 = 4;

/// The requested protocols.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Keyboard {
    primary: Kitty,
    alternate: Kitty,
    /// The level of modifyOtherKeys; 0 is off.
    other_keys: u8,
}

/// The requests of kitty's protocol on a screen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Kitty {
    flags: u8,
    /// The flags below the present ones, oldest first.
    below: Vec<u8>,
}

/// The protocols in effect; the default is a shell's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct KeyProtocol {
    /// The flags of kitty's protocol; 0 is off.
    pub(crate) kitty: u8,
    /// The level of modifyOtherKeys; 0 is off.
    pub(crate) other_keys: u8,
}

impl Keyboard {
    /// The protocols in effect on a screen.
    pub(crate) fn present(&self, alternate: bool) -> KeyProtocol {
        let kitty = match alternate {
            true => &self.alternate,
            false => &self.primary,
        };
        KeyProtocol {
            kitty: kitty.flags,
            other_keys: self.other_keys,
        }
    }

    fn screen(&mut self, alternate: bool) -> &mut Kitty {
        match alternate {
            true => &mut self.alternate,
            false => &mut self.primary,
        }
    }

    /// `CSI > flags u`.
    pub(crate) fn push(&mut self, alternate: bool, flags: i32) {
        let screen = self.screen(alternate);
        if screen.below.len() == STACK_MAX {
            screen.below.remove(0);
        }
        let below = std::mem::replace(&mut screen.flags, known(flags));
        screen.below.push(below);
    }

    /// `CSI < count u`; 0 counts as 1.
    pub(crate) fn pop(&mut self, alternate: bool, count: i32) {
        let screen = self.screen(alternate);
        for _ in 0..count.clamp(1, STACK_MAX as i32 + 1) {
            screen.flags = screen.below.pop().unwrap_or_default();
        }
    }

    /// `CSI = flags ; mode u`: sets these flags alone, adds the flags, or takes the flags away.
    pub(crate) fn change(&mut self, alternate: bool, flags: i32, mode: i32) {
        let (screen, flags) = (self.screen(alternate), known(flags));
        match mode {
            0 | 1 => screen.flags = flags,
            2 => screen.flags |= flags,
            3 => screen.flags &= !flags,
            _ => {}
        }
    }

    /// `CSI > resource ; level m`; without a resource, all resources are reset.
    pub(crate) fn set_other_keys(&mut self, resource: i32, level: i32) {
        if resource == 0 || resource == OTHER_KEYS {
            self.other_keys = match level {
                level @ 1..=LEVEL_MAX if resource == OTHER_KEYS => level as u8,
                _ => 0,
            };
        }
    }

    /// `CSI > resource n`.
    pub(crate) fn disable_other_keys(&mut self, resource: i32) {
        self.set_other_keys(resource, 0);
    }

    /// The alternate screen is left: the screen's requests end.
    pub(crate) fn leave_alternate(&mut self) {
        self.alternate = Kitty::default();
    }

    /// Writes the requests of a screen, from none.
    pub(crate) fn write(&self, alternate: bool, out: &mut Vec<u8>) {
        let screen = match alternate {
            true => &self.alternate,
            false => &self.primary,
        };
        for (index, flags) in screen.below.iter().chain([&screen.flags]).enumerate() {
            let _ = match index {
                0 if *flags == 0 => Ok(()),
                0 => write!(out, "\x1b[={flags};1u"),
                _ => write!(out, "\x1b[>{flags}u"),
            };
        }
        if !alternate && self.other_keys > 0 {
            let _ = write!(out, "\x1b[>{OTHER_KEYS};{}m", self.other_keys);
        }
    }
}

impl KeyProtocol {
    /// Writes the change from the protocols `old` to the present protocols. A push for the first
    /// flags and a pop for the last leave the terminal's own stack as before.
    pub(crate) fn write_from(self, old: Self, out: &mut Vec<u8>) {
        let _ = match (old.kitty, self.kitty) {
            (was, is) if was == is => Ok(()),
            (0, is) => write!(out, "\x1b[>{is}u"),
            (_, 0) => write!(out, "\x1b[<u"),
            (_, is) => write!(out, "\x1b[={is};1u"),
        };
        let _ = match (old.other_keys, self.other_keys) {
            (was, is) if was == is => Ok(()),
            (_, 0) => write!(out, "\x1b[>{OTHER_KEYS}m"),
            (_, is) => write!(out, "\x1b[>{OTHER_KEYS};{is}m"),
        };
    }
}

fn known(flags: i32) -> u8 {
    u8::try_from(flags & i32::from(FLAGS)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Screen as _, Size, Terminal, View};

    fn terminal(bytes: &str) -> (Terminal, String) {
        let mut terminal = Terminal::new(Size::new(20, 4).unwrap());
        let mut replies = Vec::new();
        terminal.feed(bytes.as_bytes(), &mut replies);
        (terminal, String::from_utf8(replies).unwrap())
    }

    fn present(bytes: &str) -> (u8, u8) {
        let (terminal, _) = terminal(bytes);
        let KeyProtocol { kitty, other_keys } = terminal.keyboard.present(terminal.on_alternate);
        (kitty, other_keys)
    }

    #[test]
    fn requests_are_kept_for_each_screen() {
        for (bytes, wanted) in [
            ("", (0, 0)),
            ("\x1b[>1u", (1, 0)),
            ("\x1b[>1u\x1b[>5u", (5, 0)),
            ("\x1b[>1u\x1b[>5u\x1b[<u", (1, 0)),
            ("\x1b[>1u\x1b[>5u\x1b[<9u", (0, 0)),
            ("\x1b[=1u\x1b[=2;2u", (3, 0)),
            ("\x1b[=7;1u\x1b[=2;3u", (5, 0)),
            ("\x1b[>255u", (31, 0)),
            ("\x1b[>4;2m", (0, 2)),
            ("\x1b[>4;2m\x1b[>4m", (0, 0)),
            ("\x1b[>4;2m\x1b[>m", (0, 0)),
            ("\x1b[>4;2m\x1b[>4n", (0, 0)),
            ("\x1b[>1;2m", (0, 0)),
            ("\x1b[>1u\x1b[?1049h", (0, 0)),
            ("\x1b[?1049h\x1b[>1u", (1, 0)),
            ("\x1b[?1049h\x1b[>1u\x1b[?1049l", (0, 0)),
            ("\x1b[>1u\x1b[>4;1m\x1bc", (0, 0)),
            ("\x1b[>1u\x1b[>4;1m\x1b[!p", (0, 0)),
        ] {
            assert_eq!(present(bytes), wanted, "{bytes:?}");
        }
        assert_eq!(present(&"\x1b[>3u".repeat(1 << 16)), (3, 0));
    }

    #[test]
    fn a_snapshot_repeats_all_requests() {
        for bytes in [
            "\x1b[>1u",
            "\x1b[=1u\x1b[>3u\x1b[>5u\x1b[>4;2m",
            "\x1b[>1u\x1b[?1049h\x1b[>3u\x1b[>7u",
            "\x1b[?1049h\x1b[=5u",
        ] {
            let (first, _) = terminal(bytes);
            let (copy, _) = terminal(std::str::from_utf8(&first.snapshot()).unwrap());
            assert_eq!(copy.keyboard, first.keyboard, "{bytes:?}");
        }
    }

    #[test]
    fn the_query_gets_the_present_flags() {
        assert_eq!(terminal("\x1b[?u").1, "\x1b[?0u");
        assert_eq!(terminal("\x1b[>1u\x1b[>5u\x1b[?u").1, "\x1b[?5u");
    }

    #[test]
    fn a_view_takes_back_the_protocols() {
        let size = Size::new(20, 4).unwrap();
        let mut view = View::new(size);
        let mut user = Terminal::new(size);
        let mut shows = |screen: &Terminal, view: &mut View| {
            user.feed(&view.paint(screen), &mut Vec::new());
            user.keyboard.present(user.on_alternate)
        };
        for bytes in ["\x1b[>1u\x1b[>4;2m", "\x1b[>5u", "", "\x1b[>31u"] {
            let (screen, _) = terminal(bytes);
            let wanted = screen.keyboard.present(false);
            assert_eq!(shows(&screen, &mut view), wanted, "{bytes:?}");
        }
        user.feed(&view.leave(), &mut Vec::new());
        assert_eq!(user.keyboard, Keyboard::default());
    }
}
