//! The line of wxcode's own over the screen: its last row, until a key, a moment later, or the occasion is over.

use std::time::{Duration, Instant};

use unicode_width::UnicodeWidthChar;
use wxcode_terminal::Size;

/// How long something is told, unless a key comes first.
const TOLD_FOR: Duration = Duration::from_secs(5);

/// What is told now.
#[derive(Debug, Default)]
pub(crate) struct Notice {
    /// Told until it is over.
    held: Option<String>,
    /// Told until then, or a key.
    passing: Option<(String, Instant)>,
}

impl Notice {
    /// Tells something for a moment.
    pub(crate) fn say(&mut self, text: String, now: Instant) {
        self.passing = Some((text, now + TOLD_FOR));
    }

    /// Tells something until it is [released](Self::release).
    pub(crate) fn hold(&mut self, text: String) {
        self.passing = None;
        self.held = Some(text);
    }

    /// What was held is over.
    pub(crate) fn release(&mut self) {
        self.held = None;
    }

    /// A key was typed: it was read.
    pub(crate) fn dismiss(&mut self) {
        self.passing = None;
    }

    /// When what is told changes by itself.
    pub(crate) fn until(&self) -> Option<Instant> {
        self.passing.as_ref().map(|(_, until)| *until)
    }

    /// What is told now.
    pub(crate) fn text(&mut self, now: Instant) -> Option<&str> {
        self.passing.take_if(|(_, until)| *until <= now);
        let passing = self.passing.as_ref().map(|(text, _)| text.as_str());
        passing.or(self.held.as_deref())
    }
}

/// What writes a text over the last row of a window, leaving cursor and pen as they were.
pub(crate) fn draw(text: &str, window: Size) -> Vec<u8> {
    let cols = usize::from(window.cols);
    let mut line = String::from(" ");
    let mut width = 1;
    for c in text.chars() {
        // The texts of others are not trusted to move the cursor.
        let Some(wide) = c.width().filter(|_| !c.is_control()) else {
            continue;
        };
        if width + wide > cols {
            break;
        }
        line.push(c);
        width += wide;
    }
    let blank = " ".repeat(cols.saturating_sub(width));
    let row = window.rows;
    format!("\x1b7\x1b[{row};1H\x1b[0;7m{line}{blank}\x1b[0m\x1b8").into_bytes()
}

#[cfg(test)]
mod tests {
    use wxcode_terminal::{Screen, Terminal};

    use super::*;

    #[test]
    fn what_passes_goes_over_what_is_held() {
        let now = Instant::now();
        let mut notice = Notice::default();
        assert_eq!(notice.text(now), None);
        notice.hold("away".to_owned());
        notice.say("hint".to_owned(), now);
        assert_eq!(notice.text(now), Some("hint"));
        assert_eq!(notice.until(), Some(now + TOLD_FOR));
        assert_eq!(notice.text(now + TOLD_FOR), Some("away"));
        assert_eq!(notice.until(), None);
        notice.say("hint".to_owned(), now);
        notice.dismiss();
        assert_eq!(notice.text(now), Some("away"));
        notice.release();
        assert_eq!(notice.text(now), None);
    }

    #[test]
    fn it_fills_the_last_row_and_no_other_cell() {
        let size = Size::new(12, 3).unwrap();
        let mut terminal = Terminal::new(size);
        let mut replies = Vec::new();
        terminal.feed(b"one\r\ntwo\r\nthree three\x1b[1;2H", &mut replies);
        terminal.feed(&draw("漢字 and\x1b[2J\r\n more", size), &mut replies);
        assert_eq!(terminal.text(), "one\ntwo\n 漢字 and[2J");
        assert_eq!(terminal.cursor(), (0, 1));
        terminal.feed(b"X", &mut replies);
        assert_eq!(terminal.text(), "oXe\ntwo\n 漢字 and[2J");
    }
}
