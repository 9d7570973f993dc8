//! A program as another build of it: the same, but for what it says that it is.

use std::{fs, io::BufRead, path::Path};

/// The bytes of a program with another text of the same length in each place where it has this one.
///
/// # Panics
/// The program cannot be read, or does not have the text.
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

/// Where a text begins in the bytes. A program has many of them, so its first byte is looked for by what is quick also in
/// a debug build.
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
    fn each_place_is_found() {
        assert_eq!(places(b"wxwxwx", b"wx"), [0, 2, 4]);
        assert_eq!(places(b"wwx-w", b"wx"), [1]);
        assert_eq!(places(b"", b"wx"), [0; 0]);
    }
}
