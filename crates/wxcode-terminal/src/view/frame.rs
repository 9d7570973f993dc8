//! The cells of a window: the last paint, the next paint, and the bytes from the last to the next.

use crate::Size;
use crate::cell::{Cell, StyleId};
use crate::dictionary::{Dictionary, Link};
use crate::painter::Painter;
use crate::row::Row;
use crate::style::{Flags, Style};
use crate::terminal::Terminal;
use crate::view::crop::Crop;

/// Most unchanged cells drawn together with changed cells on both sides, because moving the cursor
/// costs as much.
const GAP: usize = 5;

/// From this many blank cells at the end of a row on, erasing is shorter than spaces.
const TAIL: usize = 3;

/// The schemes of links that the viewer's terminal gets. A terminal may open other ones without a
/// question, with a program of the user's machine.
const SCHEMES: [&str; 3] = ["http", "https", "mailto"];

/// The filler for a window larger than the screen.
const FILLER: char = '·';

/// Two cells for each cell of the window, 8 bytes, and their dictionary: a bound on the memory.
#[derive(Debug)]
pub(super) struct Frame {
    cols: usize,
    rows: usize,
    /// Separate from the screen's dictionary. The indices of the screen's dictionary change their
    /// meaning.
    dictionary: Dictionary,
    painted: Vec<Cell>,
    next: Vec<Cell>,
}

impl Frame {
    /// Creates the frame of a freshly cleared window.
    pub(super) fn new(window: Size) -> Self {
        let side = |side: u16| usize::from(side.clamp(1, Size::MAX));
        let (cols, rows) = (side(window.cols), side(window.rows));
        Self {
            cols,
            rows,
            dictionary: Dictionary::new(),
            painted: vec![Cell::default(); cols * rows],
            next: vec![Cell::default(); cols * rows],
        }
    }

    /// Columns and rows.
    pub(super) fn size(&self) -> (usize, usize) {
        (self.cols, self.rows)
    }

    /// Copies the part of the screen to show.
    pub(super) fn take(&mut self, screen: &Terminal, crop: Crop) {
        if self.dictionary.is_crowded() || self.dictionary.has_many_links() {
            self.dictionary.sweep(self.painted.iter(), &[]);
        }
        let filler = self.filler();
        let mut next = std::mem::take(&mut self.next);
        let buffer = screen.buffer();
        for (y, cells) in next.chunks_mut(self.cols).enumerate() {
            let row = (crop.top + y < buffer.rows)
                .then(|| buffer.lines.get(buffer.base + crop.top + y))
                .flatten();
            let width = buffer.cols.saturating_sub(crop.left).min(self.cols);
            let (shown, outside) = cells.split_at_mut(row.map_or(0, |_| width));
            if let Some(row) = row {
                self.take_row(screen, row, crop.left, shown);
            }
            outside.fill(filler);
        }
        self.next = next;
    }

    fn take_row(&mut self, screen: &Terminal, row: &Row, left: usize, cells: &mut [Cell]) {
        let theirs = &screen.dictionary;
        let mut known = (StyleId::IN_CLUSTER, (StyleId::DEFAULT, Style::default()));
        let mut x = 0;
        while x < cells.len() {
            let cell = row.get(left + x);
            if cell == Cell::default() {
                cells[x] = cell;
                x += 1;
                continue;
            }
            let (id, style) = if cell.style() == known.0 && known.0 != StyleId::IN_CLUSTER {
                known.1
            } else {
                let style = self.adopt(theirs, theirs.style(cell));
                let id = self.dictionary.style_id(style);
                known = (cell.style(), (id, style));
                known.1
            };
            let text = theirs.text(cell);
            let whole = x + 1 < cells.len() && theirs.is_second_half(row.get(left + x + 1));
            match theirs.width(cell) {
                1 => cells[x] = self.glyph(&text, 1, id, style),
                2 if whole => {
                    cells[x] = self.glyph(&text, 2, id, style);
                    cells[x + 1] = self.dictionary.cell(Cell::SECOND_HALF, id, style);
                    x += 1;
                }
                // Half a wide character, or a mark with nothing to join.
                _ => {
                    let style = style.erased();
                    let id = self.dictionary.style_id(style);
                    cells[x] = self.dictionary.cell(0, id, style);
                }
            }
            x += 1;
        }
    }

    /// Creates a cell with `text`. A space becomes an empty cell: both look the same.
    fn glyph(&mut self, text: &str, width: u8, id: StyleId, style: Style) -> Cell {
        let mut chars = text.chars();
        match (chars.next(), chars.next()) {
            (None | Some(' '), None) => self.dictionary.cell(0, id, style),
            (Some(c), None) => self.dictionary.cell(u32::from(c), id, style),
            _ => self.dictionary.cluster(text.to_owned(), width, id, style),
        }
    }

