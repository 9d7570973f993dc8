//! The status reports of an agent (OSC 7501): the same for any cuts and hand-overs, and bounded.

use wxcode_terminal::{StatusFilter, StatusItem};

/// Ends a piece.
const CUT: u8 = 0xFD;
/// Ends a piece, and another filter continues.
const HAND_OVER: u8 = 0xFE;
/// Most bytes that a filter holds: a body, its beginning, and an escape.
const HELD: usize = StatusFilter::MAX_BODY + 16;

/// The output for the screen, and the other items with their places in it.
#[derive(Debug, Default, PartialEq)]
struct Taken {
    output: Vec<u8>,
    items: Vec<(usize, String)>,
}

impl Taken {
    fn take(&mut self, item: StatusItem<'_>) {
        match item {
            StatusItem::Output(bytes) => self.output.extend_from_slice(bytes),
            other => self.items.push((self.output.len(), format!("{other:?}"))),
        }
    }
}

/// Runs one input: a stream with cuts and hand-overs.
pub fn run(data: &[u8]) {
    let mut filter = StatusFilter::default();
    let mut cut = Taken::default();
    let mut stream = Vec::new();
    for piece in data.split_inclusive(|byte| matches!(*byte, CUT | HAND_OVER)) {
        let end = piece.last().copied();
        let text = piece
            .strip_suffix(&[CUT])
            .or(piece.strip_suffix(&[HAND_OVER]));
        let text = text.unwrap_or(piece);
        stream.extend_from_slice(text);
        filter.feed(text, |item| cut.take(item));
        let held = filter.held();
        assert!(held.len() <= HELD, "{} bytes are held", held.len());
        if end == Some(HAND_OVER) {
            filter = StatusFilter::continued(&held);
        }
    }
    cut.take(StatusItem::Output(filter.finish()));

    let mut filter = StatusFilter::default();
    let mut whole = Taken::default();
    filter.feed(&stream, |item| whole.take(item));
    whole.take(StatusItem::Output(filter.finish()));
    assert_eq!(cut, whole);
    assert!(whole.output.len() <= stream.len(), "bytes are invented");
}
