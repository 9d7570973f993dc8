//! A work tree as a git tree, without a trace in the user's repository.

use std::{
    collections::BTreeSet,
    ffi::{OsStr, OsString},
    fs, io,
    os::unix::{
        ffi::{OsStrExt as _, OsStringExt as _},
        fs::DirBuilderExt as _,
    },
    path::{Path, PathBuf},
};

use tokio::process::Command;
use wxcode_files::{Folder, Links, off_thread};

use super::{
    error::ChangesError,
    file::{ChangedFile, FILES_MAX, PATCH_MAX},
    git::{Git, run},
};

/// Largest index of a user's repository, in bytes.
const INDEX_MAX: u64 = 256 << 20; // 256 MiB
/// Longest list of changed and untracked paths, in bytes.
const PATHS_MAX: usize = 8 << 20; // 8 MiB
/// Largest compared changed or untracked file, in bytes.
const FILE_MAX: u64 = 8 << 20; // 8 MiB
/// All changed and untracked files of a tree, in bytes.
const FILES_BYTES_MAX: u64 = 256 << 20; // 256 MiB
/// Longest answer of git about a repository, in bytes.
const ANSWER_MAX: usize = 64 << 10; // 64 KiB
/// Longest list of changed files, in bytes.
const LIST_MAX: usize = 4 << 20; // 4 MiB

/// A user's repository, as git describes it.
pub(super) struct Repository {
    /// The top of the work tree.
    top: PathBuf,
    index: PathBuf,
    objects: PathBuf,
    exclude: PathBuf,
    format: String,
}

/// A tree, and the tree's repository.
pub(super) struct Taken {
    pub(super) tree: String,
    /// The hash function; the repository is named by the hash function.
    pub(super) format: String,
    /// The number of too large files.
    pub(super) skipped: usize,
    place: Place,
}

/// Where git works.
struct Place {
    /// wxcode's own repository.
    git_dir: PathBuf,
    top: PathBuf,
    objects: Option<PathBuf>,
    exclude: Option<PathBuf>,
}

/// A file with the life of its owner.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        // Best effort: the next deletion of the project removes the file.
        let _ = fs::remove_file(&self.0);
        let _ = fs::remove_file(self.0.with_extension("lock"));
    }
}

