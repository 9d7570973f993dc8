//! Events: what a program that follows an output project is told, in order.

mod fit;
mod report;
mod stage;
mod told;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

pub use fit::{CUT_MARK, EVENT_MAX, shortened};
pub use report::{Report, Reporter, RunReport};
pub use stage::Stage;
pub use told::{MILESTONES_MAX, Reached, Told};

use crate::{
    agent::AgentState,
    ask::{Ask, AskKind},
    delivery::DeliveryState,
    id::Id,
    identity::Source,
    milestone::MovedBy,
    run::RunState,
};

/// An event of a project.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Its number in the project: each event's is larger than the one's before.
    pub seq: u64,
    /// When it was told.
    pub at: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub kind: Kind,
    /// Whether fields of it were cut to [`EVENT_MAX`].
    #[serde(default, skip_serializing_if = "is_false")]
    pub cut: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_false(value: &bool) -> bool {
    !*value
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum Kind {
    /// An agent was started.
    #[serde(rename = "session.started")]
    SessionStarted {
        /// The session.
        session_id: Id,
        /// The conversation that it was started with.
        claude_session_id: Uuid,
        /// Whether that one is continued.
        resumed: bool,
        /// The agent's process.
        pid: i32,
    },
    /// The agent is gone, and everything that follows from it has been done.
    #[serde(rename = "session.exited")]
    SessionExited {
        /// The session.
        session_id: Id,
        /// The exit code, if the agent exited.
        code: Option<i32>,
        /// The signal, if one killed it.
        signal: Option<i32>,
        /// Why.
        reason: String,
    },
    /// The agent turned to another conversation.
    #[serde(rename = "session.rotated")]
    SessionRotated {
        /// The session.
        session_id: Option<Id>,
        /// The current conversation from now on.
        claude_session_id: Uuid,
        /// The one before.
        from: Uuid,
        /// How it came.
        source: Source,
        /// Its place in the project's history of conversations, from 0.
        conversation: usize,
    },
    /// The conversation could not be continued: a new one takes its place.
    #[serde(rename = "session.lost")]
    SessionLost {
        /// The current conversation from now on.
        claude_session_id: Uuid,
        /// The one that was lost.
        from: Uuid,
        /// Why.
        reason: Option<String>,
        /// Its place in the project's history of conversations, from 0.
        conversation: usize,
    },
    /// The agent does something else, another dialog is on its screen, or something else stands there to be answered.
    #[serde(rename = "agent.state")]
    AgentState {
        /// The session.
        session_id: Id,
        /// What it does.
        state: AgentState,
        /// The dialog on its screen.
        dialog: Option<String>,
        /// Claude Code's version, once known.
        claude_version: Option<String>,
        /// What stands there to be answered.
        #[serde(default)]
        ask: Option<Asked>,
        /// The last of the session's hooks that this rests on, 0 for none.
        hook: u64,
    },
    /// A prompt was submitted, by whomever.
    #[serde(rename = "prompt.submitted")]
    PromptSubmitted {
        /// Who reports it.
        #[serde(flatten)]
        by: Report,
        /// The text.
        prompt: String,
    },
    /// A tool is about to run.
    #[serde(rename = "tool.started")]
    ToolStarted {
        /// Who reports it.
        #[serde(flatten)]
        by: Reporter,
        /// The call.
        #[serde(flatten)]
        call: ToolCall,
    },
    /// A tool has run, or failed.
    #[serde(rename = "tool.finished")]
    ToolFinished {
        /// Who reports it.
        #[serde(flatten)]
        by: Reporter,
        /// The call.
        #[serde(flatten)]
        call: ToolCall,
    },
    /// The agent asks the user something.
    #[serde(rename = "question.asked")]
    QuestionAsked {
        /// Who reports it.
        #[serde(flatten)]
        by: Report,
        /// The questions with their options, as the tool was given them.
        questions: Value,
    },
    /// The agent asks for leave to use a tool.
    #[serde(rename = "permission.requested")]
    PermissionRequested {
        /// Who reports it.
        #[serde(flatten)]
        by: Report,
        /// The tool.
        tool_name: String,
        /// What it is to be called with.
        tool_input: Value,
    },
    /// A delivery was queued, or came further, or something is in its way.
    #[serde(rename = "delivery.state")]
    DeliveryState {
        /// The delivery.
        delivery_id: Id,
        /// The milestone that it starts.
        milestone_id: Option<Id>,
        /// How far it is.
        state: DeliveryState,
        /// How often the text or an Enter was sent.
        attempts: u32,
        /// Why it failed; for a queued one, the dialog in its way.
        error: Option<String>,
        /// The beginning of its text.
        text: String,
        /// Counts its changes.
        version: u64,
    },
    /// A milestone was made, came further, did not come further, or was deleted.
    #[serde(rename = "milestone.status")]
    MilestoneStatus {
        /// The milestone.
        milestone_id: Id,
        /// What people call it; `None` for one that was deleted while nobody told it.
        element_name: Option<String>,
        /// How far it is.
        status: Stage,
        /// Who moved it there, or tried to.
        #[serde(default)]
        by: Option<MovedBy>,
        /// Why.
        #[serde(default)]
        reason: Option<String>,
    },
    /// Files of `.planning/` changed.
    #[serde(rename = "planning.changed")]
    PlanningChanged {
        /// Stands for the names, sizes and times of all files.
        fingerprint: String,
        /// Files and folders in it.
        entries: usize,
    },
    /// A terminal client attached.
    #[serde(rename = "client.joined")]
    ClientJoined {
        /// The session.
        session_id: Id,
        /// The client's number in it, while the server runs.
        client: u64,
        /// Whether it only looks, for as long as it is attached.
        read_only: bool,
    },
    /// A terminal client is gone.
    #[serde(rename = "client.left")]
    ClientLeft {
        /// The session.
        session_id: Id,
        /// The client's number in it.
        client: u64,
    },
    /// An agent was started for a run without a terminal.
    #[serde(rename = "run.started")]
    RunStarted {
        /// The run.
        run_id: Id,
        /// The conversation that it was started with.
        claude_session_id: Uuid,
        /// Whether that one is continued.
        resumed: bool,
        /// The agent's process.
        pid: i32,
        /// The beginning of the prompt.
        prompt: String,
    },
    /// The agent of a run said something.
    #[serde(rename = "run.message")]
    RunMessage {
        /// Where it said so.
        #[serde(flatten)]
        by: RunReport,
        /// What it said.
        text: String,
    },
    /// A run is over, and everything that follows from it has been done.
    #[serde(rename = "run.finished")]
    RunFinished {
        /// The run.
        run_id: Id,
        /// The conversation that it left as the current one.
        claude_session_id: Uuid,
        /// What it came to.
        state: RunState,
        /// The agent's answer.
        result: Option<String>,
        /// Why it failed.
        error: Option<String>,
        /// What the agent says of itself; `None` where it gave no result.
        is_error: Option<bool>,
        /// How long the agent says it took, in milliseconds.
        duration_ms: Option<u64>,
        /// What the agent says the conversation cost, in US dollars.
        cost_usd: Option<f64>,
        /// The turns that the agent counts.
        turns: Option<u64>,
    },
}

/// Something to be answered, in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Names it.
    pub id: String,
    /// What kind of answer it takes.
    pub kind: AskKind,
    /// The choices on the screen; empty while no look has shown them.
    pub options: Vec<String>,
}

