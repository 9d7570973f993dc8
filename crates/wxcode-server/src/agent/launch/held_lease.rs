//! Keeps the lease of a living agent's project.
//!
//! Invariant: on a shared store, an agent runs only under a lease of its server. When another
//! server took the lease, this server ends the agent.

use std::{sync::Arc, time::SystemTime};

use tokio::time::sleep_until;
use wxcode_core::{id::Id, lease::Tenure};

use crate::{
    agent::{
        context::Context,
        launch::{
            error::StartError,
            lease::{RETRY, Renewal},
        },
        process::AgentProcess,
        superseded,
    },
    settings::Shared,
};

/// Fails if another server has the project and this one runs nothing of it. Returns the epoch that
/// guards a change without an agent here.
///
/// # Errors
/// The other server and the rest of its lease; or a failure of the store.
pub(in crate::agent) async fn check(
    context: &Context,
    project: Id,
) -> Result<Option<u64>, StartError> {
    if context.slots.get(project).current().is_some() {
        return Ok(None);
    }
    context.leases.check(project).await
}

/// Renews the lease of a project while `agent` lives, then gives it back. Ends the agent when
/// another server took the lease. Without a held lease, as for an adopted agent, it first takes the
/// lease.
pub(in crate::agent) fn keep(context: &Arc<Context>, agent: AgentProcess, held: Option<Tenure>) {
    let Some(shared) = context.leases.shared() else {
        return;
    };
    let context = Arc::clone(context);
    context.tasks.clone().spawn(async move {
        // When the server closes, the agent runs on, and its lease until its end.
        tokio::select! {
            () = renew(&context, &shared, &agent, held) => {}
            () = context.closing.cancelled() => {}
        }
    });
}

async fn renew(context: &Context, shared: &Shared, agent: &AgentProcess, mut held: Option<Tenure>) {
    let (leases, mirror) = (&context.leases, &context.mirror);
    let project = agent.project_id();
    let mut sure_at = SystemTime::now();
    let ended = agent.ended();
    tokio::pin!(ended);
    let mut is_logged = false;
    loop {
        tokio::select! {
            biased;
            () = &mut ended => {
                if let Some(held) = &held {
                    mirror.settled(project).await;
                    leases.give_back(project, held).await;
                }
                return;
            }
            () = sleep_until(leases.due(held.as_ref())) => {}
        }
        let asked_at = SystemTime::now();
        match leases.renew(shared, project, &mut held).await {
            Ok(Renewal::Kept) => {
                is_logged = false;
                sure_at = asked_at;
                continue;
            }
            Ok(Renewal::Again) => {}
            Ok(Renewal::Needless) => return,
            Ok(Renewal::Gone(node)) => {
                tracing::error!(%project, server = node.name, "another server took over the project because this server could not renew its lease; ending the agent here");
                // Its holder may be stopped, or the machine overloaded: the agent must end all the same.
                while !agent.stop().await {
                    tracing::error!(%project, server = node.name, "the agent of a project that another server took over has not ended; trying again");
                    tokio::time::sleep(RETRY).await;
                }
                ended.await;
                superseded::report(context, agent, node, sure_at).await;
                if let Some(held) = &held {
                    leases.lost(project, held);
                }
                return;
            }
            Err(error) => {
                let is_sure = held.as_ref().is_some_and(|held| leases.is_sure(held));
                if !is_sure && !is_logged {
                    is_logged = true;
                    tracing::warn!(%project, %error, "cannot renew the lease of a running agent; another server may take over the project, and the agent runs until then");
                }
            }
        }
        tokio::time::sleep(RETRY).await;
    }
}
