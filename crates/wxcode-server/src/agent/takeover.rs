//! Takes over the projects of nodes whose leases expired, without waiting for a visit.
//!
//! Among many nodes, each watches the leases of a few.
//!
//! Invariant: a lease expires by this node's own observations, as for a visit.

use std::{collections::HashSet, sync::Arc, time::Duration};

use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until},
};
use wxcode_core::{id::Id, lease, placement};
use wxcode_store::StoreError;

use crate::{
    agent::{
        context::Context,
        launch::{error::StartError, session::get_or_create},
    },
    workspace,
};

/// Shortest and longest pause between two looks at the leases.
const PAUSE_MIN: Duration = Duration::from_millis(250);
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// Most sessions resumed at the same time.
const AT_ONCE: usize = 16;

/// Takes over until the server ends.
pub(in crate::agent) async fn take_over(context: &Arc<Context>) {
    let Some(shared) = &context.settings.shared else {
        return;
    };
    let usual = lease::look_every(shared.lease).clamp(PAUSE_MIN, PAUSE_MAX);
    let mut look_at = Instant::now() + usual;
    let mut waiting: Vec<Id> = Vec::new();
    let mut resuming = JoinSet::new();
    let mut in_progress = HashSet::new();
    loop {
        tokio::select! {
            () = context.closing.cancelled() => {
                // A start that began is finished.
                resuming.detach_all();
                return;
            }
            Some(ended) = resuming.join_next() => {
                // A panic leaves its project in progress: the next visit resumes it.
                if let Ok(project) = ended {
                    in_progress.remove(&project);
                }
            }
            () = sleep_until(look_at) => {
                let (found, pause) = look(context, usual).await;
                look_at = Instant::now() + pause;
                waiting = found;
                waiting.retain(|project| !in_progress.contains(project));
            }
        }
        while resuming.len() < AT_ONCE
            && let Some(project) = waiting.pop()
        {
            in_progress.insert(project);
            let context = Arc::clone(context);
            resuming.spawn(async move {
                resume(&context, project).await;
                project
            });
        }
    }
}

/// The projects to take over now, in an order of this node's own, so that several nodes seldom try
/// the same one; and the pause before the next look.
async fn look(context: &Context, usual: Duration) -> (Vec<Id>, Duration) {
    if context.is_draining() {
        return (Vec::new(), usual);
    }
    let Some(shared) = &context.settings.shared else {
        return (Vec::new(), usual);
    };
    match context.leases.expired().await {
        Ok((mut expired, next)) => {
            expired.sort_by_cached_key(|project| placement::order(*project, shared.node.id));
            // A lease that expires before the next usual look is looked at in time.
            let pause = next.map_or(usual, |next| next.clamp(PAUSE_MIN, usual));
            (expired, pause)
        }
        Err(error) => {
            tracing::debug!(%error, "cannot look for expired leases");
            (Vec::new(), usual)
        }
    }
}

/// Resumes a project's session, if its workspace is here.
async fn resume(context: &Arc<Context>, project: Id) {
    match try_resume(context, project).await {
        Ok(true) => tracing::warn!(%project, "resumed a session whose node is gone"),
        Ok(false) | Err(StartError::Elsewhere { .. }) => {}
        Err(error) => {
            tracing::warn!(%project, %error, "could not resume a session whose node is gone");
        }
    }
}

async fn try_resume(context: &Arc<Context>, project: Id) -> Result<bool, StartError> {
    let record: Result<_, StoreError> = context.store.project(project).await;
    let Some(record) = record? else {
        return Ok(false);
    };
    let workspace = record.workspace_path.clone();
    let look = move || workspace::check(&workspace);
    if wxcode_files::off_thread(&record.workspace_path, look)
        .await
        .is_err()
    {
        return Ok(false);
    }
    get_or_create(context, project)
        .await
        .map(|found| found.created)
}
