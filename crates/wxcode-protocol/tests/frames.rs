//! Tests of frames and messages with any bytes and any cuts.

#![allow(clippy::unwrap_used)] // strategies are outside of test functions

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use wxcode_protocol::Output;
use wxcode_protocol::{
    Ancestry, Modes, Signal, Size,
    holder::{
        BlockKind, Event, ProgramState, ProgramStatus, Request,
        frame::{Decoder, TooLong, Type},
    },
};

fn requests() -> impl Strategy<Value = Request> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..300).prop_map(Bytes::from);
    prop_oneof![
        (any::<Option<u64>>(), any::<u32>())
            .prop_map(|(since, history)| Request::Attach { since, history }),
        any::<u64>().prop_map(|since| Request::Events { since }),
        (any::<u64>(), bytes()).prop_map(|(seq, bytes)| Request::Input { seq, bytes }),
        ("[a-zé]{0,20}", bytes()).prop_map(|(key, bytes)| Request::Deliver { key, bytes }),
        (any::<u64>(), any::<u32>()).prop_map(|(lock, for_ms)| Request::Lock { lock, for_ms }),
        any::<u64>().prop_map(|lock| Request::Unlock { lock }),
        (any::<u64>(), any::<u64>(), bytes()).prop_map(|(lock, seq, bytes)| Request::LockedInput {
            lock,
            seq,
            bytes
        }),
        (any::<u64>(), "[a-zé]{0,20}", bytes())
            .prop_map(|(lock, key, bytes)| Request::LockedDeliver { lock, key, bytes }),
        ("[a-z ]{0,20}", "/[a-zé/]{0,20}").prop_map(|(build, program)| Request::Upgrade {
            build,
            program: program.into()
        }),
        (1..=500u16, 1..=500u16).prop_map(|(cols, rows)| Request::Resize {
            size: Size::new(cols, rows).unwrap()
        }),
        Just(Request::Signal {
            signal: Signal::Terminate
        }),
        any::<u64>().prop_map(|id| Request::Screen { id }),
        any::<u64>().prop_map(|grace_ms| Request::Stop { grace_ms }),
        Just(Request::Info),
    ]
}

/// Decodes a stream in these pieces.
fn decode(stream: &[u8], cuts: &[usize]) -> (Vec<(Type, Bytes)>, Option<TooLong>) {
    let mut decoder = Decoder::default();
    let mut frames = Vec::new();
    let mut rest = stream;
    let mut cuts = cuts.iter().cycle();
    while !rest.is_empty() {
        let n = cuts
            .next()
            .map_or(rest.len(), |n| (*n).clamp(1, rest.len()));
        decoder.buffer().extend_from_slice(&rest[..n]);
        rest = &rest[n..];
        loop {
            match decoder.next_frame() {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(error) => return (frames, Some(error)),
            }
        }
    }
    (frames, None)
}

proptest! {
    #[test]
    fn requests_arrive_with_any_cuts(
        sent in prop::collection::vec(requests(), 0..12),
        cuts in prop::collection::vec(1usize..50, 1..10),
        unknown in prop::collection::vec(any::<u8>(), 0..100),
    ) {
        let mut stream = BytesMut::new();
        for request in &sent {
            request.encode(&mut stream);
            stream.extend_from_slice(&(unknown.len() as u32).to_be_bytes());
            stream.extend_from_slice(&[200]);
            stream.extend_from_slice(&unknown);
        }
        let (frames, error) = decode(&stream, &cuts);
        prop_assert_eq!(error, None);
        let received: Vec<Request> = frames
            .into_iter()
            .map(|(kind, payload)| Request::decode(kind, payload).unwrap().unwrap())
            .collect();
        prop_assert_eq!(received, sent);
    }

    #[test]
    fn decoding_is_independent_of_cuts(
        stream in prop::collection::vec(any::<u8>(), 0..400),
        cuts in prop::collection::vec(1usize..40, 1..10),
    ) {
        let whole = decode(&stream, &[usize::MAX]);
        prop_assert_eq!(&decode(&stream, &cuts), &whole);
        for (kind, payload) in whole.0 {
            prop_assert!(payload.len() <= kind.limit());
            let _ = Request::decode(kind, payload.clone());
            let _ = Event::decode(kind, payload);
        }
    }

    #[test]
    fn any_payload_is_message_or_error(
        code in any::<u8>(),
        payload in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        if let Some(kind) = Type::from_code(code) {
            let _ = Request::decode(kind, payload.clone().into());
            let _ = Event::decode(kind, payload.into());
        }
    }
}

#[test]
fn an_oversized_length_is_refused_unbuffered() {
    let mut decoder = Decoder::default();
    decoder
        .buffer()
        .extend_from_slice(&[0x7f, 0xff, 0xff, 0xff, Type::Input as u8]);
    assert!(decoder.next_frame().is_err());
    assert!(decoder.buffer().capacity() < 1024);
}

#[test]
fn every_event_round_trips() {
    let size = Size::new(120, 40).unwrap();
    let modes = Modes {
        bracketed_paste: true,
        cursor_visible: true,
        application_keypad: true,
        ..Modes::default()
    };
    let events = [
        Event::Output(Output::Snapshot {
            offset: 7,
            size,
            bytes: Bytes::from_static(b"\x1b[H"),
        }),
        Event::Output(Output::Output {
            offset: u64::MAX,
            bytes: Bytes::from_static(b"\xff\x00"),
        }),
        Event::Output(Output::Resized { offset: 1, size }),
        Event::Hook {
            seq: 3,
            pid: 42,
            ancestry: Ancestry::Below(2),
            payload: Bytes::from_static(b"{}"),
        },
        Event::Status {
            number: 2,
            next_hook_seq: 4,
            offset: 5,
            status: ProgramStatus {
                state: ProgramState::Blocked,
                kind: Some(BlockKind::Question),
                message: "answer: Which colour?".into(),
            },
        },
        Event::Quiet { offset: 5, modes },
        Event::Output(Output::InputTaken { seq: 8 }),
        Event::Output(Output::InputRefused {
            seq: 9,
            reason: "no".into(),
        }),
        Event::Delivered {
            key: "k".into(),
            fresh: true,
        },
        Event::DeliverRefused {
            key: "k".into(),
            reason: "full".into(),
        },
        Event::Screen {
            id: 1,
            offset: 2,
            size,
            modes,
            title: "título".into(),
            text: "a\nb".into(),
            snapshot: Bytes::from_static(b"snapshot"),
        },
        Event::Locked { lock: 6 },
        Event::Unlocked {
            lock: u64::MAX,
            reason: "over".into(),
        },
        Event::Upgrading,
        Event::UpgradeRefused {
            busy: true,
            reason: "somebody types".into(),
        },
        Event::Output(Output::Error {
            code: "NOT_DONE".to_owned(),
            message: "why".into(),
        }),
    ];
    let mut stream = BytesMut::new();
    for event in &events {
        event.encode(&mut stream);
    }
    let (frames, error) = decode(&stream, &[3]);
    assert_eq!(error, None);
    let back: Vec<Event> = frames
        .into_iter()
        .map(|(kind, payload)| Event::decode(kind, payload).unwrap().unwrap())
        .collect();
    assert_eq!(back, events);
}
