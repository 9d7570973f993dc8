//! Events of an output project, in order, for programs that follow the project.

mod content;
mod dedup;
mod fit;
mod report;
mod stage;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

pub use content::{Asked, ToolCall, TurnRole};
pub use dedup::{EventDedup, LastTurn, MILESTONES_MAX, Reached};
pub use fit::EVENT_MAX;
pub use report::{Report, Reporter, RunReport};
pub use stage::Stage;

use crate::{
    agent::AgentState, delivery::DeliveryState, id::Id, identity::Source, milestone::MovedBy,
    run::RunState,
};

/// An event of a project.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// The event's number in the project; numbers rise.
    pub seq: u64,
    /// The time of publication.
    pub at: Timestamp,
    #[serde(flatten)]
    pub kind: Kind,
    /// Whether fields were cut to keep to [`EVENT_MAX`].
    #[serde(default, skip_serializing_if = "is_false")]
    pub cut: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_false(value: &bool) -> bool {
    !*value
}

/// The kind of an event, with its fields.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum Kind {
    /// An agent started.
    #[serde(rename = "session.started")]
    SessionStarted {
        session_id: Id,
        /// The conversation at the start.
        claude_session_id: Uuid,
        /// Whether the conversation was resumed.
        resumed: bool,
        pid: i32,
    },
    /// The agent ended, and all consequences are recorded.
    #[serde(rename = "session.exited")]
    SessionExited {
        session_id: Id,
        /// The exit code, if the agent exited.
        code: Option<i32>,
        /// The number of the signal, if a signal killed the agent.
        signal: Option<i32>,
        reason: String,
    },
    /// An idle agent was ended; the next visit or delivery resumes it.
    #[serde(rename = "session.hibernated")]
    SessionHibernated { session_id: Id },
    /// The agent changed to another conversation.
    #[serde(rename = "session.rotated")]
    SessionRotated {
        session_id: Option<Id>,
        /// The current conversation from now on.
        claude_session_id: Uuid,
        /// The previous conversation.
        from: Uuid,
        source: Source,
        /// The index in the project's history of conversations, from 0.
        conversation: usize,
    },
    /// The conversation could not be continued; a new one replaces it.
    #[serde(rename = "session.lost")]
    SessionLost {
        /// The current conversation from now on.
        claude_session_id: Uuid,
        /// The lost conversation.
        from: Uuid,
        reason: Option<String>,
        /// The index in the project's history of conversations, from 0.
        conversation: usize,
    },
    /// A missing or cut transcript is whole again, from its copy.
    #[serde(rename = "session.restored")]
    SessionRestored {
        /// The conversation.
        claude_session_id: Uuid,
        transcript_path: String,
        /// The size of the restored transcript.
        bytes: u64,
        /// Other restored files, of subagents.
        side_files: u64,
    },
    /// A turn of a conversation appeared in its transcript.
    #[serde(rename = "conversation.turn")]
    ConversationTurn {
        /// The conversation.
        claude_session_id: Uuid,
        /// The turn's id in the conversation.
        id: String,
        role: TurnRole,
        /// Its time, as the agent wrote it.
        written_at: Option<String>,
        /// The milestone in work.
        milestone_id: Option<Id>,
        /// The delivery of the prompt, or of the prompt that the turn answers.
        delivery_id: Option<Id>,
        /// The beginning of its text so far.
        text: String,
        /// The byte of the transcript where the turn begins.
        offset: u64,
    },
    /// Another program had written an earlier state over the current conversation's id; wxcode
    /// wrote the current id back.
    #[serde(rename = "session.reclaimed")]
    SessionReclaimed {
        /// The current conversation, by the project's history.
        claude_session_id: Uuid,
        /// The id found in place of the current id.
        found: Option<Uuid>,
    },
    /// Another node had taken the project over, and the late agent here was ended.
    #[serde(rename = "session.superseded")]
    SessionSuperseded {
        session_id: Id,
        /// The node that has the project now.
        node: String,
        /// When this node was last sure of the project.
        since: Timestamp,
        /// Files of the workspace that changed since then, the first ones.
        files: Vec<String>,
        /// The number of all these files.
        file_count: u64,
        /// Whether the whole workspace was looked at.
        complete: bool,
    },
    /// The agent's state, its dialog or its pending question changed.
    #[serde(rename = "agent.state")]
    AgentState {
        session_id: Id,
        state: AgentState,
        /// The dialog on the screen.
        dialog: Option<String>,
        /// Claude Code's version, once known.
        claude_version: Option<String>,
        /// The pending question.
        #[serde(default)]
        ask: Option<Asked>,
        /// The session's last hook reflected in the state, 0 for none.
        hook: u64,
    },
    /// The usage limit of the account stopped the agent.
    #[serde(rename = "limit.reached")]
    LimitReached {
        session_id: Id,
        /// The agent's words.
        reason: String,
        /// When the account may be used again, if the agent knows.
        resets_at: Option<Timestamp>,
        /// The session's hook with the report.
        hook: u64,
    },
    /// The agent went on, or may go on.
    #[serde(rename = "limit.cleared")]
    LimitCleared {
        session_id: Id,
        /// The session's hook with the report of the limit.
        hook: u64,
    },
    /// A prompt was submitted, by a delivery or a person.
    #[serde(rename = "prompt.submitted")]
    PromptSubmitted {
        #[serde(flatten)]
        by: Report,
        prompt: String,
    },
    /// A tool is about to run.
    #[serde(rename = "tool.started")]
    ToolStarted {
        #[serde(flatten)]
        by: Reporter,
        #[serde(flatten)]
        call: ToolCall,
    },
    /// A tool ran or failed.
    #[serde(rename = "tool.finished")]
    ToolFinished {
        #[serde(flatten)]
        by: Reporter,
        #[serde(flatten)]
        call: ToolCall,
    },
    /// The agent asks the user a question.
    #[serde(rename = "question.asked")]
    QuestionAsked {
        #[serde(flatten)]
        by: Report,
        /// The questions with their options, as the tool received them.
        questions: Value,
    },
    /// The agent asks for permission to use a tool.
    #[serde(rename = "permission.requested")]
    PermissionRequested {
        #[serde(flatten)]
        by: Report,
        tool_name: String,
        tool_input: Value,
    },
    /// A delivery was queued or advanced, or met an obstacle.
    #[serde(rename = "delivery.state")]
    DeliveryState {
        delivery_id: Id,
        /// The milestone started by the delivery.
        milestone_id: Option<Id>,
        state: DeliveryState,
        /// How often the text or an Enter was sent.
        attempts: u32,
        /// The reason of a failure; for a queued delivery, the obstacle.
        error: Option<String>,
        /// The beginning of the text.
        text: String,
        /// The delivery waits until this time.
        #[serde(default)]
        not_before: Option<Timestamp>,
        /// The delivery goes into a running turn.
        #[serde(default)]
        steer: bool,
        /// The number of edits of the text, changes of the time, and moves in the queue.
        #[serde(default)]
        edits: u32,
        /// The number of changes.
        version: u64,
    },
    /// A milestone was created, advanced, failed to advance, or was deleted.
    #[serde(rename = "milestone.status")]
    MilestoneStatus {
        milestone_id: Id,
        /// The milestone's name; `None` if no server saw the deletion.
        element_name: Option<String>,
        status: Stage,
        /// The origin of the change.
        #[serde(default)]
        by: Option<MovedBy>,
        #[serde(default)]
        reason: Option<String>,
    },
    /// Files of `.planning/` changed.
    #[serde(rename = "planning.changed")]
    PlanningChanged {
        /// A hash of the names, sizes and times of all files.
        fingerprint: String,
        /// The number of files and folders.
        entries: usize,
    },
    /// A terminal client attached.
    #[serde(rename = "client.joined")]
    ClientJoined {
        session_id: Id,
        /// The client's number in the session, within the server's life.
        client: u64,
        /// Whether the client only looks, for its whole connection.
        read_only: bool,
    },
    /// A terminal client left.
    #[serde(rename = "client.left")]
    ClientLeft {
        session_id: Id,
        /// The client's number in the session.
        client: u64,
    },
    /// An agent started for a headless run.
    #[serde(rename = "run.started")]
    RunStarted {
        run_id: Id,
        /// The conversation at the start.
        claude_session_id: Uuid,
        /// Whether the conversation was resumed.
        resumed: bool,
        pid: i32,
        /// The beginning of the prompt.
        prompt: String,
    },
    /// The agent of a run wrote a message.
    #[serde(rename = "run.message")]
    RunMessage {
        /// The place of the message in the output.
        #[serde(flatten)]
        by: RunReport,
        text: String,
    },
    /// A run ended, and all consequences are recorded.
    #[serde(rename = "run.finished")]
    RunFinished {
        run_id: Id,
        /// The project's current conversation after the run.
        claude_session_id: Uuid,
        /// The outcome.
        state: RunState,
        /// The agent's answer.
        result: Option<String>,
        /// The reason of a failure.
        error: Option<String>,
        /// The agent's own verdict; `None` without a result.
        is_error: Option<bool>,
        /// The duration according to the agent, in milliseconds.
        duration_ms: Option<u64>,
        /// The cost of the conversation according to the agent, in US dollars.
        cost_usd: Option<f64>,
        /// The number of turns according to the agent.
        turns: Option<u64>,
    },
}

impl Kind {
    /// The name of the event.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::SessionStarted { .. } => "session.started",
            Self::SessionExited { .. } => "session.exited",
            Self::SessionHibernated { .. } => "session.hibernated",
            Self::SessionRotated { .. } => "session.rotated",
            Self::SessionLost { .. } => "session.lost",
            Self::SessionRestored { .. } => "session.restored",
            Self::ConversationTurn { .. } => "conversation.turn",
            Self::SessionReclaimed { .. } => "session.reclaimed",
            Self::SessionSuperseded { .. } => "session.superseded",
            Self::AgentState { .. } => "agent.state",
            Self::LimitReached { .. } => "limit.reached",
            Self::LimitCleared { .. } => "limit.cleared",
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

    /// The hook that reported the event by itself, if any.
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

    /// The place in a run's output that reported the event, if any.
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
