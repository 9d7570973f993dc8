//! Records of lists: a record carries only the beginning of a long text.

use std::ops::Deref;

/// Longest beginning of a text in a list, in characters; at most 4 KiB.
pub const BEGINNING_MAX: usize = 1024;

/// The beginning of a text, of at most [`BEGINNING_MAX`] characters.
#[must_use]
pub fn beginning(text: &str) -> &str {
    // Most texts are short, and no text has more characters than bytes.
    if text.len() <= BEGINNING_MAX {
        return text;
    }
    let end = text.char_indices().nth(BEGINNING_MAX);
    end.map_or(text, |(end, _)| &text[..end])
}

/// A record of a list. The record holds only the beginning of a long text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt<T> {
    /// The record, with the beginning of the text.
    pub record: T,
    /// How long the whole text is, in bytes; 0 without a text.
    pub text_bytes: u64,
    /// Whether the record has less than the whole text.
    pub is_truncated: bool,
}

impl<T> Excerpt<T> {
    /// The record with `text`, its beginning or the whole. `whole` is the length of a cut text.
    #[must_use]
    pub fn new(record: T, text: usize, whole: Option<u64>) -> Self {
        let text = text as u64;
        Self {
            record,
            text_bytes: whole.unwrap_or(text),
            is_truncated: whole.is_some_and(|whole| whole != text),
        }
    }
}

impl<T> Deref for Excerpt<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.record
    }
}

/// A cut record equals no whole record.
impl<T: PartialEq> PartialEq<T> for Excerpt<T> {
    fn eq(&self, whole: &T) -> bool {
        !self.is_truncated && self.record == *whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_ends_between_characters() {
        for character in ["x", "é", "漢", "\u{1f980}"] {
            let whole = character.repeat(BEGINNING_MAX);
            assert_eq!(beginning(&whole), whole);
            assert_eq!(beginning(&(whole.clone() + character)), whole);
        }
        assert_eq!(beginning(""), "");
    }

    #[test]
    fn a_cut_record_equals_no_whole_one() {
        let cut = Excerpt::new("be", 2, Some(9));
        assert!(cut.is_truncated && cut != "be");
        let whole = Excerpt::new("be", 2, None);
        assert!(!whole.is_truncated && whole == "be");
        assert_eq!((cut.text_bytes, whole.text_bytes), (9, 2));
    }
}
