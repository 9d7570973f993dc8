//! Removes terminal escape sequences from a line of text.

/// The text after leading white space and escape sequences.
pub(super) fn after_escapes(text: &str) -> &str {
    let mut rest = text.trim_start();
    while let Some(after) = after_one(rest) {
        rest = after.trim_start();
    }
    rest
}

/// The text without escape sequences and control characters, cut to `max` characters.
pub(super) fn without_escapes(text: &str, max: usize) -> String {
    let mut plain = String::new();
    let mut left = max;
    let mut rest = text;
    while left > 0 && !rest.is_empty() {
        if let Some(after) = after_one(rest) {
            rest = after;
            continue;
        }
        let mut chars = rest.chars();
        if let Some(c) = chars.next().filter(|c| !c.is_control()) {
            plain.push(c);
            left -= 1;
        }
        rest = chars.as_str();
    }
    plain
}

/// The text after a leading escape sequence; `None` without one.
fn after_one(text: &str) -> Option<&str> {
    let sequence = text.strip_prefix('\u{1b}')?;
    let end = match sequence.chars().next() {
        // CSI: up to its final byte.
        Some('[') => sequence[1..]
            .find(|c| matches!(c, '@'..='~'))
            .map(|at| at + 2),
        // OSC, DCS, APC, PM: up to BEL or ST.
        Some(']' | 'P' | '_' | '^') => sequence.find(['\u{7}', '\u{1b}']).map(|at| {
            at + if sequence[at..].starts_with("\u{1b}\\") {
                2
            } else {
                1
            }
        }),
        // Others: intermediate characters, then a final one.
        Some(_) => sequence
            .char_indices()
            .find(|(_, c)| !matches!(c, ' '..='/'))
            .map(|(at, c)| at + c.len_utf8()),
        None => None,
    };
    Some(end.and_then(|end| sequence.get(end..)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn colours_of_an_error_are_removed() {
        let error = "\u{1b}[0m\u{1b}[31m\u{1b}[31mError: in use.\u{1b}[39m\u{1b}[0m";
        assert_eq!(without_escapes(error, 100), "Error: in use.");
        assert_eq!(without_escapes(error, 5), "Error");
        assert_eq!(without_escapes("\u{1b}[?25h", 100), "");
        assert_eq!(after_escapes("\u{1b}(B \u{1b}é{x"), "{x");
    }

    proptest! {
        #[test]
        fn any_text_is_accepted(text in "[\u{1b}\\[\\]\\\\a-cé\u{7} ;]{0,40}", max in 0_usize..20) {
            after_escapes(&text);
            let plain = without_escapes(&text, max);
            prop_assert!(plain.chars().count() <= max);
            prop_assert_eq!(plain.find('\u{1b}'), None);
        }
    }
}
