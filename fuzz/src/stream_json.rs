//! The id in a `stream-json` output: equal for any cuts, the first one, and found after any prefix;
//! and its messages: equal for any cuts, with their positions.

use uuid::Uuid;
use wxcode_claude::stream::{InitCapture, Message, Messages};

/// Ends a piece; not a byte of UTF-8.
const CUT: u8 = 0xFD;
/// The id of the line that follows a prefix without an id.
const ID: Uuid = Uuid::from_u128(0x0d6a_3f0e_54a1_4ee0_9a5a_0b6a_1c7d_2e11);

/// Runs one input: a stream with cuts.
pub fn run(data: &[u8]) {
    let pieces: Vec<&[u8]> = data.split(|byte| *byte == CUT).collect();
    let whole = pieces.concat();
    let found = capture(&[&whole]);
    assert_eq!(found, capture(&pieces));
    assert_eq!(found, capture(&whole.chunks(1).collect::<Vec<_>>()));

    let all = messages(&[&whole]);
    assert_eq!(all, messages(&pieces));
    assert_eq!(all, messages(&whole.chunks(1).collect::<Vec<_>>()));
    let first = all.iter().find_map(|(_, message)| match message {
        Message::Init { session_id } => Some(*session_id),
        _ => None,
    });
    assert_eq!(first, found);

    let line = format!(r#"{{"type":"system","subtype":"init","session_id":"{ID}"}}"#);
    for end in ["\n", "\r", "\r\n"] {
        let behind = [&whole, end.as_bytes(), line.as_bytes()];
        assert_eq!(capture(&behind), Some(found.unwrap_or(ID)));
    }
}

fn capture(pieces: &[&[u8]]) -> Option<Uuid> {
    let mut capture = InitCapture::new();
    let mut found = None;
    for piece in pieces {
        let now = capture.push(piece);
        assert!(found.is_none() || found == now, "what is found stays");
        found = now;
    }
    let at_end = capture.finish();
    assert!(found.is_none() || found == at_end);
    assert_eq!(capture.finish(), at_end);
    at_end
}

/// The messages of these pieces, each with the position of its line.
fn messages(pieces: &[&[u8]]) -> Vec<(u64, Message)> {
    let mut messages = Messages::default();
    let mut all = Vec::new();
    let mut tell = |offset: u64, found: Vec<Message>| {
        all.extend(found.into_iter().map(|message| (offset, message)));
    };
    for piece in pieces {
        messages.push(piece, &mut tell);
    }
    messages.finish(&mut tell);
    let len: usize = pieces.iter().map(|piece| piece.len()).sum();
    assert_eq!(messages.at(), len as u64);
    assert!(all.iter().all(|(offset, _)| *offset < len as u64));
    all
}
