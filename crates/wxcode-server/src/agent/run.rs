//! A run for the rest of the server: the id, the state, the outcome.

use std::{path::PathBuf, sync::Arc};

use jiff::Timestamp;
use tokio::sync::watch;
use uuid::Uuid;
use wxcode_core::{id::Id, run::RunState};
use wxcode_holder::folder::{self, Exit, FolderError, State, read_spec};

use crate::agent::metadata::Metadata;
use result::RunResult;

pub(in crate::agent) mod result;

/// Ended runs kept per project, the latest.
pub const RUNS_KEPT: usize = 20;
/// Longest kept answer of a run, in bytes.
pub const RESULT_MAX: usize = 256 << 10; // 256 KiB
/// The progress of a run.
#[derive(Debug, Clone)]
pub(in crate::agent) struct Progress {
    /// The present conversation.
    pub(in crate::agent) claude_session_id: Uuid,
    /// Whether the run ended, and all consequences are recorded.
    pub(in crate::agent) is_over: bool,
    /// The result, until written to its file.
    pub(in crate::agent) unwritten: Option<Arc<RunResult>>,
}

/// A run followed by this server, or by an earlier server.
#[derive(Debug)]
pub struct Run {
    /// The id, also the folder's name.
    pub id: Id,
    pub project_id: Id,
    pub(in crate::agent) dir: PathBuf,
    pub(in crate::agent) started_at: Timestamp,
    pub(in crate::agent) progress: watch::Receiver<Progress>,
}

/// A full description of a run.
#[derive(Debug, Clone)]
pub struct Account {
    pub id: Id,
    pub project_id: Id,
    /// The conversation at the run's end, or the present conversation.
    pub claude_session_id: Uuid,
    pub state: RunState,
    pub prompt: String,
    /// The agent's answer, at most [`RESULT_MAX`] bytes.
    pub result: Option<String>,
    /// The reason of a failure.
    pub error: Option<String>,
    /// What the user should know besides the outcome, such as lost lines of the transcript.
    pub warning: Option<String>,
    pub started_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    /// The end of the agent.
    pub exit: Option<Exit>,
}

impl Run {
    /// Whether the run ended, and all consequences are recorded.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.progress.borrow().is_over
    }

    /// Waits for the end.
    pub(in crate::agent) async fn ended(&self) {
        let mut progress = self.progress.clone();
        if progress
            .wait_for(|progress| progress.is_over)
            .await
            .is_err()
        {
            // The monitor ends only when the server closes; the run goes on.
            std::future::pending::<()>().await;
        }
    }

    /// Describes the run; blocks, because it reads the run's folder.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn account(&self) -> Result<Account, FolderError> {
        let Progress {
            claude_session_id,
            is_over,
            unwritten,
        } = self.progress.borrow().clone();
        let spec = read_spec(&self.dir)?;
        let metadata: Metadata =
            serde_json::from_value(spec.note).map_err(|error| FolderError::Damaged {
                path: self.dir.clone(),
                error,
            })?;
        let running = Account {
            id: self.id,
            project_id: self.project_id,
            claude_session_id,
            state: RunState::Running,
            prompt: metadata.prompt.unwrap_or_default(),
            result: None,
            error: None,
            warning: None,
            started_at: self.started_at,
            ended_at: None,
            exit: None,
        };
        if !is_over {
            return Ok(running);
        }
        let record = match unwritten {
            Some(record) => Some((*record).clone()),
            None => result::read(&self.dir),
        };
        let exit = match folder::inspect(&self.dir)? {
            State::Exited(_, exit) => Some(exit),
            _ => None,
        };
        Ok(match record {
            Some(record) => Account {
                claude_session_id: record.claude_session_id,
                state: record.state,
                result: record.result,
                error: record.error,
                warning: record.warning,
                ended_at: Some(record.ended_at),
                exit,
                ..running
            },
            None => Account {
                state: RunState::Failed,
                error: Some(
                    "the result of the run can no longer be read: look at the workspace".to_owned(),
                ),
                exit,
                ..running
            },
        })
    }
}
