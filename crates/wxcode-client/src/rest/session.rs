//! The session of a project.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Client, answer::Ask, project::path, run::Run};
use crate::Error;

/// The session of a project: its agent with a terminal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Session {
    /// Whether it runs.
    pub status: SessionStatus,
    /// What its agent does.
    pub agent_state: AgentState,
    /// The name of the dialog on the agent's screen.
    pub dialog: Option<String>,
    /// The pending question.
    pub asks: Option<Ask>,
    /// The running session, or the last one: 24 hexadecimal digits.
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
    /// The width of its screen in cells.
    pub cols: Option<u16>,
    /// The height of its screen in cells.
    pub rows: Option<u16>,
    /// Bytes written by the agent so far.
    pub seq: Option<u64>,
    /// Why its log is off, with a remedy.
    pub log_off: Option<String>,
    /// The usage limit for whose reset the agent waits.
    #[serde(default)]
    pub limit: Option<UsageLimit>,
    /// Its problems, with a remedy.
    pub warning: Option<String>,
    /// Connected terminal clients.
    pub clients: u64,
    /// Its end.
    pub exit: Option<SessionExit>,
    /// The run in progress, which excludes a session.
    pub run: Option<Run>,
    /// Why the server could not resume it after a restart of the machine.
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
    /// The project never had one.
    None,
    /// Its agent is about to start.
    Starting,
    /// Its agent runs.
    Running,
    /// Its agent ended.
    Exited,
    /// A status of a newer server.
    #[serde(other)]
    Unknown,
}

/// What an agent does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AgentState {
    /// It takes no prompt yet.
    Starting,
    /// It waits for a prompt.
    Idle,
    /// It works at a turn.
    Working,
    /// It asks for a permission.
    WaitingPermission,
    /// It asks the user.
    WaitingQuestion,
    /// It waits for the reset of its account's usage limit.
    WaitingLimit,
    /// Another dialog takes its keys.
    BlockedDialog,
    /// No agent runs, or a newer server knows the state.
    #[serde(other)]
    Unknown,
}

/// One conversation of a project.
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
    /// The reason for leaving it.
    pub reason: Option<String>,
    /// Its transcript, on the server's machine.
    pub transcript_path: Option<String>,
}

/// The end of an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SessionExit {
    /// The exit code, where it exited by itself.
    pub code: Option<i32>,
    /// The signal, where one killed it.
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

    /// Gets or starts a project's session, which continues the current conversation.
    ///
    /// # Errors
    /// [`Error::InvalidId`]; [`Error::Refused`] with 404, 409 when the folder is
    /// missing, another process runs the conversation or a run goes on, 503 when the agent does not
    /// start.
    pub async fn start_session(&self, project: &str) -> Result<Session, Error> {
        self.post(&path(project, "/session")?, &json!({})).await
    }

    /// Gets or starts a project's session with a conversation of its history, which becomes the
    /// current one.
    ///
    /// # Errors
    /// Those of [`Client::start_session`]; [`Error::Refused`] with 404 or 422 for a conversation of
    /// another project.
    pub async fn resume_conversation(
        &self,
        project: &str,
        conversation: &str,
    ) -> Result<Session, Error> {
        let body = json!({ "claude_session_id": conversation });
        self.post(&path(project, "/session")?, &body).await
    }

    /// Ends a project's session with all processes of its agent, or does nothing without one.
    ///
    /// # Errors
    /// [`Error::InvalidId`]; [`Error::Refused`] with 404, 409 when another server
    /// has the project.
    pub async fn end_session(&self, project: &str) -> Result<(), Error> {
        self.delete(&path(project, "/session")?).await
    }
}
