//! Draws the user's window: at once when the session is quiet, paced under load.

use std::time::{Duration, Instant};

use wxcode_terminal::{Size, Terminal, View};

use super::notice::{self, Notice};

/// The interval between two drawings under load: about 60 a second.
pub(crate) const PACE: Duration = Duration::from_millis(16);
/// How long a synchronized update of the agent may delay a drawing.
const SYNCHRONIZED_MAX: Duration = Duration::from_millis(150);

/// The drawing of one window.
#[derive(Debug)]
pub(crate) struct Painting {
    view: View,
    window: Size,
    pub(crate) notice: Notice,
    /// Whether the window shows the session, not the shell.
    is_entered: bool,
    /// The notice in the last drawing.
    told: Option<String>,
    /// Sequences for the terminal itself, for the next drawing.
    passed: Vec<u8>,
    /// The instant of the last drawing.
    drawn: Option<Instant>,
    /// The instant of the first undrawn change.
    changed: Option<Instant>,
}

impl Painting {
    pub(crate) fn new(window: Size) -> Self {
        Self {
            view: View::new(window),
            window,
            notice: Notice::default(),
            is_entered: false,
            told: None,
            passed: Vec::new(),
            drawn: None,
            changed: None,
        }
    }

    /// The window has another size, or lost its content.
    pub(crate) fn resize(&mut self, window: Size, now: Instant) {
        self.view.resize(window);
        self.window = window;
        self.changed(now);
    }

    /// The terminal was given back: the next drawing begins anew.
    pub(crate) fn enter_again(&mut self, now: Instant) {
        self.view = View::new(self.window);
        self.is_entered = false;
        self.told = None;
        self.changed(now);
    }

    /// Writes a sequence to the terminal with the next drawing; a newer one replaces it.
    pub(crate) fn pass_on(&mut self, sequence: Vec<u8>, now: Instant) {
        self.passed = sequence;
        self.changed(now);
    }

    /// The session's screen changed.
    pub(crate) fn changed(&mut self, now: Instant) {
        self.changed.get_or_insert(now);
    }

    /// The instant of the next drawing, where it is known.
    pub(crate) fn due(&mut self, synchronized: bool, now: Instant) -> Option<Instant> {
        if self.notice.text(now) != self.told.as_deref() {
            self.changed(now);
        }
        let paced = self.changed.map(|since| {
            let held = if synchronized {
                since + SYNCHRONIZED_MAX
            } else {
                since
            };
            self.drawn.map_or(held, |drawn| held.max(drawn + PACE))
        });
        paced.into_iter().chain(self.notice.until()).min()
    }

    /// The bytes of the next drawing; `None` before the first screen.
    pub(crate) fn draw(&mut self, screen: Option<&Terminal>, now: Instant) -> Vec<u8> {
        self.changed = None;
        self.drawn = Some(now);
        let text = self.notice.text(now).map(str::to_owned);
        if self.told.is_some() && self.told != text {
            // Redraws the rows under an old notice.
            self.view.resize(self.window);
        }
        let mut bytes = Vec::new();
        if let Some(screen) = screen {
            bytes = self.view.paint(screen);
            self.is_entered = true;
            bytes.append(&mut self.passed);
        }
        // Before the first screen there is no place for a notice.
        if let Some(text) = text.as_deref().filter(|_| self.is_entered) {
            bytes.extend(notice::draw(text, self.window));
        }
        self.told = text;
        bytes
    }

    /// The bytes that restore the window.
    pub(crate) fn leave(&self) -> Vec<u8> {
        self.view.leave()
    }
}

#[cfg(test)]
mod tests {
    use wxcode_terminal::Screen;

    use super::*;

    fn size() -> Size {
        Size::new(40, 4).unwrap()
    }

    fn screen(bytes: &[u8]) -> Terminal {
        let mut terminal = Terminal::new(size());
        terminal.feed(bytes, &mut Vec::new());
        terminal
    }

    #[test]
    fn drawing_is_immediate_or_paced() {
        let start = Instant::now();
        let mut painting = Painting::new(size());
        assert_eq!(painting.due(false, start), None);
        painting.changed(start);
        assert_eq!(painting.due(false, start), Some(start));
        painting.draw(None, start);
        assert_eq!(painting.due(false, start), None);
        let soon = start + Duration::from_millis(3);
        painting.changed(soon);
        assert_eq!(painting.due(false, soon), Some(start + PACE));
        painting.draw(None, start + PACE);
        let later = start + Duration::from_secs(1);
        painting.changed(later);
        assert_eq!(painting.due(false, later), Some(later));
    }

    #[test]
    fn a_synchronized_update_delays_drawing_briefly() {
        let start = Instant::now();
        let mut painting = Painting::new(size());
        painting.changed(start);
        let last = start + SYNCHRONIZED_MAX;
        assert_eq!(painting.due(true, start), Some(last));
        painting.changed(start + SYNCHRONIZED_MAX / 2);
        assert_eq!(painting.due(true, start), Some(last));
        assert_eq!(painting.due(false, start), Some(start));
    }

    #[test]
    fn rows_under_a_notice_come_back() {
        let now = Instant::now();
        let screen = screen(b"1\r\n2\r\n3\r\n\x1b[32mfour\x1b[m rows\x1b[2;2H");
        let mut user = Terminal::new(size());
        let mut painting = Painting::new(size());
        painting.notice.say("Ctrl+] leaves", now);
        let due = painting.due(false, now);
        assert_eq!(due, Some(now));
        user.feed(&painting.draw(Some(&screen), now), &mut Vec::new());
        assert_eq!(user.text(), "1\n2\n3\n Ctrl+] leaves");
        assert_eq!(user.cursor(), (1, 1));
        let over = painting.due(false, now).unwrap();
        user.feed(&painting.draw(Some(&screen), over), &mut Vec::new());
        assert_eq!(user.text(), "1\n2\n3\nfour rows");
        assert_eq!(user.cursor(), (1, 1));
        assert_eq!(painting.due(false, over), None);
        // Also when a shorter notice replaces it.
        painting.notice.say(&"long ".repeat(10), over);
        user.feed(&painting.draw(Some(&screen), over), &mut Vec::new());
        assert!(user.text().starts_with("1\n2\n long long"));
        painting.notice.say("short", over);
        user.feed(&painting.draw(Some(&screen), over), &mut Vec::new());
        assert_eq!(user.text(), "1\n2\n3\n short");
        painting.notice.dismiss();
        // Also when the screen changes without a notice in between, or the window loses everything.
        painting.notice.hold("away");
        user.feed(&painting.draw(Some(&screen), over), &mut Vec::new());
        painting.notice.release();
        painting.resize(size(), over);
        user.feed(b"\x1b[2J", &mut Vec::new());
        user.feed(&painting.draw(Some(&screen), over), &mut Vec::new());
        assert_eq!(user.text(), "1\n2\n3\nfour rows");
        user.feed(&painting.leave(), &mut Vec::new());
        assert_eq!(user.text().trim(), "");
        assert!(!user.modes().alternate_screen);
    }
}
