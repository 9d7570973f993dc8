//! The keys of dialogs.
//!
//! Measured: the mark wraps around at both ends. Digits take a choice at once. In its first 0.3 s
//! or so a dialog ignores digits and Enter, but not the arrows. In a field the side arrows move
//! within the text.

use crate::prompt::{self, typeable};

/// Moves the mark one choice up.
pub const UP: &[u8] = b"\x1b[A";
/// Moves the mark one choice down.
pub const DOWN: &[u8] = b"\x1b[B";
/// Goes to the previous page; in a field one character to the left.
pub const LEFT: &[u8] = b"\x1b[D";
/// Takes the marked choice; in a list with boxes ticks or unticks it.
pub const ENTER: &[u8] = prompt::SUBMIT;
/// Goes to the end of the line in a field and deletes everything before it.
pub const CLEAR: &[u8] = b"\x05\x15";

/// The bytes of a text for the marked field, as one bracketed paste.
#[must_use]
pub fn text(text: &str) -> Vec<u8> {
    [b"\x1b[200~", typeable(text).as_bytes(), b"\x1b[201~"].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_contains_no_keys() {
        assert_eq!(
            text("!a\x1b[201~\r\nb\\"),
            b"\x1b[200~!a[201~\nb\\\x1b[201~"
        );
    }
}
