//! Steps of every start: evidence, decision, identity, folder, holder.
//!
//! Invariant: `wxcode_core::spawn::decide` decides before the spawn how an agent starts. It is a
//! total function of the record and the transcript. A new id is saved by compare-and-set before the
//! spawn.
//!
//! Invariant: an agent never starts while another process runs the conversation.

use std::{
    fs, io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use uuid::Uuid;
use wxcode_core::{id::Id, identity::Source, project::OutputProject, spawn::Plan};
use wxcode_files::{FileError, off_thread};
use wxcode_holder::{
    LaunchError,
    folder::{HolderFile, Spec, write_spec},
    launch,
};
use wxcode_store::{Rotated, Rotation};

use crate::repository::Repository;
use crate::{
    Settings,
    agent::{
        launch::{
            error::StartError,
            plan::{self, Surroundings},
            scope,
        },
        monitor::owner,
    },
    workspace,
};

/// Size of a new session until a client drives it, in columns and rows.
const SIZE: (u16, u16) = (120, 40);
/// Most decisions of a start when others change the conversation's id.
const DECISIONS_MAX: usize = 5;

/// Finds the executable of Claude Code.
pub(in crate::agent) async fn find_claude(
    settings: &Settings,
    surroundings: &Surroundings,
) -> Result<PathBuf, StartError> {
    let missing = || {
        StartError::Agent(format!(
            "{} is not an executable on PATH: install Claude Code (npm install -g @anthropic-ai/claude-code), or set WXCODE_CLAUDE to its path",
            settings.claude.display()
        ))
    };
    let (surroundings, claude) = (surroundings.clone(), settings.claude.clone());
    let look = move || Ok::<_, FileError>(surroundings.executable(&claude));
    let found = off_thread(&settings.claude, look).await?;
    found.ok_or_else(missing)
}

/// Decides how to start, and saves a new id by compare-and-set before the spawn. `first` is the
/// source of a project's first conversation. Serves sessions and runs.
pub(in crate::agent) async fn identify(
    store: &Repository,
    project: Id,
    config_dir: &Path,
    first: Source,
    at: Timestamp,
) -> Result<(OutputProject, Plan), StartError> {
    store.reclaim_conversation(project).await?;
    for _ in 0..DECISIONS_MAX {
        let project = store.project(project).await?.ok_or(StartError::NoProject)?;
        let path = project.workspace_path.clone();
        let make = move || workspace::make_planning(&path);
        off_thread(&project.workspace_path, make).await?;
        let (record, dir) = (project.clone(), config_dir.to_owned());
        let plan = off_thread(config_dir, move || plan::decide(&record, &dir)).await??;
        let (old, source, reason) = match plan {
            Plan::First { .. } => (None, first, String::new()),
            Plan::Lost { old, reason, .. } => (Some(old), Source::Lost, reason.to_owned()),
            Plan::Again { .. } | Plan::Resume { .. } => return Ok((project, plan)),
        };
        let rotation = Rotation {
            old,
            new: plan.id(),
            source,
            reason,
            transcript_path: None,
            cursor: None,
            at,
        };
        match store.rotate(project.id, &rotation).await? {
            Rotated::Won => return Ok((project, plan)),
            Rotated::Lost(_) => {}
            Rotated::NoProject => return Err(StartError::NoProject),
        }
    }
    Err(StartError::Agent(
        "other servers keep changing its conversation: end them, one server runs a project"
            .to_owned(),
    ))
}

/// Checks that no process runs the conversation: this server has none of the project.
pub(in crate::agent) async fn check_owner(
    config_dir: &Path,
    conversation: Uuid,
) -> Result<(), StartError> {
    let dir = config_dir.to_owned();
    let look = move || owner::owners(&dir, None, conversation);
    let owners = off_thread(config_dir, look).await?;
    match owners.others.iter().min() {
        Some(pid) => Err(StartError::Claimed(*pid)),
        None => Ok(()),
    }
}

/// Creates the folder of a session or a run.
pub(in crate::agent) fn make_folder(root: &Path, id: Id) -> io::Result<PathBuf> {
    let dir = root.join(id.to_string());
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&dir)?;
    Ok(dir)
}

/// Writes the spec into its folder, and starts its holder.
pub(in crate::agent) async fn spawn_holder(
    settings: &Settings,
    surroundings: &Surroundings,
    project: &OutputProject,
    dir: &Path,
    argv: Vec<String>,
    note: serde_json::Value,
    at: Timestamp,
) -> Result<HolderFile, StartError> {
    let session_id = dir.file_name().unwrap_or_default().to_string_lossy();
    let spec = Spec {
        version: 1,
        session_id: session_id.clone().into_owned(),
        argv,
        cwd: project.workspace_path.clone(),
        cols: SIZE.0,
        rows: SIZE.1,
        secret: format!(
            "{}{}",
            uuid::Uuid::new_v4().simple(),
            uuid::Uuid::new_v4().simple()
        ),
        note,
        program: settings.holder.clone(),
        scope: scope::of(settings, &session_id, &project.name),
        umask: settings.umask,
        created_at: at.to_string(),
    };
    write_spec(dir, &spec).map_err(io::Error::other)?;
    launch(&settings.holder, dir, surroundings.env.clone())
        .await
        .map_err(|error: LaunchError| StartError::Agent(error.to_string()))
}
