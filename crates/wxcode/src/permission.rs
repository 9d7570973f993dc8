//! Closes the data folder to other users: folders become 0700, files 0600.

use std::{
    fmt, fs, io,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// Folders of the data folder with wxcode's own files only. `workspaces` belongs to the user.
const FOLDERS: [&str; 9] = [
    "sessions",
    "runs",
    "events",
    "planning",
    "deleting",
    "bin",
    "tls",
    "conversations",
    "changes",
];
/// Files next to these folders.
const FILES: [&str; 6] = [
    "node",
    "server.json",
    "server.lock",
    "vapid.pk8",
    "wxcode.sock",
    "wxcode.toml",
];
/// The beginnings of the names of the databases, their write-ahead logs and their shared memory.
const STORES: [&str; 2] = ["wxcode.db", "search.db"];
/// The endings of logs and temporary files.
const ENDINGS: [&str; 2] = [".log", ".tmp"];
/// Most entries to check.
const ENTRIES_MAX: usize = 200_000;
/// Most unclosable entries to name.
const NAMED_MAX: usize = 5;
/// The permission bits of the group and of other users.
const OTHERS: u32 = 0o077;
/// The mode of a folder for all users, such as `/tmp`.
const STICKY: u32 = 0o1000;

/// Entries found open.
#[derive(Debug, Default)]
pub(crate) struct Closed {
    /// The number of closed entries.
    pub(crate) count: usize,
    /// The first closed entry, and the entry's earlier mode.
    first: Option<(PathBuf, u32)>,
    /// Unclosable entries, with reason and remedy.
    pub(crate) failures: Vec<String>,
    looked_at: usize,
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.first {
            Some((path, mode)) => write!(
                f,
                "{} entries of the data folder were open to other users and are closed now, \
                 such as {} ({mode:04o}); if others use this machine, they may have read the \
                 conversations in them",
                self.count,
                path.display()
            ),
            None => f.write_str("nothing was open to other users"),
        }
    }
}

/// Closes the data folder and wxcode's files in it.
pub(crate) fn close(data_dir: &Path) -> Closed {
    let mut closed = Closed::default();
    let open = fs::metadata(data_dir).map(|meta| meta.mode());
    if open.is_ok_and(|mode| mode & STICKY != 0) {
        closed.failures.push(format!(
            "{} is a folder for all users: give another --data-dir",
            data_dir.display()
        ));
        return closed;
    }
    // The folder first: from then on other users cannot add files.
    if let Err(error) = closed.entry(data_dir, true) {
        closed.fail(data_dir, &error);
    }
    let Ok(entries) = fs::read_dir(data_dir) else {
        return closed;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if FOLDERS.contains(&&*name) {
            closed.tree(&entry.path());
        } else if FILES.contains(&&*name)
            || STORES.iter().any(|store| name.starts_with(store))
            || ENDINGS.iter().any(|ending| name.ends_with(ending))
        {
            closed.file(&entry.path());
        }
    }
    closed
}

impl Closed {
    /// A folder and everything in it.
    fn tree(&mut self, root: &Path) {
        let mut waiting = vec![root.to_owned()];
        while let Some(path) = waiting.pop() {
            self.looked_at += 1;
            if self.looked_at > ENTRIES_MAX {
                self.failures.push(format!(
                    "{} has more than {ENTRIES_MAX} entries, and the rest was not looked at: \
                     run `chmod -R go-rwx {}`",
                    root.display(),
                    root.display()
                ));
                return;
            }
            match self.entry(&path, false) {
                Ok(true) => {
                    let entries = fs::read_dir(&path).into_iter().flatten().flatten();
                    waiting.extend(entries.map(|entry| entry.path()));
                }
                Ok(false) => {}
                Err(error) => self.fail(&path, &error),
            }
        }
    }

    fn file(&mut self, path: &Path) {
        if let Err(error) = self.entry(path, false) {
            self.fail(path, &error);
        }
    }

    /// Closes an entry; returns whether the entry is a folder. Links are left alone, except the
    /// data folder itself.
    fn entry(&mut self, path: &Path, follow: bool) -> io::Result<bool> {
        let meta = match follow {
            true => fs::metadata(path)?,
            false => fs::symlink_metadata(path)?,
        };
        if meta.is_symlink() {
            return Ok(false);
        }
        let mode = meta.mode() & 0o7777;
        if mode & OTHERS != 0 {
            fs::set_permissions(path, fs::Permissions::from_mode(mode & !OTHERS))?;
            self.count += 1;
            self.first.get_or_insert_with(|| (path.to_owned(), mode));
        }
        Ok(meta.is_dir())
    }

    fn fail(&mut self, path: &Path, error: &io::Error) {
        // Sessions and temporary files come and go meanwhile.
        if error.kind() != io::ErrorKind::NotFound && self.failures.len() < NAMED_MAX {
            self.failures.push(format!(
                "{} is open to other users and cannot be closed: {error}; run `chmod go-rwx {}` \
                 as its owner",
                path.display(),
                path.display()
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o7777
    }

    fn set(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn only_entries_of_wxcode_are_closed() {
        let temp = tempfile::tempdir().unwrap();
        let dir = temp.path().join("data");
        fs::create_dir_all(dir.join("sessions/a/log")).unwrap();
        fs::create_dir_all(dir.join("workspaces/w")).unwrap();
        let outside = temp.path().join("outside");
        fs::write(&outside, "").unwrap();
        set(&outside, 0o644);
        std::os::unix::fs::symlink(&outside, dir.join("sessions/a/link")).unwrap();
        let ours = [
            "vapid.pk8",
            "search.db",
            "wxcode.db-wal",
            "out.log",
            "sessions/a/log/1",
        ];
        let others = ["workspaces/w/README.md", ".profile"];
        for name in ours.into_iter().chain(others) {
            fs::write(dir.join(name), "").unwrap();
            set(&dir.join(name), 0o644);
        }
        for name in ["", "sessions", "sessions/a", "sessions/a/log", "workspaces"] {
            set(&dir.join(name), 0o755);
        }

        let closed = close(&dir);
        assert_eq!(closed.failures, Vec::<String>::new());
        assert_eq!(closed.count, 4 + ours.len());
        assert!(closed.to_string().contains("(0755)"), "{closed}");
        for name in ["", "sessions", "sessions/a", "sessions/a/log"] {
            assert_eq!(mode(&dir.join(name)), 0o700, "{name}");
        }
        for name in ours {
            assert_eq!(mode(&dir.join(name)), 0o600, "{name}");
        }
        for name in others {
            assert_eq!(mode(&dir.join(name)), 0o644, "{name}");
        }
        assert_eq!(mode(&outside), 0o644);
        assert_eq!(close(&dir).count, 0);
    }

    #[test]
    fn a_folder_for_all_users_is_named() {
        let temp = tempfile::tempdir().unwrap();
        set(temp.path(), 0o1777);
        let closed = close(temp.path());
        assert_eq!((closed.count, closed.failures.len()), (0, 1));
        assert_eq!(mode(temp.path()), 0o1777);
    }
}
