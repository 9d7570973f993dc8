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
mod tests {
    use wxcode_core::{
        delivery::DeliveryState,
        event::{Kind, Stage},
    };

    use super::*;

    const fn id(n: u8) -> Id {
        Id::from_bytes([n; 12])
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_000 + seconds).unwrap()
    }

    fn found(path: &str, born: i64, changed: i64) -> Found {
        Found {
            path: path.to_owned(),
            inode: 0,
            born: Some(at(born)),
            changed: at(changed),
        }
    }

    fn milestone(record: &Record, path: &str) -> Option<Id> {
        record.entries[path].milestone
    }

    /// Milestone 1 was in work from 10 to 20, milestone 2 from 30 on.
    fn record() -> Record {
        let mut record = Record::default();
        for (seconds, n, status) in [
            (10, 1, Stage::InProgress),
            (20, 1, Stage::Completed),
            (30, 2, Stage::InProgress),
        ] {
            let kind = Kind::MilestoneStatus {
                milestone_id: id(n),
                element_name: None,
                status,
                by: None,
                reason: None,
            };
            record.work.note(&kind, at(seconds));
        }
        record
    }

    #[test]
    fn entries_belong_to_the_milestone_in_work() {
        let mut record = record();
        let mut all = vec![
            found("PROJECT.md", 1, 35),
            found("phases/01-a", 12, 35),
            found("phases/02-b", 31, 31),
            found("notes.md", 25, 25),
        ];
        assert!(record.differs(&all));
        record.take_in(&all, at(40));
        record.looked(at(40));
        assert!(!record.differs(&all));
        assert_eq!(milestone(&record, "phases/01-a"), Some(id(1)));
        assert_eq!(milestone(&record, "phases/02-b"), Some(id(2)));
        assert_eq!(milestone(&record, "PROJECT.md"), None);
        assert_eq!(milestone(&record, "notes.md"), None);

        // An old entry is moved here, another is rewritten, a third is deleted.
        all.remove(3);
        all[1].born = Some(at(45));
        all.push(found("phases/03-c", 2, 44));
        assert!(record.differs(&all));
        record.take_in(&all, at(50));
        let created = record.created();
        assert_eq!(created[&id(1)], ["phases/01-a"]);
        assert_eq!(created[&id(2)], ["phases/02-b", "phases/03-c"]);
        assert!(!record.entries.contains_key("notes.md"));
    }

    #[test]
    fn moved_entries_keep_their_milestone() {
        let at_inode = |path: &str, inode: u64, born: i64| Found {
            inode,
            ..found(path, born, born)
        };
        let mut record = record();
        let before = [
            at_inode("phases/01-a", 7, 12),
            at_inode("phases/02-b", 8, 13),
            at_inode("STATE.md", 9, 14),
        ];
        record.take_in(&before, at(40));
        record.looked(at(40));
        // Rewritten, and moved later.
        let reused = at_inode("STATE.md", 10, 41);
        record.refresh(std::slice::from_ref(&reused));
        let after = [
            at_inode("phases/05-a", 7, 12),
            at_inode("phases/06-c", 8, 45),
            at_inode("OLD-STATE.md", 10, 41),
        ];
        record.take_in(&after, at(50));
        assert_eq!(milestone(&record, "phases/05-a"), Some(id(1)));
        assert_eq!(milestone(&record, "OLD-STATE.md"), Some(id(1)));
        assert_eq!(milestone(&record, "phases/06-c"), Some(id(2)));
    }

    #[test]
    fn entries_during_a_command_are_decided_later() {
        let mut record = record();
        let given = Kind::DeliveryState {
            delivery_id: id(9),
            milestone_id: Some(id(3)),
            state: DeliveryState::Written,
            attempts: 1,
            error: None,
            text: String::new(),
            not_before: None,
            steer: false,
            edits: 0,
            version: 1,
        };
        record.work.note(&given, at(40));
        let all = [found("phases/03-c", 41, 41), found("early.md", 39, 39)];
        record.take_in(&all, at(42));
        record.looked(at(42));
        assert_eq!(milestone(&record, "phases/03-c"), None);
        assert_eq!(milestone(&record, "early.md"), Some(id(2)));
        assert!(record.is_undecided());
        for status in [Stage::InProgress, Stage::Completed] {
            let kind = Kind::MilestoneStatus {
                milestone_id: id(3),
                element_name: None,
                status,
                by: None,
                reason: None,
            };
            record.work.note(&kind, at(43));
        }
        record.take_in(&all, at(44));
        assert_eq!(milestone(&record, "phases/03-c"), Some(id(3)));
        assert!(!record.is_undecided());
    }

    #[test]
    fn records_read_back_unless_damaged() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("planning/p.json");
        let mut record = record();
        record.take_in(&[found("phases/01-a", 12, 12)], at(40));
        record.looked(at(40));
        record.seq = 7;
        record.write(&path).unwrap();
        record.write(&path).unwrap();
        assert_eq!(Record::read(&path), record);
        fs::write(&path, "{").unwrap();
        assert_eq!(Record::read(&path), Record::default());
        assert_eq!(Record::read(&temp.path().join("none")), Record::default());
    }

    #[test]
    fn records_are_bounded_from_the_top() {
        let mut record = record();
        let long = "x".repeat(1_000);
        let all: Vec<Found> = (0..600)
            .map(|n| found(&format!("{n}-{long}"), 12, 12))
            .collect();
        record.take_in(&all, at(40));
        assert!(record.truncated);
        let kept: usize = record.entries.keys().map(String::len).sum();
        assert!(kept <= PATHS_MAX && kept > PATHS_MAX - 2_000, "{kept}");
        assert_eq!(milestone(&record, &all[0].path), Some(id(1)));
        assert!(!record.differs(&all));
        let many: Vec<Found> = (0..6_000).map(|n| found(&format!("{n}"), 12, 12)).collect();
        record.take_in(&many, at(40));
        assert_eq!(record.entries.len(), ENTRIES_MAX);
        assert!((serde_json::to_vec(&record).unwrap().len() as u64) < FILE_MAX);
    }
}
