//! Hook filter: accepts the hooks of the session's own agent, and refuses those of other processes
//! with its secret.

use std::path::{Path, PathBuf};

use wxcode_claude::hook::{HookEvent, HookKind};
use wxcode_core::provenance::{Provenance, Standing};
use wxcode_holder::ancestry::Ancestry;

use super::learned::Learned;

/// Judges the hooks of one session; its knowledge survives restarts.
pub(super) struct Gate {
    session: String,
    dir: PathBuf,
    provenance: Provenance,
    warned: bool,
}

impl Gate {
    /// Starts with an earlier server's knowledge.
    pub(super) fn new(session: impl ToString, dir: &Path, learned: &Learned) -> Self {
        Self {
            session: session.to_string(),
            dir: dir.to_owned(),
            provenance: Provenance::learned(learned.hook_depth),
            warned: false,
        }
    }

    /// Whether the agent ever began a conversation.
    pub(super) fn has_begun(&self) -> bool {
        self.provenance.depth().is_some()
    }

    /// Whether a hook is the agent's own. Logs the first foreign one.
    pub(super) fn admits(&mut self, event: &HookEvent, ancestry: Ancestry) -> bool {
        let standing = match ancestry {
            Ancestry::Unknown => Standing::Unknown,
            Ancestry::Foreign => Standing::Foreign,
            Ancestry::Below(generations) => Standing::Below(generations),
        };
        let before = self.provenance.depth();
        let is_start = matches!(event.kind, HookKind::SessionStart { .. });
        let judged = self.provenance.judge(standing, is_start);
        if self.provenance.depth() != before {
            let mut learned = Learned::read(&self.dir);
            learned.hook_depth = self.provenance.depth();
            // Without the file the depth is learned again, as long as the holder keeps the hook.
            if let Err(error) = learned.write(&self.dir) {
                tracing::warn!(session = self.session, %error, "where the agent's hooks stand is not kept");
            }
        }
        let Err(reason) = judged else { return true };
        if !std::mem::replace(&mut self.warned, true) {
            tracing::warn!(
                session = self.session,
                conversation = %event.session_id,
                hook = event.name(),
                %reason,
                "a report with the session's secret is not the agent's own and counts for nothing; nor do more of the kind, which are not told"
            );
        }
        false
    }
}
