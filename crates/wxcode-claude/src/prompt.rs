//! Text on its way into the prompt, and the proof that it arrived.

/// What submits the text in the prompt: a carriage return, never a line feed.
pub const SUBMIT: &[u8] = b"\r";

/// Begins a bracketed paste.
const PASTE_BEGIN: &[u8] = b"\x1b[200~";
/// Ends a bracketed paste.
const PASTE_END: &[u8] = b"\x1b[201~";

/// The text as it can be typed: line ends are `\n`, and of the control characters only tabs and
/// line ends are left.
///
/// Escape characters are control characters, so nothing in the text can end a paste or be taken
/// for a key.
#[must_use]
pub fn typeable(text: &str) -> String {
    text.replace("\r\n", "\n")
        .chars()
        .map(|c| if c == '\r' { '\n' } else { c })
        .filter(|&c| !c.is_control() || matches!(c, '\n' | '\t'))
        .collect()
}

/// The bytes that put `text` into the prompt without submitting it: one bracketed paste of its
/// [`typeable`] form.
#[must_use]
pub fn paste(text: &str) -> Vec<u8> {
    [PASTE_BEGIN, typeable(text).as_bytes(), PASTE_END].concat()
}

/// Whether a `UserPromptSubmit` hook that reports `reported` proves that `sent` was submitted.
#[must_use]
pub fn confirms(sent: &str, reported: &str) -> bool {
    let sent = typeable(sent);
    let reported = typeable(reported);
    sent.trim() == reported.trim()
        || unwrapped(&reported).is_some_and(|inner| inner.trim() == sent.trim())
}

/// The text inside a prompt that is nothing but one `pasted_content` wrapper, as Claude Code puts
/// around a paste of several lines.
fn unwrapped(reported: &str) -> Option<&str> {
    let rest = reported.trim().strip_prefix("<pasted_content id=\"")?;
    let (id, rest) = rest.split_once("\">")?;
    rest.strip_suffix("\">")?
        .strip_suffix(id)?
        .strip_suffix("</pasted_content id=\"")
}
