//! The judgement: a terminal that reads a dump is the terminal that read the stream.

#![allow(clippy::unwrap_used, clippy::expect_used)]

// Shared with the tests of the view, which use more of it.
#[allow(dead_code)]
mod judge;
mod stream;

use judge::{Judge, Step};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use wxcode_terminal::{Screen as _, Size, Terminal};

/// Generated cases of one run, always the same; `PROPTEST_CASES` asks for others, and says how many.
const CASES: u32 = 400;

fn config() -> Config {
    let cases = std::env::var("PROPTEST_CASES")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(CASES);
    Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    }
}

fn generated(history: bool) {
    let Some(judge) = Judge::start() else { return };
    let judge = std::cell::RefCell::new(judge);
    let strategy = (stream::size(), stream::steps(), stream::bytes());
    let mut runner = match std::env::var_os("PROPTEST_CASES") {
        Some(_) => TestRunner::new(config()),
        None => {
            TestRunner::new_with_rng(config(), TestRng::deterministic_rng(RngAlgorithm::ChaCha))
        }
    };
    let result = runner.run(&strategy, |((cols, rows), steps, further)| {
        let size = Size::new(cols, rows).unwrap();
        let verdict = judge.borrow_mut().compare(size, &steps, b"", history);
        prop_assume!(!verdict.threw);
        prop_assert!(
            verdict.diff.is_empty(),
            "at the end: {:#?}\n{}",
            verdict.diff,
            show(&steps)
        );
        let verdict = judge.borrow_mut().compare(size, &steps, &further, history);
        prop_assume!(!verdict.threw);
        prop_assert!(
            verdict.diff.is_empty(),
            "later: {:#?}\n{}",
            verdict.diff,
            show(&steps)
        );
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}

fn show(steps: &[Step]) -> String {
    let one = |step: &Step| match step {
        Step::Write(bytes) => format!("write {:?}", String::from_utf8_lossy(bytes)),
        Step::Resize(cols, rows) => format!("resize {cols} {rows}"),
    };
    steps.iter().map(one).collect::<Vec<_>>().join("\n")
}

#[test]
fn generated_streams_give_the_same_screen_and_history() {
    generated(true);
}

/// Checks a recording at places spread over it: there, and after the bytes that follow.
fn recorded(name: &str, cols: u16, rows: u16) {
    let Some(mut judge) = Judge::start() else {
        return;
    };
    let path = format!(
        "{}/corpora/{name}_{cols}x{rows}.bin",
        env!("CARGO_MANIFEST_DIR")
    );
    let stream = std::fs::read(&path).unwrap();
    let size = Size::new(cols, rows).unwrap();
    let places = 24;
    for place in 1..=places {
        // Odd places, so that characters and sequences are cut.
        let at = (stream.len() * place / places).saturating_sub(place % 7);
        let further = &stream[at..stream.len().min(at + 700)];
        for history in [true, false] {
            let steps = [Step::Write(stream[..at].to_vec())];
            let verdict = judge.compare(size, &steps, further, history);
            assert!(!verdict.threw, "{name} at {at}");
            assert!(
                verdict.diff.is_empty(),
                "{name} at {at}, history {history}: {:#?}",
                verdict.diff
            );
        }
        let resized = [
            Step::Write(stream[..at].to_vec()),
            Step::Resize(cols - 13, rows - 5),
            Step::Resize(cols + 9, rows + 7),
        ];
        let verdict = judge.compare(size, &resized, further, true);
        assert!(
            verdict.threw || verdict.diff.is_empty(),
            "{name} at {at}, resized: {:#?}",
            verdict.diff
        );
    }
}

#[test]
fn claude_code_gives_the_same_screen() {
    recorded("claude", 120, 40);
}

#[test]
fn vim_gives_the_same_screen() {
    recorded("vim", 80, 24);
}

#[test]
fn less_gives_the_same_screen() {
    recorded("less", 100, 30);
}

#[test]
fn htop_gives_the_same_screen() {
    recorded("htop", 120, 40);
}

#[test]
fn tmux_gives_the_same_screen() {
    recorded("tmux", 90, 25);
}

#[test]
fn a_shell_gives_the_same_screen() {
    recorded("shell", 60, 20);
}

/// Streams in which the engine once differed, each named after what it guards.
#[test]
fn streams_that_once_differed_give_the_same_screen() {
    let Some(mut judge) = Judge::start() else {
        return;
    };
    let full = "x\r\n".repeat(1100);
    let cases = [
        (
            "alignment with an origin on the alternate screen",
            "\x1b[?47h\x1b[2;3r\x1b[?6h\x1b#8".to_owned(),
        ),
        (
            "alignment with an origin below a full history",
            format!("{full}\x1b[2;3r\x1b[?6h\x1b#8"),
        ),
    ];
    for (name, stream) in cases {
        let steps = [Step::Write(stream.into_bytes())];
        let verdict = judge.compare(Size::new(20, 8).unwrap(), &steps, b"more", true);
        assert!(!verdict.threw, "{name}");
        assert!(verdict.diff.is_empty(), "{name}: {:#?}", verdict.diff);
    }
}

/// Every answer that xterm.js gives is given in the same bytes.
#[test]
fn generated_queries_get_the_same_answers() {
    let Some(mut judge) = Judge::start() else {
        return;
    };
    let modes = [
        1, 2, 3, 4, 6, 7, 8, 9, 12, 20, 25, 45, 47, 66, 67, 1000, 1002, 1003, 1004, 1005, 1006,
        1015, 1016, 1047, 1048, 1049, 2004, 2026, 9999,
    ];
    let settings = [
        "",
        "\x1b[?1;6;45;66;1002;1004;1006;2004;2026h\x1b[4;20h\x1b[?7;25l",
        "\x1b[?9;1016;1049h\x1b[3;9r\x1b[5;5H\x1b[1\"q\x1b[3 q",
    ];
    for setting in settings {
        let mut stream = setting.to_owned();
        for mode in modes {
            stream += &format!("\x1b[{mode}$p\x1b[?{mode}$p");
        }
        stream += "\x1b[c\x1b[0c\x1b[1c\x1b[>c\x1b[>1c\x1b[=c\x1b[5n\x1b[6n\x1b[?6n\x1b[?15n\x1b[18t\x1b[?u";
        for status in ["m", "r", "\"q", "\"p", " q", "x", ""] {
            stream += &format!("\x1bP$q{status}\x1b\\");
        }
        let mut terminal = Terminal::new(Size::new(80, 24).unwrap());
        let mut replies = Vec::new();
        terminal.feed(stream.as_bytes(), &mut replies);
        let verdict = judge.compare(
            Size::new(80, 24).unwrap(),
            &[Step::Write(stream.into_bytes())],
            b"",
            true,
        );
        assert_eq!(String::from_utf8(replies).unwrap(), verdict.replies);
    }
}

/// The width of every character is the browser's.
#[test]
fn every_character_is_as_wide_as_in_the_browser() {
    let Some(mut judge) = Judge::start() else {
        return;
    };
    let codes: Vec<char> = (0xA0..=0x3_FFFF)
        .filter_map(char::from_u32)
        .chain('\u{E0000}'..='\u{E01FF}')
        .collect();
    for piece in codes.chunks(4000) {
        // One character a row, with a column behind it that shows where the next one lands.
        let mut stream = Vec::new();
        for c in piece {
            stream.extend_from_slice(format!("\x1b[H\x1b[2J{c}|\r\n{c}x").as_bytes());
        }
        let mut widths = Vec::new();
        for c in piece.iter().step_by(1) {
            widths.extend_from_slice(format!("{c}\x1b[m").as_bytes());
        }
        stream.extend_from_slice(&widths);
        let verdict = judge.compare(
            Size::new(200, 50).unwrap(),
            &[Step::Write(stream)],
            b"",
            true,
        );
        assert!(verdict.diff.is_empty(), "{:#?}", verdict.diff);
    }
}
