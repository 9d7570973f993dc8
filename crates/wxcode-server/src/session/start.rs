//! Starts the agent of a project, in this order: evidence, decision, identity, folder, holder.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;
use wxcode_claude::settings;
use wxcode_core::{
    delivery::{Delivery, DeliveryState, Route},
    id::Id,
    identity::Source,
    project::OutputProject,
    run::{self, PROMPT_MAX},
    spawn::Plan,
    time::to_millis,
};
use wxcode_files::{FileError, off_thread};
use wxcode_holder::{
    LaunchError,
    folder::{HolderFile, Scoped, Spec, write_spec},
    launch,
};
use wxcode_store::{Rotated, Rotation, Step, StoreError};

use super::{
    claim,
    live::Note,
    plan::{self, Surroundings},
    scope,
};
use crate::repository::Repository;
use crate::{
    Settings,
    workspace::{self, WorkspaceError},
};

/// Size of a new session until a client drives it, in columns and rows.
const SIZE: (u16, u16) = (120, 40);
/// Most decisions of a start when others change the conversation's id.
const DECISIONS_MAX: usize = 5;

/// Why a session could not start. Nothing of it is left behind.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// There is no such project.
    #[error("there is no such output project: list them to find its id")]
    NoProject,
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Claude Code did not start.
    #[error("the agent could not start: {0}")]
    Agent(String),
    /// A file of Claude Code cannot be used, or its file system does not answer.
    #[error(transparent)]
    File(#[from] FileError),
    /// The session's folder could not be read or written.
    #[error(
        "the session's files cannot be used: {0}; check permissions and free space of the data folder"
    )]
    Folder(#[from] io::Error),
    /// Another process runs the conversation.
    #[error(
        "another claude (process {0}) runs the conversation of this project, and two would mix it up: end that one, then start the session again"
    )]
    Claimed(u32),
    /// Another server on the same store has the project.
    #[error(
        "another server on the same database has this project: {server}; ask that one. Where it is gone for good its lease runs out: ask again in {left_s} s"
    )]
    Elsewhere {
        /// The name of the server.
        server: String,
        /// The rest of its lease without a renewal, in seconds.
        left_s: u64,
    },
    /// A run of the project is in progress.
    #[error("{}", run::in_the_way(*.0))]
    InRun(Id),
    /// A run was requested while the project's session is live.
    #[error(
        "the project's session is live: deliver the prompt to it (POST …/deliveries), or end it first (DELETE …/session)"
    )]
    InSession,
    /// A milestone has no command.
    #[error(
        "GSD is not installed, so a milestone has no command: {}, {} and the plugins have neither its skills nor its commands. Install it (npx get-shit-done-cc --claude --global), or give both commands in wxcode.toml, such as [commands] new_project = \"Read {{context_path}} and carry out what it asks\"",
        workspace.join(".claude").display(), config_dir.display()
    )]
    GsdMissing {
        /// The project's folder.
        workspace: PathBuf,
        /// Claude Code's configuration folder.
        config_dir: PathBuf,
    },
    /// Nobody knows whether a milestone has a command.
    #[error(
        "looking for GSD in {} and {} took longer than {seconds} s: see whether a file system hangs, or give both commands in wxcode.toml ([commands] new_project and new_milestone)",
        workspace.join(".claude").display(), config_dir.display()
    )]
    GsdUnknown {
        /// The project's folder.
        workspace: PathBuf,
        /// Claude Code's configuration folder.
        config_dir: PathBuf,
        /// How long it was looked for.
        seconds: u64,
    },
    /// The server is ending.
    #[error("the server is ending: connect again when it is back")]
    Closing,
}

/// A session with a running holder.
pub(super) struct Started {
    pub(super) id: Id,
    pub(super) dir: PathBuf,
    pub(super) note: Note,
    pub(super) holder: HolderFile,
    pub(super) at: Timestamp,
    /// Whether no other agent of the project started later; an older agent no longer decides the
    /// conversation.
    pub(super) is_latest: bool,
}

