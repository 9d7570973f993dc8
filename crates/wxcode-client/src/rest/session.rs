//! The session of a project.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Client, answer::Ask, project::path, run::Run};
use crate::Error;

/// The session of a project: its agent with a terminal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Session {
    /// Whether the session runs.
    pub status: SessionStatus,
    /// The agent's present activity.
    pub agent_state: AgentState,
    /// The name of the dialog on the agent's screen.
    pub dialog: Option<String>,
    /// The pending question.
    pub asks: Option<Ask>,
    /// The running session, or the last session: 24 hexadecimal digits.
    pub session_id: Option<String>,
    /// The current conversation, a UUID.
    pub claude_session_id: Option<String>,
    /// Every conversation of the project, oldest first.
    pub claude_session_history: Vec<Conversation>,
    /// Claude Code's version, once known.
    pub claude_version: Option<String>,
    /// The permission mode in effect, once known.
    #[serde(default)]
    pub permission_mode: Option<String>,
    /// The model in effect, once known.
    #[serde(default)]
    pub model: Option<String>,
    /// The agent's process id on the server's machine.
    pub pid: Option<i32>,
    /// RFC 3339.
    pub started_at: Option<String>,
    /// The width of the screen in cells.
    pub cols: Option<u16>,
    /// The height of the screen in cells.
    pub rows: Option<u16>,
    /// Bytes written by the agent so far.
    pub seq: Option<u64>,
    /// Why the log is off, with a remedy.
    pub log_off: Option<String>,
    /// The usage limit under which the agent waits for the reset.
    #[serde(default)]
    pub limit: Option<UsageLimit>,
    /// The session's problems, with a remedy.
    pub warning: Option<String>,
    /// Connected terminal clients.
    pub clients: u64,
    /// The session's end.
    pub exit: Option<SessionExit>,
    /// The run in progress; a run excludes a session.
    pub run: Option<Run>,
    /// Why the server could not resume the session after a restart of the machine.
    pub resume_error: Option<String>,
}

/// A usage limit of an agent's account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct UsageLimit {
    /// The agent's words.
    pub reason: String,
    /// RFC 3339; `None` if the agent does not know.
    pub resets_at: Option<String>,
}

/// Whether a session runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SessionStatus {
    /// The project never had a session.
    None,
    /// The agent is about to start.
    Starting,
    /// The agent runs.
    Running,
    /// The agent ended.
    Exited,
    /// The agent was ended while idle, until the next visit or delivery.
    Hibernated,
    /// The project's node does not answer.
    Unreachable,
    /// A status of a newer server.
    #[serde(other)]
    Unknown,
}

/// The activity of an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AgentState {
    /// The agent takes no prompt yet.
    Starting,
    /// The agent waits for a prompt.
    Idle,
    /// The agent works at a turn.
    Working,
    /// The agent asks for a permission.
    WaitingPermission,
    /// The agent asks the user.
    WaitingQuestion,
    /// The agent waits for the reset of the account's usage limit.
    WaitingLimit,
    /// Another dialog takes the agent's keys.
    BlockedDialog,
    /// No agent runs, or a newer server knows the state.
    #[serde(other)]
    Unknown,
}

/// A conversation of a project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Conversation {
    /// A UUID.
    pub id: String,
    /// RFC 3339.
    pub since: String,
    /// RFC 3339.
    pub until: Option<String>,
    /// `startup`, `resume`, `clear`, `compact`, `lost` or `headless`.
    pub source: String,
    /// The reason for leaving the conversation.
    pub reason: Option<String>,
    /// The transcript, on the server's machine.
    pub transcript_path: Option<String>,
}

/// The end of an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SessionExit {
    /// The exit code, where the agent exited by itself.
    pub code: Option<i32>,
    /// The signal, where a signal killed the agent.
    pub signal: Option<i32>,
    /// RFC 3339.
    pub at: String,
    /// A stable word, such as `exited`, `stopped` or `holder_lost`.
    pub reason: String,
}

impl Client {
    /// Shows a project's session, also when there is none.
    ///
    /// # Errors
    /// [`Error::InvalidId`]; [`Error::Refused`] with 404 without the project.
    pub async fn session(&self, project: &str) -> Result<Session, Error> {
        self.get(&path(project, "/session")?).await
    }

    /// Gets or starts a project's session. The session continues the current conversation.
    ///
    /// # Errors
    /// [`Error::InvalidId`]; [`Error::Refused`] with 404, 409 when the folder is
    /// missing, another process runs the conversation or a run goes on, 503 when the agent does not
    /// start.
    pub async fn start_session(&self, project: &str) -> Result<Session, Error> {
        self.post(&path(project, "/session")?, &json!({})).await
    }

    /// Gets or starts a project's session with a conversation of the project's history. The
    /// conversation becomes the current conversation.
    ///
    /// # Errors
    /// The errors of [`Client::start_session`]; [`Error::Refused`] with 404 or 422 for a
    /// conversation of another project.
    pub async fn resume_conversation(
        &self,
        project: &str,
        conversation: &str,
    ) -> Result<Session, Error> {
        let body = json!({ "claude_session_id": conversation });
        self.post(&path(project, "/session")?, &body).await
    }

    /// Ends a project's session with all processes of the agent, or does nothing without a session.
    ///
    /// # Errors
    /// [`Error::InvalidId`]; [`Error::Refused`] with 404, 409 when another server
    /// has the project.
    pub async fn end_session(&self, project: &str) -> Result<(), Error> {
        self.delete(&path(project, "/session")?).await
    }
}
