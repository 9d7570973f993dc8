//! The screen: equal for any cuts, redrawn by a snapshot without queries, and bounded.

use wxcode_terminal::{Screen as _, Size, Terminal};

use crate::{input::Input, memory};

/// Ends a piece. UTF-8 has no byte from 0xF5 on; the other ones are fed to the screen.
const CUT: u8 = 0xFD;
/// Changes the size to the next two bytes.
const RESIZE: u8 = 0xFE;
/// Most bytes of answers to a byte of input: a colour in a list of questions takes 2 bytes and is
/// answered with 26.
const ANSWER: usize = 16;
/// Most bytes of memory of a cell, twice: reflowing holds both copies.
const CELL: usize = 2 * 8;
/// Most bytes of memory besides cells and retained input: tables, dictionary, palette.
const BESIDES: usize = 2 << 20; // 2 MiB
/// Most bytes of interned memory for a byte of input.
const LEFT: usize = 256;

enum Step {
    Write(Vec<u8>),
    Resize(Size),
}

/// Runs one input: a size, the length of pieces, and a stream with cuts and resizes.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let size = size(&mut input);
    let how = input.byte();
    let (length, tenths) = (usize::from(how % 9), how / 9);
    let pieces = pieces(input, length);
    let whole = joined(&pieces);

    let ((terminal, answers), most) = memory::peak(|| play(size, &whole));
    let (other, same_answers) = play(size, &pieces);
    assert_same(&terminal, &other);
    assert_same_bytes(&terminal.snapshot(), &other.snapshot());
    assert_same_bytes(&answers, &same_answers);

    let all = answers.len();
    assert!(all <= ANSWER * data.len(), "{all} bytes of answers");
    let resized = whole.iter().filter_map(|step| match step {
        Step::Resize(size) => Some(*size),
        Step::Write(_) => None,
    });
    let largest = resized.chain([size]).map(cells).max().unwrap_or_default();
    let bound = CELL * largest + LEFT * data.len() + BESIDES;
    assert!(most <= bound, "{most} bytes of memory, not {bound}");

    redraw(&terminal);
    if let [Step::Write(stream)] = &whole[..] {
        let at = stream.len() * usize::from(tenths.min(10)) / 10;
        let (before, after) = stream.split_at(at);
        continues(size, before, after);
    }
}

/// A terminal drawn from a snapshot continues like the original.
fn continues(size: Size, before: &[u8], after: &[u8]) {
    let (mut terminal, _) = play(size, &[Step::Write(before.to_vec())]);
    let mut again = draw(size, &terminal.snapshot_with_history(usize::MAX));
    if cannot_be_drawn(&terminal) {
        return;
    }
    assert_same(&terminal, &again);
    let (mut answers, mut same_answers) = (Vec::new(), Vec::new());
    terminal.feed(after, &mut answers);
    again.feed(after, &mut same_answers);
    assert_same(&terminal, &again);
    assert_same_bytes(&answers, &same_answers);
}

/// Checks visible properties that no stream can break; resizes can break more of them.
fn cannot_be_drawn(terminal: &Terminal) -> bool {
    let Size { cols, rows } = terminal.size();
    let is_pending = terminal.cursor().1 >= cols.max(2);
    rows == 1 || is_pending && terminal.modes().alternate_screen
}

/// A snapshot's drawing equals the drawing of its own snapshot.
fn redraw(terminal: &Terminal) {
    let first = terminal.snapshot();
    let again = draw(terminal.size(), &first);
    assert_eq!(terminal.modes(), again.modes());
    assert_eq!(terminal.title(), again.title());
    let second = again.snapshot();
    let third = draw(terminal.size(), &second);
    assert_same(&again, &third);
    assert_same_bytes(&second, &third.snapshot());
}

/// A fresh terminal after a snapshot.
fn draw(size: Size, snapshot: &[u8]) -> Terminal {
    let mut terminal = Terminal::new(size);
    let mut answers = Vec::new();
    terminal.feed(snapshot, &mut answers);
    assert!(
        answers.is_empty(),
        "a snapshot asks {}",
        answers.escape_ascii()
    );
    terminal
}

fn assert_same(one: &Terminal, other: &Terminal) {
    assert_eq!(one.text(), other.text());
    assert_eq!(one.cursor(), other.cursor());
    assert_eq!(one.modes(), other.modes());
    assert_eq!(one.title(), other.title());
}

fn play(size: Size, steps: &[Step]) -> (Terminal, Vec<u8>) {
    let mut terminal = Terminal::new(size);
    let mut answers = Vec::new();
    for step in steps {
        match step {
            Step::Write(bytes) => terminal.feed(bytes, &mut answers),
            Step::Resize(size) => terminal.resize(*size),
        }
    }
    (terminal, answers)
}

/// Two bytes, mostly for a small size, where edges are frequent.
fn size(input: &mut Input<'_>) -> Size {
    let mut side = || match input.byte() {
        255 => Size::MAX,
        byte => 1 + u16::from(byte % 128),
    };
    let (cols, rows) = (side(), side());
    Size { cols, rows }
}

/// The stream in pieces: up to a cut or a resize, and of at most `length` bytes if that is not 0.
fn pieces(mut input: Input<'_>, length: usize) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut piece = Vec::new();
    while !input.is_empty() {
        let byte = input.byte();
        if byte != CUT && byte != RESIZE {
            piece.push(byte);
        }
        if byte == CUT || byte == RESIZE || piece.len() == length {
            steps.push(Step::Write(std::mem::take(&mut piece)));
        }
        if byte == RESIZE {
            steps.push(Step::Resize(size(&mut input)));
        }
    }
    steps.push(Step::Write(piece));
    steps
}

/// The same stream without the cuts.
fn joined(pieces: &[Step]) -> Vec<Step> {
    let mut whole = vec![Step::Write(Vec::new())];
    for piece in pieces {
        match (piece, whole.last_mut()) {
            (Step::Write(bytes), Some(Step::Write(all))) => all.extend_from_slice(bytes),
            (Step::Write(bytes), _) => whole.push(Step::Write(bytes.clone())),
            (Step::Resize(size), _) => whole.push(Step::Resize(*size)),
        }
    }
    whole
}

/// The cells of both screens and of the history.
fn cells(size: Size) -> usize {
    let (cols, rows) = (usize::from(size.cols), usize::from(size.rows));
    cols * (2 * rows + Terminal::HISTORY_ROWS)
}

fn assert_same_bytes(one: &[u8], other: &[u8]) {
    assert!(
        one == other,
        "{}\nis not\n{}",
        one.escape_ascii(),
        other.escape_ascii()
    );
}
