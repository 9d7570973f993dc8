//! Begins a run: checks the slot, decides the conversation, starts the holder.

use std::{fs, io, sync::Arc};

use jiff::Timestamp;
use tokio::sync::watch;
use wxcode_core::{
    event::Kind, id::Id, identity::Source, lease::Tenure, text::shortened, time::to_millis,
};
use wxcode_holder::folder::HolderFile;

use super::{
    FOLDER, RUNS_KEPT,
    follow::Follower,
    live::{Note, Progress, Run},
};
use crate::session::{
    identity::Ledger,
    plan::{self, Surroundings},
    registry::Sessions,
    seat::Seat,
    start::{self, StartError},
};

/// Longest published beginning of a prompt, in characters.
const PROMPT_TOLD: usize = 1_000;

/// A run with a holder.
pub(super) struct Begun {
    pub(super) id: Id,
    pub(super) dir: std::path::PathBuf,
    pub(super) note: Note,
    pub(super) holder: HolderFile,
    pub(super) workspace: std::path::PathBuf,
    pub(super) at: Timestamp,
    /// Whether no other agent of the project started later; an older agent no longer decides the
    /// conversation.
    pub(super) is_latest: bool,
}

impl Sessions {
    /// Runs a prompt in a project, headless. The project must have no session and no run in
    /// progress.
    ///
    /// # Errors
    /// When it has one, or the agent cannot be started; nothing is left behind.
    pub async fn begin_run(&self, project: Id, prompt: String) -> Result<Arc<Run>, StartError> {
        let seat = self.seat(project);
        let _gate = seat.gate.lock().await;
        if seat.running().is_some() {
            return Err(StartError::InSession);
        }
        seat.is_free()?;
        if self.0.closing.is_cancelled() {
            return Err(StartError::Closing);
        }
        let _beginning = seat.begin_run();
        let tenure = self.0.leases.take(project).await?;
        match self.launch_run(project, prompt).await {
            Ok(begun) => {
                let current = Some(begun.note.claude_session_id);
                let run = self.follow_run(&seat, begun, current).await;
                self.keep_lease_of_run(&run, tenure);
                self.prune_runs(&seat, RUNS_KEPT);
                Ok(run)
            }
            Err(error) => {
                if let Some(tenure) = &tenure {
                    self.0.leases.give_back(project, tenure).await;
                }
                if matches!(error, StartError::NoProject) {
                    self.forget_seat(project);
                }
                Err(error)
            }
        }
    }

    /// Keeps the lease for the run's life.
    pub(super) fn keep_lease_of_run(&self, run: &Arc<Run>, tenure: Option<Tenure>) {
        let (project, dir) = (run.project_id, run.dir.clone());
        let run = Arc::clone(run);
        self.keep_lease(project, tenure, dir, async move { run.ended().await });
    }

    async fn launch_run(&self, project: Id, prompt: String) -> Result<Begun, StartError> {
        let (settings, store) = (&self.0.settings, &self.0.store);
        let surroundings = Surroundings::new(settings);
        let claude = start::find_claude(settings, &surroundings).await?;
        let at = to_millis(Timestamp::now());
        let config_dir = surroundings.config_dir.clone();
        let (project, plan) =
            start::identify(store, project, &config_dir, Source::Headless, at).await?;
        start::unclaimed(&config_dir, plan.id()).await?;
        let id = Id::generate(at);
        let dir = start::make_folder(&settings.data_dir.join(FOLDER), id)?;
        let argv = plan::run_argv(&claude, &plan, settings, &prompt);
        let note = Note {
            project_id: project.id,
            claude_session_id: plan.id(),
            resumed: plan.is_resumed(),
            config_dir,
            prompt,
        };
        let held = match serde_json::to_value(&note) {
            Ok(note) => start::hold(settings, &surroundings, &project, &dir, argv, note, at).await,
            Err(error) => Err(io::Error::from(error).into()),
        };
        match held {
            Ok(holder) => {
                tracing::info!(project = %project.id, run = %id, agent = holder.agent_pid, ?plan, "a run began");
                Ok(Begun {
                    id,
                    dir,
                    note,
                    holder,
                    workspace: project.workspace_path,
                    at,
                    is_latest: true,
                })
            }
            Err(error) => {
                // Best effort: the next start removes a folder without a holder's record.
                let _ = fs::remove_dir_all(&dir);
                Err(error)
            }
        }
    }

    /// Puts a run into its project's slot and follows it to its end.
    pub(super) async fn follow_run(
        &self,
        seat: &Seat,
        begun: Begun,
        current: Option<uuid::Uuid>,
    ) -> Arc<Run> {
        let Begun {
            id,
            dir,
            note,
            holder,
            workspace,
            at,
            is_latest,
        } = begun;
        let feed = self.0.events.current(note.project_id).await;
        let begun = Kind::RunStarted {
            run_id: id,
            claude_session_id: note.claude_session_id,
            resumed: note.resumed,
            pid: holder.agent_pid,
            prompt: shortened(&note.prompt, PROMPT_TOLD),
        };
        let (progress, watch) = watch::channel(Progress {
            claude_session_id: note.claude_session_id,
            is_over: false,
            unwritten: None,
        });
        let run = Arc::new(Run {
            id,
            project_id: note.project_id,
            dir,
            started_at: at,
            progress: watch,
        });
        feed.publish_with(begun, || seat.take_run(Arc::clone(&run)));
        let closing = self.0.closing.clone();
        let store = self.0.store.clone();
        let follower = Follower::new(
            Arc::clone(&run),
            progress,
            note,
            Ledger::new(
                store,
                self.0.leases.clone(),
                run.project_id,
                id,
                current,
                is_latest,
            ),
            workspace,
            feed,
            self.0.planning.clone(),
            closing,
        );
        self.0.watchers.spawn(follower.run());
        run
    }
}
