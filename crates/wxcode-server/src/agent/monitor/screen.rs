//! Screen probe: decides when to read the agent's screen (after each burst of output, and after a
//! hook without output), and reads the screen.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    time::Duration,
};

use tokio::time::Instant;
use wxcode_claude::{dialog, input_box::InputBox};
use wxcode_core::{
    agent::{Dialog, DialogKind, Form, Look},
    delivery::machine::{Kept, Prompt, Seen},
};
use wxcode_terminal::{Screen as _, Size, Terminal};

/// Time without output before the screen counts as resting, when the holder did not report a rest.
const STILL: Duration = Duration::from_millis(300);

/// Requested screens and their purposes.
#[derive(Debug, Default)]
pub(in crate::agent) struct ScreenProbe {
    next_id: u64,
    /// The screen requested after the holder's report of a quiet screen.
    at_rest: Option<u64>,
    /// The screen requested for finding out whether the screen rests.
    probe: Option<u64>,
    /// The time of the next probe.
    probe_at: Option<Instant>,
    /// The offset of the last probe.
    seen: Option<u64>,
}

impl ScreenProbe {
    /// The holder reports a resting screen; returns the id of the screen to request.
    pub(in crate::agent) fn rested(&mut self) -> u64 {
        self.probe_at = None;
        self.seen = None;
        let id = self.id();
        self.at_rest = Some(id);
        id
    }

    /// A hook came: earlier screens no longer count.
    pub(in crate::agent) fn restart(&mut self, now: Instant) {
        self.seen = None;
        self.probe_at.get_or_insert(now + STILL);
    }

    /// A key was pressed: earlier requested screens are void.
    pub(in crate::agent) fn invalidate(&mut self, now: Instant) {
        self.at_rest = None;
        self.probe = None;
        self.seen = None;
        self.probe_at = Some(now + STILL);
    }

    /// No reader needs a resting screen any longer.
    pub(in crate::agent) fn cancel(&mut self) {
        self.probe_at = None;
        self.seen = None;
    }

    /// The id of the next due probe.
    pub(in crate::agent) fn take_due(&mut self, now: Instant) -> Option<u64> {
        if self.probe_at.is_none_or(|at| now < at) {
            return None;
        }
        self.probe_at = None;
        let id = self.id();
        self.probe = Some(id);
        Some(id)
    }

    /// The time of the next [`Self::take_due`].
    pub(in crate::agent) const fn deadline(&self) -> Option<Instant> {
        self.probe_at
    }

    /// A screen arrived; returns whether it rests.
    pub(in crate::agent) fn is_at_rest(&mut self, id: u64, offset: u64, now: Instant) -> bool {
        if self.at_rest == Some(id) {
            self.at_rest = None;
            return true;
        }
        if self.probe != Some(id) {
            return false;
        }
        self.probe = None;
        if self.seen.replace(offset) == Some(offset) {
            self.seen = None;
            return true;
        }
        self.probe_at = Some(now + STILL);
        false
    }

    fn id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }
}

/// Reads the screen that the agent drew with its first `offset` bytes.
pub(in crate::agent) fn read(text: &str, bracketed_paste: bool, offset: u64) -> Look {
    let dialog = dialog::recognize(text).map(|found| Dialog {
        name: found.name.as_str().to_owned(),
        kind: match found.name {
            dialog::DialogName::Permission => DialogKind::Permission,
            dialog::DialogName::Question => DialogKind::Question,
            _ => DialogKind::Blocking,
        },
        options: found.options,
        selected: found.selected,
        form: found.form.map(form),
        text: found.text,
    });
    Look {
        prompt: dialog.is_none() && dialog::prompt_visible(text),
        dialog,
        bracketed_paste,
        offset,
    }
}

fn form(page: dialog::Form) -> Form {
    let dialog::Form {
        ticks,
        field,
        typed,
        next,
        submit,
        answers,
    } = page;
    Form {
        ticks,
        field,
        typed,
        next,
        submit,
        answers,
    }
}

