//! A copy of a program with another build name.

use std::{fs, io::BufRead, path::Path};

/// The program's bytes with each occurrence of a text replaced by another text of the same length.
///
/// # Panics
/// The program cannot be read, or does not contain the text.
#[must_use]
pub fn other_build(program: &Path, own: &str, other: &str) -> Vec<u8> {
    assert_eq!(own.len(), other.len());
    let mut bytes = fs::read(program).unwrap_or_else(|error| panic!("{program:?}: {error}"));
    let places = places(&bytes, own.as_bytes());
    assert!(!places.is_empty(), "the program names its build");
    for at in places {
        bytes[at..at + other.len()].copy_from_slice(other.as_bytes());
    }
    bytes
}

/// The position of a text in the bytes. The search for the first byte is fast even in a debug
/// build.
fn places(bytes: &[u8], text: &[u8]) -> Vec<usize> {
    let mut places = Vec::new();
    let mut at = 0;
    while let Ok(passed @ 1..) = (&bytes[at..]).skip_until(text[0]) {
        at += passed;
        if bytes[at - 1..].starts_with(text) {
            places.push(at - 1);
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_occurrence_is_found() {
        assert_eq!(places(b"wxwxwx", b"wx"), [0, 2, 4]);
        assert_eq!(places(b"wwx-w", b"wx"), [1]);
        assert_eq!(places(b"", b"wx"), [0; 0]);
    }
}
