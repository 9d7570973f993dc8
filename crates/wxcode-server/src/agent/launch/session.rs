//! Starts the session of a project: lease, evidence, decision, identity, folder, holder.
//!
//! Invariants: no agent starts next to another process that runs its conversation. A new
//! conversation id is saved by compare-and-set before the start.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    sync::Arc,
};

use jiff::Timestamp;
use serde_json::Value;
use wxcode_claude::{settings, status_line};
use wxcode_core::{
    delivery::{Delivery, DeliveryState, Route},
    id::Id,
    identity::Source,
    lease::Tenure,
    project::OutputProject,
    run::PROMPT_MAX,
    spawn::Plan,
    time::to_millis,
};
use wxcode_files::{FileError, off_thread};
use wxcode_holder::folder::{HolderFile, Scoped};
use wxcode_store::{NextQuery, Step};

use crate::{
    Settings,
    agent::{
        ENDED_KEPT,
        context::{Context, Room},
        delivery::settle,
        launch::{
            error::StartError,
            held_lease,
            plan::{self, Surroundings},
            start::{
                Program, check_owner, find_claude, identify, make_folder, restore, spawn_holder,
            },
        },
        metadata::Metadata,
        monitor::begin,
        process::{AgentProcess, Launched, Mode},
        recovery::prune,
        session::Session,
        slot::Slot,
    },
};
use crate::{disk::on_disk, repository::Repository};

/// The result of get-or-create.
#[derive(Debug)]
pub struct Found {
    pub session: Arc<Session>,
    /// Whether this call started it.
    pub created: bool,
}

/// Gets the session of a project, or starts it. Any number of callers start one agent.
///
/// # Errors
/// When it cannot be started; nothing is left behind.
pub(in crate::agent) async fn get_or_create(
    context: &Arc<Context>,
    project: Id,
) -> Result<Found, StartError> {
    let slot = context.slots.get(project);
    if let Some(session) = slot.open() {
        return Ok(Found {
            session,
            created: false,
        });
    }
    let _guard = slot.lock().await;
    let found = get_or_start(context, &slot, project).await;
    if matches!(found, Err(StartError::NoProject)) {
        context.slots.forget(project);
    }
    found
}

/// Gets the session of a project, or starts it. The caller holds the slot's lock.
pub(in crate::agent) async fn get_or_start(
    context: &Arc<Context>,
    slot: &Arc<Slot>,
    project: Id,
) -> Result<Found, StartError> {
    if let Some(session) = slot.running() {
        return Ok(Found {
            session,
            created: false,
        });
    }
    let reserved = reserve(context, slot, project).await?;
    start_reserved(context, slot, project, reserved).await
}

/// The lease of a session that is about to start, and its room.
pub(in crate::agent) struct Reserved {
    pub(in crate::agent) held: Option<Tenure>,
    _room: Room,
}

/// Takes the lease of a project for the start of its session. The caller holds the slot's lock.
pub(in crate::agent) async fn reserve(
    context: &Arc<Context>,
    slot: &Slot,
    project: Id,
) -> Result<Reserved, StartError> {
    slot.is_free()?;
    let room = context.take_room()?;
    Ok(Reserved {
        held: context.leases.take(project).await?,
        _room: room,
    })
}

/// Starts the session of a project under this lease. The caller holds the slot's lock since it
/// took the lease.
pub(in crate::agent) async fn start_reserved(
    context: &Arc<Context>,
    slot: &Arc<Slot>,
    project: Id,
    reserved: Reserved,
) -> Result<Found, StartError> {
    // The room is given back once the session lives.
    let Reserved { held, _room } = reserved;
    let at = slot.next_start(Timestamp::now());
    let launched = start(context, project, at).await;
    if let (Err(_), Some(held)) = (&launched, &held) {
        context.leases.give_back(project, held).await;
    }
    let launched = launched?;
    let current = Some(launched.metadata.claude_session_id);
    let session = begin::session(context, slot, launched, current).await;
    held_lease::keep(context, AgentProcess::Session(Arc::clone(&session)), held);
    prune::sessions(context, project, ENDED_KEPT);
    Ok(Found {
        session,
        created: true,
    })
}

