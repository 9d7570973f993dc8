//! Bounded reading below `.planning/`, and never out of the workspace.

use std::{
    cell::Cell,
    fs::{self, DirEntry, File, Metadata},
    io::{self, Read as _},
    path::{Path, PathBuf},
    time::SystemTime,
};

use super::{DOCUMENT_MAX, ENTRIES_MAX, HEAD_MAX};

/// A `.planning/` that can be listed.
pub(super) struct Files {
    /// The workspace with all links resolved.
    workspace: PathBuf,
    /// `.planning/` with all links resolved.
    planning: PathBuf,
    /// How many more entries may be looked at.
    pub(super) entries_left: Cell<usize>,
    truncated: Cell<bool>,
}

/// An entry of a folder.
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) is_dir: bool,
    pub(super) modified: Option<SystemTime>,
}

impl Files {
    /// `None` when there is no `.planning`.
    pub(super) fn open(workspace: &Path) -> io::Result<Option<Self>> {
        let path = workspace.join(".planning");
        let (workspace, planning) = match (workspace.canonicalize(), path.canonicalize()) {
            (Ok(workspace), Ok(planning)) => (workspace, planning),
            (Err(error), _) | (_, Err(error)) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(None);
            }
            (Err(error), _) | (_, Err(error)) => return Err(error),
        };
        if !planning.starts_with(&workspace) {
            return Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                "it is a link that leads out of the workspace",
            ));
        }
        fs::read_dir(&planning)?;
        Ok(Some(Self {
            workspace,
            planning,
            entries_left: Cell::new(ENTRIES_MAX),
            truncated: Cell::new(false),
        }))
    }

    /// Whether a bound was reached.
    pub(super) fn is_truncated(&self) -> bool {
        self.truncated.get()
    }

    /// Notes that a bound was reached.
    pub(super) fn truncate(&self) {
        self.truncated.set(true);
    }

    /// The path with all links resolved, if it stays inside the workspace. Loops resolve to nothing.
    fn resolve(&self, path: &Path) -> Option<PathBuf> {
        let path = path.canonicalize().ok()?;
        path.starts_with(&self.workspace).then_some(path)
    }

    /// A document as text, up to its bound; `None` when it is no file or cannot be read.
    pub(super) fn document(&self, name: &str) -> Option<String> {
        let (text, is_whole) = self.beginning(Path::new(name), DOCUMENT_MAX)?;
        if !is_whole {
            self.truncate();
        }
        Some(text)
    }

    /// The beginning of a file as text; `None` when it is no file or cannot be read.
    pub(super) fn head(&self, path: &Path) -> Option<String> {
        Some(self.beginning(path, HEAD_MAX)?.0)
    }

    /// The first `max` bytes as text, and whether they are all.
    fn beginning(&self, path: &Path, max: u64) -> Option<(String, bool)> {
        let path = self.resolve(&self.planning.join(path))?;
        let metadata = path.metadata().ok()?;
        // Opening a pipe would wait for its writer.
        if !metadata.is_file() {
            return None;
        }
        let mut bytes = Vec::new();
        let file = File::open(path).ok()?;
        file.take(max).read_to_end(&mut bytes).ok()?;
        let text = String::from_utf8_lossy(&bytes);
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned();
        Some((text, metadata.len() <= max))
    }

    /// The entries of a folder by name; none when it is no folder or cannot be read.
    pub(super) fn list(&self, path: &Path) -> Vec<Entry> {
        let folder = self.resolve(&self.planning.join(path));
        let Some(Ok(entries)) = folder.map(fs::read_dir) else {
            return Vec::new();
        };
        let mut found = Vec::new();
        for entry in entries.map_while(Result::ok) {
            let Some(left) = self.entries_left.get().checked_sub(1) else {
                self.truncate();
                break;
            };
            self.entries_left.set(left);
            // A name that is not UTF-8 is none of those that count.
            if let (Ok(name), Some(metadata)) =
                (entry.file_name().into_string(), self.metadata(&entry))
            {
                found.push(Entry {
                    name,
                    is_dir: metadata.is_dir(),
                    modified: metadata.modified().ok(),
                });
            }
        }
        found.sort_by(|a, b| a.name.cmp(&b.name));
        found
    }

    /// Of what a link leads to, if that is in the workspace.
    fn metadata(&self, entry: &DirEntry) -> Option<Metadata> {
        if entry.file_type().ok()?.is_symlink() {
            self.resolve(&entry.path())?.metadata().ok()
        } else {
            entry.metadata().ok()
        }
    }
}
