//! Evidence about an agent: from hooks, the process record, and the screen.

use serde_json::Value;

use super::Report;
use crate::ask::{AskKind, Request};

/// An observation.
#[derive(Debug, Clone, PartialEq)]
pub enum Evidence {
    /// A conversation began, by `SessionStart`.
    SessionStarted,
    /// A prompt was submitted.
    PromptSubmitted,
    /// A tool of the conversation starts: the turn continues.
    TurnGoesOn,
    /// A compaction begins, within a turn or between two.
    Compacting,
    /// The compaction ended; an earlier turn continues.
    Compacted,
    /// A tool has run or failed.
    ToolOver {
        /// The calling subagent; `None` for the conversation itself.
        by: Option<String>,
        tool_name: String,
        /// The tool's input.
        tool_input: Value,
    },
    /// The agent asks for permission or asks a question.
    Requested(Request),
    /// The turn is over.
    TurnEnded,
    /// A subagent's turn is over.
    SubagentEnded { by: String },
    /// A notice that the prompt has been idle for long.
    PromptIdle,
    /// The agent reports its status in the terminal; also after Esc, without a hook.
    Reported(Report),
    /// Claude's own record of the process says that no turn runs. Without reports, the record is
    /// the only evidence after Esc or a refused permission.
    RecordedIdle,
    /// Claude's own record says that the agent works and waits for no answer, so the question was
    /// answered. A permitted tool has a hook only at the tool's end.
    RecordedBusy,
    /// Whether another process continues the conversation, so that the screen is not the agent's
    /// state.
    Elsewhere(bool),
    /// Whether the usage limit of the account keeps the agent from going on.
    Limited(bool),
    /// The screen at rest.
    Screen(Look),
    /// The screen, possibly in motion.
    Glimpse(Look),
}

/// The content of a screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// The recognised dialog, if any.
    pub dialog: Option<Dialog>,
    /// Whether bracketed paste is on: the agent's input box is up.
    pub bracketed_paste: bool,
    /// Whether the input box shows; never together with a dialog.
    pub prompt: bool,
    /// The output offset of the screen, in bytes.
    pub offset: u64,
}

/// A dialog on the screen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dialog {
    /// The name in the API.
    pub name: String,
    /// The kind of answer.
    pub kind: DialogKind,
    /// The choices, top to bottom.
    pub options: Vec<String>,
    /// The choice under the mark; Enter takes this choice.
    pub selected: Option<usize>,
    /// The further content of a page of a form.
    pub form: Option<Form>,
    /// The whole text, without white space and without marks.
    pub text: String,
}

/// A page of the form of a question.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Form {
    /// For each choice whether its box is ticked; `None` without a box.
    pub ticks: Vec<Option<bool>>,
    /// The choice with a field for free text.
    pub field: Option<usize>,
    /// The text in the field.
    pub typed: String,
    /// The choice that leads to the next page.
    pub next: Option<usize>,
    /// On the last page, with all answers: the choice for submitting the answers.
    pub submit: Option<usize>,
    /// Questions and answers on the last page, without white space.
    pub answers: Vec<(String, String)>,
}

/// The kind of a dialog.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DialogKind {
    /// A permission for a tool; hooks report permissions too.
    Permission,
    /// A question of the agent; hooks report questions too.
    Question,
    /// A decision without a hook: trust, login, an offer.
    #[default]
    Blocking,
}

impl DialogKind {
    /// The kind of question for the API.
    #[must_use]
    pub const fn ask(self) -> AskKind {
        match self {
            Self::Permission => AskKind::Permission,
            Self::Question => AskKind::Question,
            Self::Blocking => AskKind::Dialog,
        }
    }
}