/// The repository of a workspace; `None` without a repository. Reads the repository, and runs
/// nothing from there.
pub(super) async fn repository(
    git: &Git,
    workspace: &Path,
) -> Result<Option<Repository>, ChangesError> {
    let mut command = git.command(workspace);
    command.envs(git.home().map(|home| ("HOME", home)));
    command.args([
        "rev-parse",
        "--path-format=absolute",
        "--show-toplevel",
        "--git-path",
        "index",
        "--git-path",
        "objects",
        "--git-path",
        "info/exclude",
        "--show-object-format",
    ]);
    let answer = match run(command, "rev-parse", None, ANSWER_MAX).await {
        Ok(answer) => answer.bytes,
        Err(ChangesError::Git { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut lines = answer.split(|byte| *byte == b'\n');
    let mut path = || Some(PathBuf::from(OsString::from_vec(lines.next()?.to_vec())));
    let (top, index, objects, exclude, format) = (path(), path(), path(), path(), path());
    let (Some(top), Some(index), Some(objects), Some(exclude), Some(format)) =
        (top, index, objects, exclude, format)
    else {
        return Ok(None);
    };
    let format = match format.to_str() {
        Some("sha256") => "sha256",
        _ => "sha1",
    };
    Ok(Some(Repository {
        top,
        index,
        objects,
        exclude,
        format: format.to_owned(),
    }))
}

/// Writes the present tree of a workspace into wxcode's own repository in `dir`.
pub(super) async fn take(git: &Git, dir: &Path, workspace: &Path) -> Result<Taken, ChangesError> {
    let repository = repository(git, workspace).await?;
    let format = repository
        .as_ref()
        .map_or("sha1", |found| found.format.as_str());
    let format = format.to_owned();
    let git_dir = dir.join(format!("{format}.git"));
    make(git, dir, &git_dir, &format).await?;
    let index = Temporary(dir.join(format!("{}.index", uuid::Uuid::new_v4().simple())));
    let has_index = match &repository {
        Some(repository) => copy_index(&repository.index, &index.0).await?,
        None => false,
    };
    let place = match repository {
        Some(repository) => Place {
            git_dir,
            top: repository.top,
            objects: Some(repository.objects),
            exclude: Some(repository.exclude),
        },
        None => Place {
            git_dir,
            top: workspace.to_owned(),
            objects: None,
            exclude: None,
        },
    };
    let mut listed = place.changed(git, workspace, &index.0).await;
    if has_index && matches!(listed, Err(ChangesError::Git { .. })) {
        // An index in parts cannot be copied: without the index, each file counts as untracked.
        let _ = fs::remove_file(&index.0);
        listed = place.changed(git, workspace, &index.0).await;
    }
    let (paths, skipped) = fitting(workspace, listed?).await?;
    let mut command = place.command(git, workspace, Some(&index.0));
    command.args(["update-index", "-z", "--add", "--remove", "--stdin"]);
    run(command, "update-index", Some(paths), ANSWER_MAX).await?;
    let mut command = place.command(git, workspace, Some(&index.0));
    command.args(["write-tree", "--missing-ok"]);
    let written = run(command, "write-tree", None, ANSWER_MAX).await?;
    let tree = String::from_utf8_lossy(&written.bytes).trim().to_owned();
    Ok(Taken {
        tree,
        format,
        skipped,
        place,
    })
}

/// Makes wxcode's own repository of a project.
async fn make(git: &Git, dir: &Path, git_dir: &Path, format: &str) -> Result<(), ChangesError> {
    if git_dir.join("HEAD").exists() {
        return Ok(());
    }
    let made = fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir);
    made.map_err(|source| ChangesError::Write {
        path: dir.to_owned(),
        source,
    })?;
    let mut command = git.command(dir);
    command
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .args([
            "init",
            "--quiet",
            "--bare",
            "--template=",
            "--object-format",
            format,
        ])
        .arg(git_dir);
    run(command, "init", None, ANSWER_MAX).await.map(drop)
}

/// Copies the index of a user's repository; false without an index.
async fn copy_index(from: &Path, to: &Path) -> Result<bool, ChangesError> {
    let (Some(folder), Some(name)) = (from.parent(), from.file_name()) else {
        return Ok(false);
    };
    let (folder, name, to) = (folder.to_owned(), PathBuf::from(name), to.to_owned());
    let copy = move || -> Result<bool, ChangesError> {
        let file = match Folder::open(&folder)?.file(&name, Links::Refuse) {
            Err(error) if error.is_missing() => return Ok(false),
            file => file?,
        };
        let bytes = file.read(INDEX_MAX)?;
        let written = fs::write(&to, bytes);
        written.map_err(|source| ChangesError::Write { path: to, source })?;
        Ok(true)
    };
    off_thread(from, copy).await
}

/// The listed paths of files within the bound, for `update-index`, and the number of other files.
async fn fitting(workspace: &Path, listed: Vec<u8>) -> Result<(Vec<u8>, usize), ChangesError> {
    let root = workspace.to_owned();
    let look = move || -> Result<(Vec<u8>, usize), ChangesError> {
        let paths: BTreeSet<&[u8]> = listed
            .split(|byte| *byte == 0)
            .filter(|path| !path.is_empty() && !path.ends_with(b"/"))
            .collect();
        let (mut fitting, mut skipped, mut bytes) = (Vec::new(), 0, 0);
        for path in paths {
            let length = match fs::symlink_metadata(root.join(OsStr::from_bytes(path))) {
                Ok(found) if found.is_dir() => continue,
                Ok(found) => found.len(),
                Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
                Err(_) => u64::MAX,
            };
            if length > FILE_MAX {
                skipped += 1;
                continue;
            }
            bytes += length;
            if bytes > FILES_BYTES_MAX {
                return Err(ChangesError::TooMany);
            }
            fitting.extend_from_slice(path);
            fitting.push(0);
        }
        Ok((fitting, skipped))
    };
    off_thread(workspace, look).await
}

impl Place {
    /// Git in the workspace with wxcode's own repository.
    fn command(&self, git: &Git, workspace: &Path, index: Option<&Path>) -> Command {
        let mut command = git.command(workspace);
        if let Some(exclude) = &self.exclude {
            let mut setting = OsString::from("core.excludesFile=");
            setting.push(exclude);
            command.arg("-c").arg(setting);
        }
        command
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_DIR", &self.git_dir)
            .env("GIT_WORK_TREE", &self.top)
            .envs(index.map(|index| ("GIT_INDEX_FILE", index)))
            .envs(
                self.objects
                    .as_ref()
                    .map(|objects| ("GIT_ALTERNATE_OBJECT_DIRECTORIES", quoted(objects))),
            );
        command
    }

    /// Paths of changed and untracked files, each ended by a NUL.
    async fn changed(
        &self,
        git: &Git,
        workspace: &Path,
        index: &Path,
    ) -> Result<Vec<u8>, ChangesError> {
        let mut command = self.command(git, workspace, Some(index));
        command.args([
            "ls-files",
            "-z",
            "--modified",
            "--others",
            "--exclude-standard",
        ]);
        let listed = run(command, "ls-files", None, PATHS_MAX).await?;
        match listed.is_whole {
            true => Ok(listed.bytes),
            false => Err(ChangesError::TooMany),
        }
    }

    fn compare(&self, git: &Git, workspace: &Path, options: &[&str], trees: [&str; 2]) -> Command {
        let mut command = self.command(git, workspace, None);
        command
            .args([
                "diff-tree",
                "-r",
                "--no-renames",
                "--relative",
                "--no-color",
            ])
            .args(["--no-ext-diff", "--no-textconv"])
            .args(options)
            .args(trees);
        command
    }
}

impl Taken {
    /// The different files of two trees, and whether the list is complete.
    pub(super) async fn files(
        &self,
        git: &Git,
        workspace: &Path,
        trees: [&str; 2],
    ) -> Result<(Vec<ChangedFile>, bool), ChangesError> {
        let command = |option| self.place.compare(git, workspace, &["-z", option], trees);
        let names = run(command("--name-status"), "diff-tree", None, LIST_MAX).await?;
        let counts = run(command("--numstat"), "diff-tree", None, LIST_MAX).await?;
        let is_whole = names.is_whole && counts.is_whole;
        let mut files = files(&names.bytes, &counts.bytes);
        let has_all = is_whole && files.len() <= FILES_MAX;
        files.truncate(FILES_MAX);
        Ok((files, has_all))
    }

    /// The differences between two trees as a patch, and whether the patch is whole.
    pub(super) async fn patch(
        &self,
        git: &Git,
        workspace: &Path,
        trees: [&str; 2],
    ) -> Result<(String, bool), ChangesError> {
        let command = self.place.compare(git, workspace, &["--patch"], trees);
        let mut patch = run(command, "diff-tree", None, PATCH_MAX).await?;
        if !patch.is_whole {
            // Between lines, and so between characters.
            let end = patch.bytes.iter().rposition(|byte| *byte == b'\n');
            patch.bytes.truncate(end.map_or(0, |end| end + 1));
        }
        let text = String::from_utf8_lossy(&patch.bytes).into_owned();
        Ok((text, patch.is_whole))
    }
}

/// A path in the list of alternates, in git's quotes.
fn quoted(path: &Path) -> OsString {
    let mut quoted = vec![b'"'];
    for byte in path.as_os_str().as_bytes() {
        if matches!(byte, b'"' | b'\\') {
            quoted.push(b'\\');
        }
        quoted.push(*byte);
    }
    quoted.push(b'"');
    OsString::from_vec(quoted)
}

/// Joins `--name-status -z` and `--numstat -z`; both list the same files in the same order.
fn files(names: &[u8], counts: &[u8]) -> Vec<ChangedFile> {
    let words = |bytes: &[u8]| -> Vec<String> {
        let words = bytes
            .split(|byte| *byte == 0)
            .filter(|word| !word.is_empty());
        words
            .map(|word| String::from_utf8_lossy(word).into_owned())
            .collect()
    };
    let (names, counts) = (words(names), words(counts));
    let pairs = names.chunks_exact(2).zip(counts);
    pairs
        .map(|(name, count)| {
            let mut numbers = count.splitn(3, '\t').map(|number| number.parse().ok());
            ChangedFile {
                path: name[1].clone(),
                status: match name[0].as_str() {
                    "A" => "added",
                    "D" => "deleted",
                    "T" => "type_changed",
                    _ => "modified",
                },
                additions: numbers.next().flatten(),
                deletions: numbers.next().flatten(),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests;
