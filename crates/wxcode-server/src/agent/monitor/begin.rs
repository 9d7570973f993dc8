//! Puts a launched agent into its project's slot, publishes its start, and starts its monitor.

use std::sync::Arc;

use tokio::sync::watch;
use uuid::Uuid;
use wxcode_core::{event::Kind, text::shortened};

use crate::{conversation::follow::TurnFollower, event::Feed, mirror::Follower};

use crate::agent::{
    context::Context,
    conversation::ConversationLog,
    metadata::{LiveMetadata, Metadata},
    monitor::{run::RunMonitor, session::MonitorInput, supervise::supervise},
    process::{AgentProcess, Launched},
    run::{Progress, Run},
    session::{Session, View},
    slot::Slot,
};

/// Longest published beginning of a prompt, in characters.
const PROMPT_TOLD: usize = 1_000;

/// Monitors a session. `current` is the project's conversation.
pub(in crate::agent) async fn session(
    context: &Arc<Context>,
    slot: &Slot,
    launched: Launched,
    current: Option<Uuid>,
) -> Arc<Session> {
    let Launched {
        id,
        dir,
        metadata,
        holder,
        at,
        is_latest,
        ..
    } = launched;
    let view = View::starting(LiveMetadata::read(&dir));
    let feed = context.events.current(metadata.project_id).await;
    let (session, channels) = Session::new(id, &metadata, dir, holder.agent(), at, view, feed);
    let session = Arc::new(session);
    let started = Kind::SessionStarted {
        session_id: id,
        claude_session_id: metadata.claude_session_id,
        resumed: metadata.resumed,
        pid: holder.agent_pid,
    };
    session
        .feed
        .publish_with(started, || slot.set_session(Arc::clone(&session)));
    let closing = context.closing.clone();
    // Publishes unwatched changes at once.
    let attention = match context.store.project(metadata.project_id).await {
        Ok(Some(project)) => {
            let workspace = &project.workspace_path;
            Some(context.planning.attend(metadata.project_id, workspace))
        }
        Ok(None) | Err(_) => None,
    };
    let planning = attention.as_ref().map(|attention| attention.bell());
    let input = MonitorInput {
        metadata,
        current,
        is_latest,
        planning: planning.unwrap_or_default(),
        limit_grace: context.settings.limit_grace,
    };
    let process = AgentProcess::Session(Arc::clone(&session));
    follow(context, &process, &input.metadata, &session.feed);
    supervise(context, Arc::clone(&session), channels, input);
    let ending = Arc::clone(&session);
    context.tasks.spawn(async move {
        tokio::select! {
            _ = ending.ended() => {}
            () = closing.cancelled() => {}
        }
        drop(attention);
    });
    session
}

/// Monitors a run. `current` is the project's conversation.
pub(in crate::agent) async fn run(
    context: &Arc<Context>,
    slot: &Slot,
    launched: Launched,
    current: Option<Uuid>,
) -> Arc<Run> {
    let Launched {
        id,
        dir,
        metadata,
        holder,
        workspace,
        at,
        is_latest,
    } = launched;
    let feed = context.events.current(metadata.project_id).await;
    let prompt = metadata.prompt.as_deref().unwrap_or_default();
    let started = Kind::RunStarted {
        run_id: id,
        claude_session_id: metadata.claude_session_id,
        resumed: metadata.resumed,
        pid: holder.agent_pid,
        prompt: shortened(prompt, PROMPT_TOLD),
    };
    let (progress, watch) = watch::channel(Progress {
        claude_session_id: metadata.claude_session_id,
        is_over: false,
        unwritten: None,
    });
    let run = Arc::new(Run {
        id,
        project_id: metadata.project_id,
        dir,
        started_at: at,
        progress: watch,
    });
    feed.publish_with(started, || slot.add_run(Arc::clone(&run)));
    let process = AgentProcess::Run(Arc::clone(&run));
    follow(context, &process, &metadata, &feed);
    let monitor = RunMonitor::new(
        Arc::clone(&run),
        progress,
        metadata,
        ConversationLog::new(
            context.store.clone(),
            context.leases.clone(),
            run.project_id,
            id,
            current,
            is_latest,
        ),
        workspace,
        feed,
        context.planning.clone(),
        context.closing.clone(),
    );
    context.tasks.spawn(monitor.run());
    run
}

/// Copies the project's conversation and publishes its turns for as long as the agent lives, and
/// once at its end.
fn follow(context: &Arc<Context>, process: &AgentProcess, metadata: &Metadata, feed: &Arc<Feed>) {
    let follower = Follower::new(
        context.mirror.clone(),
        context.store.clone(),
        process.project_id(),
        metadata.config_dir.clone(),
    );
    let turns = TurnFollower::new(
        context.store.clone(),
        Arc::clone(feed),
        process.project_id(),
        follower.records(),
        metadata.config_dir.clone(),
        metadata.resumed,
    );
    let (closing, copied) = (context.closing.clone(), process.clone());
    let following = context.mirror.following(process.project_id());
    context.tasks.spawn(async move {
        follower.run(copied.ended(), closing).await;
        drop(following);
    });
    let (closing, read) = (context.closing.clone(), process.clone());
    context.tasks.spawn(async move {
        turns.run(read.ended(), closing).await;
    });
}
