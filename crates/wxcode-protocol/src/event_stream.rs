//! Server-sent events out of a stream of bytes, as in the WHATWG's HTML standard.

use std::str::Utf8Error;

/// An event of a stream, its data not read yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamEvent {
    /// The number of the event, if its id is one.
    pub id: Option<u64>,
    /// The type; empty without one.
    pub kind: String,
    /// The data, its lines joined.
    pub data: String,
}

/// An event exceeds its bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLong;

/// Collects bytes until an event is whole.
///
/// ```
/// # use wxcode_protocol::event_stream::EventParser;
/// let mut parser = EventParser::new(1024);
/// parser.push(b"id: 7\nevent: state\nda").unwrap();
/// assert_eq!(parser.next_event().unwrap(), None);
/// parser.push(b"ta: {}\n\n").unwrap();
/// let event = parser.next_event().unwrap().unwrap();
/// assert_eq!((event.id, event.kind.as_str(), event.data.as_str()), (Some(7), "state", "{}"));
/// ```
#[derive(Debug)]
pub struct EventParser {
    /// Most bytes of an event.
    max: usize,
    bytes: Vec<u8>,
    /// Bytes already searched for the end of a line.
    searched: usize,
    id: Option<u64>,
    kind: String,
    data: String,
}

impl EventParser {
    /// A parser for events of at most `max` bytes of the stream.
    #[must_use]
    pub const fn new(max: usize) -> Self {
        Self {
            max,
            bytes: Vec::new(),
            searched: 0,
            id: None,
            kind: String::new(),
            data: String::new(),
        }
    }

    /// Adds a piece of the stream.
    ///
    /// # Errors
    /// [`TooLong`] if the present event, with this piece, exceeds the bound. Take the whole events
    /// with [`Self::next_event`] after each piece.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), TooLong> {
        if self.bytes.len() + self.data.len() + bytes.len() > self.max {
            return Err(TooLong);
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// The next whole event; comments and events without data are left out.
    ///
    /// # Errors
    /// A line is not UTF-8; the next call continues after it.
    pub fn next_event(&mut self) -> Result<Option<StreamEvent>, Utf8Error> {
        let mut from = 0;
        let mut event = Ok(None);
        while let Some(end) = self.bytes[self.searched..].iter().position(|b| *b == b'\n') {
            let end = self.searched + end;
            let line = self.bytes[from..end].to_vec();
            from = end + 1;
            self.searched = from;
            event = self.line(line.strip_suffix(b"\r").unwrap_or(&line));
            if !matches!(event, Ok(None)) {
                break;
            }
        }
        if matches!(event, Ok(None)) {
            self.searched = self.bytes.len();
        }
        self.bytes.drain(..from);
        self.searched -= from;
        event
    }

    fn line(&mut self, line: &[u8]) -> Result<Option<StreamEvent>, Utf8Error> {
        if line.is_empty() {
            let event = StreamEvent {
                id: self.id.take(),
                kind: std::mem::take(&mut self.kind),
                data: std::mem::take(&mut self.data),
            };
            return Ok((!event.data.is_empty()).then_some(event));
        }
        let line = std::str::from_utf8(line)?;
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "id" => self.id = value.parse().ok(),
            "event" => value.clone_into(&mut self.kind),
            "data" => {
                if !self.data.is_empty() {
                    self.data.push('\n');
                }
                self.data.push_str(value);
            }
            // A comment, the pause of other clients, or a field of a newer server.
            _ => {}
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: usize = 1 << 16; // 64 KiB
    const STREAM: &str = ": hello\nretry: 1000\n\nid: 41\nevent: state\ndata: {\"seq\":41}\n\n\
        : alive\n\nevent:reset\r\ndata:{\r\ndata: \"a\":\"\u{e9}\"}\r\n\r\n";

    fn all(parser: &mut EventParser) -> Vec<StreamEvent> {
        std::iter::from_fn(|| parser.next_event().unwrap()).collect()
    }

    #[test]
    fn events_survive_any_cut() {
        let event = |id, kind: &str, data: &str| StreamEvent {
            id,
            kind: kind.to_owned(),
            data: data.to_owned(),
        };
        let whole = [
            event(Some(41), "state", "{\"seq\":41}"),
            event(None, "reset", "{\n\"a\":\"é\"}"),
        ];
        for size in (1..20).chain([STREAM.len()]) {
            let mut parser = EventParser::new(MAX);
            let mut cut = Vec::new();
            for part in STREAM.as_bytes().chunks(size) {
                parser.push(part).unwrap();
                cut.extend(all(&mut parser));
            }
            assert_eq!(cut, whole, "in parts of {size}");
        }
    }

    #[test]
    fn endless_events_are_refused() {
        let mut parser = EventParser::new(MAX);
        let part = vec![b'x'; MAX / 4];
        for _ in 0..4 {
            parser.push(&part).unwrap();
            assert_eq!(parser.next_event().unwrap(), None);
        }
        assert_eq!(parser.push(b"x"), Err(TooLong));
    }

    #[test]
    fn bytes_beside_text_are_an_error() {
        let mut parser = EventParser::new(MAX);
        parser.push(b"data: \xff\n\ndata: a\n\n").unwrap();
        assert!(parser.next_event().is_err());
        assert_eq!(all(&mut parser).len(), 1);
    }
}
