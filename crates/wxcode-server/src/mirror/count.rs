//! Counts of what a project's copies lack: results dropped at the bound, and damaged entries.
//!
//! `<project>/kept.json` has both.

use std::{
    collections::BTreeMap,
    fs, io,
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::checksum::Damage;

/// The file in the folder of a project's copies.
const FILE: &str = "kept.json";

/// Bytes of results dropped from all copies since the server's start.
static DROPPED: AtomicU64 = AtomicU64::new(0);

/// Bytes of tools' results that were dropped since the server's start.
pub(crate) fn dropped_bytes() -> u64 {
    DROPPED.load(Ordering::Relaxed)
}

/// The counts of a project.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Counts {
    pub(super) dropped_bytes: u64,
    /// Lost entries by conversation.
    pub(super) lost: BTreeMap<Uuid, u64>,
}

/// The counts of a project; none for a file that cannot be read.
pub(super) fn read(project: &Path) -> Counts {
    let bytes = fs::read(project.join(FILE)).ok();
    bytes
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default()
}

fn change(project: &Path, change: impl FnOnce(&mut Counts)) -> io::Result<()> {
    let mut counts = read(project);
    change(&mut counts);
    let json = serde_json::to_vec(&counts)?;
    wxcode_holder::folder::write_whole(project, FILE, &json).map_err(io::Error::other)
}

/// Counts dropped bytes of a project.
pub(super) fn note_dropped(project: &Path, bytes: u64) -> io::Result<()> {
    DROPPED.fetch_add(bytes, Ordering::Relaxed);
    change(project, |counts| {
        counts.dropped_bytes = counts.dropped_bytes.saturating_add(bytes);
    })
}

/// Counts lost entries of a conversation, whose copy is in this folder.
pub(super) fn note_damage(copy: &Path, id: Uuid, damage: Damage) -> io::Result<()> {
    let Some(project) = copy.parent().filter(|_| damage.lost > 0) else {
        return Ok(());
    };
    change(project, |counts| {
        *counts.lost.entry(id).or_default() += damage.lost;
    })
}
