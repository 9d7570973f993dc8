//! Reads files below `.planning/`, within bounds and within the workspace.

use std::{
    cell::Cell,
    ffi::OsStr,
    fs::Metadata,
    path::{Path, PathBuf},
    time::SystemTime,
};

use wxcode_files::{FileError, Folder, Links};

use super::{DOCUMENT_MAX, ENTRIES_MAX, HEAD_MAX};

const PLANNING: &str = ".planning";

/// A listable `.planning/`.
pub(super) struct Files {
    workspace: Folder,
    /// The number of entries still allowed.
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
    /// Opens the folder; `None` if there is no `.planning`.
    pub(super) fn open(workspace: &Path) -> Result<Option<Self>, FileError> {
        let opened = Folder::open(workspace).and_then(|workspace| {
            let planning = workspace.folder(Path::new(PLANNING), Links::Beneath)?;
            // Checks that the folder can be listed.
            planning.names(0)?;
            Ok(workspace)
        });
        let workspace = match opened {
            Err(error) if error.is_missing() => return Ok(None),
            opened => opened?,
        };
        Ok(Some(Self {
            workspace,
            entries_left: Cell::new(ENTRIES_MAX),
            truncated: Cell::new(false),
        }))
    }

    /// Whether a bound was reached.
    pub(super) fn is_truncated(&self) -> bool {
        self.truncated.get()
    }

    /// Records that a bound was reached.
    pub(super) fn truncate(&self) {
        self.truncated.set(true);
    }

    /// Reads a document as text, up to its bound; `None` if it is no file or unreadable.
    pub(super) fn document(&self, name: &str) -> Option<String> {
        let (text, is_whole) = self.beginning(Path::new(name), DOCUMENT_MAX)?;
        if !is_whole {
            self.truncate();
        }
        Some(text)
    }

    /// Reads the beginning of a file as text; `None` if it is no file or unreadable.
    pub(super) fn head(&self, path: &Path) -> Option<String> {
        Some(self.beginning(path, HEAD_MAX)?.0)
    }

    /// Reads the first `max` bytes as text, and whether the file ends there.
    fn beginning(&self, path: &Path, max: u64) -> Option<(String, bool)> {
        let file = self.workspace.file(&below(path), Links::Beneath).ok()?;
        let len = file.len();
        let bytes = file.beginning(max).ok()?;
        let text = String::from_utf8_lossy(&bytes);
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned();
        Some((text, len <= max))
    }

    /// Returns a folder's entries by name; none if it is no folder or unreadable.
    pub(super) fn list(&self, path: &Path) -> Vec<Entry> {
        let Ok(folder) = self.workspace.folder(&below(path), Links::Beneath) else {
            return Vec::new();
        };
        // One entry above the bound shows that more exist.
        let names = folder.names(self.entries_left.get().saturating_add(1));
        let mut found = Vec::new();
        for name in names.unwrap_or_default() {
            let Some(left) = self.entries_left.get().checked_sub(1) else {
                self.truncate();
                break;
            };
            self.entries_left.set(left);
            // Skip a name outside UTF-8: no known name is one.
            let metadata = self.metadata(&folder, path, &name);
            if let (Ok(name), Some(metadata)) = (name.into_string(), metadata) {
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

    /// For a link, the kind of its target, if that is in the workspace.
    fn metadata(&self, folder: &Folder, path: &Path, name: &OsStr) -> Option<Metadata> {
        let metadata = folder.metadata(name).ok()?;
        if metadata.is_symlink() {
            let link = below(&path.join(name));
            self.workspace.target(&link, Links::Beneath).ok()
        } else {
            Some(metadata)
        }
    }
}

/// Converts a path below `.planning/` to one in the workspace.
fn below(path: &Path) -> PathBuf {
    Path::new(PLANNING).join(path)
}
