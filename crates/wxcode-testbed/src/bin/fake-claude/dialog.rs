//! The dialogs, in the words and the layout of the real dialogs.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Trust,
    AutoOffer,
    Permission,
    /// The first or the second of two simultaneous permissions.
    OneOfTwo(usize),
    Question,
}

/// A dialog on the screen.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dialog {
    pub(crate) kind: Kind,
    pub(crate) selected: usize,
}

impl Dialog {
    pub(crate) const fn new(kind: Kind) -> Self {
        Self { kind, selected: 0 }
    }

    pub(crate) const fn options(self) -> &'static [&'static str] {
        match self.kind {
            Kind::Trust => &["No, exit", "Yes, I trust this folder"],
            Kind::AutoOffer => &[
                "Yes, set auto mode as my default permission mode",
                "No, keep manual mode",
            ],
            Kind::Permission | Kind::OneOfTwo(_) => &["Yes", "No"],
            Kind::Question => &["Red", "Blue", "Type something.", "Chat about this"],
        }
    }

    /// Moves the mark, wrapping around at the ends.
    pub(crate) fn step(&mut self, down: bool) {
        let count = self.options().len();
        self.selected = (self.selected + if down { 1 } else { count - 1 }) % count;
    }

    /// The lines between the border and the bottom of the screen.
    pub(crate) fn lines(self, cwd: &str) -> Vec<String> {
        let (above, indent, numbered, below): (Vec<&str>, &str, bool, &str) = match self.kind {
            Kind::Trust => (
                vec![
                    " Accessing workspace:",
                    "",
                    cwd,
                    "",
                    " Quick safety check: Is this a project you created or one you trust?",
                    "",
                    " Claude Code'll be able to read, edit, and execute files here.",
                    "",
                ],
                " ",
                false,
                " Enter to confirm · Esc to cancel",
            ),
            Kind::AutoOffer => (
                vec![
                    "  Make auto mode your default permission mode?",
                    "",
                    "  Auto mode lets Claude handle permission prompts automatically.",
                    "",
                ],
                "  ",
                false,
                "",
            ),
            Kind::Permission => (
                vec![
                    " Bash command",
                    " Asked for by the test",
                    " echo hi",
                    "",
                    " Do you want to proceed?",
                ],
                " ",
                true,
                " Esc to cancel · Tab to amend",
            ),
            Kind::OneOfTwo(number) => (
                vec![
                    " Bash command",
                    if number == 1 { " 1 of 2" } else { " 2 of 2" },
                    if number == 1 {
                        " echo one"
                    } else {
                        " echo two"
                    },
                    "",
                    " Do you want to proceed?",
                ],
                " ",
                true,
                " Esc to cancel · Tab to amend",
            ),
            Kind::Question => (
                vec![" ☐ Colour", "", "Which colour?", ""],
                "",
                true,
                "Enter to select · ↑/↓ to navigate · Esc to cancel",
            ),
        };
        let option = |(index, text): (usize, &&str)| {
            let mark = if index == self.selected { '❯' } else { ' ' };
            let number = if numbered {
                format!("{}. ", index + 1)
            } else {
                String::new()
            };
            format!("{indent}{mark} {number}{text}")
        };
        let mut lines: Vec<String> = above.into_iter().map(str::to_owned).collect();
        lines.extend(self.options().iter().enumerate().map(option));
        if self.kind == Kind::Question {
            lines.insert(lines.len() - 1, "─".repeat(40));
        }
        lines.extend([String::new(), below.to_owned()]);
        lines
    }
}
