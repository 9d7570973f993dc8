//! Writes a transcript anew from its copy, where Claude Code looks for it.

use std::{
    fs,
    io::{self, Read as _},
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use uuid::Uuid;
use wxcode_claude::transcript::{self, Transcript, project_folder};
use wxcode_core::spawn::Copy;
use wxcode_files::{FileError, Folder, Links, RegularFile};

use super::{checksum, count, locate, rest};

/// Bytes compared at a time.
const READ: usize = 64 << 10; // 64 KiB

/// A restored transcript.
#[derive(Debug)]
pub(crate) struct Restored {
    pub(crate) path: PathBuf,
    pub(crate) bytes: u64,
    /// Restored files of subagents.
    pub(crate) side_files: u64,
}

/// Compares a conversation's copy with its transcript. A copy is ahead of a transcript without
/// messages, of one that is the beginning of the copy, and of one whose beginning is lost. Blocks;
/// the caller holds the project's lock.
///
/// # Errors
/// The copy or the transcript cannot be read.
pub(crate) fn judge(copy: &Path, id: Uuid, found: &Transcript) -> Result<Copy, FileError> {
    let open = || match open(copy, id) {
        Err(error) if error.is_missing() => Ok(None),
        file => file.map(Some),
    };
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| FileError::Io {
            action: "read",
            path,
            source,
        }
    };
    let Some(file) = open()? else {
        return Ok(Copy::Missing);
    };
    let (len, at) = (file.len(), file.path().to_owned());
    if !transcript::speaks(file.reader(u64::MAX)).map_err(failed(&at))? {
        return Ok(Copy::Missing);
    }
    let (path, speaks) = match found {
        Transcript::Missing => {
            check(copy, id, None)?;
            return Ok(Copy::Ahead);
        }
        Transcript::Empty(path) => (path, false),
        Transcript::Spoken(path) => (path, true),
    };
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Ok(Copy::Behind);
    };
    let theirs = || Folder::open(folder)?.file(Path::new(name), Links::Follow);
    let whole = copy.join(format!("{id}.jsonl"));
    if speaks {
        let mut transcript = theirs()?.reader(u64::MAX).into_inner();
        if rest::follows(&transcript, &whole).map_err(failed(path))? {
            check(copy, id, Some(theirs()?))?;
            if rest::take_over(&mut transcript, &whole).map_err(failed(path))? {
                return Ok(Copy::Ahead);
            }
        }
    }
    let rest = theirs()?;
    if rest.len() >= len {
        return Ok(Copy::Behind);
    }
    check(copy, id, Some(rest))?;
    if !speaks {
        return Ok(Copy::Ahead);
    }
    let theirs = theirs()?;
    let Some(ours) = open()? else {
        return Ok(Copy::Missing);
    };
    let is_beginning = is_beginning(theirs, ours).map_err(failed(path))?;
    Ok(match is_beginning {
        true => Copy::Ahead,
        false => Copy::Behind,
    })
}

/// Checks a copy before it replaces a transcript, and takes damaged entries from the rest of the
/// transcript. The caller holds the project's lock.
fn check(copy: &Path, id: Uuid, transcript: Option<RegularFile>) -> Result<(), FileError> {
    let file = copy.join(format!("{id}.jsonl"));
    let mut rest = transcript.map(|transcript| transcript.reader(u64::MAX).into_inner());
    let mut check = || {
        let mut damage = checksum::verify(&file, rest.as_mut())?;
        for side in Folder::open(copy).map_or_else(|_| Vec::new(), |folder| locate::below(&folder))
        {
            let side = copy.join(side);
            if side != file {
                damage.add(checksum::verify(&side, None)?);
            }
        }
        count::note_damage(copy, id, damage)
    };
    let checked: io::Result<()> = check();
    checked.map_err(|source| FileError::Io {
        action: "check",
        path: file.clone(),
        source,
    })
}

fn open(copy: &Path, id: Uuid) -> Result<RegularFile, FileError> {
    Folder::open(copy)?.file(Path::new(&format!("{id}.jsonl")), Links::Refuse)
}

/// Whether a file is the beginning of a longer one.
fn is_beginning(short: RegularFile, long: RegularFile) -> io::Result<bool> {
    let mut left = short.len();
    let (mut short, mut long) = (short.reader(left), long.reader(left));
    let (mut one, mut other) = (vec![0; READ], vec![0; READ]);
    while left > 0 {
        let count = usize::try_from(left).unwrap_or(READ).min(READ);
        short.read_exact(&mut one[..count])?;
        long.read_exact(&mut other[..count])?;
        if one[..count] != other[..count] {
            return Ok(false);
        }
        left -= count as u64;
    }
    Ok(true)
}

/// Writes the transcript of a conversation and missing files of its subagents anew. Replaces a
/// shorter transcript only; `None` if another one is in the way. Blocks.
///
/// # Errors
/// The copy cannot be read, or the transcript cannot be written.
pub(crate) fn restore(
    copy: &Path,
    config_dir: &Path,
    workspace: &Path,
    id: Uuid,
) -> Result<Option<Restored>, FileError> {
    let name = format!("{id}.jsonl");
    let folder = match transcript::find(config_dir, id)? {
        Transcript::Spoken(path) | Transcript::Empty(path) => {
            Folder::open(path.parent().unwrap_or(config_dir))?
        }
        Transcript::Missing => make(config_dir, workspace)?,
    };
    let from = Folder::open(copy)?;
    let mut side_files = 0;
    for (below, name) in side(&from, id) {
        let file = from.file(&name, Links::Refuse)?;
        let (Some(parent), Some(name)) = (below.parent(), below.file_name()) else {
            continue;
        };
        let place = folder.make(parent)?;
        place.remove_drafts(&name.to_string_lossy())?;
        let placed = place.place(&name.to_string_lossy(), &mut file.reader(u64::MAX), false)?;
        side_files += u64::from(placed.is_some());
    }
    let mut transcript = open(copy, id)?.reader(u64::MAX);
    folder.remove_drafts(&name)?;
    let placed = folder.place(&name, &mut transcript, true)?;
    Ok(placed.map(|bytes| Restored {
        path: folder.path().join(&name),
        bytes,
        side_files,
    }))
}

/// The copied files of subagents: their paths in the project folder and in the copy.
fn side(copy: &Folder, id: Uuid) -> Vec<(PathBuf, PathBuf)> {
    let files = locate::below(copy);
    let own = PathBuf::from(id.to_string());
    files
        .into_iter()
        .filter(|file| file.components().count() > 1)
        .map(|file| (own.join(&file), file))
        .collect()
}

/// Opens the project folder of the workspace, and makes it and its parents if they are missing.
fn make(config_dir: &Path, workspace: &Path) -> Result<Folder, FileError> {
    let projects = config_dir.join("projects");
    let made = fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&projects);
    made.map_err(|source| FileError::Io {
        action: "make",
        path: projects.clone(),
        source,
    })?;
    let name = PathBuf::from(project_folder(workspace));
    let projects = Folder::open(&projects)?;
    match projects.folder(&name, Links::Follow) {
        Err(error) if error.is_missing() => projects.make(&name),
        folder => folder,
    }
}
