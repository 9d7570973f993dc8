//! Reads the form of the agent's questions: one page per question, and a last page with all
//! answers.
//!
//! A page has options and a field for free text. A page with tick boxes also has a row that leads
//! to the next page. The offer to talk about the question stands below a horizontal edge. A form
//! with one single-answer question has no last page.

use super::{
    options::{Choices, MARK, bare as without_box, is_wrapped},
    region::{bare, is_edge},
};

/// The last choice on every page of a question.
pub(super) const CHAT: &str = "Chat about this";
/// The heading of the last page.
const REVIEW: &str = "Review your answers";
/// The choice to submit the answers.
const SUBMIT: &str = "Submit answers";
/// Names of the row to the next page; only a page with tick boxes has this row.
const NEXT: &[&str] = &["Submit", "Next"];
/// Placeholders of an empty field.
const EMPTY: &[&str] = &["Type something.", "Type something"];

/// The parts of a form's page besides its choices.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Form {
    /// For each choice, whether its box is ticked; `None` for a choice without a box.
    pub ticks: Vec<Option<bool>>,
    /// The index of the field for free text.
    pub field: Option<usize>,
    /// The text in the field for free text; empty while the field shows a placeholder.
    pub typed: String,
    /// The index of the row to the next page.
    pub next: Option<usize>,
    /// On the last page, the index of the choice to submit the answers.
    pub submit: Option<usize>,
    /// The questions and answers on the last page, without white space.
    pub answers: Vec<(String, String)>,
}

/// A parsed page: the choices, the marked one, and the rest.
pub(super) struct Page {
    pub(super) options: Vec<String>,
    pub(super) selected: Option<usize>,
    pub(super) form: Form,
}

/// A row that the mark can stand on: a choice, or the row to the next page.
#[derive(Default)]
struct Row<'a> {
    marked: bool,
    ticked: Option<bool>,
    text: &'a str,
    is_next: bool,
    /// The lines between this row and the next: the rest of a long text, a description.
    rest: Vec<&'a str>,
    /// The row's first line, as on the screen.
    line: &'a str,
}

/// Parses the lines of a screen, `width` characters wide, as a page of a form.
pub(super) fn read(lines: &[&str], width: usize) -> Option<Page> {
    if lines.iter().any(|line| line.trim() == REVIEW) {
        return review(lines, width);
    }
    let rows = rows(lines);
    let chat = rows.iter().rposition(|row| row.text.trim() == CHAT)?;
    let selected = rows.iter().position(|row| row.marked)?;
    if chat == 0 || chat + 1 != rows.len() {
        return None;
    }
    let next = rows.iter().position(|row| row.is_next);
    let field = next.unwrap_or(chat).checked_sub(1);
    let mut form = Form {
        ticks: rows.iter().map(|row| row.ticked).collect(),
        field,
        next,
        ..Form::default()
    };
    let mut options: Vec<String> = rows.iter().map(|row| row.name(width)).collect();
    if let Some(field) = field {
        let text = rows[field].whole();
        if !EMPTY.contains(&text.as_str()) {
            form.typed.clone_from(&text);
        }
        options[field] = text;
    }
    Some(Page {
        options,
        selected: Some(selected),
        form,
    })
}

impl Row<'_> {
    /// The row's text with its continuation lines, without its description.
    fn name(&self, width: usize) -> String {
        let mut name = without_box(self.text);
        let mut previous = self.line;
        for line in &self.rest {
            if !is_wrapped(previous, line, width) {
                break;
            }
            name.push(' ');
            name.push_str(line.trim());
            previous = line;
        }
        name
    }

    /// The row's text with all lines up to the next row.
    fn whole(&self) -> String {
        let first = without_box(self.text);
        let rest = self.rest.iter().map(|line| line.trim());
        let lines = std::iter::once(first.trim()).chain(rest);
        let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
        lines.join("\n")
    }
}

fn rows<'a>(lines: &[&'a str]) -> Vec<Row<'a>> {
    let mut rows: Vec<Row<'a>> = Vec::new();
    let mut number = None;
    let mut is_open = false;
    for line in lines {
        let has_box = rows.last().is_some_and(|row| row.ticked.is_some());
        if let Some(row) = row(line, number, has_box) {
            if !row.is_next {
                number = number_of(line);
            }
            is_open = true;
            rows.push(row);
        } else if is_edge(line) {
            is_open = false;
        } else if let Some(last) = rows.last_mut().filter(|_| is_open) {
            last.rest.push(line);
        }
    }
    rows
}

/// Parses a line as a row. `before` is the number of the previous row; `has_box` is true if the
/// previous row has a box.
fn row<'a>(line: &'a str, before: Option<u32>, has_box: bool) -> Option<Row<'a>> {
    let (marked, rest) = unmarked(line)?;
    if has_box && NEXT.contains(&rest.trim()) {
        return Some(Row {
            marked,
            text: rest.trim(),
            is_next: true,
            line,
            ..Row::default()
        });
    }
    let number = number_of(line)?;
    if before.is_some_and(|before| before + 1 != number) {
        return None;
    }
    let (_, text) = rest.split_once(". ")?;
    let ticked = match text {
        text if text.starts_with("[✔] ") => Some(true),
        text if text.starts_with("[ ] ") => Some(false),
        _ => None,
    };
    Some(Row {
        marked,
        ticked,
        text,
        line,
        ..Row::default()
    })
}

/// Returns whether a line has the mark in its first column, and the line's text after the mark;
/// `None` for a line that is neither marked nor indented.
fn unmarked(line: &str) -> Option<(bool, &str)> {
    match line.strip_prefix(MARK) {
        Some(rest) => Some((true, rest.trim_start())),
        None if line.starts_with("  ") => Some((false, line.trim_start())),
        None => None,
    }
}

/// Parses a row's number in the third column.
fn number_of(line: &str) -> Option<u32> {
    let mut columns = line.chars();
    let _ = (columns.next(), columns.next());
    let text = columns.as_str();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let is_numbered = digits > 0 && text[digits..].starts_with(". ");
    is_numbered.then(|| text[..digits].parse().ok()).flatten()
}

/// Parses the last page: a question follows `●`, its answer follows `→`, and both may continue over
/// several lines.
fn review(lines: &[&str], width: usize) -> Option<Page> {
    let choices = Choices::find(lines, width)?;
    let submit = choices.options.iter().position(|option| option == SUBMIT)?;
    let mut answers: Vec<(String, String)> = Vec::new();
    let mut is_open = false;
    let mut is_answer = false;
    for line in lines {
        let text = line.trim().trim_start_matches('│').trim();
        if let Some(question) = text.strip_prefix("● ") {
            answers.push((bare(question), String::new()));
            (is_open, is_answer) = (true, false);
        } else if let (Some(answer), Some(last)) = (text.strip_prefix("→ "), answers.last_mut()) {
            last.1.push_str(&bare(answer));
            (is_open, is_answer) = (true, true);
        } else if text.is_empty() {
            is_open = false;
        } else if let Some(last) = answers.last_mut().filter(|_| is_open) {
            let half = if is_answer { &mut last.1 } else { &mut last.0 };
            half.push_str(&bare(text));
        }
    }
    Some(Page {
        form: Form {
            ticks: vec![None; choices.options.len()],
            submit: Some(submit),
            answers,
            ..Form::default()
        },
        selected: Some(choices.selected),
        options: choices.options,
    })
}
