//! Finds the transcript of a conversation and the files of its subagents.

use std::{
    path::{Path, PathBuf},
    time::SystemTime,
};

use uuid::Uuid;
use wxcode_claude::transcript::project_folder;
use wxcode_core::project::OutputProject;
use wxcode_files::{FileError, Folder, Links, RegularFile};

use super::size::{DEPTH_MAX, SIDE_FILES_MAX};

/// Most project folders searched.
const FOLDERS_MAX: usize = 10_000;

/// The size and the time of a transcript.
pub(super) type Version = (u64, Option<SystemTime>);

/// Where to look for a conversation's files.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(super) id: Uuid,
    pub(super) config_dir: PathBuf,
    pub(super) workspace: PathBuf,
    /// The transcript's path as the agent reported it.
    pub(super) reported: Option<PathBuf>,
}

impl Place {
    /// The place of a conversation of the project's history.
    pub(crate) fn of(project: &OutputProject, id: Uuid, config_dir: &Path) -> Self {
        Self {
            id,
            config_dir: config_dir.to_owned(),
            workspace: project.workspace_path.clone(),
            reported: project.reported_transcript(id).map(Path::to_owned),
        }
    }

    /// A place without a conversation.
    #[cfg(test)]
    pub(crate) fn below(root: &Path) -> Self {
        Self {
            id: Uuid::nil(),
            config_dir: root.to_owned(),
            workspace: root.to_owned(),
            reported: None,
        }
    }

    /// Opens the transcript, if there is one. A `thorough` look searches all project folders.
    pub(crate) fn transcript(&self, thorough: bool) -> Result<Option<RegularFile>, FileError> {
        let Some(folder) = self.open(thorough)? else {
            return Ok(None);
        };
        let name = format!("{}.jsonl", self.id);
        match folder.file(Path::new(&name), Links::Beneath) {
            Err(error) if error.is_missing() => Ok(None),
            file => file.map(Some),
        }
    }

    /// The state of the transcript at its likely places; `None` if it is not there. Blocks.
    pub(super) fn version(&self) -> Result<Option<Version>, FileError> {
        let Some(file) = self.transcript(false)? else {
            return Ok(None);
        };
        Ok(Some((file.len(), file.modified())))
    }

    /// Opens the project folder with the transcript, if there is one. A `thorough` look searches
    /// all project folders.
    pub(super) fn open(&self, thorough: bool) -> Result<Option<Folder>, FileError> {
        let name = format!("{}.jsonl", self.id);
        let projects = self.config_dir.join("projects");
        let reported = self.reported.as_deref();
        let reported = reported.filter(|path| path.file_name().is_some_and(|last| *last == *name));
        let likely = [
            reported.and_then(Path::parent).map(Path::to_path_buf),
            Some(projects.join(project_folder(&self.workspace))),
        ];
        for folder in likely.into_iter().flatten() {
            if let Some(found) = with(&folder, &name)? {
                return Ok(Some(found));
            }
        }
        if !thorough {
            return Ok(None);
        }
        let all = match Folder::open(&projects) {
            Err(error) if error.is_missing() => return Ok(None),
            all => all?,
        };
        for folder in all.names(FOLDERS_MAX)? {
            if let Some(found) = with(&projects.join(folder), &name).unwrap_or(None) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
}

/// The files of a conversation: Claude Code's own, or their copies where the transcript is gone.
pub(crate) struct Files {
    folder: Folder,
    /// Their paths in the folder and in the copy; the transcript comes first.
    names: Vec<(PathBuf, PathBuf)>,
}

impl Files {
    /// Finds the files; `copy` is the folder of the copy. Blocks.
    ///
    /// # Errors
    /// A folder cannot be read.
    pub(crate) fn find(place: &Place, copy: &Path) -> Result<Option<Self>, FileError> {
        if let Some(folder) = place.open(true)? {
            let names = files(&folder, place.id);
            return Ok(Some(Self { folder, names }));
        }
        let Some(folder) = with(copy, &format!("{}.jsonl", place.id))? else {
            return Ok(None);
        };
        let transcript = PathBuf::from(format!("{}.jsonl", place.id));
        let side = below(&folder)
            .into_iter()
            .filter(|name| *name != transcript);
        let names = std::iter::once(transcript.clone()).chain(side);
        let names = names.map(|name| (name.clone(), name)).collect();
        Ok(Some(Self { folder, names }))
    }

    /// The names of the files in the copy.
    pub(crate) fn names(&self) -> impl Iterator<Item = &Path> {
        self.names.iter().map(|(_, name)| name.as_path())
    }

    /// Opens the file with this name in the copy.
    pub(crate) fn open(&self, name: &Path) -> Result<RegularFile, FileError> {
        let mut names = self.names.iter();
        let found = names.find(|(_, own)| own == name);
        let below = found.map_or(name, |(below, _)| below);
        self.folder.file(below, Links::Beneath)
    }
}

/// Opens a folder if it has such a file.
fn with(folder: &Path, name: &str) -> Result<Option<Folder>, FileError> {
    let found = Folder::open(folder).and_then(|folder| {
        folder
            .target(Path::new(name), Links::Beneath)
            .map(|_| folder)
    });
    match found {
        Err(error) if error.is_missing() => Ok(None),
        found => found.map(Some),
    }
}

/// The conversation's files in its project folder, with their paths in the copy; the transcript
/// comes first.
pub(super) fn files(folder: &Folder, id: Uuid) -> Vec<(PathBuf, PathBuf)> {
    let name = PathBuf::from(format!("{id}.jsonl"));
    let mut found = vec![(name.clone(), name)];
    let own = PathBuf::from(id.to_string());
    // A conversation without subagents has no such folder.
    if let Ok(dir) = folder.folder(&own, Links::Refuse) {
        let side = below(&dir);
        found.extend(side.into_iter().map(|file| (own.join(&file), file)));
    }
    found
}

/// The `.jsonl` files below a folder, at most [`SIDE_FILES_MAX`]; follows no link.
pub(super) fn below(root: &Folder) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![(PathBuf::new(), DEPTH_MAX)];
    while let Some((below, depth)) = open.pop() {
        let inner = match below.as_os_str().is_empty() {
            true => None,
            false => match root.folder(&below, Links::Refuse) {
                Ok(inner) => Some(inner),
                Err(_) => continue,
            },
        };
        let dir = inner.as_ref().unwrap_or(root);
        for name in dir.names(SIDE_FILES_MAX).unwrap_or_default() {
            let Ok(kind) = dir.metadata(&name) else {
                continue;
            };
            let path = below.join(&name);
            if kind.is_dir() && depth > 0 {
                open.push((path, depth - 1));
            } else if kind.is_file()
                && path
                    .extension()
                    .is_some_and(|extension| extension == "jsonl")
                && found.len() < SIDE_FILES_MAX
            {
                found.push(path);
            }
        }
    }
    found
}
