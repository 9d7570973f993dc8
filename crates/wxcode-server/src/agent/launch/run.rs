//! Begins a run: checks the slot, decides the conversation, starts the holder.

use std::{fs, io, sync::Arc};

use jiff::Timestamp;
use wxcode_core::{id::Id, identity::Source};

use crate::agent::{
    RUNS_KEPT,
    context::Context,
    launch::{
        error::StartError,
        held_lease,
        plan::{self, Surroundings},
        start,
    },
    metadata::Metadata,
    monitor::begin,
    process::{AgentProcess, Launched, Mode},
    recovery::prune,
    run::Run,
};
use crate::disk::on_disk;

/// Runs a prompt in a project, headless. The project must have no session and no run in progress.
///
/// # Errors
/// When it has one, or the agent cannot be started; nothing is left behind.
pub(in crate::agent) async fn begin(
    context: &Arc<Context>,
    project: Id,
    prompt: String,
) -> Result<Arc<Run>, StartError> {
    let slot = context.slots.get(project);
    let _guard = slot.lock().await;
    if slot.running().is_some() {
        return Err(StartError::InSession);
    }
    slot.is_free()?;
    let _room = context.take_room()?;
    let _run_start = slot.start_run();
    let held = context.leases.take(project).await?;
    let at = slot.next_start(Timestamp::now());
    match launch(context, project, prompt, at).await {
        Ok(launched) => {
            let current = Some(launched.metadata.claude_session_id);
            let run = begin::run(context, &slot, launched, current).await;
            held_lease::keep(context, AgentProcess::Run(Arc::clone(&run)), held);
            prune::runs(context, &slot, RUNS_KEPT);
            Ok(run)
        }
        Err(error) => {
            if let Some(held) = &held {
                context.leases.give_back(project, held).await;
            }
            if matches!(error, StartError::NoProject) {
                context.slots.forget(project);
            }
            Err(error)
        }
    }
}

async fn launch(
    context: &Context,
    project: Id,
    prompt: String,
    at: Timestamp,
) -> Result<Launched, StartError> {
    let (settings, store) = (&context.settings, &context.store);
    let record = store.project(project).await?.ok_or(StartError::NoProject)?;
    let surroundings = Surroundings::new(settings, &record.settings);
    let claude = start::find_claude(settings, &surroundings).await?;
    let config_dir = surroundings.config_dir.clone();
    let source = Source::Headless;
    let (project, plan) =
        start::identify(store, &context.mirror, project, &config_dir, source, at).await?;
    start::check_owner(&config_dir, plan.id()).await?;
    start::restore(context, &project, &plan, &config_dir).await?;
    let id = Id::generate(at);
    let dir = start::make_folder(&Mode::Headless.root(&settings.data_dir), id)?;
    let program = start::Program {
        argv: plan::run_argv(&claude, &plan, settings, &record.settings),
        input: Some(prompt.clone()),
    };
    let metadata = Metadata {
        project_id: project.id,
        claude_session_id: plan.id(),
        resumed: plan.is_resumed(),
        config_dir,
        lost: plan.lost().map(str::to_owned),
        prompt: Some(prompt),
    };
    let held = match serde_json::to_value(&metadata) {
        Ok(note) => {
            start::spawn_holder(settings, &surroundings, &project, &dir, program, note, at).await
        }
        Err(error) => Err(io::Error::from(error).into()),
    };
    match held {
        Ok(holder) => {
            tracing::info!(project = %project.id, run = %id, agent = holder.agent_pid, ?plan, "run started");
            Ok(Launched {
                id,
                dir,
                metadata,
                holder,
                workspace: project.workspace_path,
                at,
                is_latest: true,
            })
        }
        Err(error) => {
            // Best effort: the next start removes a folder without a holder's record.
            let _ = on_disk(|| fs::remove_dir_all(&dir));
            Err(error)
        }
    }
}
