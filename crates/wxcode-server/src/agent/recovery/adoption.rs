//! Adopts the sessions of earlier servers: monitors running sessions, marks vanished sessions as
//! lost, remembers ended sessions.
//!
//! Invariant: before taking requests, a new server adopts every agent named by the folders.

use std::{collections::BTreeMap, io, sync::Arc, time::Instant};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use tokio::{sync::OnceCell, time::timeout};
use wxcode_core::{agent::AgentState, id::Id};
use wxcode_holder::folder::{Exit, HolderFile, State};
use wxcode_store::StoreError;

use crate::agent::{
    STOP_TIMEOUT,
    context::Context,
    delivery::settle,
    folder::{SETTLED, stop},
    hibernation,
    launch::held_lease,
    metadata::LiveMetadata,
    monitor::begin,
    process::{AgentProcess, Launched, Mode},
    recovery::{
        reboot::{Interrupted, was_interrupted},
        scan::{self, Found, Newest},
    },
    session::{Session, View},
    slot::Slot,
};

/// Projects in adoption at a time.
const ADOPTED_AT_ONCE: usize = 64;

/// Adopts the sessions of the data folder. Returns the sessions interrupted by the machine's
/// restart.
///
/// # Errors
/// When the folder of the sessions cannot be read or made.
pub(in crate::agent) async fn adopt(context: &Arc<Context>) -> io::Result<Vec<Interrupted>> {
    let began = Instant::now();
    let root = Mode::Interactive.root(&context.settings.data_dir);
    let mut interrupted = Vec::new();
    let mut projects: BTreeMap<Id, Vec<Found>> = BTreeMap::new();
    for found in scan::agents(root).await? {
        let project = found.project_id();
        if was_interrupted(&found.state, found.dir.join(SETTLED).exists()) {
            interrupted.push(Interrupted {
                project,
                session: found.id,
            });
        }
        projects.entry(project).or_default().push(found);
    }
    // The sessions of a project are adopted in turn. A slow or absent store delays all projects
    // together, not in turn.
    let newest = OnceCell::new();
    let adopted: Vec<usize> = stream::iter(projects.into_values())
        .map(|sessions| adopt_project(context, sessions, &newest))
        .buffer_unordered(ADOPTED_AT_ONCE)
        .try_collect()
        .await?;
    let running: usize = adopted.iter().sum();
    settle_orphans(context).await;
    tracing::info!(
        running,
        ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        "sessions adopted"
    );
    Ok(interrupted)
}

/// Adopts the sessions of a project, the older sessions first; returns the number of running
/// sessions. `newest` caches the result of [`scan::newest`].
async fn adopt_project(
    context: &Arc<Context>,
    sessions: Vec<Found>,
    newest: &OnceCell<Newest>,
) -> io::Result<usize> {
    let mut running = 0;
    for mut found in sessions {
        let slot = context.slots.get(found.project_id());
        let is_settled = found.dir.join(SETTLED).exists();
        match std::mem::replace(&mut found.state, State::Unfinished) {
            State::Live(holder) => {
                running += 1;
                hibernation::forget(&found.dir);
                if let Some(older) = slot.running() {
                    tracing::error!(project = %found.project_id(), older = %older.id, newer = %found.id, "two agents of one project; ending the older one");
                    stop(&older.dir, older.ended()).await;
                }
                let current = context.current_conversation(&found.launch.metadata).await;
                let launched = found.launched(holder, true);
                let session = begin::session(context, &slot, launched, current).await;
                held_lease::keep(context, AgentProcess::Session(session), None);
            }
            // The session ended without a server: its last hooks are processed as if a server had
            // run.
            State::Lost(holder) => {
                finish(context, &slot, found.launched(holder, true), newest).await?;
            }
            State::Exited(Some(holder), _) if !is_settled => {
                finish(context, &slot, found.launched(holder, true), newest).await?;
            }
            State::Exited(holder, exit) => remember(context, &slot, found, holder, exit),
            State::Unfinished => {} // the scan removed these
        }
    }
    Ok(running)
}

/// Monitors an ended session to its end.
async fn finish(
    context: &Arc<Context>,
    slot: &Slot,
    mut ended: Launched,
    newest: &OnceCell<Newest>,
) -> io::Result<()> {
    let read = || scan::newest(context.settings.data_dir.clone());
    let newest = newest.get_or_try_init(read).await?;
    let (id, project) = (ended.id, ended.metadata.project_id);
    ended.is_latest = newest.get(&project) == Some(&(ended.at, id));
    let current = context.current_conversation(&ended.metadata).await;
    let session = begin::session(context, slot, ended, current).await;
    if timeout(STOP_TIMEOUT, session.ended()).await.is_err() {
        tracing::warn!(session = %id, "the store is unavailable; the end of the session waits");
    }
    Ok(())
}

/// Settles deliveries of agents that ended without a server.
async fn settle_orphans(context: &Context) {
    let settled = async {
        for project in context.store.projects_with_open_deliveries().await? {
            // Their earlier states are published first.
            context.events.current(project).await;
            if context.slots.get(project).running().is_some() {
                continue;
            }
            // Read before the lease: another server takes the lease before queueing a delivery.
            let open = context.store.open_deliveries(project).await?;
            if !context.leases.is_elsewhere(project).await? {
                for delivery in open {
                    settle::end(&context.store, &delivery, None).await?;
                }
            }
        }
        Ok::<_, StoreError>(())
    };
    if let Err(error) = settled.await {
        tracing::warn!(%error, "cannot settle the deliveries of ended agents");
    }
}

/// Puts an ended session into its slot, unless the slot has a later session.
fn remember(context: &Context, slot: &Slot, found: Found, holder: Option<HolderFile>, exit: Exit) {
    let (at, metadata) = (found.launch.at, found.launch.metadata);
    // Ids of two servers do not sort by time within a second.
    if slot
        .latest()
        .is_some_and(|latest| (latest.started_at, latest.id) > (at, found.id))
    {
        return;
    }
    let view = View {
        agent_state: AgentState::Unknown,
        exit: Some(hibernation::exit(&found.dir, exit)),
        ..View::starting(LiveMetadata::read(&found.dir))
    };
    let agent = holder.map_or((0, 0), |holder| holder.agent());
    let feed = context.events.feed(metadata.project_id);
    let (session, _) = Session::new(found.id, &metadata, found.dir, agent, at, view, feed);
    slot.set_session(Arc::new(session));
}

#[cfg(test)]
mod tests;
