//! Streams made to break the engine's bounds: content, throughput, memory and snapshots hold.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use rustix::time::{ClockId, clock_gettime};
use wxcode_terminal::{Screen as _, Size, Terminal};

fn terminal(cols: u16, rows: u16) -> Terminal {
    Terminal::new(Size::new(cols, rows).unwrap())
}

/// Processor seconds of this thread alone.
fn now() -> f64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.tv_sec as f64 + now.tv_nsec as f64 / 1e9
}

/// Returns the processor seconds.
fn feed(terminal: &mut Terminal, stream: &[u8]) -> f64 {
    let start = now();
    terminal.feed(stream, &mut Vec::new());
    now() - start
}

#[test]
fn live_links_do_not_slow_colours_down() {
    let coloured = "\x1b[31mred\x1b[32mgreen\x1b[H".repeat(20_000);
    let mut free = terminal(80, 24);
    let quick = feed(&mut free, coloured.as_bytes());
    let mut full = terminal(80, 24);
    for i in 0..4_096 {
        let link = format!("\x1b]8;;file:///{i}\x1b\\x\x1b]8;;\x1b\\");
        feed(&mut full, link.as_bytes());
    }
    feed(&mut full, b"\x1b[?1049h");
    let slow = feed(&mut full, coloured.as_bytes());
    assert!(slow < 8.0 * quick, "{slow} s, not {quick} s");
}

#[test]
fn links_stay_quick_beyond_their_bound() {
    let links = |from: usize, n: usize| -> String {
        (from..from + n)
            .map(|i| format!("\x1b]8;;file:///{i}\x07x\x1b]8;;\x07"))
            .collect()
    };
    let mut few = terminal(80, 24);
    let quick = feed(&mut few, links(0, 8_000).as_bytes());
    // Every cell of screen and history has a link of its own.
    let mut many = terminal(80, 24);
    feed(&mut many, links(0, 80_000).as_bytes());
    let slow = feed(&mut many, links(80_000, 8_000).as_bytes());
    assert!(slow < 8.0 * quick, "{slow} s, not {quick} s");
    // A link finds a place after the old links are gone.
    feed(&mut many, b"\x1b[3J\x1b[2J\x1b[H");
    feed(&mut many, links(0, 5_000).as_bytes());
    feed(
        &mut many,
        b"\x1b[3J\x1b[2J\x1b[H\x1b]8;;https://a.example\x07x",
    );
    let snapshot = many.snapshot_with_history(0);
    let shown = String::from_utf8(snapshot).unwrap();
    assert!(shown.contains("https://a.example"), "{shown:?}");
}

#[test]
fn history_in_a_snapshot_keeps_its_bound() {
    let mut colours = String::new();
    let mut linked = String::new();
    let address = "a".repeat(1_900);
    for i in 0..80 * 1_100 {
        let (r, g, b) = (i % 251, i % 241, i % 239);
        colours += &format!(
            "\x1b[38;2;{r};{g};{b};48;2;{b};{r};{g}m{}",
            char::from(b'a' + (i % 26) as u8)
        );
        if i % 80 < 3 {
            linked += &format!("\x1b]8;;http://{}/{address}\x07x\x1b]8;;\x07", i % 2000);
        }
        if i % 80 == 79 {
            linked += "\r\n";
        }
    }
    let marks = format!("{}\r\n", "e\u{301}\u{302}\u{303}\u{304}".repeat(80)).repeat(1_000);
    for stream in [colours, linked, marks] {
        let mut terminal = terminal(80, 24);
        feed(&mut terminal, stream.as_bytes());
        let bare = terminal.snapshot_with_history(0).len();
        let whole = terminal.snapshot().len();
        let history = whole - bare;
        assert!(history <= Terminal::HISTORY_BYTES, "{history} bytes");
        let rows = terminal.snapshot_with_history(1 << 20).len() - bare;
        assert!(rows > 512 << 10 && rows <= 1 << 20, "{rows} bytes");
    }
}

#[test]
fn links_take_a_bounded_part_of_a_snapshot() {
    let address = "a".repeat(1_900);
    let link = |i: usize| format!("\x1b]8;;http://{i}/{address}\x07x");
    let mut terminal = terminal(200, 100);
    for i in 0..20_000 {
        feed(&mut terminal, link(i % 2).as_bytes());
    }
    let snapshot = terminal.snapshot_with_history(usize::MAX);
    assert!(snapshot.len() < 5 << 20, "{} bytes", snapshot.len());
    let mut again = Terminal::new(terminal.size());
    feed(&mut again, &snapshot);
    assert_eq!(again.text(), terminal.text());
}

#[test]
fn a_saved_cursor_above_the_screen_is_kept() {
    for history in [0, usize::MAX] {
        let mut terminal = terminal(80, 24);
        feed(&mut terminal, b"d\x1b7\x1b[24H\n");
        let mut again = Terminal::new(terminal.size());
        feed(&mut again, &terminal.snapshot_with_history(history));
        for screen in [&mut terminal, &mut again] {
            feed(screen, b"\x1b8X");
        }
        assert_eq!(terminal.text().lines().next(), Some(" X"), "{history}");
        assert_eq!(again.text(), terminal.text(), "{history}");
    }
}

#[test]
fn styles_without_end_keep_their_speed() {
    let styled = |from: usize| -> String {
        (from..from + 40_000)
            .map(|i| format!("\x1b[38;2;{};{};{}mx", i & 255, i >> 8 & 255, i >> 16))
            .collect()
    };
    let mut terminal = terminal(200, 50);
    let quick = feed(&mut terminal, styled(0).as_bytes());
    for i in 1..10 {
        feed(&mut terminal, styled(40_000 * i).as_bytes());
    }
    let slow = feed(&mut terminal, styled(400_000).as_bytes());
    assert!(slow < 8.0 * quick, "{slow} s, not {quick} s");
}
