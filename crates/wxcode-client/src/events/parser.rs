//! Server-sent events out of a stream of bytes, as in the WHATWG's HTML standard.

use serde_json::Value;

use crate::Error;

/// Largest event, in bytes of the stream: a `state` with 1,000 milestones and their reasons.
pub const EVENT_MAX: usize = 16 << 20; // 16 MiB

/// An event of a project, as described in docs/events.md.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Event {
    /// The number; numbers rise. `None` for a `reset`.
    pub id: Option<u64>,
    /// The type, such as `agent.state`. Ignore unknown types.
    pub kind: String,
    /// The JSON object with `type`, `seq`, `at` and the type's own fields.
    pub data: Value,
}

impl Event {
    /// A field with a text.
    pub fn text(&self, field: &str) -> Option<&str> {
        self.data.get(field)?.as_str()
    }

    /// A field with a whole number.
    pub fn number(&self, field: &str) -> Option<u64> {
        self.data.get(field)?.as_u64()
    }
}

/// Collects bytes until an event is whole.
#[derive(Debug, Default)]
pub(super) struct Parser {
    bytes: Vec<u8>,
    /// Bytes already searched for the end of a line.
    searched: usize,
    id: Option<u64>,
    kind: String,
    data: String,
}

impl Parser {
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if self.bytes.len() + self.data.len() + bytes.len() > EVENT_MAX {
            return Err(Error::TooLarge);
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// The next whole event.
    pub(super) fn next(&mut self) -> Result<Option<Event>, Error> {
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

    fn line(&mut self, line: &[u8]) -> Result<Option<Event>, Error> {
        if line.is_empty() {
            return self.event();
        }
        let line = std::str::from_utf8(line).map_err(|error| Error::NotUnderstood(error.into()))?;
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

    fn event(&mut self) -> Result<Option<Event>, Error> {
        let (id, kind, data) = (
            self.id.take(),
            std::mem::take(&mut self.kind),
            std::mem::take(&mut self.data),
        );
        if data.is_empty() {
            return Ok(None);
        }
        let data =
            serde_json::from_str(&data).map_err(|error| Error::NotUnderstood(error.into()))?;
        Ok(Some(Event { id, kind, data }))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const STREAM: &str = ": hello\nretry: 1000\n\nid: 41\nevent: state\ndata: {\"seq\":41}\n\n\
        : alive\n\nevent:reset\r\ndata:{\r\ndata: \"a\":\"\u{e9}\"}\r\n\r\n";

    fn all(parser: &mut Parser) -> Vec<Event> {
        std::iter::from_fn(|| parser.next().unwrap()).collect()
    }

    #[test]
    fn events_survive_any_cut() {
        let whole = {
            let mut parser = Parser::default();
            parser.push(STREAM.as_bytes()).unwrap();
            all(&mut parser)
        };
        assert_eq!(whole.len(), 2);
        assert_eq!((whole[0].id, whole[0].kind.as_str()), (Some(41), "state"));
        assert_eq!(whole[0].number("seq"), Some(41));
        assert_eq!((whole[1].id, whole[1].kind.as_str()), (None, "reset"));
        assert_eq!(whole[1].data, json!({ "a": "é" }));
        for size in 1..20 {
            let mut parser = Parser::default();
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
        let mut parser = Parser::default();
        let part = vec![b'x'; EVENT_MAX / 4];
        for _ in 0..4 {
            parser.push(&part).unwrap();
            assert_eq!(parser.next().unwrap(), None);
        }
        assert!(matches!(parser.push(b"x"), Err(Error::TooLarge)));
    }

    #[test]
    fn damaged_data_is_an_error() {
        for bad in [&b"data: {\n\n"[..], b"data: \xff\n\n"] {
            let mut parser = Parser::default();
            parser.push(bad).unwrap();
            assert!(matches!(parser.next(), Err(Error::NotUnderstood(_))));
        }
    }
}
