//! A run as the rest of the server sees it.

use std::{path::PathBuf, sync::Arc};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use uuid::Uuid;
use wxcode_core::{id::Id, run::RunState};
use wxcode_holder::folder::{self, Exit, FolderError, State, read_spec};

use super::record::{self, Record};

/// What the server writes into the run's folder for its own later self.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Note {
    /// The project whose run it is.
    pub(super) project_id: Id,
    /// The conversation it was started with.
    pub(super) claude_session_id: Uuid,
    /// Whether it continued a conversation.
    pub(super) resumed: bool,
    /// Claude's own folder as the agent sees it.
    pub(super) config_dir: PathBuf,
    /// What is to be done.
    pub(super) prompt: String,
}

/// How far a run is.
#[derive(Debug, Clone)]
pub(super) struct Progress {
    /// Its conversation now.
    pub(super) claude_session_id: Uuid,
    /// Whether it is over, and everything that follows from it has been done.
    pub(super) is_over: bool,
    /// What it came to, where that is not written.
    pub(super) unwritten: Option<Arc<Record>>,
}

/// A run whose holder runs or ran under this server's eyes, or an earlier one's.
#[derive(Debug)]
pub struct Run {
    /// Its id, and the name of its folder.
    pub id: Id,
    /// The project whose run it is.
    pub project_id: Id,
    /// Its folder.
    pub(super) dir: PathBuf,
    pub(in crate::session) started_at: Timestamp,
    pub(super) progress: watch::Receiver<Progress>,
}

/// All that is known of a run.
#[derive(Debug, Clone)]
pub struct Account {
    /// Its id.
    pub id: Id,
    /// The project.
    pub project_id: Id,
    /// Its conversation: the one now, or the one that it left.
    pub claude_session_id: Uuid,
    /// How far it is.
    pub state: RunState,
    /// What was to be done.
    pub prompt: String,
    /// The agent's answer, at most [`super::RESULT_MAX`] bytes.
    pub result: Option<String>,
    /// Why it failed.
    pub error: Option<String>,
    /// When it was started.
    pub started_at: Timestamp,
    /// When it was over.
    pub ended_at: Option<Timestamp>,
    /// How its agent ended.
    pub exit: Option<Exit>,
}

impl Run {
    /// Whether it is over, and everything that follows from it has been done.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.progress.borrow().is_over
    }

    /// Waits until it is over.
    pub(super) async fn ended(&self) {
        let mut progress = self.progress.clone();
        if progress
            .wait_for(|progress| progress.is_over)
            .await
            .is_err()
        {
            // Its follower goes only when the server closes; the run goes on.
            std::future::pending::<()>().await;
        }
    }

    /// All that is known of it; blocks, as it reads the run's folder.
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
        let note: Note =
            serde_json::from_value(spec.note).map_err(|error| FolderError::Damaged {
                path: self.dir.clone(),
                error,
            })?;
        let running = Account {
            id: self.id,
            project_id: self.project_id,
            claude_session_id,
            state: RunState::Running,
            prompt: note.prompt,
            result: None,
            error: None,
            started_at: self.started_at,
            ended_at: None,
            exit: None,
        };
        if !is_over {
            return Ok(running);
        }
        let record = match unwritten {
            Some(record) => Some((*record).clone()),
            None => record::read(&self.dir),
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
                ended_at: Some(record.ended_at),
                exit,
                ..running
            },
            None => Account {
                state: RunState::Failed,
                error: Some(
                    "what the run came to cannot be read any more: look at the workspace"
                        .to_owned(),
                ),
                exit,
                ..running
            },
        })
    }
}
