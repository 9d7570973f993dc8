//! Looks for changes of a project's `.planning/`, when the agent has done something.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::UNIX_EPOCH,
};

use sha2::{Digest as _, Sha256};
use tokio::sync::Notify;
use wxcode_claude::planning::ENTRIES_MAX;
use wxcode_core::event::Kind;

use crate::event::Feed;

/// Looks at the files of `workspace` each time the bell rings, and tells when they are others. Rings while it looks
/// count as one.
pub(super) async fn follow(feed: Arc<Feed>, bell: Arc<Notify>, workspace: PathBuf) {
    loop {
        bell.notified().await;
        look(&feed, &workspace).await;
    }
}

/// Looks at the files of `workspace` now.
pub(super) async fn look(feed: &Feed, workspace: &Path) {
    let planning = workspace.join(".planning");
    let looked = tokio::task::spawn_blocking(move || fingerprint(&planning)).await;
    match looked {
        Ok(Ok(kind)) => feed.tell(kind),
        Ok(Err(error)) => tracing::debug!(%error, "the planning files cannot be looked at"),
        Err(_) => {}
    }
}

/// Names, sizes and times of the first [`ENTRIES_MAX`] entries below a folder, in few characters. Links are not followed.
fn fingerprint(planning: &Path) -> io::Result<Kind> {
    let mut sum = Sha256::new();
    let mut entries = 0;
    let mut folders = vec![planning.to_owned()];
    while let Some(folder) = folders.pop() {
        let mut names = match fs::read_dir(&folder) {
            // Gone meanwhile, or not there at all.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            found => found?
                .take(ENTRIES_MAX - entries)
                .map(|entry| entry.map(|entry| entry.file_name()))
                .collect::<io::Result<Vec<_>>>()?,
        };
        names.sort_unstable();
        for name in names {
            let path = folder.join(&name);
            let Ok(metadata) = path.symlink_metadata() else {
                continue;
            };
            entries += 1;
            sum.update(path.as_os_str().as_encoded_bytes());
            sum.update([0]);
            if metadata.is_dir() {
                folders.push(path);
            } else {
                let modified = metadata.modified()?;
                let since = modified.duration_since(UNIX_EPOCH).unwrap_or_default();
                sum.update(metadata.len().to_le_bytes());
                sum.update(since.as_nanos().to_le_bytes());
            }
        }
    }
    let sum = sum.finalize();
    Ok(Kind::PlanningChanged {
        fingerprint: sum[..8].iter().map(|byte| format!("{byte:02x}")).collect(),
        entries,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_changes_with_files_and_only_with_them() {
        let temp = tempfile::tempdir().unwrap();
        let planning = temp.path().join(".planning");
        let look = || fingerprint(&planning).unwrap();
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
        // A loop is a link, and is not followed.
        std::os::unix::fs::symlink(&planning, planning.join("loop")).unwrap();
        let Kind::PlanningChanged { entries, .. } = look() else {
            panic!()
        };
        assert_eq!(entries, 3);
    }
}
