//! The folders of an output project: the workspace, `.planning/`, and the contexts of milestones.
//!
//! - The server writes below the workspace only, and through no link.
//! - Only `wxcode-files` opens a file outside of the data folder: below an open folder, without
//!   blocking, a regular file of bounded size, on separate threads, given up after 10 s.
//!
//! Invariant: the server writes only beneath the workspace, and through no link.

pub(crate) mod place;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use wxcode_files::{FileError, Folder};

use wxcode_core::{id::Id, milestone::Milestone, project::folder_name};

/// The folder of created workspaces, in the data folder.
const MADE: &str = "workspaces/output-projects";

/// Why a workspace cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WorkspaceError {
    /// The path is not absolute.
    #[error("workspace_path must be absolute, and {} is not: give the whole path, or one from your home such as ~/shop, or leave it out to get a new folder", .0.display())]
    NotAbsolute(PathBuf),
    /// The path is not UTF-8 or has a control character, so the path cannot be stored.
    #[error("workspace_path holds characters that cannot be kept: rename the folder")]
    Unspeakable,
    #[error(
        "the workspace folder {} does not exist: create it or bring it back, then try again; if it \
         moved, name the new place by PATCH of the project with workspace_path",
        .0.display()
    )]
    Missing(PathBuf),
    /// A file or folder of the workspace cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// The folder is none for a project.
    #[error(
        "the folder {} cannot be a workspace: it is or holds the data folder {}, or belongs to it; choose \
         another one",
        path.display(), data_dir.display()
    )]
    Reserved {
        /// The folder.
        path: PathBuf,
        /// The server's data folder.
        data_dir: PathBuf,
    },
    /// The folder lies outside of the configured roots.
    #[error(
        "the folder {} is in none of the folders of `[workspaces] roots` ({}): choose one below them, or add \
         its parent there",
        path.display(), names(roots)
    )]
    OutsideRoots {
        /// The folder.
        path: PathBuf,
        /// Permitted folders for workspaces.
        roots: Vec<PathBuf>,
    },
    /// The folder of a new project cannot be made.
    #[error("cannot write in {}: {source}; check its permissions and the free space", path.display())]
    Write { path: PathBuf, source: io::Error },
}

fn names(paths: &[PathBuf]) -> String {
    let names: Vec<_> = paths
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    names.join(", ")
}

/// Creates the folder of a project without a given folder.
pub(crate) fn make(data_dir: &Path, name: &str, id: Id) -> Result<PathBuf, WorkspaceError> {
    let path = data_dir.join(MADE).join(folder_name(name, id));
    fs::create_dir_all(&path).map_err(|source| WorkspaceError::Write {
        path: path.clone(),
        source,
    })?;
    Ok(path)
}

/// Checks a folder of a request. The check may hang; [`wxcode_files::off_thread`] keeps it off the
/// serving threads.
pub(crate) fn check(path: &Path) -> Result<(), WorkspaceError> {
    open(path).map(drop)
}

fn open(path: &Path) -> Result<Folder, WorkspaceError> {
    if !path.is_absolute() {
        return Err(WorkspaceError::NotAbsolute(path.to_owned()));
    }
    if path
        .to_str()
        .is_none_or(|text| text.chars().any(char::is_control))
    {
        return Err(WorkspaceError::Unspeakable);
    }
    match Folder::open(path) {
        Err(error) if error.is_missing() => Err(WorkspaceError::Missing(path.to_owned())),
        opened => Ok(opened?),
    }
}

/// Creates the `.planning/` of all milestones; the workspace itself must exist.
pub(crate) fn make_planning(workspace: &Path) -> Result<(), WorkspaceError> {
    planning_in(&open(workspace)?)
}

fn planning_in(workspace: &Folder) -> Result<(), WorkspaceError> {
    match workspace.make(Path::new(".planning")) {
        // Only the agent writes there; readers check the target of the link.
        Ok(_) | Err(FileError::Link { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// The folder of the milestones' contexts, relative to the workspace.
pub(crate) const MILESTONES: &str = ".milestones";
/// The name of a milestone's context in its folder.
const CONTEXT: &str = "MILESTONE-CONTEXT.md";

/// The path of a milestone's context, relative to the workspace.
pub(crate) fn context_path(milestone: Id) -> String {
    format!("{MILESTONES}/{milestone}/{CONTEXT}")
}

/// Writes the milestone's context and makes `.planning/`. A repetition writes the same file again.
/// The function follows no link of the workspace.
pub(crate) fn prepare(workspace: &Path, milestone: &Milestone) -> Result<(), WorkspaceError> {
    let workspace = open(workspace)?;
    planning_in(&workspace)?;
    let folder = workspace.make(&Path::new(MILESTONES).join(milestone.id.to_string()))?;
    let context = context(milestone);
    match folder.holds(CONTEXT, context.as_bytes()) {
        Ok(true) => return Ok(()),
        // Replaces an unreadable file.
        Ok(false) | Err(FileError::Io { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    // The agent may be reading the file, so the file must be complete at every moment.
    Ok(folder.replace(CONTEXT, context.as_bytes())?)
}

fn context(milestone: &Milestone) -> String {
    let mut text = format!("# Milestone: {}\n\n", milestone.element_name);
    if let Some(element) = &milestone.element_id {
        text.push_str(&format!("- Element: {element}\n"));
    }
    text.push_str(&format!("- Milestone: {}\n", milestone.id));
    if let Some(context) = milestone
        .context
        .as_deref()
        .filter(|context| !context.trim().is_empty())
    {
        text.push('\n');
        text.push_str(context);
        if !context.ends_with('\n') {
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use jiff::Timestamp;
    use wxcode_core::milestone::MilestoneStatus;

    use super::*;

    fn milestone(context: Option<&str>) -> Milestone {
        Milestone {
            id: Id::from_bytes([7; 12]),
            output_project_id: Id::from_bytes([1; 12]),
            element_id: Some("e1".into()),
            element_name: "PAGE_Login".into(),
            status: MilestoneStatus::Pending,
            status_by: None,
            status_reason: None,
            context: context.map(str::to_owned),
            wxcode_version: None,
            milestone_folder_name: None,
            delivery_id: None,
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: None,
            completed_at: None,
        }
    }

    #[test]
    fn preparing_twice_leaves_the_file_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let milestone = milestone(Some("## Goal\n\nLog in."));
        prepare(folder.path(), &milestone).unwrap();
        let path = folder.path().join(context_path(milestone.id));
        let first = fs::metadata(&path).unwrap();
        prepare(folder.path(), &milestone).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().ino(), first.ino());
        assert!(
            fs::read_to_string(&path)
                .unwrap()
                .ends_with("\n## Goal\n\nLog in.\n")
        );
        assert!(folder.path().join(".planning").is_dir());
        assert_eq!(
            fs::read_dir(path.parent().unwrap()).unwrap().count(),
            1,
            "no draft is left"
        );
    }

    #[test]
    fn a_missing_workspace_is_not_made() {
        let folder = tempfile::tempdir().unwrap();
        let gone = folder.path().join("gone");
        assert!(matches!(
            prepare(&gone, &milestone(None)),
            Err(WorkspaceError::Missing(_))
        ));
        assert!(!gone.exists());
        assert!(matches!(
            check(Path::new("relative")),
            Err(WorkspaceError::NotAbsolute(_))
        ));
    }
}
