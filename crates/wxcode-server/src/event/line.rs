//! A line of an event log: `<crc32c> <seq> <name> <json>`, with the checksum over the rest of the
//! line.

use std::sync::Arc;

use wxcode_core::event::Event;

/// Digits of the checksum and the following space.
const SUM: usize = 9;

/// The number and the text of a line without its end; `None` for a damaged line.
pub(super) fn parse(bytes: &[u8]) -> Option<(u64, &str)> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (sum, body) = text.split_once(' ')?;
    if sum.len() + 1 != SUM || u32::from_str_radix(sum, 16).ok()? != crc32c::crc32c(body.as_bytes())
    {
        return None;
    }
    let seq = body.split(' ').next()?.parse().ok()?;
    Some((seq, text))
}

/// A published event as a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// The event's number.
    pub(crate) seq: u64,
    /// The line without the line end.
    text: Arc<str>,
}

impl Line {
    /// Formats an event.
    pub(super) fn new(event: &Event) -> Self {
        let (name, json) = (event.kind.name(), event.to_json());
        Self::of(event.seq, name, &json)
    }

    /// Formats a line. `name` has no space, `json` no line end.
    pub(crate) fn of(seq: u64, name: &str, json: &str) -> Self {
        let body = format!("{seq} {name} {json}");
        let sum = crc32c::crc32c(body.as_bytes());
        let text = format!("{sum:08x} {body}").into();
        Self { seq, text }
    }

    /// Takes a line without its end, as found by [`parse`].
    pub(super) fn whole(seq: u64, text: &str) -> Self {
        let text = text.into();
        Self { seq, text }
    }

    /// The event's name.
    pub(crate) fn name(&self) -> &str {
        self.text.split(' ').nth(2).unwrap_or_default()
    }

    /// The event as JSON.
    pub(crate) fn json(&self) -> &str {
        self.text.splitn(4, ' ').nth(3).unwrap_or_default()
    }

    /// The line without the line end.
    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_read_back_unless_damaged() {
        let line = Line::of(7, "agent.state", r#"{"a": "b c"}"#);
        assert_eq!(
            (line.name(), line.json()),
            ("agent.state", r#"{"a": "b c"}"#)
        );
        let read = |bytes: &[u8]| parse(bytes).map(|(seq, text)| Line::whole(seq, text));
        assert_eq!(read(line.text().as_bytes()), Some(line.clone()));
        for at in 0..line.text().len() {
            let mut damaged = line.text().as_bytes().to_vec();
            damaged[at] ^= 1;
            assert_eq!(read(&damaged), None, "byte {at}");
        }
        assert_eq!(read(b""), None);
    }
}
