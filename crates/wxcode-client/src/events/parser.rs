//! The events of a project, out of a stream of server-sent events.

use serde_json::Value;
use wxcode_protocol::event_stream::{EventParser, TooLong};

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
#[derive(Debug)]
pub(super) struct Parser(EventParser);

impl Default for Parser {
    fn default() -> Self {
        Self(EventParser::new(EVENT_MAX))
    }
}

impl Parser {
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.0.push(bytes).map_err(|TooLong| Error::TooLarge)
    }

    /// The next whole event.
    pub(super) fn next(&mut self) -> Result<Option<Event>, Error> {
        let read = self.0.next_event();
        let Some(event) = read.map_err(|error| Error::NotUnderstood(error.into()))? else {
            return Ok(None);
        };
        let data = serde_json::from_str(&event.data);
        Ok(Some(Event {
            id: event.id,
            kind: event.kind,
            data: data.map_err(|error| Error::NotUnderstood(error.into()))?,
        }))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_has_its_fields() {
        let mut parser = Parser::default();
        let stream = "id: 41\nevent: agent.state\ndata: {\"seq\":41,\"to\":\"idle\"}\n\n";
        parser.push(stream.as_bytes()).unwrap();
        let event = parser.next().unwrap().unwrap();
        assert_eq!((event.id, event.kind.as_str()), (Some(41), "agent.state"));
        assert_eq!(
            (event.number("seq"), event.text("to")),
            (Some(41), Some("idle"))
        );
        assert_eq!(event.data, json!({ "seq": 41, "to": "idle" }));
    }

    #[test]
    fn endless_events_are_refused() {
        let mut parser = Parser::default();
        parser.push(&vec![b'x'; EVENT_MAX]).unwrap();
        assert_eq!(parser.next().unwrap(), None);
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
