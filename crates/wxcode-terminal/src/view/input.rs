//! Modes for the input of a viewer's terminal: keys, paste, focus and mouse.

use crate::keyboard::KeyProtocol;
use crate::terminal::{Mouse, MouseEncoding, Terminal};

/// The modes that change a terminal's input; the default is the state of a shell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Input {
    application_cursor: bool,
    application_keypad: bool,
    bracketed_paste: bool,
    focus: bool,
    mouse: Mouse,
    encoding: MouseEncoding,
    keys: KeyProtocol,
}

impl Input {
    /// The modes requested by the application on `screen`. Without `mouse`, the mouse modes are
    /// left out.
    pub(super) fn of(screen: &Terminal, mouse: bool) -> Self {
        let switches = &screen.switches;
        let own = Self {
            application_cursor: switches.application_cursor,
            application_keypad: switches.application_keypad,
            bracketed_paste: switches.bracketed_paste,
            focus: switches.focus,
            keys: screen.keyboard.present(screen.on_alternate),
            ..Self::default()
        };
        if mouse {
            Self {
                mouse: screen.mouse,
                encoding: screen.mouse_encoding,
                ..own
            }
        } else {
            own
        }
    }

    /// Writes the change from the modes `old` to these.
    pub(super) fn write_from(self, old: Self, out: &mut Vec<u8>) {
        let mut switch = |was: bool, is: bool, on: &[u8], off: &[u8]| {
            if was != is {
                out.extend_from_slice(if is { on } else { off });
            }
        };
        switch(
            old.application_cursor,
            self.application_cursor,
            b"\x1b[?1h",
            b"\x1b[?1l",
        );
        switch(
            old.application_keypad,
            self.application_keypad,
            b"\x1b=",
            b"\x1b>",
        );
        switch(
            old.bracketed_paste,
            self.bracketed_paste,
            b"\x1b[?2004h",
            b"\x1b[?2004l",
        );
        switch(old.focus, self.focus, b"\x1b[?1004h", b"\x1b[?1004l");
        self.keys.write_from(old.keys, out);
        // Off before on: switching one tracking mode off switches every mode off.
        for (mode, number) in TRACKING {
            if old.mouse == mode && self.mouse != mode {
                private(number, b'l', out);
            }
        }
        for (mode, number) in ENCODINGS {
            if old.encoding == mode && self.encoding != mode {
                private(number, b'l', out);
            }
        }
        for (mode, number) in ENCODINGS {
            if old.encoding != mode && self.encoding == mode {
                private(number, b'h', out);
            }
        }
        for (mode, number) in TRACKING {
            if old.mouse != mode && self.mouse == mode {
                private(number, b'h', out);
            }
        }
    }
}

const TRACKING: [(Mouse, &[u8]); 4] = [
    (Mouse::X10, b"9"),
    (Mouse::Vt200, b"1000"),
    (Mouse::Drag, b"1002"),
    (Mouse::Any, b"1003"),
];

const ENCODINGS: [(MouseEncoding, &[u8]); 2] = [
    (MouseEncoding::Sgr, b"1006"),
    (MouseEncoding::SgrPixels, b"1016"),
];

fn private(number: &[u8], last: u8, out: &mut Vec<u8>) {
    out.extend_from_slice(b"\x1b[?");
    out.extend_from_slice(number);
    out.push(last);
}
