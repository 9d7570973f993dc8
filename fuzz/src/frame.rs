//! Frames and messages of the holder's socket: equal for any cuts, bounded, and equal after a round
//! trip.

use bytes::{Bytes, BytesMut};
use wxcode_protocol::holder::{
    Event, Hello, Request, Welcome,
    frame::{Decoder, MAX_UNKNOWN, TooLong, Type},
};

use crate::input::Input;

/// The length and the type before a payload.
const HEADER: usize = 5;

/// Runs one input: the cuts, then a raw stream or constructed frames.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let cuts: [u8; 4] = std::array::from_fn(|_| input.byte());
    let stream = match input.byte() % 2 {
        0 => input.rest().to_vec(),
        _ => framed(input),
    };
    let (frames, error) = decode(&stream, &[0]);
    let (same_frames, same_error) = decode(&stream, &cuts);
    assert_eq!(frames, same_frames);
    assert_eq!(error, same_error);
    for (kind, payload) in frames {
        assert!(payload.len() <= kind.limit());
        message(kind, &payload);
    }
}

/// Whole frames of any type, unknown ones included: a code, a length and the payload.
fn framed(mut input: Input<'_>) -> Vec<u8> {
    let mut stream = Vec::new();
    while !input.is_empty() {
        let code = input.byte();
        let len = usize::from(input.byte());
        let payload = input.piece(len);
        frame(&mut stream, code, payload);
    }
    stream
}

fn frame(stream: &mut Vec<u8>, code: u8, payload: &[u8]) {
    stream.extend_from_slice(&(payload.len() as u32).to_be_bytes());
    stream.push(code);
    stream.extend_from_slice(payload);
}

/// Decodes a stream that arrives in pieces of these lengths, 0 for all of it.
fn decode(stream: &[u8], cuts: &[u8]) -> (Vec<(Type, Bytes)>, Option<TooLong>) {
    let mut decoder = Decoder::default();
    let mut frames = Vec::new();
    let mut rest = stream;
    for cut in cuts.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let cut = match cut {
            0 => rest.len(),
            cut => rest.len().min(usize::from(*cut)),
        };
        decoder.buffer().extend_from_slice(&rest[..cut]);
        rest = &rest[cut..];
        loop {
            match decoder.next_frame() {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(error) => return (frames, Some(error)),
            }
        }
        assert_bounded(decoder.buffer());
    }
    (frames, None)
}

/// The decoder buffers only a part of one frame of a known type and allowed length.
fn assert_bounded(held: &[u8]) {
    let Some((&[a, b, c, d, code], payload)) = held.split_first_chunk::<HEADER>() else {
        return;
    };
    let announced = u32::from_be_bytes([a, b, c, d]) as usize;
    let kind = Type::from_code(code).expect("what is not known is not held");
    assert!(announced <= kind.limit() && payload.len() < announced);
    assert!(payload.len() <= MAX_UNKNOWN || kind.limit() > MAX_UNKNOWN);
}

/// A payload is a message of one side, or refused; a message survives a round trip.
fn message(kind: Type, payload: &Bytes) {
    let request = Request::decode(kind, payload.clone());
    let event = Event::decode(kind, payload.clone());
    assert!(
        matches!(request, Ok(None)) || matches!(event, Ok(None)),
        "{} is of both sides",
        kind.name()
    );
    if let Ok(Some(request)) = request {
        let mut out = BytesMut::new();
        request.encode(&mut out);
        let (kind, again) = only(&out);
        assert!(payload.starts_with(&again), "{request:?}");
        assert_eq!(Request::decode(kind, again), Ok(Some(request)));
    }
    if let Ok(Some(event)) = event {
        let mut out = BytesMut::new();
        event.encode(&mut out);
        let (kind, again) = only(&out);
        if !matches!(kind, Type::InfoIs | Type::Exited | Type::Error) {
            assert!(usual(kind, payload).starts_with(&again), "{event:?}");
        }
        assert_eq!(Event::decode(kind, again), Ok(Some(event)));
    }
    match kind {
        Type::Hello => json::<Hello>(payload),
        Type::Welcome => json::<Welcome>(payload),
        _ => {}
    }
}

/// The payload of an event without the unknown modes, which its reader ignores.
fn usual(kind: Type, payload: &[u8]) -> Vec<u8> {
    let mut payload = payload.to_vec();
    match kind {
        Type::Quiet => payload[8] = 0,
        Type::ScreenIs => payload[20] = 0,
        _ => {}
    }
    payload
}

/// The only frame of a stream.
fn only(stream: &[u8]) -> (Type, Bytes) {
    let (mut frames, error) = decode(stream, &[0]);
    assert_eq!((frames.len(), error), (1, None));
    frames.remove(0)
}

fn json<T: serde::de::DeserializeOwned + serde::Serialize + PartialEq + std::fmt::Debug>(
    payload: &[u8],
) {
    if let Ok(value) = serde_json::from_slice::<T>(payload) {
        let bytes = serde_json::to_vec(&value).unwrap();
        assert_eq!(serde_json::from_slice::<T>(&bytes).unwrap(), value);
    }
}
