//! Prepares text for the prompt, and checks the proof of its arrival.
//!
//! Measured: a line feed never submits. A carriage return does, except after a backslash, where it
//! becomes a line end. A shell runs text after a leading `!`, and no hook reports it.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization as _;

/// Submits the text in the prompt: a carriage return, never a line feed.
pub const SUBMIT: &[u8] = b"\r";

/// Begins a bracketed paste.
const PASTE_BEGIN: &[u8] = b"\x1b[200~";
/// Ends a bracketed paste.
const PASTE_END: &[u8] = b"\x1b[201~";

/// The prompt's replacement for a pasted tab.
const TAB: &str = "    ";

/// Returns the typeable form of a text: line ends become `\n`; control characters other than tabs
/// and line ends go.
///
/// Escape is a control character, so no text can end a paste or act as a key. The page and `wxcode
/// attach` follow the same rule: all three test `pastes/cases.json`.
#[must_use]
pub fn typeable(text: &str) -> String {
    text.replace("\r\n", "\n")
        .chars()
        .map(|c| if is_line_end(c) { '\n' } else { c })
        .filter(|&c| !c.is_control() || matches!(c, '\n' | '\t'))
        .collect()
}

/// Characters drawn as line ends by the prompt.
const fn is_line_end(c: char) -> bool {
    matches!(
        c,
        '\r' | '\n' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}'
    )
}

/// Returns the bytes to put `text` into the prompt without submitting it: one bracketed paste of
/// its [`typeable`] form.
///
/// A space goes before a leading `!`, because a shell would run the text, and after a trailing
/// backslash, because [`SUBMIT`] would become a line end. Invisible characters before the `!` do
/// not count: the prompt drops them.
#[must_use]
pub fn paste(text: &str) -> Vec<u8> {
    let text = typeable(text);
    let seen = text.trim_matches(is_invisible);
    let before: &[u8] = if seen.starts_with('!') { b" " } else { b"" };
    let after: &[u8] = if seen.ends_with('\\') { b" " } else { b"" };
    [PASTE_BEGIN, before, text.as_bytes(), after, PASTE_END].concat()
}

/// Whether a `UserPromptSubmit` hook with the text `reported` proves the submission of `sent`.
///
/// The texts must be equal after the prompt's known changes: it trims white space, turns tabs into
/// spaces, drops invisible characters, and composes characters (NFC). It wraps a paste of more than
/// three lines or 800 characters in one `pasted_content` element, and puts a backslash before such
/// tags in the text itself.
#[must_use]
pub fn confirms(sent: &str, reported: &str) -> bool {
    let sent = canonical(sent);
    canonical(reported) == sent || unwrapped(reported).is_some_and(|inner| canonical(inner) == sent)
}

/// Returns the text inside a prompt with one `pasted_content` wrapper and nothing else.
fn unwrapped(reported: &str) -> Option<&str> {
    let rest = reported.trim().strip_prefix("<pasted_content id=\"")?;
    let (id, rest) = rest.split_once("\">")?;
    let inner = rest
        .strip_suffix("\">")?
        .strip_suffix(id)?
        .strip_suffix("</pasted_content id=\"")?;
    // A second wrapper would be a second paste.
    (!inner.contains("<pasted_content") && !inner.contains("</pasted_content")).then_some(inner)
}

/// Reduces a text to the parts never changed by the prompt.
fn canonical(text: &str) -> String {
    let text: String = typeable(text)
        .replace('\t', TAB)
        .chars()
        .filter(|&c| !is_invisible(c))
        .nfc()
        .collect();
    let text = ["<\\pasted_content", "<\\/pasted_content"]
        .iter()
        .fold(Cow::Owned(text), |text: Cow<'_, str>, tag| {
            Cow::Owned(text.replace(tag, &tag.replace('\\', "")))
        });
    text.trim().to_owned()
}

