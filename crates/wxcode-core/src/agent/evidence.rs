//! What can be observed of an agent: what its hooks and its record say, and what its screen shows.

use serde_json::Value;

use crate::ask::{AskKind, Request};

/// What was observed of the agent.
#[derive(Debug, Clone, PartialEq)]
pub enum Evidence {
    /// A conversation began, by `SessionStart`.
    SessionStarted,
    /// A prompt was submitted.
    PromptSubmitted,
    /// A tool of the conversation starts: the turn goes on.
    TurnGoesOn,
    /// The conversation is being compacted, in a turn or because the user asked for it between two.
    Compacting,
    /// It is compacted; a turn goes on if there was one.
    Compacted,
    /// A tool has run or failed.
    ToolOver {
        /// The subagent that called it; `None` for the conversation itself.
        by: Option<String>,
        /// The tool.
        tool_name: String,
        /// What it was called with.
        tool_input: Value,
    },
    /// Leave to use a tool is asked for, or a question is asked.
    Requested(Request),
    /// The turn is over.
    TurnEnded,
    /// A subagent's turn is over.
    SubagentEnded {
        /// The subagent.
        by: String,
    },
    /// It was told that the prompt has been idle for long.
    PromptIdle,
    /// Claude's own record of the process says that no turn runs: the only evidence of a turn
    /// that the user broke off with Esc, or whose permission was refused.
    RecordedIdle,
    /// Claude's own record says that it works and waits for nobody: what was asked was answered. A tool that
    /// was allowed to run tells of it only when it has run.
    RecordedBusy,
    /// Whether another process goes on with the conversation, so that what this one shows is not the conversation's state.
    Elsewhere(bool),
    /// The screen after it came to rest.
    Screen(Look),
    /// The screen while it may be moving.
    Glimpse(Look),
}

/// What a screen shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// The dialog on it, if one was recognised.
    pub dialog: Option<Dialog>,
    /// Whether the terminal takes bracketed paste: the agent's input box is up.
    pub bracketed_paste: bool,
    /// Whether the input box is on it, which is never beside a dialog.
    pub prompt: bool,
    /// How much the agent had written by then, in bytes.
    pub offset: u64,
}

/// A dialog on the screen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dialog {
    /// Its name in the API.
    pub name: String,
    /// What kind of answer it waits for.
    pub kind: DialogKind,
    /// Its choices, top to bottom.
    pub options: Vec<String>,
    /// The choice that Enter would take.
    pub selected: Option<usize>,
    /// What is more on it, where it is a page of a form.
    pub form: Option<Form>,
    /// All its text, without white space and without what marks a choice.
    pub text: String,
}

/// A page of the form that a question of the agent is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Form {
    /// For each choice whether it is ticked; `None` where it has no box.
    pub ticks: Vec<Option<bool>>,
    /// The choice that is a field for a text of one's own.
    pub field: Option<usize>,
    /// What was typed into it.
    pub typed: String,
    /// The choice that goes on to the next page.
    pub next: Option<usize>,
    /// The page is the last one, which shows all answers; this choice hands them in.
    pub submit: Option<usize>,
    /// The answers that the last page shows, question and answer, without white space.
    pub answers: Vec<(String, String)>,
}

/// What a dialog waits for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DialogKind {
    /// Leave for a tool; hooks tell of it too.
    Permission,
    /// An answer to a question of the agent; hooks tell of it too.
    Question,
    /// Something that only the user can settle and no hook tells of: trust, login, an offer.
    #[default]
    Blocking,
}

impl DialogKind {
    /// What is asked by it.
    #[must_use]
    pub const fn ask(self) -> AskKind {
        match self {
            Self::Permission => AskKind::Permission,
            Self::Question => AskKind::Question,
            Self::Blocking => AskKind::Dialog,
        }
    }
}
