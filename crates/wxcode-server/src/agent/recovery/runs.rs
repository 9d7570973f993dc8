//! Adopts the runs of earlier servers: monitors runs without a recorded outcome again.

use std::{io, sync::Arc};

use tokio::{sync::watch, time::timeout};
use wxcode_holder::folder::State;

use crate::agent::{
    STOP_TIMEOUT,
    context::Context,
    launch::held_lease,
    monitor::begin,
    process::{AgentProcess, Mode},
    recovery::scan,
    run::{Progress, Run, result},
};

/// Adopts the runs of the data folder. Must run after the sessions are adopted.
///
/// # Errors
/// When the folder of the runs cannot be read or made.
pub(in crate::agent) async fn adopt(context: &Arc<Context>) -> io::Result<()> {
    let data_dir = &context.settings.data_dir;
    let found = scan::agents(Mode::Headless.root(data_dir)).await?;
    if found.is_empty() {
        return Ok(());
    }
    let newest = scan::newest(data_dir.clone()).await?;
    let mut running = 0_usize;
    for mut found in found {
        let (id, project, at) = (found.id, found.project_id(), found.launch.at);
        let (holder, is_live) = match std::mem::replace(&mut found.state, State::Unfinished) {
            State::Live(holder) => (holder, true),
            State::Lost(holder) | State::Exited(Some(holder), _) => (holder, false),
            State::Unfinished => continue, // the scan removed these
            State::Exited(None, _) => {
                tracing::warn!(run = %id, "ignoring a run that never began");
                continue;
            }
        };
        let slot = context.slots.get(project);
        if let Some(result) = result::read(&found.dir).filter(|_| !is_live) {
            let over = Progress {
                claude_session_id: result.claude_session_id,
                is_over: true,
                unwritten: None,
            };
            slot.add_run(Arc::new(Run {
                id,
                project_id: project,
                dir: found.dir,
                started_at: at,
                progress: watch::channel(over).1,
            }));
            continue;
        }
        let is_alone = slot.current().is_none();
        let current = context.current_conversation(&found.launch.metadata).await;
        let is_latest = newest.get(&project) == Some(&(at, id));
        let launched = found.launched(holder, is_latest);
        let run = begin::run(context, &slot, launched, current).await;
        let agent = AgentProcess::Run(Arc::clone(&run));
        if is_live {
            running += 1;
            held_lease::keep(context, agent.clone(), None);
            if !is_alone {
                tracing::error!(%project, run = %id, "a run next to another agent of its project; ending the run");
                agent.stop().await;
            }
        } else if timeout(STOP_TIMEOUT, run.ended()).await.is_err() {
            tracing::warn!(run = %id, "the store is unavailable; the end of the run waits");
        }
    }
    if running > 0 {
        tracing::info!(running, "runs adopted");
    }
    Ok(())
}
