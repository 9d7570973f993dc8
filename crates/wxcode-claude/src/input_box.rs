//! Reads the prompt's input box from the screen: its content, and whether a draft is stashed.
//!
//! Measured on the real CLI:
//! - Ctrl+S stashes the content: text, cursor, shell mode and pastes. The CLI shows "draft stashed"
//!   next to the box as long as it keeps the draft.
//! - The draft returns after the next submitted prompt, also after an unknown command.
//! - A second Ctrl+S on another draft discards the first; on an empty box it brings the draft back.
//! - A placeholder is dim, except for the letter under the cursor.
//! - With a list of commands open, Enter takes the marked entry instead of the text; Esc closes the
//!   list.
//! - Esc on a text shows "esc again to clear" for less than a second; a second Esc in this time
//!   clears the text.

use unicode_normalization::UnicodeNormalization as _;

use crate::{dialog::region::Screen, prompt};

/// Ctrl+S: stashes the draft, or brings a stashed draft back into an empty box.
pub const STASH: &[u8] = b"\x13";
/// Esc: closes the list of commands; pressed twice on a plain text, clears the text.
pub const ESCAPE: &[u8] = b"\x1b";

/// The CLI's words for a stashed draft.
const STASHED: &str = "draft stashed";
/// The CLI's words after the first Esc on a text.
const CLEARING: &str = "esc again to clear";
/// The CLI's words during a turn, while the box is empty.
const WORKING: &str = "esc to interrupt";

/// The column of the box's text, after the mark and a space.
const TEXT_COLUMN: usize = 2;

/// An input box on the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputBox {
    /// The lines without mark, indentation and dim text; none for an empty box.
    lines: Vec<String>,
    /// The box shows the `!` of shell mode.
    shell: bool,
    /// The marked command of the open list; Enter would take it.
    chosen: Option<String>,
    /// A list is open, in the place of the words [`STASHED`].
    list_open: bool,
    /// The CLI keeps a draft.
    stashed: bool,
    /// A second Esc clears the box.
    clearing: bool,
    /// A turn runs.
    working: bool,
}

impl InputBox {
    /// Reads the box from the visible text, the same text without its dim parts (`bright`), and the
    /// cursor's row and column, from 0. Returns `None` if no box takes keys: a dialog, a panel, a
    /// half-drawn screen.
    #[must_use]
    pub fn read(text: &str, bright: &str, cursor: (u16, u16)) -> Option<Self> {
        let screen = Screen::new(text);
        let (top, bottom) = screen.input_box()?;
        let rows = top + 1..bottom;
        let cursor = (usize::from(cursor.0), usize::from(cursor.1));
        if !rows.contains(&cursor.0) {
            return None;
        }
        let cut = |line: &str| line.chars().skip(TEXT_COLUMN).collect::<String>();
        let shown: Vec<String> = screen.lines()[rows.clone()]
            .iter()
            .map(|line| cut(line))
            .collect();
        let mut lines: Vec<String> = bright
            .lines()
            .skip(rows.start)
            .take(rows.len())
            .map(|line| cut(line.trim_end()))
            .collect();
        lines.resize(rows.len(), String::new());
        let at_start = cursor == (rows.start, TEXT_COLUMN);
        let is_placeholder = lines != shown && lines.concat().chars().count() <= 1;
        let is_blank = lines.iter().all(String::is_empty);
        if rows.len() == 1 && at_start && (is_placeholder || is_blank) {
            lines.clear();
        }
        let around: Vec<&str> = screen.lines()[..top]
            .iter()
            .rev()
            .take_while(|line| !line.is_empty())
            .chain(&screen.lines()[bottom + 1..])
            .copied()
            .collect();
        let list: Vec<&str> = around
            .iter()
            .copied()
            .filter(|line| is_entry(line))
            .collect();
        Some(Self {
            lines,
            shell: screen.lines()[rows.start].starts_with('!'),
            chosen: list.iter().find_map(|line| chosen(line)).map(str::to_owned),
            list_open: !list.is_empty(),
            stashed: around.iter().any(|line| line.ends_with(STASHED)),
            clearing: around
                .iter()
                .any(|line| line.to_ascii_lowercase().contains(CLEARING)),
            working: around.iter().any(|line| line.contains(WORKING)),
        })
    }

