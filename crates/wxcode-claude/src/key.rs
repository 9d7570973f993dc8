//! The keys that dialogs take.
//!
//! Measured: the mark goes round at both ends; digits take a choice at once; in the first 0.3 s or so a dialog
//! ignores the keys that decide, digits and Enter, but not the arrows; in a field the arrows to the sides move within the text.

use crate::prompt::{self, typeable};

/// The mark goes one choice up.
pub const UP: &[u8] = b"\x1b[A";
/// The mark goes one choice down.
pub const DOWN: &[u8] = b"\x1b[B";
/// To the page before; in a field one character to the left.
pub const LEFT: &[u8] = b"\x1b[D";
/// Takes the marked choice; in a list with boxes ticks or unticks it.
pub const ENTER: &[u8] = prompt::SUBMIT;
/// In a field: to the end of the line, and all before it goes.
pub const CLEAR: &[u8] = b"\x05\x15";

/// The bytes that put a text into the marked field, as one bracketed paste.
#[must_use]
pub fn text(text: &str) -> Vec<u8> {
    [b"\x1b[200~", typeable(text).as_bytes(), b"\x1b[201~"].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_is_a_key() {
        assert_eq!(
            text("!a\x1b[201~\r\nb\\"),
            b"\x1b[200~!a[201~\nb\\\x1b[201~"
        );
    }
}
