//! The screen under a long stream: a few bytes repeated, with a number that counts up.
//!
//! Fuzzed inputs are too short to fill a table of the screen. Here an input is a template, and the
//! memory must not grow with the length of its stream.

use wxcode_terminal::{Screen as _, Size, Terminal};

use crate::{input::Input, memory};

/// Becomes the repetition's number in digits.
const NUMBER: u8 = 0xFD;
/// Becomes a mark that depends on the repetition's number.
const MARK: u8 = 0xFC;
/// Changes the size between two sizes.
const RESIZE: u8 = 0xFE;
/// Most bytes of a stream.
const STREAM: usize = 256 << 10; // 256 KiB
/// Most bytes of memory of a cell with a cluster of its own, twice: reflowing holds both copies.
const CELL: usize = 2 * 8 + 256;
/// Most bytes of memory besides cells: links, styles, the string, the palette.
const BESIDES: usize = 24 << 20; // 24 MiB

/// Runs one input: two sizes, and a template.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let sizes = [size(&mut input), size(&mut input)];
    let template = input.rest();
    if template.is_empty() {
        return;
    }
    let (terminal, most) = memory::peak(|| play(sizes, template));
    let cells = sizes.map(|Size { cols, rows }| {
        let (cols, rows) = (usize::from(cols), usize::from(rows));
        cols * (2 * rows + Terminal::HISTORY_ROWS)
    });
    let bound = CELL * cells[0].max(cells[1]) + BESIDES;
    assert!(most <= bound, "{most} bytes of memory, not {bound}");

    let bare = terminal.snapshot_with_history(0).len();
    let history = terminal.snapshot().len().saturating_sub(bare);
    // The saved cursor may cost a few bytes more within the history.
    let bound = Terminal::HISTORY_BYTES + 256;
    assert!(history <= bound, "{history} bytes of history, not {bound}");
    redraw(&terminal);
}

/// A snapshot gives the same text.
fn redraw(terminal: &Terminal) {
    let mut again = Terminal::new(terminal.size());
    let mut answers = Vec::new();
    again.feed(&terminal.snapshot_with_history(usize::MAX), &mut answers);
    assert!(answers.is_empty(), "a snapshot asks a question");
    assert_eq!(again.modes(), terminal.modes());
    assert_eq!(again.title(), terminal.title());
}

fn play(sizes: [Size; 2], template: &[u8]) -> Terminal {
    let mut terminal = Terminal::new(sizes[0]);
    let mut answers = Vec::new();
    let mut piece = Vec::new();
    let (mut fed, mut resizes) = (0, 0);
    for number in 0u32.. {
        for byte in template {
            match *byte {
                NUMBER => piece.extend(number.to_string().bytes()),
                MARK => piece.extend([0xCC, 0x80 + (number % 0x40) as u8]),
                RESIZE => {
                    terminal.feed(&piece, &mut answers);
                    piece.clear();
                    resizes += 1;
                    terminal.resize(sizes[resizes % 2]);
                    // A resize costs as much as reading a few thousand bytes.
                    fed += 4 << 10;
                }
                byte => piece.push(byte),
            }
        }
        terminal.feed(&piece, &mut answers);
        answers.clear();
        fed += piece.len().max(1);
        piece.clear();
        if fed >= STREAM {
            break;
        }
    }
    terminal
}

/// Two bytes, for at most 128 columns and rows.
fn size(input: &mut Input<'_>) -> Size {
    let mut side = || 1 + u16::from(input.byte() % 128);
    let (cols, rows) = (side(), side());
    Size { cols, rows }
}