/// Whether a character has no shape of its own; the prompt drops such characters, some only in some
/// places.
const fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn wrapped(text: &str) -> String {
        format!("\n\n<pasted_content id=\"27b4\">\n{text}\n</pasted_content id=\"27b4\">\n")
    }

    /// Pairs of a pasted text and the report of the real CLI's hook.
    #[test]
    fn confirms_a_text_changed_by_the_cli() {
        let rows = "row 0\nrow 1\nrow 2\nrow 3\nrow 4";
        let long = "x".repeat(10_000);
        let cases = [
            ("one line", "one line".to_owned()),
            ("two\nlines", "two\nlines".to_owned()),
            (rows, wrapped(rows)),
            (&long, wrapped(&long)),
            ("  lead and trail  ", "  lead and trail".to_owned()),
            ("\nleading newline", "\nleading newline".to_owned()),
            ("trailing newline\n", "trailing newline".to_owned()),
            ("trail spaces   \nmid  ", "trail spaces   \nmid".to_owned()),
            ("tab\there", "tab    here".to_owned()),
            ("e\u{301}x", "\u{e9}x".to_owned()),
            (
                "nbsp\u{a0}zwj\u{200d} bom\u{feff} x",
                "nbsp\u{a0}zwj bom x".to_owned(),
            ),
            ("soft\u{ad}hyphen", "softhyphen".to_owned()),
            ("\u{fe0f}\u{2764}\u{fe0f}", "\u{2764}\u{fe0f}".to_owned()),
            (
                "\u{1f468}\u{200d}\u{1f469}",
                "\u{1f468}\u{200d}\u{1f469}".to_owned(),
            ),
            ("crlf\r\ntwo", "crlf\ntwo".to_owned()),
            ("cr\rtwo", "cr\ntwo".to_owned()),
            ("a\u{c}b\u{b}c\u{85}d", "a\nb\nc\nd".to_owned()),
            ("\u{2028}sep\u{2029}para", "\nsep\npara".to_owned()),
            (
                "/gsd:new-project a/b.md ",
                "/gsd:new-project a/b.md".to_owned(),
            ),
            (" /gsd:new-project a", "/gsd:new-project a".to_owned()),
            (
                "<pasted_content id=\"x\">",
                "<\\pasted_content id=\"x\">".to_owned(),
            ),
            (
                "tag <pasted_content> and </pasted_content id=\"x\"> q",
                "tag <\\pasted_content> and <\\/pasted_content id=\"x\"> q".to_owned(),
            ),
            ("l1\nl2\nl3\nl4\n", wrapped("l1\nl2\nl3\nl4\n")),
            ("\n\n\nx", wrapped("\n\n\nx")),
            ("!echo x", " !echo x".to_owned()),
            ("ends with\\", "ends with\\".to_owned()),
        ];
        for (sent, reported) in cases {
            assert!(
                confirms(sent, &reported),
                "{sent:?} was reported as {reported:?}"
            );
        }
    }

    #[test]
    fn another_text_is_no_proof() {
        let cases = [
            ("one", "two"),
            ("one", "one two"),
            ("one", ""),
            ("one two", "one  two"),
            ("a\nb", "a b"),
            (
                "one",
                "one\n\n<pasted_content id=\"a\">\none\n</pasted_content id=\"a\">\n",
            ),
            (
                "one",
                "<pasted_content id=\"a\">\none\n</pasted_content id=\"b\">",
            ),
            (
                "one",
                "<pasted_content id=\"a\">\none\n</pasted_content id=\"a\"> and more",
            ),
            ("/clear", "/clear now"),
        ];
        for (sent, reported) in cases {
            assert!(!confirms(sent, reported), "{sent:?} is not {reported:?}");
        }
        let two = wrapped("one") + &wrapped("two");
        assert!(!confirms("one", &two) && !confirms("two", &two));
    }

    #[test]
    fn all_clients_type_a_text_alike() {
        #[derive(serde::Deserialize)]
        struct Case {
            case: String,
            text: String,
            typed: String,
        }
        let cases: Vec<Case> = serde_json::from_str(include_str!("../pastes/cases.json")).unwrap();
        assert!(!cases.is_empty());
        for Case { case, text, typed } in cases {
            assert_eq!(typeable(&text), typed, "{case}");
            let pasted = format!("\x1b[200~{typed}\x1b[201~");
            assert_eq!(paste(&text), pasted.as_bytes(), "{case}");
        }
    }

    #[test]
    fn a_text_contains_no_keys() {
        assert_eq!(
            paste("a\x1b[201~\rrm\x03\x7f\u{9b}b"),
            b"\x1b[200~a[201~\nrmb\x1b[201~"
        );
        assert_eq!(
            paste("one\r\ntwo\tthree"),
            b"\x1b[200~one\ntwo\tthree\x1b[201~"
        );
        assert_eq!(paste("!ls"), b"\x1b[200~ !ls\x1b[201~");
        assert_eq!(paste("\x1b!ls"), b"\x1b[200~ !ls\x1b[201~");
        assert_eq!(paste("a\\"), b"\x1b[200~a\\ \x1b[201~");
        // The prompt drops these marks.
        for mark in ["\u{200b}", "\u{feff}\u{2060}", "\u{202e}"] {
            let before = format!("\x1b[200~ {mark}!ls\x1b[201~");
            assert_eq!(paste(&format!("{mark}!ls")), before.as_bytes());
            let after = format!("\x1b[200~a\\{mark} \x1b[201~");
            assert_eq!(paste(&format!("a\\{mark}")), after.as_bytes());
        }
    }

    proptest! {
        #[test]
        fn a_paste_has_one_begin_and_one_end(text: String) {
            let bytes = paste(&text);
            let inner = &bytes[PASTE_BEGIN.len()..bytes.len() - PASTE_END.len()];
            prop_assert!(!inner.iter().any(|byte| (*byte < b' ' && !matches!(byte, b'\n' | b'\t')) || *byte == 0x7f));
            prop_assert!(std::str::from_utf8(inner).is_ok());
        }

        #[test]
        fn an_unchanged_report_is_confirmed(text: String) {
            prop_assert!(confirms(&text, &text));
            prop_assert!(confirms(&text, typeable(&text).trim_end()));
        }
    }
}