/// Starts the agent of `project`, which must have none. The caller holds the slot's lock.
///
/// `at` is later than the start of each earlier agent, even if the clock was set back: the folders
/// show the latest one.
async fn start(context: &Context, project: Id, at: Timestamp) -> Result<Launched, StartError> {
    let (settings, store) = (&*context.settings, &context.store);
    let record = store.project(project).await?.ok_or(StartError::NoProject)?;
    let surroundings = Surroundings::new(settings, &record.settings);
    let claude = find_claude(settings, &surroundings).await?;
    let first = Source::Startup;
    let config_dir = &surroundings.config_dir;
    let (project, plan) = identify(store, &context.mirror, project, config_dir, first, at).await?;
    check_owner(config_dir, plan.id()).await?;
    restore(context, &project, &plan, config_dir).await?;
    let id = Id::generate(at);
    let dir = make_folder(&Mode::Interactive.root(&settings.data_dir), id)?;
    let metadata = Metadata {
        project_id: project.id,
        claude_session_id: plan.id(),
        resumed: plan.is_resumed(),
        lost: plan.lost().map(str::to_owned),
        config_dir: surroundings.config_dir.clone(),
        prompt: None,
    };
    let initial_prompt = match take_initial_prompt(store, &project, &plan, id).await {
        Ok(initial_prompt) => initial_prompt,
        Err(error) => {
            // The folder is still empty.
            let _ = on_disk(|| fs::remove_dir(&dir));
            return Err(error);
        }
    };
    if let Some(milestone) = initial_prompt.as_ref().and_then(|first| first.milestone_id) {
        let workspace = &project.workspace_path;
        context
            .changes
            .begin(project.id, milestone, workspace)
            .await;
    }
    let launched = launch_session(
        settings,
        &surroundings,
        &claude,
        &project,
        &plan,
        initial_prompt.as_ref(),
        &dir,
        &metadata,
        at,
    )
    .await;
    match launched {
        Ok(holder) => {
            if let Some(Scoped::Refused { reason }) = &holder.scope {
                tracing::warn!(session = %id, reason, "the session has no scope of its own: `wxcode doctor` says what that means");
            }
            tracing::info!(project = %project.id, session = %id, agent = holder.agent_pid, ?plan, "session started");
            Ok(Launched {
                id,
                dir,
                metadata,
                workspace: project.workspace_path,
                holder,
                at,
                is_latest: true,
            })
        }
        Err(error) => {
            if let Some(initial_prompt) = initial_prompt {
                return_initial_prompt(store, initial_prompt).await;
            }
            // Best effort: a scan skips a folder without a holder's record.
            let _ = on_disk(|| fs::remove_dir_all(&dir));
            Err(error)
        }
    }
}

/// Takes the milestone's command that starts the project's first conversation as the initial
/// prompt.
async fn take_initial_prompt(
    store: &Repository,
    project: &OutputProject,
    plan: &Plan,
    session: Id,
) -> Result<Option<Delivery>, StartError> {
    if !matches!(plan, Plan::First { .. }) {
        return Ok(None);
    }
    let query = NextQuery {
        now: Timestamp::now(),
        in_turn: false,
    };
    let first = loop {
        match store.next_delivery(project.id, query).await?.delivery {
            Some(next) if next.state == DeliveryState::Queued => {
                if settle::check_milestone(store, &next).await? {
                    break Some(next);
                }
            }
            next => break next,
        }
    };
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
async fn return_initial_prompt(store: &Repository, initial_prompt: Delivery) {
    if let Err(error) = store
        .step(&route(&initial_prompt, Route::Typed, None))
        .await
    {
        tracing::warn!(delivery = %initial_prompt.id, %error, "could not put a delivery back into the queue");
    }
}

fn route(delivery: &Delivery, route: Route, session_id: Option<Id>) -> Step {
    let at = to_millis(Timestamp::now());
    Step {
        attempts: u32::from(route == Route::Prompt),
        error: None,
        session_id,
        route,
        after_seq: None,
        ..Step::new(delivery, delivery.state, at)
    }
}

#[expect(
    clippy::too_many_arguments,
    reason = "all that a spawn is made of, each decided before"
)]
async fn launch_session(
    settings: &Settings,
    surroundings: &Surroundings,
    claude: &Path,
    project: &OutputProject,
    plan: &Plan,
    initial_prompt: Option<&Delivery>,
    dir: &Path,
    metadata: &Metadata,
    at: Timestamp,
) -> Result<HolderFile, StartError> {
    let hook = settings::hook_command(&settings.holder, &dir.join("hook.json"));
    let settings_file = dir.join("claude-settings.json");
    let line = status_line_of(settings, surroundings, project, dir).await;
    let document = settings::document(&hook, line);
    write_private(&settings_file, document.to_string().as_bytes())?;
    let prompt = initial_prompt.map(|delivery| delivery.text.as_str());
    let own = &project.settings;
    let program = Program {
        argv: plan::argv(claude, plan, &settings_file, settings, own, prompt),
        input: None,
    };
    let note = serde_json::to_value(metadata).map_err(io::Error::from)?;
    spawn_holder(settings, surroundings, project, dir, program, note, at).await
}

/// Our status line in front of the user's; `None` if it is off.
async fn status_line_of(
    settings: &Settings,
    surroundings: &Surroundings,
    project: &OutputProject,
    dir: &Path,
) -> Option<Value> {
    if !settings.status_line {
        return None;
    }
    let workspace = project.workspace_path.as_path();
    let own = project.settings.args.as_ref();
    let args = own.unwrap_or(&settings.claude_args);
    let layers = status_line::layers(workspace, &surroundings.config_dir, args);
    let files = layers.clone();
    let fields = off_thread(workspace, move || {
        Ok::<_, FileError>(status_line::fields(&files))
    });
    // A line without the user's padding is better than no start.
    let fields = fields.await.unwrap_or_default();
    let hook_file = dir.join("hook.json");
    Some(status_line::document(
        &settings.holder,
        &hook_file,
        &layers,
        fields,
    ))
}

fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    on_disk(|| {
        fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(path)?
            .write_all(bytes)
    })
}