/// Starts the agent of `project`, which must have none. The caller holds the slot's lock.
///
/// `before` is the start of the project's previous session. The new one gets a later time, with any
/// clock, so that the folders show which is the latest.
pub(super) async fn start(
    settings: &Settings,
    store: &Repository,
    project: Id,
    before: Option<Timestamp>,
) -> Result<Started, StartError> {
    let surroundings = Surroundings::new(settings);
    let claude = find_claude(settings, &surroundings).await?;
    let tick = SignedDuration::from_millis(1);
    let earliest = before.and_then(|before| before.checked_add(tick).ok());
    let now = to_millis(Timestamp::now());
    let at = earliest.map_or(now, |earliest| now.max(earliest));
    let first = Source::Startup;
    let (project, plan) = identify(store, project, &surroundings.config_dir, first, at).await?;
    unclaimed(&surroundings.config_dir, plan.id()).await?;
    let id = Id::generate(at);
    let dir = make_folder(&settings.data_dir.join("sessions"), id)?;
    let note = Note {
        project_id: project.id,
        claude_session_id: plan.id(),
        resumed: plan.is_resumed(),
        lost: plan.lost().map(str::to_owned),
        config_dir: surroundings.config_dir.clone(),
    };
    let rider = match board(store, &project, &plan, id).await {
        Ok(rider) => rider,
        Err(error) => {
            // The folder is still empty.
            let _ = fs::remove_dir(&dir);
            return Err(error);
        }
    };
    let launched = bring_up(
        settings,
        &surroundings,
        &claude,
        &project,
        &plan,
        rider.as_ref(),
        &dir,
        &note,
        at,
    )
    .await;
    match launched {
        Ok(holder) => {
            if let Some(Scoped::Refused { reason }) = &holder.scope {
                tracing::warn!(session = %id, reason, "the session has no scope of its own: `wxcode doctor` says what that means");
            }
            tracing::info!(project = %project.id, session = %id, agent = holder.agent_pid, ?plan, "a session started");
            Ok(Started {
                id,
                dir,
                note,
                holder,
                at,
                is_latest: true,
            })
        }
        Err(error) => {
            if let Some(rider) = rider {
                alight(store, rider).await;
            }
            // Best effort: a scan skips a folder without a holder's record.
            let _ = fs::remove_dir_all(&dir);
            Err(error)
        }
    }
}

/// Finds the executable of Claude Code.
pub(super) async fn find_claude(
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
pub(super) async fn identify(
    store: &Repository,
    project: Id,
    config_dir: &Path,
    first: Source,
    at: Timestamp,
) -> Result<(OutputProject, Plan), StartError> {
    for _ in 0..DECISIONS_MAX {
        let project = store.project(project).await?.ok_or(StartError::NoProject)?;
        let path = project.workspace_path.clone();
        let make = move || workspace::make_planning(&path);
        off_thread(&project.workspace_path, make).await?;
        let (record, dir) = (project.clone(), config_dir.to_owned());
        let plan = off_thread(config_dir, move || plan::decide(&record, &dir)).await?;
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
pub(super) async fn unclaimed(config_dir: &Path, conversation: Uuid) -> Result<(), StartError> {
    let dir = config_dir.to_owned();
    let look = move || claim::claims(&dir, None, conversation);
    let claims = off_thread(config_dir, look).await?;
    match claims.others.iter().min() {
        Some(pid) => Err(StartError::Claimed(*pid)),
        None => Ok(()),
    }
}

/// Creates the folder of a session or a run.
pub(super) fn make_folder(root: &Path, id: Id) -> io::Result<PathBuf> {
    let dir = root.join(id.to_string());
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&dir)?;
    Ok(dir)
}

/// Takes the milestone's command that starts the project's first conversation as the initial
/// prompt.
async fn board(
    store: &Repository,
    project: &OutputProject,
    plan: &Plan,
    session: Id,
) -> Result<Option<Delivery>, StartError> {
    if !matches!(plan, Plan::First { .. }) {
        return Ok(None);
    }
    let first = store.next_delivery(project.id).await?;
    let Some(delivery) = first.filter(|delivery| {
        delivery.milestone_id.is_some()
            && delivery.state == DeliveryState::Queued
            && delivery.text.len() <= PROMPT_MAX
            && !delivery.text.contains('\0')
    }) else {
        return Ok(None);
    };
    Ok(store
        .step(&route(&delivery, Route::Prompt, Some(session)))
        .await?)
}

/// After a failed start the command waits to be typed, as before.
async fn alight(store: &Repository, rider: Delivery) {
    if let Err(error) = store.step(&route(&rider, Route::Typed, None)).await {
        tracing::warn!(delivery = %rider.id, %error, "a delivery could not be put back in line");
    }
}

fn route(delivery: &Delivery, route: Route, session_id: Option<Id>) -> Step {
    Step {
        id: delivery.id,
        version: delivery.version,
        state: delivery.state,
        attempts: u32::from(route == Route::Prompt),
        error: None,
        session_id,
        route,
        after_seq: None,
        at: to_millis(Timestamp::now()),
    }
}

#[expect(
    clippy::too_many_arguments,
    reason = "all that a spawn is made of, each decided before"
)]
async fn bring_up(
    settings: &Settings,
    surroundings: &Surroundings,
    claude: &Path,
    project: &OutputProject,
    plan: &Plan,
    rider: Option<&Delivery>,
    dir: &Path,
    note: &Note,
    at: Timestamp,
) -> Result<HolderFile, StartError> {
    let hook = settings::hook_command(&settings.holder, &dir.join("hook.json"));
    let settings_file = dir.join("claude-settings.json");
    write_private(
        &settings_file,
        settings::document(&hook).to_string().as_bytes(),
    )?;
    let prompt = rider.map(|delivery| delivery.text.as_str());
    let argv = plan::argv(claude, plan, &settings_file, settings, prompt);
    let note = serde_json::to_value(note).map_err(io::Error::from)?;
    hold(settings, surroundings, project, dir, argv, note, at).await
}

/// Writes the spec into its folder, and starts its holder.
pub(super) async fn hold(
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

fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?
        .write_all(bytes)
}
