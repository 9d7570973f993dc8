use proptest::prelude::*;
use wxcode_protocol::holder::{BlockKind, ProgramState, ProgramStatus};
use wxcode_terminal::Size;

use super::*;
use crate::folder::{Guardian, HolderFile, Spec};

/// A state with content in each of its parts.
pub(crate) fn rich() -> State {
    let size = Size { cols: 20, rows: 5 };
    let mut terminal = Terminal::new(size);
    let stream = "one\r\ntwo \x1b[1;31mred\x1b[0m\r\n\x1b[?1049h\x1b[2;4r日本\x1b7\x1b[3";
    terminal.feed(stream.as_bytes(), &mut Vec::new());
    let spec = Spec {
        version: 1,
        session_id: "0123456789abcdef01234567".into(),
        argv: vec!["/bin/agent".into(), "--flag".into()],
        input: None,
        cwd: "/tmp".into(),
        cols: 80,
        rows: 24,
        secret: "a secret".into(),
        note: serde_json::json!({"kept": "as it is"}),
        program: "/bin/wxcode-holder".into(),
        scope: None,
        umask: 0o022,
        created_at: "2026-01-01T00:00:00Z".into(),
    };
    let holder = HolderFile {
        version: 1,
        pid: 4_711,
        start_time: 12_345,
        boot_id: "a boot".into(),
        init_start_time: Some(3),
        agent_pid: 4_712,
        agent_start_time: 12_346,
        guardian: Some(Guardian {
            pid: 4_710,
            start_time: 12_344,
        }),
        scope: None,
        protocol_min: 1,
        protocol_max: 1,
        build: "wxcode 0.1.0".into(),
        started_at: "2026-01-01T00:00:01Z".into(),
    };
    let facts = Facts {
        build: "wxcode 0.1.0".into(),
        spec,
        holder,
        end: 1_000_000,
        sizes: Sizing {
            now: size,
            wished: Some(Wish {
                size: Size { cols: 90, rows: 30 },
            }),
            past: vec![Change {
                number: 64,
                offset: 999_000,
                size,
            }],
            next: 65,
            forgotten: Some(5),
        },
        typing: Typing {
            messages: vec![
                Waiting {
                    kind: Kind::Delivery { key: "d1".into() },
                    len: 4,
                    interrupt: false,
                },
                Waiting {
                    kind: Kind::Input,
                    len: 1,
                    interrupt: true,
                },
            ],
            replies: 3,
            begun: true,
            pasting: Pasting {
                open: true,
                matched: 2,
                lacking: 0,
                ends: false,
            },
        },
        clients: vec![Client {
            name: *b"sixteen bytes!!!",
            newest: 7,
        }],
        next_client: 12,
        next_hook_seq: 9,
        log_off: None,
        quiet: true,
        report: Some(Report {
            number: 3,
            next_hook_seq: 9,
            offset: 999_990,
            status: ProgramStatus {
                state: ProgramState::Blocked,
                kind: Some(BlockKind::Permission),
                message: "approve Bash: ls".into(),
            },
        }),
        held: b"\x1b]7501;state=wor".to_vec(),
        kills: 2,
        upgrades: 1,
    };
    State {
        facts,
        screen: State::screen_of(&terminal),
        ring: stream.as_bytes().to_vec(),
        typing: b"text\x03R;R".to_vec(),
        keys: vec!["d0".into(), "d1".into()],
    }
}

/// Streams whose end makes a screen hard to hand over.
const HARD: &[&[u8]] = &[
    b"plain\r\ntext",
    b"\x1b[?1049hother \x1b[1;7mscreen",
    b"before\x1b[?1049hover\x1b[?1049lafter",
    b"a sequence \x1b",
    b"a sequence \x1b[38;5;1",
    b"a title \x1b]0;half of it",
    b"a device string \x1bP+q54",
    b"a character \xe6\x97",
    b"a character \xf0\x9f\x98",
    "wide 日本語 at the edge 日本".as_bytes(),
    "marks e\u{301} and \u{1f469}\u{200d}\u{1f4bb}".as_bytes(),
    b"\x1b[2;4r\x1b[?6h\x1b[2;3Hin a region",
    b"saved \x1b[31m\x1b7 and on \x1b[0m\x1b[5;5H",
    b"\x1b[?1049h\x1b[3;3H\x1b7\x1b[?1049l\x1b[2;2H\x1b7\x1b[1;1H",
    b"\x1b]8;id=a;http://x/\x1b\\link\x1b]8;;\x1b\\ \x1b]8;;http://y/\x1b\\open",
    b"\x1b(0lqqk\x1b(B \x1b)0\x0eqq",
    b"\x1b[?2004h\x1b[?1003h\x1b[?1006h\x1b[?25l\x1b[?1h\x1b=\x1b[4h\x1b[?7l\x1b[?2026h",
    b"\x1b[3g\x1b[10G\x1bH\x1b[1G\tstop",
    b"\x1b]4;1;rgb:12/34/56\x07\x1b]11;#abcdef\x07",
    b"01234567890123456789",
    b"1\r\n2\r\n3\r\n4\r\n5\r\n6\r\n7\r\n8\x1b[2;1Hhistory",
];