impl From<Ask> for Asked {
    fn from(ask: Ask) -> Self {
        // What is on a panel that is not known cannot be chosen, and changes with each key.
        let options = if ask.is_known() {
            ask.options
        } else {
            Vec::new()
        };
        Self {
            id: ask.id,
            kind: ask.kind,
            options,
        }
    }
}

/// A call of a tool, in short.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCall {
    /// The tool.
    pub tool_name: String,
    /// The id of the call.
    pub tool_use_id: Option<String>,
    /// The file that it is about.
    pub file_path: Option<String>,
    /// The command that it runs, shortened.
    pub command: Option<String>,
    /// The pattern that it looks for.
    pub pattern: Option<String>,
    /// What the agent says that it is for.
    pub description: Option<String>,
}

impl Kind {
    /// The name of the event.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::SessionStarted { .. } => "session.started",
            Self::SessionExited { .. } => "session.exited",
            Self::SessionRotated { .. } => "session.rotated",
            Self::SessionLost { .. } => "session.lost",
            Self::AgentState { .. } => "agent.state",
            Self::PromptSubmitted { .. } => "prompt.submitted",
            Self::ToolStarted { .. } => "tool.started",
            Self::ToolFinished { .. } => "tool.finished",
            Self::QuestionAsked { .. } => "question.asked",
            Self::PermissionRequested { .. } => "permission.requested",
            Self::DeliveryState { .. } => "delivery.state",
            Self::MilestoneStatus { .. } => "milestone.status",
            Self::PlanningChanged { .. } => "planning.changed",
            Self::ClientJoined { .. } => "client.joined",
            Self::ClientLeft { .. } => "client.left",
            Self::RunStarted { .. } => "run.started",
            Self::RunMessage { .. } => "run.message",
            Self::RunFinished { .. } => "run.finished",
        }
    }

    /// Which hook reported it, if one did by itself.
    #[must_use]
    pub const fn report(&self) -> Option<&Report> {
        match self {
            Self::PromptSubmitted { by, .. }
            | Self::ToolStarted {
                by: Reporter::Session(by),
                ..
            }
            | Self::ToolFinished {
                by: Reporter::Session(by),
                ..
            }
            | Self::QuestionAsked { by, .. }
            | Self::PermissionRequested { by, .. } => Some(by),
            _ => None,
        }
    }

    /// Where in a run's output it was reported, if it was there.
    #[must_use]
    pub const fn run_report(&self) -> Option<&RunReport> {
        match self {
            Self::RunMessage { by, .. }
            | Self::ToolStarted {
                by: Reporter::Run(by),
                ..
            }
            | Self::ToolFinished {
                by: Reporter::Run(by),
                ..
            } => Some(by),
            _ => None,
        }
    }
}
