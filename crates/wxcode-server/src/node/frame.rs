//! The frames of a peer's stream of server-sent events.

use serde_json::{Map, Value};
use wxcode_core::id::Id;
use wxcode_protocol::event_stream::{EventParser, StreamEvent, TooLong};

use crate::event::Line;

/// Longest frame of a peer's stream, in bytes.
const FRAME_MAX: usize = 1 << 20; // 1 MiB
/// Bytes parsed at a time: a piece may hold many frames.
const PART: usize = 16 << 10; // 16 KiB

/// A frame of a peer's stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// The present situation after this event.
    Present(u64),
    /// The given position is unknown.
    Reset,
    /// An event with its number in the peer's stream.
    Event { seq: u64, project: Id, line: Line },
}

/// The frames of a stream that comes in pieces.
pub(super) struct Frames(EventParser);

impl Default for Frames {
    fn default() -> Self {
        Self(EventParser::new(FRAME_MAX))
    }
}

impl Frames {
    /// The frames that end with this piece; keep-alives and unknown frames are left out.
    pub(super) fn take(&mut self, piece: &[u8]) -> Result<Vec<Frame>, TooLong> {
        let mut frames = Vec::new();
        for part in piece.chunks(PART) {
            self.0.push(part)?;
            loop {
                match self.0.next_event() {
                    Ok(Some(event)) => frames.extend(frame(&event)),
                    Ok(None) => break,
                    // Nothing of a node of this version.
                    Err(_) => {}
                }
            }
        }
        Ok(frames)
    }
}

fn frame(event: &StreamEvent) -> Option<Frame> {
    match event.kind.as_str() {
        "state" => Some(Frame::Present(event.id?)),
        "reset" => Some(Frame::Reset),
        name => self::event(event.id?, name, &event.data),
    }
}

/// The event as its project's stream has it.
fn event(seq: u64, name: &str, json: &str) -> Option<Frame> {
    let mut event: Map<String, Value> = serde_json::from_str(json).ok()?;
    let project = event.remove("project_id")?.as_str()?.parse().ok()?;
    let of_project = event.remove("project_seq")?;
    let number = of_project.as_u64()?;
    event.insert("seq".to_owned(), of_project);
    let json = serde_json::to_string(&event).ok()?;
    let is_word = !name.is_empty() && !name.contains(char::is_whitespace);
    is_word.then(|| Frame::Event {
        seq,
        project,
        line: Line::of(number, name, &json),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str = "retry: 1000\n\nid: 7\nevent: state\ndata: {\"type\":\"state\"}\n\n: alive\n\n\
        id: 8\nevent: agent.state\ndata: {\"at\":\"x\",\"project_id\":\"0123456789abcdef01234567\",\
        \"project_seq\":3,\"seq\":8}\n\nevent: reset\ndata: {}\n\nid: 9\nevent: other\ndata: 1\n\n";

    #[test]
    fn frames_come_whole_from_any_pieces() {
        let project = "0123456789abcdef01234567".parse().unwrap();
        let line = Line::of(3, "agent.state", "{\"at\":\"x\",\"seq\":3}");
        let event = Frame::Event {
            seq: 8,
            project,
            line,
        };
        let wanted = [Frame::Present(7), event, Frame::Reset];
        for size in [1, 2, 7, 1_000] {
            let mut frames = Frames::default();
            let pieces = STREAM.as_bytes().chunks(size);
            let found: Vec<_> = pieces
                .flat_map(|piece| frames.take(piece).unwrap())
                .collect();
            assert_eq!(found, wanted, "{size}");
        }
    }

    #[test]
    fn a_frame_without_an_end_is_refused() {
        let mut frames = Frames::default();
        let piece = vec![b'x'; FRAME_MAX];
        assert!(frames.take(&piece).unwrap().is_empty());
        assert!(frames.take(b"x").is_err());
    }
}
