//! The size of a project's copies, and what they lack.

use std::fs;

use uuid::Uuid;
use wxcode_core::id::Id;

use super::{Mirror, bound, count};
use crate::sync::lock;

/// The copies of a project.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kept {
    /// The size of the copies, in bytes.
    pub(crate) bytes: u64,
    pub(crate) bytes_max: u64,
    /// Bytes of tools' results that were dropped at the bound.
    pub(crate) dropped_bytes: u64,
    /// Entries of one conversation that were damaged on the disk, and are lost.
    pub(crate) damaged_entries: u64,
}

impl Mirror {
    /// The size of a project's copies: their folder is walked after a change only. Blocks.
    pub(super) fn size(&self, project: Id) -> u64 {
        let known = lock(&self.0.sizes)
            .get(&project)
            .copied()
            .unwrap_or_default();
        if let Some(bytes) = known.bytes {
            return bytes;
        }
        let bytes = bound::kept(&self.project(project));
        let mut sizes = lock(&self.0.sizes);
        let size = sizes.entry(project).or_default();
        if size.changes == known.changes {
            size.bytes = Some(bytes);
        }
        bytes
    }

    /// The size of a conversation's copy, without its other files.
    pub(super) fn copied(&self, project: Id, id: Uuid) -> u64 {
        let copy = self.conversation(project, id).join(format!("{id}.jsonl"));
        fs::metadata(copy).map_or(0, |found| found.len())
    }

    /// Bytes that a project's copies may still grow by. Blocks.
    pub(super) fn room(&self, project: Id) -> u64 {
        self.bound().saturating_sub(self.size(project))
    }

    /// Most bytes of all copies of a project.
    pub(super) fn bound(&self) -> u64 {
        self.0.bound
    }

    /// Notes that a project's copies have grown; `None` where only a look at the disk tells by how
    /// much.
    pub(super) fn grew(&self, project: Id, bytes: Option<u64>) {
        let mut sizes = lock(&self.0.sizes);
        let size = sizes.entry(project).or_default();
        size.changes += 1;
        size.bytes = size.bytes.zip(bytes).map(|(size, more)| size + more);
    }

    /// Notes why a project's conversation is not copied; `None`: it is.
    pub(super) fn set_trouble(&self, project: Id, trouble: Option<String>) {
        let mut troubles = lock(&self.0.troubles);
        match trouble {
            Some(trouble) => troubles.insert(project, trouble),
            None => troubles.remove(&project),
        };
    }

    /// Why a project's conversation is not copied; `None`: it is, or nothing was to copy so far.
    pub(crate) fn trouble(&self, project: Id) -> Option<String> {
        lock(&self.0.troubles).get(&project).cloned()
    }

    /// Notes that a project's copies have changed.
    pub(super) fn changed(&self, project: Id) {
        self.grew(project, None);
    }

    /// The copies of a project, and the damage of one of its conversations; `None` without a copy.
    pub(crate) async fn kept(&self, project: Id, id: Option<Uuid>) -> Option<Kept> {
        let folder = self.project(project);
        let own = self.clone();
        let look = move || {
            if !folder.is_dir() {
                return None;
            }
            let counts = count::read(&folder);
            Some(Kept {
                bytes: own.size(project),
                bytes_max: own.bound(),
                dropped_bytes: counts.dropped_bytes,
                damaged_entries: id.and_then(|id| counts.lost.get(&id).copied()).unwrap_or(0),
            })
        };
        tokio::task::spawn_blocking(look).await.ok().flatten()
    }
}