#[test]
fn a_decoded_screen_continues_alike() {
    let rest = b"1mz\x1b\\\x97\xa5\x1b8Q\x1b[?6l\x1b[?1049l\tR\x1b[b\r\nS\x1b[5;1H\n\n\nT";
    for stream in HARD {
        let mut state = rich();
        let mut before = Terminal::new(state.facts.sizes.now);
        before.feed(stream, &mut Vec::new());
        state.screen = State::screen_of(&before);
        let state = State::decode(&state.encode().unwrap()).unwrap();
        let mut after = state.terminal();
        let name = String::from_utf8_lossy(stream);
        for byte in rest {
            assert_eq!(
                String::from_utf8_lossy(&State::screen_of(&after)),
                String::from_utf8_lossy(&State::screen_of(&before)),
                "{name:?}"
            );
            assert_eq!(after.cursor(), before.cursor(), "{name:?}");
            assert_eq!(after.text(), before.text(), "{name:?}");
            let (mut answers, mut replies) = (Vec::new(), Vec::new());
            before.feed(&[*byte], &mut answers);
            after.feed(&[*byte], &mut replies);
            assert_eq!(answers, replies, "{name:?}");
        }
    }
}

#[test]
fn encoding_round_trips() {
    let bytes = rich().encode().unwrap();
    assert_eq!(State::decode(&bytes), Ok(rich()));
}

/// The bytes with another section, with matching lengths and checksum.
fn with_section(bytes: &[u8], letters: &[u8; 4]) -> Vec<u8> {
    let mut body = bytes[HEADER..].to_vec();
    put_section(&mut body, letters, &[b"something"]);
    enveloped(&body)
}

fn enveloped(body: &[u8]) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    out.put_u16(FORMAT);
    out.put_u16(0);
    out.put_u64(body.len() as u64);
    out.put_u32(crc32c::crc32c(body));
    out.put_slice(body);
    out
}

#[test]
fn only_optional_sections_may_be_unknown() {
    let bytes = rich().encode().unwrap();
    assert_eq!(State::decode(&with_section(&bytes, b"more")), Ok(rich()));
    assert_eq!(
        State::decode(&with_section(&bytes, b"MORE")),
        Err(StateError::Section("MORE".into()))
    );
    let new = "\"fresh\":[1],";
    let quiet = |window: &[u8]| window == b"\"quiet\"";
    let at = bytes.windows(7).position(quiet).unwrap();
    let mut body = bytes[HEADER..].to_vec();
    body.splice(at - HEADER..at - HEADER, new.bytes());
    let len = u32::from_be_bytes(body[4..8].try_into().unwrap()) + new.len() as u32;
    body[4..8].copy_from_slice(&len.to_be_bytes());
    assert_eq!(State::decode(&enveloped(&body)), Ok(rich()));
}

#[test]
fn foreign_and_newer_states_are_refused() {
    let mut bytes = rich().encode().unwrap();
    assert_eq!(State::decode(b"wxlog\0\0\x01"), Err(StateError::Unknown));
    bytes[9] = 2;
    assert_eq!(State::decode(&bytes), Err(StateError::Newer(2)));
    bytes[9] = 0;
    assert_eq!(State::decode(&bytes), Err(StateError::Newer(0)));
    let bytes = rich().encode().unwrap();
    let at = bytes.windows(4).position(|w| w == b"vt/1").unwrap();
    let mut body = bytes[HEADER..].to_vec();
    body[at - HEADER + 3] = b'2';
    assert_eq!(
        State::decode(&enveloped(&body)),
        Err(StateError::ScreenFormat("vt/2".into()))
    );
}

#[test]
fn keys_are_found_in_unusable_states() {
    let bytes = rich().encode().unwrap();
    assert_eq!(State::keys_in(&with_section(&bytes, b"MORE")), rich().keys);
    let mut state = rich();
    state.facts.end = 1;
    assert_eq!(State::keys_in(&state.encode().unwrap()), rich().keys);
    assert_eq!(State::keys_in(&bytes[..bytes.len() - 1]), [""; 0]);
    assert_eq!(State::keys_in(&enveloped(b"KEYS")), [""; 0]);
}

#[test]
fn contradictory_states_are_refused() {
    let broken: [fn(&mut State); 10] = [
        |state| state.facts.next_hook_seq = u64::MAX,
        |state| state.facts.sizes.next = 0,
        |state| state.facts.sizes.past[0].offset = 1_000_001,
        |state| state.facts.typing.messages[0].len = 5,
        |state| state.facts.typing.messages[1].len = usize::MAX,
        |state| state.facts.typing.replies = 99,
        |state| state.facts.end = 1,
        |state| state.facts.clients = vec![state.facts.clients[0]; 257],
        |state| state.keys.push("k".repeat(257)),
        |state| {
            state.facts.typing.messages.clear();
            state.facts.typing.replies = state.typing.len();
        },
    ];
    for (n, change) in broken.into_iter().enumerate() {
        let mut state = rich();
        change(&mut state);
        let decoded = State::decode(&state.encode().unwrap());
        assert!(
            matches!(decoded, Err(StateError::Impossible(_))),
            "{n}: {decoded:?}"
        );
    }
}

proptest! {
    #[test]
    fn damaged_states_are_refused(at in 0usize..10_000, bit in 0u8..8, cut in 0usize..10_000) {
        let bytes = rich().encode().unwrap();
        let mut damaged = bytes.clone();
        // Two bytes of the header say nothing yet.
        let at = at % bytes.len();
        prop_assume!(!(10..12).contains(&at));
        damaged[at] ^= 1 << bit;
        prop_assert!(State::decode(&damaged).is_err());
        prop_assert!(State::decode(&bytes[..cut % bytes.len()]).is_err());
    }
}
