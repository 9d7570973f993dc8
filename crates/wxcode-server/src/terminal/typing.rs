//! Separates typed input from a terminal's reports of focus and mouse.

/// Whether an input contains more than reports of focus and mouse.
pub(super) fn is_typing(mut input: &[u8]) -> bool {
    while !input.is_empty() {
        match report(input) {
            0 => return true,
            len => input = input.get(len..).unwrap_or_default(),
        }
    }
    false
}

/// The length of the report at the start of an input; 0 without a report.
fn report(input: &[u8]) -> usize {
    match input {
        // Focus, DEC 1004.
        [0x1b, b'[', b'I' | b'O', ..] => 3,
        // The mouse in the encoding of X10 and of DEC 1005 within ASCII.
        [0x1b, b'[', b'M', _, _, _, ..] => 6,
        // The mouse in the encodings of DEC 1006 and 1016.
        [0x1b, b'[', b'<', fields @ ..] => fields
            .iter()
            .position(|byte| !matches!(byte, b'0'..=b'9' | b';'))
            .filter(|at| matches!(fields[*at], b'M' | b'm'))
            .map_or(0, |at| at + 4),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_are_not_typing() {
        for input in [
            "",
            "\x1b[I",
            "\x1b[O\x1b[I",
            "\x1b[<35;10;20M",
            "\x1b[<0;1;1M\x1b[<0;1;1m\x1b[I",
            "\x1b[M !!",
        ] {
            assert!(!is_typing(input.as_bytes()), "{input:?}");
        }
    }

    #[test]
    fn keys_are_typing() {
        for input in [
            "a",
            "\r",
            "\x03",
            "\x1b",
            "\x1b[A",
            "\x1b[Ix",
            "\x1b[<35;10;20x",
            "\x1b[<35",
            "\x1b[M",
            "\x1b[200~x\x1b[201~",
        ] {
            assert!(is_typing(input.as_bytes()), "{input:?}");
        }
    }
}