    /// Turns a style of the screen into a style for SGR and OSC 8, with its link in this
    /// dictionary.
    fn adopt(&mut self, theirs: &Dictionary, style: Style) -> Style {
        let mut own = style.drawn();
        own.flags.set(Flags::PROTECTED, false);
        let harmless = |link: &&Link| {
            let id = link.id.iter().flat_map(|id| id.chars());
            let scheme = link.uri.split_once(':').map_or("", |(scheme, _)| scheme);
            SCHEMES
                .iter()
                .any(|known| scheme.eq_ignore_ascii_case(known))
                && !id.chain(link.uri.chars()).any(char::is_control)
        };
        own.link = theirs
            .link(own.link)
            .filter(harmless)
            .cloned()
            .and_then(|link| self.dictionary.link_id(link))
            .unwrap_or(0);
        if own.link == 0 {
            let single = u8::from(own.flags.has(Flags::UNDERLINE));
            let line = if own.underline == 0 {
                single
            } else {
                own.underline
            };
            own.set_underline(line);
        }
        if !own.flags.has(Flags::EXTENDED) {
            own.underline_color = Default::default();
        }
        own
    }

    fn filler(&mut self) -> Cell {
        let mut style = Style::default();
        style.flags.set(Flags::DIM, true);
        let id = self.dictionary.style_id(style);
        self.dictionary.cell(u32::from(FILLER), id, style)
    }

    /// Returns the bytes for drawing the new content over the last paint; before and after the
    /// bytes, the pen is the default pen. Empty when nothing changed.
    pub(super) fn draw(&mut self) -> Vec<u8> {
        let mut painter = Painter::new(&self.dictionary);
        let rows = self
            .painted
            .chunks(self.cols)
            .zip(self.next.chunks(self.cols));
        for (y, (old, new)) in rows.enumerate() {
            let mut done = 0;
            while let Some(first) = (done..self.cols).find(|x| !self.alike(old[*x], new[*x])) {
                // Redraw a neighbour, because the terminal may have drawn the neighbour across this
                // cell.
                let from = first - usize::from(first > 0 && self.is_unsure(new[first - 1]));
                let to = self.end_of_run(old, new, first);
                self.draw_run(&mut painter, y, new, from..to);
                done = to;
            }
        }
        painter.reset_pen();
        let out = painter.out;
        std::mem::swap(&mut self.painted, &mut self.next);
        out
    }

    /// Whether two cells look the same.
    fn alike(&self, old: Cell, new: Cell) -> bool {
        let kept = |cell: Cell| cell.style() == StyleId::IN_CLUSTER;
        let look = |cell: Cell| {
            let words = &self.dictionary;
            (words.text(cell), words.width(cell), words.style(cell))
        };
        // A style without an index may have an index now.
        old == new || (kept(old) || kept(new)) && look(old) == look(new)
    }

    /// The column after the changed cells that begin in column `from`.
    fn end_of_run(&self, old: &[Cell], new: &[Cell], from: usize) -> usize {
        let mut end = from + 1;
        for x in from + 1..self.cols {
            if !self.alike(old[x], new[x]) {
                end = x + 1;
            } else if x >= end + GAP {
                break;
            }
        }
        end
    }

    fn draw_run(
        &self,
        painter: &mut Painter<'_>,
        y: usize,
        row: &[Cell],
        run: std::ops::Range<usize>,
    ) {
        let text_end = row
            .iter()
            .rposition(|cell| *cell != Cell::default())
            .map_or(0, |last| last + 1);
        let mut x = run.start;
        painter.go(x, y);
        while x < run.end {
            if x >= text_end && self.cols - x >= TAIL {
                painter.pen(Style::default());
                painter.put(b"\x1b[K");
                return;
            }
            let cell = row[x];
            let blank_behind = row.get(x + 1).copied().filter(|next| self.is_blank(*next));
            let unsure = self.is_unsure(cell);
            let width = usize::from(self.dictionary.width(cell).max(1));
            if unsure && width == 2 {
                // Blanks first: where the terminal counts a single column, the blanks are in the
                // second column.
                painter.pen(self.dictionary.style(cell).erased());
                painter.put(b"  ");
                painter.go(x, y);
                self.draw_cell(painter, cell);
                x += width;
            } else if let Some(blank) = blank_behind.filter(|_| unsure) {
                // The blank first: drawn afterwards, the blank would cut a character of two
                // columns.
                painter.go(x + 1, y);
                self.draw_cell(painter, blank);
                painter.go(x, y);
                self.draw_cell(painter, cell);
                x += 2;
            } else {
                self.draw_cell(painter, cell);
                x += width;
            }
            if unsure && x < run.end {
                painter.go(x, y);
            }
        }
    }

    fn draw_cell(&self, painter: &mut Painter<'_>, cell: Cell) {
        painter.pen(self.dictionary.style(cell));
        match self.dictionary.text(cell) {
            text if text.is_empty() => painter.put(b" "),
            text => painter.put(text.as_bytes()),
        }
    }

    fn is_blank(&self, cell: Cell) -> bool {
        !self.dictionary.has_content(cell) && self.dictionary.width(cell) == 1
    }

    /// Whether terminals disagree about the columns of a cell. They disagree about joined
    /// characters, and about emoji and symbols narrow in Unicode 6 and wide later. After such a
    /// cell the cursor's position is unreliable.
    fn is_unsure(&self, cell: Cell) -> bool {
        match cell.cluster() {
            Some(_) => self.dictionary.text(cell).chars().nth(1).is_some(),
            None => matches!(
                cell.glyph(),
                0x2300..0x2500 | 0x25A0..0x2C00 | 0x4DC0..0x4E00 | 0x1_D300..0x1_D380 | 0x1_F000..0x2_0000
            ),
        }
    }
}
