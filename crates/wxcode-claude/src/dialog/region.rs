//! The parts of a screen: edges, the input box, and what stands at the bottom.

/// Shortest edge, in characters: narrower screens are not told apart.
const EDGE_MIN: usize = 20;

/// Most lines below the input box: hints, status lines, completions.
const BELOW_BOX_MAX: usize = 12;

/// A screen's lines without what is blank at their ends and at the bottom.
pub(crate) struct Screen<'a> {
    lines: Vec<&'a str>,
    width: usize,
}

impl<'a> Screen<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        let mut lines: Vec<&str> = text.lines().map(str::trim_end).collect();
        while lines.last().is_some_and(|line| line.is_empty()) {
            lines.pop();
        }
        let width = lines
            .iter()
            .map(|line| line.chars().count())
            .max()
            .unwrap_or(0);
        Self { lines, width }
    }

    /// The width in characters: that of the longest line.
    pub(super) const fn width(&self) -> usize {
        self.width
    }

    /// Whether the input box is on the screen.
    pub(super) fn has_input_box(&self) -> bool {
        self.input_box().is_some()
    }

    /// The input box as the lines of its upper and its lower edge, where the last two edges hold one: a line that
    /// begins with the prompt's mark, or with the `!` of the shell mode.
    pub(crate) fn input_box(&self) -> Option<(usize, usize)> {
        let mut rules = self.edges().filter(|&at| self.lines[at].starts_with('─'));
        let (bottom, top) = (rules.next_back()?, rules.next_back()?);
        let marked = self.lines[top + 1].strip_prefix(['❯', '!']);
        let has_mark =
            marked.is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace));
        let is_last = self.lines.len() - bottom <= BELOW_BOX_MAX;
        // Further lines of the box are indented; numbered choices are those of a question.
        let is_box = has_mark
            && is_last
            && self.lines[top + 2..bottom]
                .iter()
                .all(|line| line.is_empty() || line.starts_with("  "))
            && !marked.is_some_and(is_numbered);
        is_box.then_some((top, bottom))
    }

    /// What may be a dialog: below the last edge, then below the one before it.
    pub(super) fn regions(&self) -> Vec<&[&'a str]> {
        self.edges()
            .rev()
            .take(2)
            .map(|at| &self.lines[at + 1..])
            .collect()
    }

    /// All lines: a dialog that fills the screen shows no edge.
    pub(crate) fn lines(&self) -> &[&'a str] {
        &self.lines
    }

    fn edges(&self) -> impl DoubleEndedIterator<Item = usize> + '_ {
        (0..self.lines.len()).filter(|&at| is_edge(self.lines[at]))
    }
}

/// A line across the screen, from its first column on, perhaps with a few words in it.
pub(super) fn is_edge(line: &str) -> bool {
    ['─', '▔'].iter().any(|&stroke| {
        let strokes = line.chars().filter(|&c| c == stroke).count();
        line.starts_with(stroke)
            && line.ends_with(stroke)
            && strokes >= EDGE_MIN
            && 3 * strokes >= line.chars().count()
    })
}

/// Whether a text begins with a number and a full stop.
fn is_numbered(text: &str) -> bool {
    let text = text.trim_start();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    digits > 0 && text[digits..].starts_with(". ")
}

/// Lines as one text, whatever their wrapping.
pub(super) fn flowing(lines: &[&str]) -> String {
    lines
        .iter()
        .flat_map(|line| line.split_whitespace())
        .collect::<Vec<_>>()
        .join(" ")
}

/// A text without its white space.
pub(super) fn bare(text: &str) -> String {
    text.split_whitespace().collect()
}

/// What marks, ticks or frames texts in a dialog.
const SIGNS: [char; 5] = ['❯', '✔', '☐', '☒', '│'];

/// The text of lines without white space and without what marks a choice: the same wherever the mark stands.
pub(super) fn unmarked(lines: &[&str]) -> String {
    lines
        .iter()
        .flat_map(|line| line.chars())
        .filter(|c| !c.is_whitespace() && !SIGNS.contains(c))
        .collect()
}