/// Reads the prompt of a screen for a delivery of `text`. Placeholders differ from drafts only in
/// the snapshot, so the function takes both text and snapshot.
pub(in crate::agent) fn prompt(screen: &str, snapshot: &[u8], size: Size, text: &str) -> Seen {
    let mut terminal = Terminal::new(size);
    terminal.feed(snapshot, &mut Vec::new());
    let found = match dialog::recognize(screen) {
        Some(_) => None,
        None => InputBox::read(screen, &terminal.text_without_dim(), terminal.cursor()),
    };
    let Some(found) = found else {
        return Seen {
            prompt: Prompt::Nothing,
            kept: Kept::Hidden,
        };
    };
    let kept = match found.keeps_draft() {
        Some(true) => Kept::Yes,
        Some(false) => Kept::No,
        None => Kept::Hidden,
    };
    let prompt = if found.is_empty() && found.is_in_turn() {
        Prompt::Turn
    } else if found.is_empty() {
        Prompt::Empty
    } else if found.shows(text) {
        Prompt::Text {
            offers_other: found.chooses_other(text),
            asks_to_clear: found.is_clearing(),
        }
    } else {
        let mut hasher = DefaultHasher::new();
        found.text().hash(&mut hasher);
        Prompt::Draft {
            mark: hasher.finish(),
        }
    };
    Seen { prompt, kept }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn still_screen_is_at_rest() {
        let mut screen_probe = ScreenProbe::default();
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        screen_probe.restart(start);
        assert_eq!(screen_probe.take_due(at(299)), None);
        let first = screen_probe.take_due(at(300)).unwrap();
        assert!(
            !screen_probe.is_at_rest(first, 10, at(301)),
            "one look says nothing"
        );
        let second = screen_probe.take_due(at(601)).unwrap();
        assert!(!screen_probe.is_at_rest(second, 20, at(602)), "it moved");
        let third = screen_probe.take_due(at(902)).unwrap();
        assert!(screen_probe.is_at_rest(third, 20, at(903)));
        assert_eq!(screen_probe.deadline(), None, "nothing more to find out");
    }

    #[test]
    fn quiet_report_needs_one_screen() {
        let mut screen_probe = ScreenProbe::default();
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        screen_probe.restart(start);
        let id = screen_probe.rested();
        assert_eq!(screen_probe.deadline(), None);
        assert!(screen_probe.is_at_rest(id, 10, at(5)));
        assert!(
            !screen_probe.is_at_rest(id, 10, at(6)),
            "each look answers once"
        );
    }

    #[test]
    fn prompt_is_read_from_a_snapshot() {
        let size = Size::new(60, 8).unwrap();
        let seen = |drawn: &str, hints: &str| {
            let edge = "─".repeat(60);
            let mut terminal = Terminal::new(size);
            let screen =
                format!("\r\n{hints}\r\n{edge}\r\n❯ \x1b7{drawn}\x1b8\r\n{edge}\r\n  hints\x1b8");
            terminal.feed(screen.as_bytes(), &mut Vec::new());
            prompt(&terminal.text(), &terminal.snapshot(), size, "the command")
        };
        let (empty, kept) = (Prompt::Empty, Kept::No);
        assert_eq!(
            seen("", ""),
            Seen {
                prompt: empty,
                kept
            }
        );
        let suggestion = "\x1b[7mT\x1b[0;2mry this\x1b[m";
        assert_eq!(seen(suggestion, "").prompt, empty);
        let text = Prompt::Text {
            offers_other: false,
            asks_to_clear: false,
        };
        assert_eq!(seen("the command", "").prompt, text);
        let draft = |drawn| match seen(drawn, "").prompt {
            Prompt::Draft { mark } => mark,
            other => panic!("{other:?}"),
        };
        assert_ne!(draft("Try this"), draft("the command x"));
        assert_eq!(seen("", "    draft stashed").kept, Kept::Yes);
        let none = prompt("no box", b"no box", size, "x");
        assert_eq!(none.prompt, Prompt::Nothing);
    }
}
