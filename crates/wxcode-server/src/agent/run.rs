//! A run for the rest of the server: its id, its state, its outcome.

use std::{path::PathBuf, sync::Arc};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use uuid::Uuid;
use wxcode_core::{id::Id, run::RunState};
use wxcode_holder::folder::{self, Exit, FolderError, State, read_spec};

use crate::agent::{
    manager::{Manager, stop},
    recovery::deletion,
    slot::Slot,
};
use result::RunResult;

pub(in crate::agent) mod result;

/// Ended runs of a project that are kept, the latest ones.
pub const RUNS_KEPT: usize = 20;
/// Longest kept answer of a run, in bytes.
pub const RESULT_MAX: usize = 256 << 10; // 256 KiB
/// The folder of the runs in the data folder.
pub(in crate::agent) const FOLDER: &str = "runs";

/// Metadata in the run's folder, for a later server.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::agent) struct Note {
    pub(in crate::agent) project_id: Id,
    /// The conversation at the start.
    pub(in crate::agent) claude_session_id: Uuid,
    /// Whether the conversation was resumed.
    pub(in crate::agent) resumed: bool,
    /// Claude's configuration folder as the agent sees it.
    pub(in crate::agent) config_dir: PathBuf,
    pub(in crate::agent) prompt: String,
}

/// The progress of a run.
#[derive(Debug, Clone)]
pub(in crate::agent) struct Progress {
    /// The present conversation.
    pub(in crate::agent) claude_session_id: Uuid,
    /// Whether the run ended, and all consequences are recorded.
    pub(in crate::agent) is_over: bool,
    /// What it came to, where that is not written.
    pub(in crate::agent) unwritten: Option<Arc<RunResult>>,
}

/// A run that this server follows, or an earlier one followed.
#[derive(Debug)]
pub struct Run {
    /// The id, also the name of its folder.
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
    /// The conversation at its end, or the present one.
    pub claude_session_id: Uuid,
    pub state: RunState,
    pub prompt: String,
    /// The agent's answer, at most [`RESULT_MAX`] bytes.
    pub result: Option<String>,
    /// The reason of a failure.
    pub error: Option<String>,
    pub started_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    /// The end of its agent.
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
            // Its monitor ends only when the server closes; the run goes on.
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

impl Manager {
    /// The project's run in progress.
    #[must_use]
    pub fn run_under_way(&self, project: Id) -> Option<Arc<Run>> {
        self.slot(project).run()
    }

    /// The known runs of a project, oldest first.
    #[must_use]
    pub fn runs(&self, project: Id) -> Vec<Arc<Run>> {
        self.slot(project).runs()
    }

    /// Ends a run: the agent and everything it started. Returns whether it is gone.
    pub async fn stop_run(&self, run: &Run) -> bool {
        run.is_over() || stop(&run.dir, run.ended()).await
    }

    /// Forgets the ended runs of a project except the latest `kept`, and removes their folders in
    /// the background.
    pub(in crate::agent) fn prune_runs(&self, slot: &Slot, kept: usize) {
        let over: Vec<Arc<Run>> = slot
            .runs()
            .into_iter()
            .filter(|run| run.is_over())
            .collect();
        let old = over.len().saturating_sub(kept);
        for run in over.into_iter().take(old) {
            slot.forget_run(run.id);
            let (data_dir, dir) = (self.0.settings.data_dir.clone(), run.dir.clone());
            tokio::task::spawn_blocking(move || deletion::discard(&data_dir, &dir));
        }
    }
}