    /// Whether the box is empty: a paste would stand alone.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty() && !self.shell
    }

    /// The content, after the mark of shell mode.
    #[must_use]
    pub fn text(&self) -> String {
        let mark = if self.shell { "!" } else { "" };
        mark.to_owned() + &self.lines.join("\n")
    }

    /// Whether the CLI reports a running turn; the CLI reports a turn only while the box is empty.
    #[must_use]
    pub const fn is_in_turn(&self) -> bool {
        self.working
    }

    /// Whether the CLI keeps a stashed draft; `None` while an open list hides the answer.
    #[must_use]
    pub fn keeps_draft(&self) -> Option<bool> {
        (self.stashed || !self.list_open).then_some(self.stashed)
    }

    /// Whether a second Esc clears the box.
    #[must_use]
    pub const fn is_clearing(&self) -> bool {
        self.clearing
    }

    /// Whether the box holds exactly the paste of this text. For a text of more than three lines or
    /// 800 characters the box shows a placeholder with the number of line ends.
    #[must_use]
    pub fn shows(&self, text: &str) -> bool {
        if self.is_empty() || self.shell {
            return false;
        }
        let text = prompt::typeable(text);
        let shown = self.lines.concat();
        alike(&text, &shown) || is_pasted(&shown, text.matches('\n').count())
    }

    /// Whether Enter would take a command of the open list other than this text.
    #[must_use]
    pub fn chooses_other(&self, text: &str) -> bool {
        self.chosen
            .as_ref()
            .is_some_and(|chosen| chosen != prompt::typeable(text).trim())
    }
}

/// Whether a line belongs to the list of completions: commands, files or agents.
fn is_entry(line: &str) -> bool {
    let entry = line.strip_prefix("  ❯ ").or(line.strip_prefix("    "));
    entry.is_some_and(|entry| entry.starts_with(['/', '+', '*']))
}

/// The list's marked command.
fn chosen(line: &str) -> Option<&str> {
    let entry = line.strip_prefix("  ❯ ")?;
    entry
        .starts_with('/')
        .then(|| entry.split_whitespace().next())
        .flatten()
}

/// The CLI's placeholder for a long paste with this many line ends.
fn is_pasted(shown: &str, line_ends: usize) -> bool {
    let Some(rest) = shown.trim().strip_prefix("[Pasted text #") else {
        return false;
    };
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let expected = match line_ends {
        0 => "]".to_owned(),
        count => format!(" +{count} lines]"),
    };
    digits > 0 && rest[digits..] == expected
}

