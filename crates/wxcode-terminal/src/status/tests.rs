use proptest::prelude::*;

use super::*;

/// The result of a filter for a stream.
#[derive(Debug, Default, PartialEq)]
struct Taken {
    output: Vec<u8>,
    /// The number of output bytes before each query.
    queries: Vec<usize>,
    reports: Vec<(usize, ProgramStatus)>,
}

fn take(chunks: &[&[u8]]) -> Taken {
    let (mut filter, mut taken) = (StatusFilter::default(), Taken::default());
    for chunk in chunks {
        // A successor continues after each chunk.
        let continued = StatusFilter::continued(&filter.held());
        filter = continued;
        filter.feed(chunk, |item| match item {
            StatusItem::Output(bytes) => taken.output.extend_from_slice(bytes),
            StatusItem::Query => taken.queries.push(taken.output.len()),
            StatusItem::Report(report) => taken.reports.push((taken.output.len(), report)),
        });
    }
    taken.output.extend_from_slice(filter.finish());
    taken
}

fn report(state: ProgramState, kind: Option<BlockKind>, message: &str) -> ProgramStatus {
    ProgramStatus {
        state,
        kind,
        message: message.to_owned(),
    }
}

/// The reports of a sequence with this body.
fn reports(body: &str) -> Vec<ProgramStatus> {
    let taken = take(&[format!("a\x1b]7501;{body}\x07b").as_bytes()]);
    assert_eq!(taken.output, b"ab", "{body}");
    taken
        .reports
        .into_iter()
        .map(|(_, report)| report)
        .collect()
}

#[test]
fn a_pause_releases_a_beginning() {
    let mut filter = StatusFilter::default();
    let mut shown = Vec::new();
    // Within a report nothing is released.
    for chunk in [&b"one\x1b"[..], b"[mtwo", b"\x1b]7501;sta"] {
        filter.feed(chunk, |item| match item {
            StatusItem::Output(bytes) => shown.extend_from_slice(bytes),
            other => panic!("{other:?}"),
        });
        shown.extend_from_slice(filter.release());
    }
    assert_eq!(shown, b"one\x1b[mtwo");
}

#[test]
fn recorded_reports_are_parsed() {
    let trust = "state=blocked:app=claude-code:kind=permission:msg=dHJ1c3QgdGhpcyBmb2xkZXI=";
    let blocked = |kind, text| report(ProgramState::Blocked, kind, text);
    assert_eq!(
        reports(trust),
        [blocked(Some(BlockKind::Permission), "trust this folder")]
    );
    let question = "state=blocked:app=claude-code:kind=question:msg=YW5zd2Vy";
    assert_eq!(
        reports(question),
        [blocked(Some(BlockKind::Question), "answer")]
    );
    for (word, state) in [
        ("clear", ProgramState::Clear),
        ("idle", ProgramState::Idle),
        ("working", ProgramState::Working),
        ("done", ProgramState::Done),
        ("error", ProgramState::Error),
    ] {
        let body = format!("state={word}:app=claude-code:progress=50:title=YQ==:new=1");
        assert_eq!(reports(&body), [report(state, None, "")]);
    }
}

#[test]
fn malformed_reports_are_dropped() {
    for body in [
        "",
        "?x",
        "state",
        "state=asleep",
        "app=claude-code",
        "state=idle:state=working",
        "state=idle:id=a1",
        "state=clear:id=a1",
        "state=idle:msg=*",
        "state=idle:msg=a",
        "state=idle:msg=YQ===",
        "state=idle:",
        "state=idle;state=idle",
        "STATE=idle",
        "state=idle:msg=\u{e9}",
    ] {
        assert_eq!(reports(body), [], "{body}");
    }
}

#[test]
fn message_is_bounded_and_clean() {
    // ESC ] 0 ; x BEL, a right-to-left override, then 3,000 times é.
    let mut text = "\x1b]0;x\x07\u{202e}\n".to_owned();
    text.push_str(&"é".repeat(3_000));
    let encoded = encode(text.as_bytes());
    let message = reports(&format!("state=working:msg={encoded}"))
        .remove(0)
        .message;
    assert!(message.starts_with(" ]0;x   é"), "{message:?}");
    assert!((2_040..=ProgramStatus::MAX_MESSAGE).contains(&message.len()));
    // Half a character, and a byte outside of any character.
    let broken = reports(&format!("state=working:msg={}", encode(b"a\xff\xc3")));
    assert_eq!(broken[0].message, "a\u{fffd}\u{fffd}");
}

