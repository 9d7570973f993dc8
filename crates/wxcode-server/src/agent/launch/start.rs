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
use wxcode_core::{event::Kind, id::Id, identity::Source, project::OutputProject, spawn::Plan};
use wxcode_files::{FileError, off_thread};
use wxcode_holder::{
    LaunchError, confine,
    folder::{HolderFile, Spec, write_spec},
    launch,
};
use wxcode_store::{Rotated, Rotation};

use crate::{
    Settings,
    agent::{
        context::Context,
        launch::{
            error::StartError,
            plan::{self, Surroundings},
            scope,
        },
        monitor::owner,
    },
    mirror::{self, Mirror},
    workspace,
};
use crate::{access::secret, disk::on_disk, repository::Repository};

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
    mirror: &Mirror,
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
        let copy = mirror.copy_of(&project);
        if let (Some(id), true) = (project.claude_session_id, copy.is_some()) {
            mirror.fetch(project.id, id, true).await;
        }
        // The copy of an ended session may still be growing.
        let complete = mirror.lock(project.id).await;
        let decide = move || plan::decide(&record, &dir, copy.as_deref());
        let plan = off_thread(config_dir, decide).await??;
        drop(complete);
        let (old, source, reason) = match plan {
            Plan::First { .. } => (None, first, String::new()),
            Plan::Lost { old, reason, .. } => (Some(old), Source::Lost, reason.to_owned()),
            Plan::Again { .. } | Plan::Resume { .. } | Plan::Restore { .. } => {
                return Ok((project, plan));
            }
        };
        let rotation = Rotation {
            old,
            new: plan.id(),
            source,
            reason,
            transcript_path: None,
            cursor: None,
            at,
            fence: None,
        };
        match store.rotate(project.id, &rotation).await? {
            Rotated::Won => return Ok((project, plan)),
            Rotated::Lost(_) | Rotated::Fenced => {}
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

/// Writes the transcript anew from its copy, if the plan says so, and publishes that. No process
/// runs the conversation.
pub(in crate::agent) async fn restore(
    context: &Context,
    project: &OutputProject,
    plan: &Plan,
    config_dir: &Path,
) -> Result<(), StartError> {
    let Plan::Restore { id } = *plan else {
        return Ok(());
    };
    let from = context.mirror.conversation(project.id, id);
    let (dir, workspace) = (config_dir.to_owned(), project.workspace_path.clone());
    let _complete = context.mirror.lock(project.id).await;
    let work = move || mirror::restore(&from, &dir, &workspace, id);
    let Some(restored) = off_thread(config_dir, work).await? else {
        return Ok(());
    };
    tracing::warn!(project = %project.id, conversation = %id, transcript = %restored.path.display(), bytes = restored.bytes, "a transcript was missing or cut; restored it from its copy");
    let kind = Kind::SessionRestored {
        claude_session_id: id,
        transcript_path: restored.path.to_string_lossy().into_owned(),
        bytes: restored.bytes,
        side_files: restored.side_files,
    };
    context.events.current(project.id).await.publish(kind);
    Ok(())
}

/// Creates the folder of a session or a run.
pub(in crate::agent) fn make_folder(root: &Path, id: Id) -> io::Result<PathBuf> {
    let dir = root.join(id.to_string());
    let mut builder = fs::DirBuilder::new();
    on_disk(|| builder.recursive(true).mode(0o700).create(&dir))?;
    Ok(dir)
}

/// The command of an agent, and its standard input if that is not the terminal.
pub(in crate::agent) struct Program {
    pub(in crate::agent) argv: Vec<String>,
    pub(in crate::agent) input: Option<String>,
}

/// Writes the spec into its folder, and starts its holder.
pub(in crate::agent) async fn spawn_holder(
    settings: &Settings,
    surroundings: &Surroundings,
    project: &OutputProject,
    dir: &Path,
    Program { argv, input }: Program,
    note: serde_json::Value,
    at: Timestamp,
) -> Result<HolderFile, StartError> {
    let session_id = dir.file_name().unwrap_or_default().to_string_lossy();
    let argv = match settings.protect_data {
        true => confine::command(&settings.holder, &settings.data_dir, dir, argv),
        false => argv,
    };
    let spec = Spec {
        version: 1,
        session_id: session_id.clone().into_owned(),
        argv,
        input,
        cwd: project.workspace_path.clone(),
        cols: SIZE.0,
        rows: SIZE.1,
        secret: secret::generate(),
        note,
        program: settings.holder.clone(),
        scope: scope::of(settings, &session_id, &project.name),
        umask: settings.umask,
        created_at: at.to_string(),
    };
    on_disk(|| write_spec(dir, &spec)).map_err(io::Error::other)?;
    launch(&settings.holder, dir, surroundings.env.clone())
        .await
        .map_err(|error: LaunchError| StartError::Agent(error.to_string()))
}
