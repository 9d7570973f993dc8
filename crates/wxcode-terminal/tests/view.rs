//! Judges the view: after each paint a viewer's terminal shows the session.

#![allow(clippy::unwrap_used, clippy::expect_used)]

#[allow(dead_code)]
mod judge;
#[allow(dead_code)]
mod recording;
#[allow(dead_code)]
mod stream;

use judge::{Judge, Step, Verdict, base64, encode};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use recording::Recording;
use serde_json::json;
use wxcode_terminal::{Screen as _, Size, Terminal, View};

/// Generated cases of a run, the same in every run. `PROPTEST_CASES` sets another number of new
/// cases.
const CASES: u32 = 200;

/// Pieces of a played recording, with a paint after each piece.
const PIECES: usize = 16;

fn size((cols, rows): (u16, u16)) -> Size {
    Size::new(cols, rows).unwrap()
}

/// A step of a session or of the session's window.
#[derive(Clone, Debug)]
enum Move {
    Session(Step),
    Window(u16, u16),
}

/// Plays the moves with a paint after each, and asks whether the window showed the session each
/// time.
fn play(judge: &mut Judge, session: (u16, u16), window: (u16, u16), moves: &[Move]) -> Verdict {
    let mut terminal = Terminal::new(size(session));
    let mut view = View::new(size(window));
    let mut steps = vec![json!({"p": base64(&view.paint(&terminal))})];
    for one in moves {
        let mut step = match one {
            Move::Session(step) => {
                match step {
                    Step::Write(bytes) => terminal.feed(bytes, &mut Vec::new()),
                    Step::Resize(cols, rows) => terminal.resize(size((*cols, *rows))),
                }
                encode(step)
            }
            Move::Window(cols, rows) => {
                view.resize(size((*cols, *rows)));
                json!({"window": [cols, rows]})
            }
        };
        let paint = view.paint(&terminal);
        assert_eq!(view.paint(&terminal), b"", "nothing changed");
        step["p"] = base64(&paint).into();
        steps.push(step);
    }
    let verdict = judge.ask(&json!({
        "session": {"cols": session.0, "rows": session.1},
        "window": {"cols": window.0, "rows": window.1},
        "steps": steps,
    }));
    assert_eq!(verdict.other_replies, "", "a paint asks nothing");
    verdict
}

/// Windows as large as the session, smaller and larger.
fn windows((cols, rows): (u16, u16)) -> [(u16, u16); 3] {
    [
        (cols, rows),
        (cols / 2, rows / 2 + 1),
        (cols + 11, rows + 5),
    ]
}

/// Plays the recordings of a program into windows of several sizes. The recordings are cut within
/// characters and sequences, and the windows change their sizes between the pieces.
fn recordings(program: &str) {
    let Some(mut judge) = Judge::start() else {
        return;
    };
    for name in Recording::names(program) {
        let recording = Recording::read(&name);
        let (size, length) = (recording.size, recording.stream.len());
        for window in windows((size.cols, size.rows)) {
            let mut moves = Vec::new();
            for piece in 0..PIECES {
                let (from, to) = (length * piece / PIECES, length * (piece + 1) / PIECES);
                moves.extend(recording.steps(from, to).into_iter().map(Move::Session));
                match piece {
                    4 => moves.push(Move::Window(window.0 / 3, window.1 * 2)),
                    8 => moves.push(Move::Window(window.0 + 5, window.1 / 2)),
                    12 => moves.push(Move::Window(window.0, window.1)),
                    _ => {}
                }
            }
            let verdict = play(&mut judge, (size.cols, size.rows), window, &moves);
            assert_eq!(verdict.threw, None, "{name} in {window:?}");
            assert!(
                verdict.diff.is_empty(),
                "{name} in {window:?}: {:#?}",
                verdict.diff
            );
        }
    }
}

#[test]
fn a_window_shows_claude_code() {
    recordings("claude");
}

#[test]
fn a_window_shows_vim() {
    recordings("vim");
}

#[test]
fn a_window_shows_less() {
    recordings("less");
}

#[test]
fn a_window_shows_htop() {
    recordings("htop");
}

#[test]
fn a_window_shows_tmux() {
    recordings("tmux");
}

#[test]
fn a_window_shows_a_shell() {
    recordings("shell");
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let step = stream::steps().prop_map(|steps| steps.into_iter().map(Move::Session).collect());
    let window = stream::size().prop_map(|(cols, rows)| vec![Move::Window(cols, rows)]);
    let several = prop::collection::vec(prop_oneof![4 => step, 1 => window], 1..4);
    several.prop_map(|moves: Vec<Vec<Move>>| moves.concat())
}

