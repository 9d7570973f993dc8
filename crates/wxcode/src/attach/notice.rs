//! wxcode's own message over the last rows of the screen, until a key, a timeout, or the end of its
//! cause.

use std::time::{Duration, Instant};

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};
use wxcode_terminal::Size;

/// How long a notice stays, unless a key comes first.
const TOLD_FOR: Duration = Duration::from_secs(5);

/// Most rows of the window under a notice.
const ROWS_MAX: usize = 3;
/// Most stored characters of a text: more than three rows of most windows.
const TEXT_MAX: usize = 600;

/// The current notices.
#[derive(Debug, Default)]
pub(crate) struct Notice {
    /// Shown until its cause ends.
    held: Option<String>,
    /// Shown until this instant, or a key.
    passing: Option<(String, Instant)>,
}

impl Notice {
    /// Shows a text for a moment.
    pub(crate) fn say(&mut self, text: &str, now: Instant) {
        self.passing = Some((cut(text), now + TOLD_FOR));
    }

    /// Shows a text until it is [released](Self::release).
    pub(crate) fn hold(&mut self, text: &str) {
        self.passing = None;
        self.held = Some(cut(text));
    }

    /// Ends the held text.
    pub(crate) fn release(&mut self) {
        self.held = None;
    }

    /// A key shows that the user has read the notice.
    pub(crate) fn dismiss(&mut self) {
        self.passing = None;
    }

    /// The instant of the next change without an event.
    pub(crate) fn until(&self) -> Option<Instant> {
        self.passing.as_ref().map(|(_, until)| *until)
    }

    /// The current text.
    pub(crate) fn text(&mut self, now: Instant) -> Option<&str> {
        self.passing.take_if(|(_, until)| *until <= now);
        let passing = self.passing.as_ref().map(|(text, _)| text.as_str());
        passing.or(self.held.as_deref())
    }
}

fn cut(text: &str) -> String {
    text.chars().take(TEXT_MAX).collect()
}

/// The bytes that write a text over the last rows of a window and keep cursor and pen.
pub(crate) fn draw(text: &str, window: Size) -> Vec<u8> {
    let cols = usize::from(window.cols);
    let most = ROWS_MAX.min(usize::from(window.rows));
    let mut lines = wrap(text, cols);
    lines.truncate(most);
    let first = usize::from(window.rows) + 1 - lines.len();
    let mut out = String::from("\x1b7\x1b[0;7m");
    for (row, line) in (first..).zip(lines) {
        let blank = " ".repeat(cols.saturating_sub(line.width()));
        out.push_str(&format!("\x1b[{row};1H{line}{blank}"));
    }
    out.push_str("\x1b[0m\x1b8");
    out.into_bytes()
}

/// The lines of a text, broken between words where possible, each after a blank.
fn wrap(text: &str, cols: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        // Foreign texts must not move the cursor.
        let word: String = word.chars().filter(|c| !c.is_control()).collect();
        let fits = |line: &String| line.width() + 1 + word.width() <= cols;
        if !lines
            .last()
            .is_some_and(|line| line.is_empty() || fits(line))
        {
            lines.push(String::new());
        }
        for c in std::iter::once(' ').chain(word.chars()) {
            let wide = c.width().unwrap_or(0);
            if lines.last().is_some_and(|line| line.width() + wide > cols) {
                lines.push(String::new());
            }
            if let Some(line) = lines.last_mut().filter(|line| line.width() + wide <= cols) {
                line.push(c);
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use wxcode_terminal::{Screen, Terminal};

    use super::*;

    #[test]
    fn a_passing_notice_covers_a_held_one() {
        let now = Instant::now();
        let mut notice = Notice::default();
        assert_eq!(notice.text(now), None);
        notice.hold("away");
        notice.say("hint", now);
        assert_eq!(notice.text(now), Some("hint"));
        assert_eq!(notice.until(), Some(now + TOLD_FOR));
        assert_eq!(notice.text(now + TOLD_FOR), Some("away"));
        assert_eq!(notice.until(), None);
        notice.say("hint", now);
        notice.dismiss();
        assert_eq!(notice.text(now), Some("away"));
        notice.release();
        assert_eq!(notice.text(now), None);
    }

    fn drawn(text: &str, cols: u16) -> String {
        let size = Size::new(cols, 4).unwrap();
        let mut terminal = Terminal::new(size);
        let mut replies = Vec::new();
        terminal.feed(b"one\r\ntwo\r\nthree\r\nfour\x1b[1;2H", &mut replies);
        terminal.feed(&draw(text, size), &mut replies);
        assert_eq!(terminal.cursor(), (0, 1));
        terminal.feed(b"X", &mut replies);
        terminal.text()
    }

    #[test]
    fn a_notice_covers_only_its_cells() {
        assert_eq!(drawn("Ctrl+]", 12), "oXe\ntwo\nthree\n Ctrl+]");
        assert_eq!(drawn("Ctrl+] leaves", 12), "oXe\ntwo\n Ctrl+]\n leaves");
        assert_eq!(drawn("12345678901", 12), "oXe\ntwo\nthree\n 12345678901");
        assert_eq!(drawn("a b c d e f g h", 5), "oXe\n a b\n c d\n e f");
    }

    #[test]
    fn foreign_texts_cannot_break_out() {
        let text = "漢字漢字漢字 \x1b[2J\x1b[1;1H\r\n\u{9b}2J more";
        assert_eq!(drawn(text, 12), "oXe\n 漢字漢字漢\n字 [2J[1;1H\n 2J more");
        for cols in 1..20 {
            drawn(text, cols);
        }
    }
}
