//! The agent's screen.

use std::{
    collections::VecDeque,
    io::{self, Write as _},
};

use rustix::termios::{self, OptionalActions, QueueSelector, Termios};

use crate::dialog::Dialog;

/// Most lines and characters of a prompt shown unchanged.
const BARE_MAX: (usize, usize) = (3, 800);

/// Stored lines of the conversation.
const LINES_MAX: usize = 1000;

/// The default width and height.
const DEFAULT_SIZE: (usize, usize) = (80, 24);

/// Full screen, mouse and focus reports, bracketed paste; then the real agent's queries.
const ENTER: &[u8] = b"\x1b[?1049h\x1b[?1000h\x1b[?1006h\x1b[?1004h\x1b[?2004h\x1b]0;fake-claude\x07\x1b[>0q\x1b[?2026$p\x1b[c";
const LEAVE: &[u8] = b"\x1b[?2004l\x1b[?1004l\x1b[?1006l\x1b[?1000l\x1b[?25h\x1b[?1049l";

/// The terminal, raw while this exists.
#[derive(Debug)]
pub(crate) struct Screen {
    before: Option<Termios>,
    log: VecDeque<String>,
}

impl Screen {
    /// Makes the terminal raw and full-screen.
    pub(crate) fn enter() -> io::Result<Self> {
        let stdin = io::stdin();
        let before = termios::tcgetattr(&stdin).ok();
        if let Some(before) = &before {
            let mut raw = before.clone();
            raw.make_raw();
            termios::tcsetattr(&stdin, OptionalActions::Now, &raw)?;
        }
        put(ENTER)?;
        Ok(Self {
            before,
            log: VecDeque::new(),
        })
    }

    /// Drops unread input.
    pub(crate) fn discard_input(&self) {
        let _ = termios::tcflush(io::stdin(), QueueSelector::IFlush);
    }

    /// Adds lines to the conversation.
    pub(crate) fn say(&mut self, text: &str) {
        self.log.extend(text.lines().map(str::to_owned));
        self.log.push_back(String::new());
        let excess = self.log.len().saturating_sub(LINES_MAX);
        self.log.drain(..excess);
    }

    /// Empties the conversation.
    pub(crate) fn clear(&mut self) {
        self.log.clear();
    }

    /// Draws the prompt.
    pub(crate) fn draw_prompt(&self, input: &InputBox<'_>) -> io::Result<()> {
        let (columns, _) = size();
        let rule = "─".repeat(columns);
        let mut bottom = Vec::new();
        let said = [
            ("esc again to clear", input.clearing),
            ("draft stashed", input.stashed),
        ];
        let said: Vec<&str> = said
            .iter()
            .filter(|said| said.1)
            .map(|said| said.0)
            .collect();
        if !said.is_empty() {
            bottom.push(format!("{:>width$}", said.join(" · "), width = columns - 1));
        }
        bottom.push(rule.clone());
        let lines = input.lines(columns);
        let width = lines.last().map_or(0, |line| line.chars().count());
        bottom.extend(lines.into_iter().enumerate().map(|(row, line)| {
            let mark = if row == 0 { "❯" } else { " " };
            format!("{mark} {line}")
        }));
        let cursor = (bottom.len() - 1, 2 + width);
        if input.text.is_empty() && input.placeholder {
            let suggestion = "❯ \x1b[7mT\x1b[0;2mry \"something\"\x1b[0m";
            bottom.pop();
            bottom.push(suggestion.to_owned());
        }
        bottom.push(rule);
        bottom.push(if input.working {
            "  esc to interrupt".to_owned()
        } else {
            "  fake mode on".to_owned()
        });
        self.draw(&bottom, Some(cursor))
    }

    /// Draws a dialog in place of the prompt.
    pub(crate) fn draw_dialog(&self, dialog: Dialog, cwd: &str) -> io::Result<()> {
        let mut bottom = vec!["─".repeat(size().0)];
        bottom.extend(dialog.lines(cwd));
        self.draw(&bottom, None)
    }

    /// Draws the conversation without a prompt.
    pub(crate) fn draw_log(&self) -> io::Result<()> {
        self.draw(&[], None)
    }

    fn draw(&self, bottom: &[String], cursor: Option<(usize, usize)>) -> io::Result<()> {
        let (columns, rows) = size();
        let room = rows.saturating_sub(bottom.len());
        let log: Vec<&String> = self
            .log
            .iter()
            .skip(self.log.len().saturating_sub(room))
            .collect();
        let padding = room - log.len();
        let mut frame = String::from("\x1b[?2026h\x1b[?25l\x1b[H");
        let blank = String::new();
        let lines = log
            .into_iter()
            .chain(std::iter::repeat_n(&blank, padding))
            .chain(bottom)
            .take(rows);
        for (row, line) in lines.enumerate() {
            let line: String = line.chars().take(columns).collect();
            frame.push_str(&format!("\x1b[{};1H\x1b[2K{line}", row + 1));
        }
        if let Some((row, column)) = cursor {
            frame.push_str(&format!("\x1b[{};{}H\x1b[?25h", room + row + 1, column + 1));
        }
        frame.push_str("\x1b[?2026l");
        put(frame.as_bytes())
    }

    /// Prints bytes unchanged.
    pub(crate) fn print(&self, bytes: &[u8]) -> io::Result<()> {
        put(bytes)
    }

    /// Prints exactly `count` bytes: numbered lines of 64 bytes, with the last line cut.
    pub(crate) fn flood(&self, count: usize) -> io::Result<()> {
        let mut left = count;
        let mut output = io::BufWriter::new(io::stdout().lock());
        for number in 0.. {
            let line = format!("{number:<62}\r\n");
            let part = &line.as_bytes()[..left.min(line.len())];
            output.write_all(part)?;
            left -= part.len();
            if left == 0 {
                break;
            }
        }
        output.flush()
    }
}

/// The visible state of the prompt.
pub(crate) struct InputBox<'a> {
    pub(crate) text: &'a str,
    /// Whether an empty prompt shows a suggestion.
    pub(crate) placeholder: bool,
    /// Whether a draft is stashed.
    pub(crate) stashed: bool,
    /// Whether Esc was pressed once.
    pub(crate) clearing: bool,
    pub(crate) working: bool,
}

impl InputBox<'_> {
    /// The prompt's lines at this width; a long paste is shortened to a placeholder.
    fn lines(&self, columns: usize) -> Vec<String> {
        let line_ends = self.text.matches('\n').count();
        let long = self.text.chars().count() > BARE_MAX.1;
        if line_ends >= BARE_MAX.0 || long {
            return vec![match line_ends {
                0 => "[Pasted text #1]".to_owned(),
                _ => format!("[Pasted text #1 +{line_ends} lines]"),
            }];
        }
        let room = columns.saturating_sub(3).max(1);
        let wrapped = self.text.split('\n').flat_map(|line| {
            let line: Vec<char> = line.chars().collect();
            let pieces: Vec<String> = line
                .chunks(room)
                .map(|piece| piece.iter().collect())
                .collect();
            if pieces.is_empty() {
                vec![String::new()]
            } else {
                pieces
            }
        });
        wrapped.collect()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = put(LEAVE);
        if let Some(before) = &self.before {
            let _ = termios::tcsetattr(io::stdin(), OptionalActions::Now, before);
        }
    }
}

fn size() -> (usize, usize) {
    match termios::tcgetwinsize(io::stdout()) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => (size.ws_col.into(), size.ws_row.into()),
        _ => DEFAULT_SIZE,
    }
}

fn put(bytes: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes)?;
    stdout.flush()
}