#[test]
fn a_window_shows_generated_streams() {
    let Some(judge) = Judge::start() else { return };
    let judge = std::cell::RefCell::new(judge);
    let asked = std::env::var("PROPTEST_CASES")
        .ok()
        .and_then(|n| n.parse().ok());
    let config = Config {
        cases: asked.unwrap_or(CASES),
        failure_persistence: None,
        ..Config::default()
    };
    let mut runner = match asked {
        Some(_) => TestRunner::new(config),
        None => TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha)),
    };
    let strategy = (stream::size(), stream::size(), moves());
    let result = runner.run(&strategy, |(session, window, moves)| {
        let verdict = play(&mut judge.borrow_mut(), session, window, &moves);
        prop_assume!(verdict.threw.is_none());
        prop_assert!(
            verdict.diff.is_empty(),
            "{:#?}\n{}",
            verdict.diff,
            show(&moves)
        );
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}

fn show(moves: &[Move]) -> String {
    let one = |one: &Move| match one {
        Move::Session(Step::Write(bytes)) => format!("write {:?}", String::from_utf8_lossy(bytes)),
        Move::Session(Step::Resize(cols, rows)) => format!("resize {cols} {rows}"),
        Move::Window(cols, rows) => format!("window {cols} {rows}"),
    };
    moves.iter().map(one).collect::<Vec<_>>().join("\n")
}

/// A screen of 80×24 with text everywhere, and its painted view.
fn full_screen() -> (Terminal, View) {
    let mut terminal = Terminal::new(size((80, 24)));
    for row in 1..=24 {
        let line = format!("\x1b[{row};1H\x1b[3{}mrow {row} {:-<60}", row % 8, "");
        terminal.feed(line.as_bytes(), &mut Vec::new());
    }
    let mut view = View::new(size((80, 24)));
    assert!(view.paint(&terminal).len() > 24 * 60);
    (terminal, view)
}

#[test]
fn small_changes_paint_few_bytes() {
    let (mut terminal, mut view) = full_screen();
    let cases: [(&str, usize); 6] = [
        ("\x1b[12;20H\x1b[1;38;2;1;2;3mword\x1b[m", 110),
        ("x", 40),
        ("\x1b[3;3H", 10),
        ("\x1b[?25l", 10),
        ("\x1b[K", 60),
        ("\x1b[1;1H\x1b[31mrow 1", 20),
    ];
    for (change, most) in cases {
        terminal.feed(change.as_bytes(), &mut Vec::new());
        let paint = view.paint(&terminal);
        assert!(
            !paint.is_empty() && paint.len() <= most,
            "{change:?} takes {} bytes: {:?}",
            paint.len(),
            String::from_utf8_lossy(&paint)
        );
    }
}

#[test]
fn an_equal_screen_paints_nothing() {
    let (terminal, mut view) = full_screen();
    let mut again = Terminal::new(terminal.size());
    again.feed(&terminal.snapshot(), &mut Vec::new());
    assert_eq!(view.paint(&again), b"");
}

#[test]
fn styles_beyond_the_index_paint_once() {
    let mut terminal = Terminal::new(size((120, 40)));
    let mut view = View::new(size((120, 40)));
    for round in 0..3 {
        for at in 0..120 * 40u32 {
            let (x, y) = (at % 120 + 1, at / 120 + 1);
            let color = format!("\x1b[{y};{x}H\x1b[38;2;{round};{};{}m#", at >> 8, at & 255);
            terminal.feed(color.as_bytes(), &mut Vec::new());
        }
        let paint = view.paint(&terminal);
        let wanted = format!("38;2;{round};18;191m#");
        assert!(paint.windows(wanted.len()).any(|w| w == wanted.as_bytes()));
        assert_eq!(view.paint(&terminal), b"");
    }
}

/// Leaving restores the terminal for a shell after any session.
#[test]
fn leaving_restores_the_terminal() {
    let Some(mut judge) = Judge::start() else {
        return;
    };
    let never = View::new(size((80, 24)));
    assert_eq!(never.leave(), b"", "nothing was painted");
    // A cursor saved in place, as on entering.
    let shell = b"\x1b]2;shell\x07\x1b[31m$ \x1b[mwxcode attach site\r\n\x1b7".to_vec();
    let mut stream = shell.clone();
    let (mut terminal, mut view) = (Terminal::new(size((80, 24))), View::new(size((80, 24))));
    terminal.feed(
        b"\x1b]2;agent\x07\x1b[?1;66;1003;1004;1006;2004h\x1b[5 q\x1b[?25l\x1b]8;;http://a.example/\x07\x1b[4:3;58:5:9mx",
        &mut Vec::new(),
    );
    stream.extend_from_slice(&view.paint(&terminal));
    stream.extend_from_slice(&view.leave());
    let program = |stream: Vec<u8>| {
        json!({
            "cols": 80, "rows": 24, "windowOptions": {"pushTitle": true, "popTitle": true},
            "steps": [encode(&Step::Write(stream))],
        })
    };
    let request = json!({"a": program(shell), "b": program(stream), "history": true});
    let verdict = judge.ask(&request);
    assert!(verdict.diff.is_empty(), "{:#?}", verdict.diff);
}

/// The terminal counts clicks from its own corner, so a moved crop gets none.
#[test]
fn a_moved_crop_tracks_no_mouse() {
    let mut terminal = Terminal::new(size((80, 24)));
    terminal.feed(b"\x1b[?1002;1006h", &mut Vec::new());
    let mut view = View::new(size((80, 10)));
    let has = |paint: &[u8], wanted: &[u8]| paint.windows(wanted.len()).any(|w| w == wanted);
    assert!(has(&view.paint(&terminal), b"\x1b[?1002h"));
    terminal.feed(b"\x1b[24;1H", &mut Vec::new());
    assert!(has(&view.paint(&terminal), b"\x1b[?1002l"));
    view.resize(size((80, 24)));
    assert!(has(&view.paint(&terminal), b"\x1b[?1002h"));
}

/// A terminal with two columns for an emoji keeps the emoji whole, and the following text in place.
#[test]
fn blanks_under_and_after_symbols_are_drawn_first() {
    for (text, wanted) in [
        ("🚀start", "\x1b[2;5H  \x1b[2;5H🚀\x1b[2;7Hstart"),
        ("☂ start", "\x1b[2;6H \x1b[2;5H☂\x1b[2;7Hstart"),
    ] {
        let mut terminal = Terminal::new(size((80, 24)));
        terminal.feed(format!("\x1b[2;5H{text}").as_bytes(), &mut Vec::new());
        let paint = String::from_utf8(View::new(size((80, 24))).paint(&terminal)).unwrap();
        assert!(paint.contains(wanted), "{paint:?}");
    }
}
