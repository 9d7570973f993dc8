//! An endless stream of combined characters; alone in its program, because the test measures
//! memory.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use peak_alloc::PeakAlloc;
use wxcode_terminal::{Screen as _, Size, Terminal};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// A letter with three marks, another letter for each number.
fn zalgo(n: usize) -> String {
    let mark = |n: usize| char::from_u32(0x300 + (n % 0x70) as u32).unwrap();
    let letter = char::from(b'a' + (n % 26) as u8);
    let (one, two, three) = (mark(n / 26), mark(n / 2912), mark(n / 326_144));
    [letter, one, two, three].iter().collect()
}

#[test]
fn a_million_combined_characters_stay_whole() {
    let stream: String = (0..1_000_000).map(zalgo).collect();
    let before = ALLOCATOR.current_usage();
    let mut terminal = Terminal::new(Size::new(80, 24).unwrap());
    terminal.feed(stream.as_bytes(), &mut Vec::new());
    let memory = ALLOCATOR.current_usage() - before;
    let text = terminal.text();
    assert_eq!(
        text.matches(|c: char| c.is_ascii_lowercase()).count(),
        80 * 24
    );
    let last = zalgo(999_999);
    assert!(
        text.ends_with(&last),
        "{:?} does not end in {last:?}",
        &text[text.len() - 20..]
    );
    // 82,000 cells with a cluster each.
    assert!(memory < 32 << 20, "{memory} bytes");
}
