//! Copies of conversations as files beside the store: `conversations/<project>/<conversation>/…`,
//! readable with `jq`.
//!
//! Next to a file there may be `<name>.head` with its version and epoch, and `<name>.staged`.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};
use uuid::Uuid;
use wxcode_core::id::Id;

use crate::{CopyFile, Result, StoreError, conversation::READ_MAX};

/// The folder beside the store's file.
const FOLDER: &str = "conversations";
/// The extension of a file with version and epoch.
const HEAD: &str = "head";
/// The extension of a file with staged bytes.
const STAGED: &str = "staged";
/// Deepest folder below a conversation's own.
const DEPTH_MAX: usize = 4;
/// Most files of a project.
const FILES_MAX: usize = 50_000;

/// Changes of heads, one at a time: one server uses the folder.
static CHANGES: Mutex<()> = Mutex::new(());

/// The folder of the copies.
#[derive(Debug, Clone)]
pub(super) struct Copies {
    root: PathBuf,
}

#[derive(Debug, Default, Clone, Copy, Serialize, Deserialize)]
struct Head {
    version: u64,
    epoch: u64,
}

impl Copies {
    /// The copies beside the store's file.
    pub(super) fn beside(store: &Path) -> Self {
        Self::within(store.parent().unwrap_or(Path::new(".")))
    }

    /// The copies in this folder.
    pub(super) fn within(folder: &Path) -> Self {
        Self {
            root: folder.join(FOLDER),
        }
    }

    fn project(&self, project: Id) -> PathBuf {
        self.root.join(project.to_string())
    }

    fn path(&self, project: Id, file: &CopyFile) -> Result<PathBuf> {
        file.check()?;
        let folder = self.project(project).join(file.conversation.to_string());
        Ok(folder.join(&file.name))
    }

    pub(super) fn list(&self, project: Id) -> Result<Vec<CopyFile>> {
        let mut found = Vec::new();
        let folder = self.project(project);
        for entry in entries(&folder).map_err(|error| at(&folder, &error))? {
            let name = entry.file_name();
            let Some(conversation) = name.to_str().and_then(|name| Uuid::parse_str(name).ok())
            else {
                continue;
            };
            let root = entry.path();
            collect(&root, &root, conversation, DEPTH_MAX, &mut found)
                .map_err(|error| at(&root, &error))?;
        }
        found.sort_by(|a, b| (a.conversation, &a.name).cmp(&(b.conversation, &b.name)));
        Ok(found)
    }

    pub(super) fn read(&self, project: Id, file: &CopyFile, offset: u64) -> Result<Vec<u8>> {
        let path = self.path(project, file)?;
        let read = || {
            let mut open = File::open(&path)?;
            open.seek(SeekFrom::Start(offset))?;
            let left = file.len.saturating_sub(offset).min(READ_MAX as u64);
            let mut bytes = Vec::new();
            open.take(left).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        let is_same = head(&path).version == file.version;
        match read() {
            Ok(bytes) if is_same && (!bytes.is_empty() || offset >= file.len) => Ok(bytes),
            Ok(_) => Err(replaced(file)),
            Err(error) => Err(at(&path, &error)),
        }
    }

    pub(super) fn stage(&self, project: Id, file: &CopyFile, bytes: &[u8]) -> Result<()> {
        let path = self.path(project, file)?;
        let _alone = CHANGES.lock().unwrap_or_else(PoisonError::into_inner);
        let write = || {
            if let Some(folder) = path.parent() {
                fs::DirBuilder::new()
                    .recursive(true)
                    .mode(0o700)
                    .create(folder)?;
            }
            let staged = beside(&path, STAGED, file);
            let mut open = OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(false)
                .mode(0o600)
                .open(staged)?;
            open.seek(SeekFrom::Start(file.len))?;
            open.write_all(bytes)
        };
        write().map_err(|error| at(&path, &error))
    }

    pub(super) fn publish(
        &self,
        project: Id,
        old: Option<&CopyFile>,
        new: &CopyFile,
    ) -> Result<bool> {
        let path = self.path(project, new)?;
        let _alone = CHANGES.lock().unwrap_or_else(PoisonError::into_inner);
        let len = fs::metadata(&path).ok().map(|found| found.len());
        let known = head(&path);
        let now = len.map(|len| (known.version, len));
        let wanted = (new.version, new.len);
        if known.epoch == new.epoch && now == Some(wanted) {
            return Ok(true);
        }
        if now != old.map(|old| (old.version, old.len)) || known.epoch > new.epoch {
            return Ok(false);
        }
        let write = || {
            let from = match old {
                Some(old) if old.version == new.version => old.len,
                _ => 0,
            };
            let staged = beside(&path, STAGED, new);
            let mut open = OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(from == 0)
                .mode(0o600)
                .open(&path)?;
            open.seek(SeekFrom::Start(from))?;
            if new.len > from {
                let mut source = File::open(&staged)?;
                source.seek(SeekFrom::Start(from))?;
                io::copy(&mut source.take(new.len - from), &mut open)?;
                let _ = fs::remove_file(&staged);
            }
            open.set_len(new.len)?;
            open.sync_all()?;
            let head = Head {
                version: new.version,
                epoch: new.epoch,
            };
            let json = serde_json::to_vec(&head)?;
            let draft = beside(&path, HEAD, new);
            let mut file = OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&draft)?;
            file.write_all(&json)?;
            file.sync_all()?;
            fs::rename(draft, extended(&path, HEAD))
        };
        write().map(|()| true).map_err(|error| at(&path, &error))
    }

    pub(super) fn remove(&self, project: Id) -> Result<()> {
        let folder = self.project(project);
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(&folder, &error)),
            _ => Ok(()),
        }
    }
}

/// `<path>.<extension>`.
fn extended(path: &Path, extension: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(extension);
    name.into()
}

/// The file of one writer and one version.
fn beside(path: &Path, extension: &str, file: &CopyFile) -> PathBuf {
    extended(
        path,
        &format!("{}-{}.{extension}", file.version, file.epoch),
    )
}

fn head(path: &Path) -> Head {
    let bytes = fs::read(extended(path, HEAD)).ok();
    bytes
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default()
}

fn collect(
    root: &Path,
    folder: &Path,
    conversation: Uuid,
    depth: usize,
    found: &mut Vec<CopyFile>,
) -> io::Result<()> {
    for entry in entries(folder)? {
        let (path, kind) = (entry.path(), entry.metadata()?);
        if kind.is_dir() && depth > 0 {
            collect(root, &path, conversation, depth - 1, found)?;
            continue;
        }
        let is_copy = path
            .extension()
            .is_some_and(|extension| extension == "jsonl");
        let name = path.strip_prefix(root).ok().and_then(Path::to_str);
        if let (true, true, Some(name)) = (kind.is_file(), is_copy, name)
            && found.len() < FILES_MAX
        {
            let Head { version, epoch } = head(&path);
            found.push(CopyFile {
                conversation,
                name: name.to_owned(),
                version,
                len: kind.len(),
                epoch,
            });
        }
    }
    Ok(())
}

/// The entries of a folder; none of a missing one.
fn entries(folder: &Path) -> io::Result<Vec<fs::DirEntry>> {
    match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        entries => entries?.collect(),
    }
}

fn at(path: &Path, error: &io::Error) -> StoreError {
    StoreError::Unavailable(format!("the copy {}: {error}", path.display()))
}

pub(crate) fn replaced(file: &CopyFile) -> StoreError {
    StoreError::Corrupt(format!(
        "the file {} of the copy of the conversation {} is damaged, or was written anew meanwhile",
        file.name, file.conversation
    ))
}
