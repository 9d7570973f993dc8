//! The claude session ids of a project in a store.

use std::path::PathBuf;

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;
use wxcode_core::{id::Id, identity::Source, project::HookCursor};

use crate::Result;

/// A change of the current claude session id, by compare-and-set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation {
    /// The expected current id; `None` expects none.
    pub old: Option<Uuid>,
    /// The new current id.
    pub new: Uuid,
    /// The origin of the new id.
    pub source: Source,
    /// The reason to leave the old conversation.
    pub reason: String,
    /// The transcript of the new conversation, if known.
    pub transcript_path: Option<PathBuf>,
    /// The reporting hook; a rotation at or before the project's cursor changes nothing.
    pub cursor: Option<HookCursor>,
    pub at: Timestamp,
    /// The epoch of the lease under which the change happens; under a later one nothing changes.
    pub fence: Option<u64>,
}

/// The answer to a rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotated {
    /// This call changed the id.
    Won,
    /// The current id was another id, named here, or the hook was already counted; nothing changed.
    Lost(Option<Uuid>),
    /// The project's lease has a later epoch: another node has the project; nothing changed.
    Fenced,
    /// The project does not exist.
    NoProject,
}

/// A current id after another program had written an earlier state over the id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reclaimed {
    /// The current id, by the history.
    pub current: Uuid,
    /// The id found in place of the current id.
    pub found: Option<Uuid>,
}

/// Operations on the claude session ids of a project. See [`crate::Store`] for the promises of all operations.
#[async_trait]
pub trait IdentityStore: Send + Sync + 'static {
    /// Changes the current claude session id by compare-and-set and appends to the history, see
    /// [`wxcode_core::identity::rotated`]. `updated_at` stays.
    async fn rotate(&self, project: Id, rotation: &Rotation) -> Result<Rotated>;
    /// Writes the current id of the history back, if another program wrote an earlier state over
    /// the id. Until then, reads also use the history's id. A store without other writers does
    /// nothing.
    async fn reclaim_conversation(&self, project: Id) -> Result<Option<Reclaimed>> {
        let _ = project;
        Ok(None)
    }
    /// Records a submitted message in the latest history entry of `conversation`, and the
    /// transcript path if given; true if there is such an entry. Changes nothing, and returns false,
    /// if the project's lease has a later epoch than `fence`.
    async fn note_conversation(
        &self,
        project: Id,
        conversation: Uuid,
        spoke: bool,
        transcript_path: Option<PathBuf>,
        fence: Option<u64>,
    ) -> Result<bool>;
}