/// Base64 for tests.
fn encode(bytes: &[u8]) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let mut three = [0; 3];
        three[..chunk.len()].copy_from_slice(chunk);
        let bits = u32::from_be_bytes([0, three[0], three[1], three[2]]);
        for n in 0..4 {
            match n <= chunk.len() {
                true => text.push(DIGITS[(bits >> (18 - 6 * n)) as usize & 63] as char),
                false => text.push('='),
            }
        }
    }
    text
}

#[test]
fn endings_are_as_a_terminal_takes_them() {
    let of = |stream: &str| {
        let taken = take(&[stream.as_bytes()]);
        let output = String::from_utf8(taken.output).unwrap();
        (output, taken.reports.len() + taken.queries.len())
    };
    let case = |output: &str, count| (output.to_owned(), count);
    assert_eq!(of("a\x1b]7501;?\x07b"), case("ab", 1));
    assert_eq!(of("a\x1b]7501;state=idle\x1b\\b"), case("ab", 1));
    assert_eq!(of("a\x1b]7501;state=idle\x18b"), case("ab", 0));
    assert_eq!(of("a\x1b]7501;state=idle\x1ab"), case("ab", 0));
    assert_eq!(of("a\x1b]7501;state=idle\x1b[31mb"), case("a\x1b[31mb", 0));
    assert_eq!(of("a\x1b]7501;x\x1b]7501;?\x07b"), case("ab", 1));
    assert_eq!(of("a\x1b\x1b]7501;?\x07b"), case("a\x1bb", 1));
    assert_eq!(of("a\x1b]7501;state=idle"), case("a", 0));
    // Other sequences pass, also unfinished ones.
    for other in [
        "\x1b]750;?\x07",
        "\x1b]7501\x07",
        "\x1b]8;;x\x1b\\",
        "\x1b]75",
        "\x1b",
    ] {
        assert_eq!(of(other), case(other, 0));
    }
}

#[test]
fn too_long_reports_are_swallowed() {
    let long = format!("a\x1b]7501;state=idle:x={}\x07b", "y".repeat(1 << 20));
    let taken = take(&[long.as_bytes()]);
    assert_eq!((taken.output, taken.reports.len()), (b"ab".to_vec(), 0));
    let mut filter = StatusFilter::default();
    for _ in 0..1_000 {
        filter.feed(&[b'x'; 1_000], |_| ());
        filter.feed(b"\x1b]7501;", |_| ());
        filter.feed(&[b'x'; 100_000], |_| ());
        assert!(filter.held().len() <= StatusFilter::MAX_BODY + INTRO.len() + 1);
        assert!(filter.body.capacity() <= 2 * StatusFilter::MAX_BODY);
    }
}

proptest! {
    /// Chunks of any size, with a successor after each, give the same.
    #[test]
    fn chunks_change_nothing(
        pieces in prop::collection::vec(prop::sample::select(vec![
            "\x1b]7501;", "\x1b", "]", "7501;", "?", "state=idle", ":msg=YWI=", "\x07", "\x1b\\",
            "\\", "text", "\x18", "\x1b[31m", "\x1b]750", "1", "é", "\x1b]0;t\x07",
        ]), 0..24),
        cuts in prop::collection::vec(1_usize..6, 1..40),
    ) {
        let stream = pieces.concat().into_bytes();
        let whole = take(&[&stream]);
        let mut chunks = Vec::new();
        let mut rest = &stream[..];
        for cut in cuts.iter().cycle().take(stream.len()) {
            let (chunk, after) = rest.split_at((*cut).min(rest.len()));
            chunks.push(chunk);
            rest = after;
        }
        prop_assert_eq!(take(&chunks), whole);
    }

    /// Without the sequence nothing changes.
    #[test]
    fn other_output_passes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assume!(!bytes.windows(INTRO.len()).any(|window| window == INTRO));
        let chunks: Vec<_> = bytes.chunks(3).collect();
        prop_assert_eq!(take(&chunks).output, bytes);
    }
}
