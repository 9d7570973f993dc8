//! Reads the choices of a dialog.

/// The mark of the choice that Enter would take.
pub(super) const MARK: char = '❯';

/// The choices of a dialog and the marked one.
pub(super) struct Choices {
    pub(super) options: Vec<String>,
    pub(super) numbered: bool,
    pub(super) selected: usize,
}

/// A line with a choice.
struct Choice<'a> {
    marked: bool,
    /// The column of its number or, without one, of its text.
    column: usize,
    number: Option<u32>,
    text: &'a str,
}

impl Choices {
    /// Returns the choices around the last mark in `lines` of a screen of `width`.
    pub(super) fn find(lines: &[&str], width: usize) -> Option<Self> {
        let (at, marked) = lines.iter().enumerate().rev().find_map(|(at, line)| {
            Choice::read(line)
                .filter(|choice| choice.marked)
                .map(|choice| (at, choice))
        })?;
        // Descriptions may separate numbered choices; unnumbered choices are adjacent.
        let belongs = |choice: &Choice<'_>| {
            choice.column == marked.column && choice.number.is_some() == marked.number.is_some()
        };
        let numbered = marked.number.is_some();
        let first = if numbered {
            (0..=at).rev().find(|&line| {
                Choice::read(lines[line])
                    .is_some_and(|choice| belongs(&choice) && choice.number == Some(1))
            })
        } else {
            (0..=at)
                .rev()
                .take_while(|&line| {
                    Choice::read(lines[line]).is_some_and(|choice| choice.column >= marked.column)
                })
                .last()
        };
        let mut choices = Self {
            options: Vec::new(),
            numbered,
            selected: 0,
        };
        let mut previous = "";
        for (line, text) in lines.iter().enumerate().skip(first.unwrap_or(at)) {
            let choice = Choice::read(text);
            match choice.filter(belongs) {
                Some(choice) => {
                    // A list starting again at 1 is another list.
                    if numbered && line > at && choice.number == Some(1) {
                        break;
                    }
                    if choice.marked {
                        choices.selected = choices.options.len();
                    }
                    choices.options.push(bare(choice.text));
                    previous = text;
                }
                None if is_wrapped(previous, text, width) => {
                    if let Some(option) = choices.options.last_mut() {
                        option.push(' ');
                        option.push_str(text.trim());
                        previous = text;
                    }
                }
                None if numbered => previous = "",
                None => break,
            }
        }
        // One item is no choice.
        (choices.options.len() > 1).then_some(choices)
    }

    /// Whether the choices are a kind of yes and a kind of no. Without numbers the no comes first.
    pub(super) fn are_yes_and_no(&self) -> bool {
        let begins = |word: &str| self.options.iter().any(|option| option.starts_with(word));
        match self.options.first() {
            Some(first) if self.numbered => first.starts_with("Yes"),
            _ => begins("Yes") && begins("No"),
        }
    }
}

impl<'a> Choice<'a> {
    /// Parses a line as a choice. Any indented text may be an unnumbered one.
    fn read(line: &'a str) -> Option<Self> {
        let trimmed = line.trim_start();
        let (marked, rest) = match trimmed.strip_prefix(MARK) {
            Some(rest) if rest.starts_with(char::is_whitespace) => (true, rest.trim_start()),
            _ => (false, trimmed),
        };
        // The tick of the current setting precedes the text.
        let rest = rest.strip_prefix("✔ ").unwrap_or(rest);
        let column = line.chars().count() - rest.chars().count();
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let numbered = rest[digits..].strip_prefix(". ").filter(|_| digits > 0);
        let number = numbered.and_then(|_| rest[..digits].parse().ok());
        // A mark in the first column without a number is the user's own message in the
        // conversation.
        let is_choice = column >= if number.is_some() { 2 } else { 3 } && !rest.is_empty();
        is_choice.then(|| Self {
            marked,
            column,
            number,
            text: numbered.unwrap_or(rest),
        })
    }
}

/// Returns a choice's text without boxes and ticks.
pub(super) fn bare(text: &str) -> String {
    let text = text.trim();
    let text = ["[ ] ", "[✔] "]
        .iter()
        .find_map(|tick| text.strip_prefix(tick))
        .unwrap_or(text);
    text.strip_suffix(" ✔").unwrap_or(text).to_owned()
}

/// Whether `line` continues `previous`, which had no room for the first word.
pub(super) fn is_wrapped(previous: &str, line: &str, width: usize) -> bool {
    let word = line
        .split_whitespace()
        .next()
        .map_or(0, |word| word.chars().count());
    let indented = line.starts_with("  ");
    // Dialogs keep one or two columns free at the right.
    word > 0
        && indented
        && !previous.is_empty()
        && previous.chars().count() + 1 + word > width.saturating_sub(2)
}
