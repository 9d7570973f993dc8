//! Attributes entries below a project's `.planning/` to milestones, in a small file for the next
//! server.
//!
//! Invariant: the milestone of an entry is a function of the entry's time and of the project's
//! events. The file only saves another look.

use std::{
    collections::{BTreeMap, HashMap},
    fs, io,
    path::Path,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use wxcode_core::{id::Id, work::Work};
use wxcode_holder::folder::write_whole;

use super::look::Found;

/// Entries with a kept milestone, entries higher in the tree first.
pub(super) const ENTRIES_MAX: usize = 5_000;
/// Bytes of their paths, together.
pub(super) const PATHS_MAX: usize = 512 << 10; // 512 KiB
/// Largest readable file, in bytes; written files are smaller.
const FILE_MAX: u64 = 4 << 20; // 4 MiB
/// The version of the file.
const VERSION: u32 = 1;

/// The known entries of a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    version: u32,
    /// The last event behind `work`.
    pub(super) seq: u64,
    pub(super) work: Work,
    /// The time of the last listing.
    looked_at: Option<Timestamp>,
    /// Each present entry, by the entry's path.
    entries: BTreeMap<String, Entry>,
    /// Whether more entries exist than are kept.
    pub(super) truncated: bool,
}

/// A file or folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    /// The milestone in work at the entry's creation, if any.
    milestone: Option<Id>,
    /// Inode number and birth time, to recognise the entry after a move; inode numbers alone are
    /// reused.
    inode: u64,
    born: Option<Timestamp>,
    /// The creation time, while the milestone in work at that time is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    undecided: Option<Timestamp>,
}

impl Default for Record {
    fn default() -> Self {
        Self {
            version: VERSION,
            seq: 0,
            work: Work::default(),
            looked_at: None,
            entries: BTreeMap::new(),
            truncated: false,
        }
    }
}

impl Record {
    /// Reads the file; an unreadable file starts empty.
    pub(super) fn read(path: &Path) -> Self {
        let read = || -> io::Result<Self> {
            if fs::metadata(path)?.len() > FILE_MAX {
                return Err(io::Error::other("it is too large"));
            }
            let record: Self = serde_json::from_slice(&fs::read(path)?)?;
            if record.version == VERSION {
                Ok(record)
            } else {
                Err(io::Error::other("another version wrote it"))
            }
        };
        read().unwrap_or_else(|error| {
            if error.kind() != io::ErrorKind::NotFound {
                tracing::warn!(record = %path.display(), %error, "cannot read the attribution of planning files; attributing them again");
            }
            Self::default()
        })
    }

    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    /// When the disk refuses the file.
    pub(super) fn write(&self, path: &Path) -> io::Result<()> {
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        fs::create_dir_all(folder)?;
        let bytes = serde_json::to_vec(self)?;
        write_whole(folder, &name.to_string_lossy(), &bytes).map_err(io::Error::other)
    }

    /// Whether entries came or went since the last listing.
    pub(super) fn differs(&self, found: &[Found]) -> bool {
        let known = |found: &Found| self.entries.contains_key(&found.path);
        // Entries beyond the bound are never known.
        let is_new = !self.truncated && !found.iter().all(known);
        let there = found.iter().filter(|found| known(found)).count();
        is_new || there < self.entries.len()
    }

    /// Whether some entries still have an undecided milestone.
    pub(super) fn is_undecided(&self) -> bool {
        self.entries.values().any(|entry| entry.undecided.is_some())
    }

    /// Decides the milestone of undecided entries.
    fn decide(&mut self) {
        for entry in self.entries.values_mut() {
            if let Some(came) = entry.undecided
                && !self.work.is_undecided(came)
            {
                entry.milestone = self.work.at(came);
                entry.undecided = None;
            }
        }
    }

    /// Takes a listing at `now`: a new entry belongs to the milestone in work at the entry's
    /// creation, or was moved from a known path; a missing entry is dropped.
    pub(super) fn take_in(&mut self, found: &[Found], now: Timestamp) {
        let there: HashMap<&str, &Found> = found
            .iter()
            .map(|found| (found.path.as_str(), found))
            .collect();
        self.decide();
        let mut moved: HashMap<(u64, Timestamp), Entry> = HashMap::new();
        self.entries.retain(|path, entry| {
            let found = there.get(path.as_str());
            match (found, entry.born) {
                (Some(found), _) => entry.is_now(found),
                (None, Some(born)) => drop(moved.insert((entry.inode, born), entry.clone())),
                (None, None) => {}
            }
            found.is_some()
        });
        let mut bytes: usize = self.entries.keys().map(String::len).sum();
        self.truncated = false;
        for entry in found {
            if self.entries.contains_key(&entry.path) {
                continue;
            }
            if self.entries.len() >= ENTRIES_MAX || bytes + entry.path.len() > PATHS_MAX {
                self.truncated = true;
                break;
            }
            bytes += entry.path.len();
            let known = entry
                .born
                .and_then(|born| moved.remove(&(entry.inode, born)));
            let kept = known.unwrap_or_else(|| {
                let came = self.came(entry, now);
                let undecided = self.work.is_undecided(came).then_some(came);
                Entry {
                    milestone: self.work.at(came).filter(|_| undecided.is_none()),
                    inode: entry.inode,
                    born: entry.born,
                    undecided,
                }
            });
            self.entries.insert(entry.path.clone(), kept);
        }
    }

    /// Notes rewritten entries, for recognition after a move.
    pub(super) fn refresh(&mut self, found: &[Found]) {
        for found in found {
            if let Some(entry) = self.entries.get_mut(&found.path) {
                entry.is_now(found);
            }
        }
    }

    /// The time of an entry's arrival at its present path.
    fn came(&self, entry: &Found, now: Timestamp) -> Timestamp {
        match (entry.born, self.looked_at) {
            (Some(born), None) => born,
            (Some(born), Some(looked_at)) if born >= looked_at => born,
            // The entry is older than its path: a move brought the entry here, as far as the clock
            // can be trusted.
            (_, Some(looked_at)) => entry.changed.clamp(looked_at.min(now), now),
            (None, None) => entry.changed,
        }
    }

    /// Everything up to `now` is covered.
    pub(super) fn looked(&mut self, now: Timestamp) {
        self.work.forget(now);
        self.looked_at = Some(now);
    }

    /// Paths by milestone.
    pub(super) fn created(&self) -> BTreeMap<Id, Vec<&str>> {
        let mut created: BTreeMap<Id, Vec<&str>> = BTreeMap::new();
        for (path, entry) in &self.entries {
            if let Some(milestone) = entry.milestone {
                created.entry(milestone).or_default().push(path);
            }
        }
        created
    }
}

impl Entry {
    fn is_now(&mut self, found: &Found) {
        self.inode = found.inode;
        self.born = found.born;
    }
}

#[cfg(test)]
mod tests;
