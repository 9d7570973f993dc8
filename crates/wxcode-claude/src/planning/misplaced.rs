//! Finds misplaced planning folders: all milestones share the one at the root of the workspace.

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
};

use wxcode_files::{Folder, Links};

/// Most entries examined.
const ENTRIES_MAX: usize = 2_000;
/// Greatest depth examined below the folder.
const DEPTH_MAX: usize = 3;
/// Most folders reported.
pub const MISPLACED_MAX: usize = 100;

/// Returns the folders `.planning` and `phases` below `folder`, relative to the workspace, in
/// order. Follows no link and skips unreadable folders.
#[must_use]
pub fn misplaced(workspace: &Path, folder: &str) -> Vec<String> {
    let Ok(workspace) = Folder::open(workspace) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let mut left = ENTRIES_MAX;
    let mut folders = VecDeque::from([(PathBuf::from(folder), 0)]);
    while let Some((folder, depth)) = folders.pop_front() {
        let Ok(opened) = workspace.folder(&folder, Links::Refuse) else {
            continue;
        };
        for name in opened.names(left).unwrap_or_default() {
            left -= 1;
            if !opened
                .metadata(&name)
                .is_ok_and(|metadata| metadata.is_dir())
            {
                continue;
            }
            let path = folder.join(&name);
            if name == ".planning" || name == "phases" {
                found.push(path.to_string_lossy().into_owned());
            } else if depth + 1 < DEPTH_MAX {
                folders.push_back((path, depth + 1));
            }
        }
    }
    found.sort();
    found.truncate(MISPLACED_MAX);
    found
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn misplaced_planning_folders_are_found() {
        let temp = tempfile::tempdir().unwrap();
        for path in [
            ".planning/phases/01-a",
            "phases",
            ".milestones/m1/.planning/phases/01-b",
            ".milestones/m2/phases/01-c",
            ".milestones/m3/notes/deep/phases",
            ".milestones/phases/02-d",
        ] {
            fs::create_dir_all(temp.path().join(path)).unwrap();
        }
        fs::write(temp.path().join(".milestones/m3/.planning"), "a file").unwrap();
        std::os::unix::fs::symlink("../m1/.planning", temp.path().join(".milestones/m3/phases"))
            .unwrap();
        assert_eq!(
            misplaced(temp.path(), ".milestones"),
            [
                ".milestones/m1/.planning",
                ".milestones/m2/phases",
                ".milestones/phases"
            ]
        );
        assert!(misplaced(temp.path(), "none").is_empty());
    }

    #[test]
    fn the_search_is_bounded() {
        let temp = tempfile::tempdir().unwrap();
        for n in 0..150 {
            fs::create_dir_all(temp.path().join(format!("m/{n:03}/phases"))).unwrap();
        }
        let found = misplaced(temp.path(), "m");
        assert_eq!(found.len(), MISPLACED_MAX);
        assert_eq!(found[0], "m/000/phases");
    }
}
