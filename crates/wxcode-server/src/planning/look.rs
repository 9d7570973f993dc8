//! Lists everything below a project's `.planning/`: a fingerprint of all, and the time of each
//! entry.

use std::{
    collections::VecDeque,
    fs::Metadata,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use wxcode_claude::planning::ENTRIES_MAX;
use wxcode_core::event::Kind;
use wxcode_files::{FileError, Folder, Links};

/// The entries below a `.planning/` at a moment.
#[derive(Debug)]
pub(super) struct Look {
    /// The event for the look, if the fingerprint changed.
    pub(super) kind: Kind,
    /// Entries with UTF-8 names, entries higher in the tree first.
    pub(super) found: Vec<Found>,
}

/// A file or folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// The path below `.planning/`.
    pub(super) path: String,
    /// The inode number; a move keeps the number.
    pub(super) inode: u64,
    /// The creation time, if the file system has creation times.
    pub(super) born: Option<Timestamp>,
    /// The time of the last change or move.
    pub(super) changed: Timestamp,
}

/// Lists the first [`ENTRIES_MAX`] entries below `workspace`'s `.planning/`, if that folder exists.
/// Follows no links, except `.planning` itself if the link leads into the workspace. Calls `enter`
/// with each folder before listing the folder.
///
/// # Errors
/// When a folder cannot be listed, or `.planning` leads out of the workspace.
pub(super) fn look(workspace: &Folder, mut enter: impl FnMut(&Folder)) -> Result<Look, FileError> {
    let mut sum = Sha256::new();
    let mut entries = 0;
    let mut found = Vec::new();
    let mut folders: VecDeque<(PathBuf, String)> = VecDeque::new();
    let planning = match workspace.folder(Path::new(".planning"), Links::Beneath) {
        Err(error) if error.is_missing() => None,
        planning => Some(planning?),
    };
    if planning.is_some() {
        folders.push_back((PathBuf::new(), String::new()));
    }
    while let (Some(planning), Some((path, below))) = (&planning, folders.pop_front()) {
        let opened;
        let folder = if path.as_os_str().is_empty() {
            planning
        } else {
            opened = match planning.folder(&path, Links::Refuse) {
                // Gone meanwhile, or something else now.
                Err(FileError::Missing(_) | FileError::Link { .. } | FileError::Kind { .. }) => {
                    continue;
                }
                folder => folder?,
            };
            &opened
        };
        enter(folder);
        let mut names = folder.names(ENTRIES_MAX - entries)?;
        names.sort_unstable();
        for name in names {
            let Ok(metadata) = folder.metadata(&name) else {
                continue;
            };
            let path = path.join(&name);
            entries += 1;
            sum.update(path.as_os_str().as_encoded_bytes());
            sum.update([0]);
            // An entry without a UTF-8 name counts, but has no path to report.
            let relative = name.to_str().map(|name| format!("{below}{name}"));
            if metadata.is_dir() {
                let below = format!("{below}{}/", name.to_string_lossy());
                folders.push_back((path, below));
            } else {
                // Each file system of Linux reports a modification time.
                let modified = metadata.modified().unwrap_or(UNIX_EPOCH);
                let since = modified.duration_since(UNIX_EPOCH).unwrap_or_default();
                sum.update(metadata.len().to_le_bytes());
                sum.update(since.as_nanos().to_le_bytes());
            }
            found.extend(relative.map(|path| Found::new(path, &metadata)));
        }
    }
    let sum = sum.finalize();
    let kind = Kind::PlanningChanged {
        fingerprint: sum[..8].iter().map(|byte| format!("{byte:02x}")).collect(),
        entries,
    };
    Ok(Look { kind, found })
}

impl Found {
    fn new(path: String, metadata: &Metadata) -> Self {
        let born = metadata.created().ok().and_then(at);
        let nanos = i32::try_from(metadata.ctime_nsec()).unwrap_or(0);
        let changed = Timestamp::new(metadata.ctime(), nanos).unwrap_or(Timestamp::UNIX_EPOCH);
        Self {
            path,
            inode: metadata.ino(),
            born,
            changed,
        }
    }
}

fn at(time: SystemTime) -> Option<Timestamp> {
    Timestamp::try_from(time).ok()
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    fn look(workspace: &Path, enter: impl FnMut(&Folder)) -> Result<Look, FileError> {
        super::look(&Folder::open(workspace)?, enter)
    }

    #[test]
    fn fingerprints_change_with_files_only() {
        let temp = tempfile::tempdir().unwrap();
        let planning = temp.path().join(".planning");
        let look = || look(temp.path(), |_| {}).unwrap().kind;
        let missing = look();
        fs::create_dir_all(planning.join("phases")).unwrap();
        let empty = look();
        assert_ne!(missing, empty);
        assert_eq!(empty, look());
        fs::write(planning.join("phases/PLAN.md"), "a").unwrap();
        let one = look();
        assert_ne!(one, empty);
        fs::write(planning.join("phases/PLAN.md"), "ab").unwrap();
        let longer = look();
        assert_ne!(longer, one);
        fs::rename(
            planning.join("phases/PLAN.md"),
            planning.join("phases/B.md"),
        )
        .unwrap();
        assert_ne!(look(), longer);
        // A loop needs a link, and links are not followed.
        symlink(&planning, planning.join("loop")).unwrap();
        let Kind::PlanningChanged { entries, .. } = look() else {
            panic!()
        };
        assert_eq!(entries, 3);
    }

    #[test]
    fn folders_are_entered_before_listing() {
        let temp = tempfile::tempdir().unwrap();
        let planning = temp.path().join(".planning");
        fs::create_dir_all(planning.join("phases/01-a")).unwrap();
        fs::write(planning.join("STATE.md"), "").unwrap();
        let mut entered = Vec::new();
        let looked = look(temp.path(), |folder| {
            let folder = folder.path();
            // Entries made in between are found all the same.
            if folder.ends_with("01-a") {
                fs::write(folder.join("01-01-PLAN.md"), "").unwrap();
            }
            entered.push(folder.strip_prefix(&planning).unwrap().to_owned());
        })
        .unwrap();
        assert_eq!(
            entered,
            ["", "phases", "phases/01-a"].map(PathBuf::from).to_vec()
        );
        let paths: Vec<&str> = looked
            .found
            .iter()
            .map(|found| found.path.as_str())
            .collect();
        assert_eq!(
            paths,
            [
                "STATE.md",
                "phases",
                "phases/01-a",
                "phases/01-a/01-01-PLAN.md"
            ]
        );
        for found in &looked.found {
            assert!(
                found.born.is_none_or(|born| born <= found.changed),
                "{found:?}"
            );
        }
    }

    #[test]
    fn links_stay_within_the_workspace() {
        let temp = tempfile::tempdir().unwrap();
        let workspace = temp.path().join("w");
        fs::create_dir_all(workspace.join("docs/phases")).unwrap();
        fs::create_dir_all(temp.path().join("elsewhere")).unwrap();
        symlink("docs", workspace.join(".planning")).unwrap();
        let found = look(&workspace, |_| {}).unwrap().found;
        assert_eq!(found[0].path, "phases");
        fs::remove_file(workspace.join(".planning")).unwrap();
        symlink("../elsewhere", workspace.join(".planning")).unwrap();
        look(&workspace, |_| panic!("it must not be entered")).unwrap_err();
    }
}
