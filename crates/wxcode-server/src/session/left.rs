//! Ending what the agents of a project left running when they ended by themselves.

use std::path::Path;

use wxcode_core::id::Id;
use wxcode_holder::folder::{self, State};

use super::{
    registry::Sessions,
    survey::{read_note, survey},
};

impl Sessions {
    /// Ends what earlier sessions of a project left running; whether nothing is left. No session of it runs.
    pub(super) async fn end_left(&self, project: Id) -> bool {
        let root = self.0.settings.data_dir.join("sessions");
        let ended = tokio::task::spawn_blocking(move || end(&root, project)).await;
        ended.unwrap_or(false)
    }
}

fn end(root: &Path, project: Id) -> bool {
    let Ok(found) = survey(root) else {
        return false;
    };
    let mut all = true;
    for (id, dir, state) in found {
        let own = matches!(state, State::Exited(..))
            && read_note(&dir).is_some_and(|(note, _)| note.project_id == project);
        if own {
            match folder::end_left(&dir) {
                Ok(gone) => all &= gone,
                Err(error) => {
                    tracing::warn!(session = %id, %error, "what a session left running cannot be found");
                }
            }
        }
    }
    all
}
