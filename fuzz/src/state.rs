//! The state of a holder for its successor: refused, or equal after a round trip.

use serde_json::Value;
use wxcode_holder::state::{FORMAT, MAGIC, State};
use wxcode_terminal::Screen as _;

use crate::{input::Input, memory};

/// Most bytes of memory for a byte of input: the facts as text, as JSON and as values.
const TIMES: usize = 64;
/// Most bytes of memory besides.
const BESIDES: usize = 64 << 10;

/// Runs one input: a raw state, or sections with correct lengths and checksum.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let bytes = match input.byte() % 3 {
        0 => input.rest().to_vec(),
        1 => enveloped(input.rest()),
        _ => enveloped(&sections(input)),
    };
    let (state, peak) = memory::peak(|| State::decode(&bytes));
    assert!(peak <= TIMES * bytes.len() + BESIDES, "{peak}");
    let _ = State::keys_in(&bytes);
    let Ok(mut state) = state else { return };
    assert_eq!(state.terminal().size(), state.facts.sizes.now);
    // The owner's metadata may have numbers that do not survive a round trip.
    state.facts.spec.note = Value::Null;
    let written = state.encode().unwrap();
    assert_eq!(State::decode(&written).as_ref(), Ok(&state));
    assert_eq!(State::keys_in(&written), state.keys);
    assert!(State::decode(&written[..written.len() - 1]).is_err());
}

/// A body after the header of a state.
fn enveloped(body: &[u8]) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(FORMAT.to_be_bytes());
    bytes.extend([0, 0]);
    bytes.extend((body.len() as u64).to_be_bytes());
    bytes.extend(crc32c::crc32c(body).to_be_bytes());
    bytes.extend_from_slice(body);
    bytes
}

/// Arbitrary sections, mostly known ones: a kind, a length and the payload.
fn sections(mut input: Input<'_>) -> Vec<u8> {
    const LETTERS: [&[u8; 4]; 8] = [
        b"FACT",
        b"SCRN",
        b"RING",
        b"TYPE",
        b"KEYS",
        b"more",
        b"MORE",
        b"\0\0\0\0",
    ];
    let mut body = Vec::new();
    while !input.is_empty() {
        let kind = usize::from(input.byte());
        let len = usize::from(input.u16());
        let payload = input.piece(len);
        body.extend_from_slice(LETTERS[kind % LETTERS.len()]);
        body.extend((payload.len() as u32).to_be_bytes());
        body.extend_from_slice(payload);
    }
    body
}
