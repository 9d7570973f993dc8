//! Headless runs of this server: never next to a session, never two at once in a project.

mod adoption;
mod begin;
mod follow;
mod live;
mod place;
mod record;
mod story;

pub use live::{Account, Run};

use std::sync::Arc;

use wxcode_core::id::Id;

use super::{
    deletion,
    registry::{Sessions, stop},
    seat::Seat,
};

/// Ended runs of a project that are kept, the latest ones.
pub const RUNS_KEPT: usize = 20;
/// Longest kept answer of a run, in bytes.
pub const RESULT_MAX: usize = 256 << 10; // 256 KiB
/// The folder of the runs in the data folder.
pub(super) const FOLDER: &str = "runs";

impl Sessions {
    /// The project's run in progress.
    #[must_use]
    pub fn run_under_way(&self, project: Id) -> Option<Arc<Run>> {
        self.seat(project).run()
    }

    /// The known runs of a project, oldest first.
    #[must_use]
    pub fn runs(&self, project: Id) -> Vec<Arc<Run>> {
        self.seat(project).runs()
    }

    /// Ends a run: the agent and everything it started. Returns whether it is gone.
    pub async fn stop_run(&self, run: &Run) -> bool {
        run.is_over() || stop(&run.dir, run.ended()).await
    }

    /// Forgets the ended runs of a project except the latest `kept`, and removes their folders in
    /// the background.
    pub(super) fn prune_runs(&self, seat: &Seat, kept: usize) {
        let over: Vec<Arc<Run>> = seat
            .runs()
            .into_iter()
            .filter(|run| run.is_over())
            .collect();
        let old = over.len().saturating_sub(kept);
        for run in over.into_iter().take(old) {
            seat.forget_run(run.id);
            let (data_dir, dir) = (self.0.settings.data_dir.clone(), run.dir.clone());
            tokio::task::spawn_blocking(move || deletion::discard(&data_dir, &dir));
        }
    }
}
