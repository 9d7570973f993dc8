//! Splits a screen into its parts: edges, the input box, and the text at the bottom.

/// Shortest edge, in characters; narrower screens show no edge.
const EDGE_MIN: usize = 20;

/// Most lines below the input box: hints, status lines, completions.
const BELOW_BOX_MAX: usize = 12;

/// A screen's lines, without trailing blanks and blank lines at the bottom.
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

    /// The width of the longest line, in characters.
    pub(super) const fn width(&self) -> usize {
        self.width
    }

    /// Whether the screen shows the input box.
    pub(super) fn has_input_box(&self) -> bool {
        self.input_box().is_some()
    }

    /// Returns the lines of the input box's upper and lower edge: the last two edges, around a line
    /// with the prompt's mark or the `!` of shell mode.
    pub(crate) fn input_box(&self) -> Option<(usize, usize)> {
        let mut rules = self.edges().filter(|&at| self.lines[at].starts_with('─'));
        let (bottom, top) = (rules.next_back()?, rules.next_back()?);
        let marked = self.lines[top + 1].strip_prefix(['❯', '!']);
        let has_mark =
            marked.is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace));
        let is_last = self.lines.len() - bottom <= BELOW_BOX_MAX;
        // Further lines of the box are indented; numbered choices belong to a question.
        let is_box = has_mark
            && is_last
            && self.lines[top + 2..bottom]
                .iter()
                .all(|line| line.is_empty() || line.starts_with("  "))
            && !marked.is_some_and(is_numbered);
        is_box.then_some((top, bottom))
    }

    /// Returns the possible dialogs: below the last edge, then below the one before.
    pub(super) fn regions(&self) -> Vec<&[&'a str]> {
        self.edges()
            .rev()
            .take(2)
            .map(|at| &self.lines[at + 1..])
            .collect()
    }

    /// All lines: a full-screen dialog shows no edge.
    pub(crate) fn lines(&self) -> &[&'a str] {
        &self.lines
    }

    fn edges(&self) -> impl DoubleEndedIterator<Item = usize> + '_ {
        (0..self.lines.len()).filter(|&at| is_edge(self.lines[at]))
    }
}

/// Whether a line crosses the screen from its first column on, perhaps with a few words inside.
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

/// Joins lines into one text, independent of wrapping.
pub(super) fn flowing(lines: &[&str]) -> String {
    lines
        .iter()
        .flat_map(|line| line.split_whitespace())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Removes white space from a text.
pub(super) fn bare(text: &str) -> String {
    text.split_whitespace().collect()
}

/// Characters for marks, ticks and frames in a dialog.
const SIGNS: [char; 5] = ['❯', '✔', '☐', '☒', '│'];

/// Returns the text of lines without white space and marks: the same for every position of the
/// mark.
pub(super) fn unmarked(lines: &[&str]) -> String {
    lines
        .iter()
        .flat_map(|line| line.chars())
        .filter(|c| !c.is_whitespace() && !SIGNS.contains(c))
        .collect()
}
