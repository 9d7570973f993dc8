//! Takes over the projects of nodes whose leases expired, without waiting for a visit.
//!
//! Among many nodes, each watches the leases of a few.
//!
//! Invariant: a lease expires by this node's own observations, as for a visit.

use std::{sync::Arc, time::Duration};

use tokio::time::sleep;
use wxcode_core::id::Id;
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

/// Takes over until the server ends.
pub(in crate::agent) async fn take_over(context: &Arc<Context>) {
    let Some(shared) = &context.settings.shared else {
        return;
    };
    let usual = (shared.lease / 8).clamp(PAUSE_MIN, PAUSE_MAX);
    let mut pause = usual;
    loop {
        tokio::select! {
            () = context.closing.cancelled() => return,
            () = sleep(pause) => {}
        }
        if context.is_draining() {
            continue;
        }
        let expired = match context.leases.expired().await {
            Ok((expired, next)) => {
                // A lease that expires before the next usual look is looked at in time.
                pause = next.map_or(usual, |next| next.clamp(PAUSE_MIN, usual));
                expired
            }
            Err(error) => {
                tracing::debug!(%error, "cannot look for expired leases");
                pause = usual;
                continue;
            }
        };
        for project in expired {
            match resume(context, project).await {
                Ok(true) => {
                    tracing::warn!(%project, "resumed a session whose node is gone");
                }
                Ok(false) | Err(StartError::Elsewhere { .. }) => {}
                Err(error) => {
                    tracing::warn!(%project, %error, "could not resume a session whose node is gone");
                }
            }
        }
    }
}

/// Resumes a project's session, if its workspace is here.
async fn resume(context: &Arc<Context>, project: Id) -> Result<bool, StartError> {
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