/// Whether two texts are equal in their letters, digits and ASCII signs: white space and other
/// signs have several drawn forms. Beyond ASCII, the order of characters may differ: terminals
/// reorder right-to-left scripts.
fn alike(a: &str, b: &str) -> bool {
    // One of them may have lost its only characters beyond ASCII: the prompt drops invisible ones.
    let is_ordered = a.is_ascii() && b.is_ascii();
    let letters = |text: &str| {
        let mut letters: Vec<char> = text
            .nfc()
            .filter(|c| c.is_ascii_graphic() || (!c.is_ascii() && c.is_alphanumeric()))
            .collect();
        if !is_ordered {
            letters.sort_unstable();
        }
        letters
    };
    letters(a) == letters(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EDGE: &str = "────────────────────────────────────────";

    /// Draws a box with these lines, this text above, and the cursor's line and column in the box.
    fn boxed(above: &str, lines: &[&str], bright: &[&str], (row, column): (u16, u16)) -> InputBox {
        let screen = |lines: &[&str]| {
            format!(
                "● an answer\n\n{above}\n{EDGE}\n{}\n{EDGE}\n  fake mode on",
                lines.join("\n")
            )
        };
        let first = screen(&[]).lines().position(|line| line == EDGE).unwrap() as u16 + 1;
        InputBox::read(&screen(lines), &screen(bright), (first + row, column)).unwrap()
    }

    fn plain(lines: &[&str], cursor: (u16, u16)) -> InputBox {
        boxed("", lines, lines, cursor)
    }

    #[test]
    fn dropped_characters_change_no_order() {
        assert!(alike("\u{200b}!touch it", " !touch it"));
        assert!(alike("soft\u{ad}hyphen", "softhyphen"));
        assert!(!alike("touch it", "it touch"));
    }

    #[test]
    fn a_placeholder_is_no_draft() {
        assert!(plain(&["❯"], (0, 2)).is_empty());
        let try_this = "❯ Try \"edit <filepath> to…\"";
        assert!(boxed("", &[try_this], &["❯ T"], (0, 2)).is_empty());
        assert!(boxed("", &[try_this], &["❯"], (0, 2)).is_empty());
        assert!(!boxed("", &[try_this], &[try_this], (0, 2)).is_empty());
        assert!(
            !plain(&["❯ T"], (0, 2)).is_empty(),
            "the cursor at its beginning"
        );
        assert!(!plain(&["❯ T"], (0, 3)).is_empty());
        assert!(!plain(&["❯"], (0, 5)).is_empty(), "three spaces");
        assert!(!plain(&["❯", ""], (1, 2)).is_empty(), "a line end");
        assert!(!plain(&["!"], (0, 2)).is_empty(), "the shell mode");
        assert!(
            !boxed("", &["❯ draft and more"], &["❯ draft"], (0, 7)).is_empty(),
            "with a suggestion after it"
        );
    }

    #[test]
    fn a_cursor_elsewhere_means_no_box() {
        let screen = format!("\n{EDGE}\n❯\n{EDGE}\n  hints");
        assert!(InputBox::read(&screen, &screen, (2, 2)).is_some());
        assert_eq!(InputBox::read(&screen, &screen, (4, 2)), None);
        assert_eq!(InputBox::read("no box", "no box", (0, 0)), None);
    }

    #[test]
    fn a_pasted_text_is_recognised() {
        let lines = plain(&["❯ one", "  two", "", "  three"], (3, 7));
        assert!(lines.shows("one\ntwo\n\nthree") && lines.shows("one two three "));
        assert!(!lines.shows("one\ntwo") && !lines.shows("one two three four"));
        let pasted = plain(&["❯ [Pasted text #12 +3 lines]"], (0, 28));
        assert!(pasted.shows("a\nb\nc\nd") && !pasted.shows("a\nb") && !pasted.shows("a"));
        assert!(plain(&["❯ [Pasted text #2]"], (0, 18)).shows(&"x".repeat(900)));
        assert!(!plain(&["❯ x[Pasted text #2]"], (0, 19)).shows(&"x".repeat(900)));
        assert!(!plain(&["! ls"], (0, 4)).shows("ls"));
        assert!(!plain(&["❯"], (0, 2)).shows(""));
        assert!(plain(&["❯ Ac\u{327}a\u{303}o 漢"], (0, 8)).shows("A\u{e7}\u{e3}o 漢"));
        assert!(!plain(&["❯ Ação"], (0, 6)).shows("Acao"));
        assert!(plain(&["❯ tab    here"], (0, 13)).shows("tab\there"));
    }

    #[test]
    fn a_stashed_draft_is_recognised() {
        let kept = "                    high · draft stashed";
        assert_eq!(
            boxed(kept, &["❯"], &["❯"], (0, 2)).keeps_draft(),
            Some(true)
        );
        assert_eq!(plain(&["❯"], (0, 2)).keeps_draft(), Some(false));
        let list = "  ❯ /model       Switch model\n    /effort      Set";
        let open = boxed(list, &["❯ /mod"], &["❯ /mod"], (0, 6));
        assert_eq!(open.keeps_draft(), None);
        assert!(open.chooses_other("/mod") && !open.chooses_other("/model"));
        let files = "  + .claude/commands/";
        assert!(!boxed(files, &["❯ @.cl"], &["❯ @.cl"], (0, 6)).chooses_other("@.cl"));
        let classic = format!("\n{EDGE}\n❯\n{EDGE}\n  auto mode on      · draft stashed");
        let classic = InputBox::read(&classic, &classic, (2, 2)).unwrap();
        assert_eq!(classic.keeps_draft(), Some(true));
    }

    #[test]
    fn a_running_turn_is_recognised() {
        let screen = format!("\n{EDGE}\n❯\n{EDGE}\n  auto mode on · esc to interrupt");
        let working = InputBox::read(&screen, &screen, (2, 2)).unwrap();
        assert!(working.is_empty() && working.is_in_turn());
        assert!(!plain(&["❯"], (0, 2)).is_in_turn());
    }

    #[test]
    fn the_clear_question_is_recognised() {
        let asks = boxed("    esc again to clear", &["❯ x"], &["❯ x"], (0, 3));
        assert!(asks.is_clearing() && !plain(&["❯ x"], (0, 3)).is_clearing());
    }
}
