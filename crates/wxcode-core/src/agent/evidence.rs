//! Evidence about an agent: from hooks, its process record, and its screen.

use serde_json::Value;

use super::Report;
use crate::ask::{AskKind, Request};

/// One observation.
#[derive(Debug, Clone, PartialEq)]
pub enum Evidence {
    /// A conversation began, by `SessionStart`.
    SessionStarted,
    /// A prompt was submitted.
    PromptSubmitted,
    /// A tool of the conversation starts: the turn goes on.
    TurnGoesOn,
    /// A compaction begins, within a turn or between two.
    Compacting,
    /// The compaction ended; a turn continues if there was one.
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
    /// The agent reports its status in its terminal; also after Esc, without a hook.
    Reported(Report),
    /// Claude's own record of the process says that no turn runs: without reports the only
    /// evidence after Esc or a refused permission.
    RecordedIdle,
    /// Claude's own record says that it works and waits for nobody, so the question was answered. A
    /// permitted tool has a hook only at its end.
    RecordedBusy,
    /// Whether another process continues the conversation, so that this screen is not its state.
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
    /// Its name in the API.
    pub name: String,
    /// The kind of answer.
    pub kind: DialogKind,
    /// Its choices, top to bottom.
    pub options: Vec<String>,
    /// The choice that Enter would take.
    pub selected: Option<usize>,
    /// Its further content, if it is a page of a form.
    pub form: Option<Form>,
    /// All its text, without white space and without marks.
    pub text: String,
}

/// A page of the form of a question.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Form {
    /// For each choice whether it is ticked; `None` without a box.
    pub ticks: Vec<Option<bool>>,
    /// The choice that is a field for free text.
    pub field: Option<usize>,
    /// The text in that field.
    pub typed: String,
    /// The choice that leads to the next page.
    pub next: Option<usize>,
    /// On the last page, which shows all answers: the choice that hands them in.
    pub submit: Option<usize>,
    /// Questions and answers on the last page, without white space.
    pub answers: Vec<(String, String)>,
}

/// The kind of a dialog.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DialogKind {
    /// A permission for a tool; hooks report it too.
    Permission,
    /// A question of the agent; hooks report it too.
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
