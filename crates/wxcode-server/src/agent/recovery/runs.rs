//! Adopts runs after a restart: follows those without a recorded outcome again.

use std::{collections::HashMap, io, path::PathBuf, sync::Arc};

use jiff::Timestamp;
use tokio::{sync::watch, time::timeout};
use wxcode_core::id::Id;
use wxcode_holder::folder::{State, read_spec};

use super::scan;
use crate::agent::{STOP_TIMEOUT, manager::Manager};
use crate::agent::{
    launch::run::Begun,
    run::{FOLDER, Note, Progress, Run, result},
};

impl Manager {
    /// Adopts the runs of the data folder. Must run after the sessions are adopted.
    ///
    /// # Errors
    /// When the folder of the runs cannot be read or made.
    pub async fn adopt_runs(&self) -> io::Result<()> {
        let root = self.0.settings.data_dir.join(FOLDER);
        let found = scan::runs(root).await?;
        let mut running = 0_usize;
        let mut newest: HashMap<Id, (Timestamp, Id)> = HashMap::new();
        for (id, dir, _) in &found {
            if let Some((note, _, at)) = read_metadata(dir) {
                let newest = newest.entry(note.project_id).or_insert((at, *id));
                *newest = (*newest).max((at, *id));
            }
        }
        for (id, dir, state) in found {
            let Some((note, workspace, at)) = read_metadata(&dir) else {
                tracing::warn!(run = %id, "a run's folder is not readable and is passed over");
                continue;
            };
            let (holder, is_live) = match state {
                State::Live(holder) => (holder, true),
                State::Lost(holder) | State::Exited(Some(holder), _) => (holder, false),
                State::Unfinished => continue, // none is left by now
                State::Exited(None, _) => {
                    tracing::warn!(run = %id, "a run that never began is passed over");
                    continue;
                }
            };
            let slot = self.slot(note.project_id);
            if let Some(record) = result::read(&dir).filter(|_| !is_live) {
                let over = Progress {
                    claude_session_id: record.claude_session_id,
                    is_over: true,
                    unwritten: None,
                };
                slot.add_run(Arc::new(Run {
                    id,
                    project_id: note.project_id,
                    dir,
                    started_at: at,
                    progress: watch::channel(over).1,
                }));
                continue;
            }
            let is_alone = slot.running().is_none() && slot.run().is_none();
            let current = match self.0.store.project(note.project_id).await {
                Ok(Some(project)) => project.claude_session_id,
                Ok(None) => None,
                Err(_) => Some(note.claude_session_id),
            };
            let is_newest = newest.get(&note.project_id) == Some(&(at, id));
            let session = slot.latest();
            let begun = Begun {
                id,
                dir,
                note,
                holder,
                workspace,
                at,
                is_latest: is_newest && session.is_none_or(|session| session.started_at < at),
            };
            let run = self.follow_run(&slot, begun, current).await;
            if is_live {
                running += 1;
                self.keep_lease_of_run(&run, None);
                if !is_alone {
                    tracing::error!(project = %run.project_id, run = %id, "a run beside another agent of its project is ended");
                    self.stop_run(&run).await;
                }
            } else if timeout(STOP_TIMEOUT, run.ended()).await.is_err() {
                tracing::warn!(run = %id, "the end of a run waits for the store");
            }
        }
        if running > 0 {
            tracing::info!(running, "runs adopted");
        }
        Ok(())
    }
}

/// The metadata, the workspace and the start of a run's folder.
fn read_metadata(dir: &std::path::Path) -> Option<(Note, PathBuf, Timestamp)> {
    let spec = read_spec(dir).ok()?;
    Some((
        serde_json::from_value(spec.note).ok()?,
        spec.cwd,
        spec.created_at.parse().ok()?,
    ))
}
