//! Properties of the engine alone: any cut of the stream, any bytes, snapshots of snapshots.

#![allow(clippy::unwrap_used, clippy::expect_used)]

// The judge's module is shared; this file needs only its steps.
#[allow(dead_code)]
mod judge;
#[allow(dead_code)]
mod stream;

use judge::Step;
use proptest::prelude::*;
use wxcode_terminal::{Screen as _, Size, Terminal};

fn run(size: (u16, u16), steps: &[Step], cut: usize) -> (Terminal, Vec<u8>) {
    let mut terminal = Terminal::new(Size::new(size.0, size.1).unwrap());
    let mut replies = Vec::new();
    for step in steps {
        match step {
            Step::Write(bytes) => bytes
                .chunks(cut)
                .for_each(|piece| terminal.feed(piece, &mut replies)),
            Step::Resize(cols, rows) => terminal.resize(Size::new(*cols, *rows).unwrap()),
        }
    }
    (terminal, replies)
}

fn snapshot(terminal: &Terminal) -> String {
    String::from_utf8_lossy(&terminal.snapshot()).into_owned()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn chunks_make_no_difference(size in stream::size(), steps in stream::steps(), cut in 1usize..9) {
        let (whole, answers) = run(size, &steps, usize::MAX);
        let (pieces, same_answers) = run(size, &steps, cut);
        prop_assert_eq!(snapshot(&whole), snapshot(&pieces));
        prop_assert_eq!(answers, same_answers);
        prop_assert_eq!(whole.text(), pieces.text());
    }

    #[test]
    fn a_snapshot_of_a_snapshot_is_equal(size in stream::size(), steps in stream::steps()) {
        let (terminal, _) = run(size, &steps, usize::MAX);
        let first = terminal.snapshot();
        let mut again = Terminal::new(terminal.size());
        let mut replies = Vec::new();
        again.feed(&first, &mut replies);
        prop_assert_eq!(&replies, b"", "a snapshot asks nothing");
        prop_assert_eq!(terminal.modes(), again.modes());
        prop_assert_eq!(terminal.title(), again.title());
        let second = again.snapshot();
        let mut third = Terminal::new(terminal.size());
        third.feed(&second, &mut replies);
        prop_assert_eq!(third.cursor(), again.cursor());
        prop_assert_eq!(third.text(), again.text());
        prop_assert_eq!(String::from_utf8_lossy(&second).into_owned(), snapshot(&third));
    }

    #[test]
    fn any_bytes_are_taken(bytes in prop::collection::vec(any::<u8>(), 0..2000), size in stream::size(), to in stream::size()) {
        let steps = [Step::Write(bytes.clone()), Step::Resize(to.0, to.1), Step::Write(bytes)];
        let (terminal, _) = run(size, &steps, 100);
        let mut again = Terminal::new(terminal.size());
        again.feed(&terminal.snapshot(), &mut Vec::new());
        prop_assert_eq!(terminal.title(), again.title());
    }
}

#[test]
fn nothing_grows_without_bound() {
    let mut terminal = Terminal::new(Size::new(80, 24).unwrap());
    let mut replies = Vec::new();
    // A command without an end, then marks, links and styles without an end.
    terminal.feed(b"\x1b]2;", &mut replies);
    (0..1000).for_each(|_| terminal.feed(&[b'x'; 4096], &mut replies));
    assert!(terminal.snapshot().len() < 100_000);
    terminal.feed(b"\x07e", &mut replies);
    (0..10_000).for_each(|_| terminal.feed("\u{301}".as_bytes(), &mut replies));
    assert!(terminal.snapshot().len() < 1_000);
    for i in 0..20_000 {
        let link = format!(
            "\x1b]8;id={i};http://a.example/{i}\x07\x1b[38;2;{};{};{}mx\r\n",
            i & 255,
            i >> 8,
            i % 7
        );
        terminal.feed(link.as_bytes(), &mut replies);
    }
    terminal.feed(
        b"\x1b[999999999b\x1b[2147483647L\x1b[2147483647S\x1b[2147483647I",
        &mut replies,
    );
    assert!(terminal.snapshot_with_history(0).len() < 30_000);
    assert_eq!(replies, b"");
}

#[test]
fn excess_intermediates_leave_no_trace_in_snapshots() {
    for done in ["\x1b    e", "\x1b[1    m", "\x1b    e\u{9d}2;title\x07"] {
        let mut terminal = Terminal::new(Size::new(10, 3).unwrap());
        terminal.feed(done.as_bytes(), &mut Vec::new());
        let mut again = Terminal::new(terminal.size());
        again.feed(&terminal.snapshot(), &mut Vec::new());
        assert_eq!(again.cursor(), (0, 0), "{done:?}");
        assert_eq!(again.title(), terminal.title(), "{done:?}");
    }
}

#[test]
fn replies_keep_stream_order() {
    let mut terminal = Terminal::new(Size::new(80, 24).unwrap());
    let mut replies = Vec::new();
    terminal.feed(
        b"\x1b[>0q\x1b[c\x1b[?2026$p\x1b[?u\x1b[3;7H\x1b[6n\x1b[18t\x1b]11;?\x07\x1b[16t\x1b[c",
        &mut replies,
    );
    let expected = "\x1bP>|xterm.js(6.0.0)\x1b\\\x1b[?1;2c\x1b[?2026;2$y\x1b[?0u\x1b[3;7R\x1b[8;24;80t\
                    \x1b]11;rgb:1414/1717/1a1a\x1b\\\x1b[6;18;9t\x1b[?1;2c";
    assert_eq!(String::from_utf8(replies).unwrap(), expected);
}

#[test]
fn text_is_what_is_visible() {
    let mut terminal = Terminal::new(Size::new(10, 3).unwrap());
    terminal.feed(
        "one\r\n\x1b[31m漢字  \r\n e\u{301}".as_bytes(),
        &mut Vec::new(),
    );
    assert_eq!(terminal.text(), "one\n漢字\n e\u{301}");
    terminal.feed(b"\x1b[?1049hfull", &mut Vec::new());
    assert_eq!(terminal.text(), "\n\n  full".to_owned());
    assert!(terminal.modes().alternate_screen);
}

#[test]
fn five_emoji_take_ten_columns() {
    for (text, columns) in [
        ("🎉🎉🎉🎉🎉", 10),
        ("❤", 1),
        ("❤\u{fe0f}", 2),
        ("👩\u{200d}🚀", 2),
        ("🇧🇷", 2),
        ("👋🏽", 2),
    ] {
        let mut terminal = Terminal::new(Size::new(80, 24).unwrap());
        terminal.feed(text.as_bytes(), &mut Vec::new());
        assert_eq!(terminal.cursor(), (0, columns), "{text:?}");
        assert_eq!(terminal.text().lines().next(), Some(text));
    }
}

#[test]
fn dim_text_can_be_left_out() {
    let mut terminal = Terminal::new(Size::new(20, 2).unwrap());
    terminal.feed(
        "> \x1b[7mT\x1b[0;2mry 漢\x1b[22m x\r\n\x1b[2mall of it".as_bytes(),
        &mut Vec::new(),
    );
    assert_eq!(terminal.text(), "> Try 漢 x\nall of it");
    assert_eq!(terminal.text_without_dim(), "> T      x\n");
}
