//! Hook filter: accepts the hooks of the session's own agent, and refuses hooks of other processes
//! with the session's secret.
//!
//! Invariant: a hook counts only at the depth of the agent's first `SessionStart` below the agent's
//! process. The session's secret alone is no proof.
//!
//! Invariant: a hook of another depth than the session's first `SessionStart` changes no id, no
//! state, no delivery and no event.

use std::path::{Path, PathBuf};

use wxcode_claude::hook::{HookEvent, HookKind};
use wxcode_core::provenance::{Provenance, Standing};
use wxcode_holder::ancestry::Ancestry;

use crate::agent::metadata::LiveMetadata;

/// Judges the hooks of a session; the knowledge survives restarts.
pub(in crate::agent) struct HookFilter {
    session: String,
    dir: PathBuf,
    provenance: Provenance,
    warned: bool,
}

impl HookFilter {
    /// Starts with an earlier server's knowledge.
    pub(in crate::agent) fn new(
        session: impl ToString,
        dir: &Path,
        live_metadata: &LiveMetadata,
    ) -> Self {
        Self {
            session: session.to_string(),
            dir: dir.to_owned(),
            provenance: Provenance::learned(live_metadata.hook_depth),
            warned: false,
        }
    }

    /// Whether the agent ever began a conversation.
    pub(in crate::agent) fn has_begun(&self) -> bool {
        self.provenance.depth().is_some()
    }

    /// Whether a hook is the agent's own. Logs the first foreign hook.
    pub(in crate::agent) fn accepts(&mut self, event: &HookEvent, ancestry: Ancestry) -> bool {
        let standing = match ancestry {
            Ancestry::Unknown => Standing::Unknown,
            Ancestry::Foreign => Standing::Foreign,
            Ancestry::Below(generations) => Standing::Below(generations),
        };
        let before = self.provenance.depth();
        let is_start = matches!(event.kind, HookKind::SessionStart { .. });
        let judged = self.provenance.judge(standing, is_start);
        if self.provenance.depth() != before {
            let mut live_metadata = LiveMetadata::read(&self.dir);
            live_metadata.hook_depth = self.provenance.depth();
            // Without the file the next server finds the depth in the kept hooks.
            if let Err(error) = live_metadata.write(&self.dir) {
                tracing::warn!(session = self.session, %error, "could not persist the depth of the agent's hooks");
            }
        }
        let Err(reason) = judged else { return true };
        if !std::mem::replace(&mut self.warned, true) {
            tracing::warn!(
                session = self.session,
                conversation = %event.session_id,
                hook = event.name(),
                %reason,
                "ignoring a hook from a foreign process (further ones are not logged)"
            );
        }
        false
    }
}
