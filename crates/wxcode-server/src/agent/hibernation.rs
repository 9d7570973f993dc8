//! Hibernates idle sessions: ends an agent that nobody needs for a while. The conversation goes on
//! with the next visit or delivery.
//!
//! Invariant: no client, open delivery or draft loses its session. A client that comes meanwhile
//! waits for the end, and starts the session again.

use std::{
    collections::HashMap,
    fs, io,
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

use jiff::Timestamp;
use tokio::{
    task::spawn_blocking,
    time::{Instant, sleep, timeout},
};
use wxcode_core::{
    agent::AgentState,
    delivery::machine::{Kept, Prompt},
    id::Id,
};
use wxcode_holder::{
    client::{self, Event, Request},
    folder::Exit,
};
use wxcode_store::StoreError;

use crate::{
    agent::{context::Context, monitor::screen, process::AgentProcess, session::Session},
    screen::LastScreen,
};

/// The reason of such an end.
pub(crate) const HIBERNATED: &str = "hibernated";
/// The holder's reason of an end on request.
const STOPPED: &str = "stopped";
/// Pause between two looks at the sessions.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A project's setting is read again after this time, or after any change of a project here.
const SETTING_KEPT: Duration = Duration::from_secs(300);
/// Pause before a session is tried again when something was in the way.
const AGAIN: Duration = Duration::from_secs(30);
/// Time for a holder to show the screen.
const SCREEN_TIMEOUT: Duration = Duration::from_secs(2);

/// The end of an agent as the server shows it: the holder knows of no hibernation.
pub(in crate::agent) fn exit(dir: &Path, mut exit: Exit) -> Exit {
    if exit.reason == STOPPED && dir.join(LastScreen::HIBERNATING).exists() {
        exit.reason = HIBERNATED.to_owned();
    }
    exit
}

/// Forgets an earlier server's intent: the agent runs.
pub(in crate::agent) fn forget(dir: &Path) {
    match fs::remove_file(dir.join(LastScreen::HIBERNATING)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(dir = %dir.display(), %error, "cannot remove the mark of a hibernation");
        }
        _ => {}
    }
}

/// An idle session.
struct Idle {
    since: Instant,
    /// The idle time after which it hibernates; `None`: never.
    after: Option<Duration>,
    read: Instant,
    /// The number of changes of projects at that read.
    changes: u64,
    not_before: Instant,
}

/// Hibernates idle sessions until the server ends.
pub(in crate::agent) async fn hibernate_idle(context: &Arc<Context>) {
    let mut idle = HashMap::new();
    loop {
        tokio::select! {
            () = context.closing.cancelled() => return,
            () = sleep(LOOK_EVERY) => {}
        }
        for session in look(context, &mut idle).await {
            let hibernating = Arc::clone(context);
            context.tasks.spawn(async move {
                hibernate(&hibernating, &session).await;
            });
        }
    }
}

/// The sessions whose time has come.
async fn look(context: &Context, idle: &mut HashMap<Id, Idle>) -> Vec<Arc<Session>> {
    let now = Instant::now();
    let slots = context.slots.all();
    let quiet: Vec<_> = slots
        .iter()
        .filter_map(|slot| slot.running())
        .filter(|session| is_quiet(session))
        .collect();
    idle.retain(|id, _| quiet.iter().any(|session| session.id == *id));
    let mut due = Vec::new();
    for session in quiet {
        let changes = context.store.project_changes();
        let known = idle.entry(session.id).or_insert_with(|| Idle {
            since: now,
            after: None,
            read: now,
            changes: changes.wrapping_sub(1),
            not_before: now,
        });
        known.since = known.since.max(session.last_activity());
        if known.changes != changes || now.duration_since(known.read) >= SETTING_KEPT {
            let Ok(after) = setting(context, session.project_id).await else {
                continue;
            };
            (known.after, known.read, known.changes) = (after, now, changes);
        }
        let is_due = |after| now.duration_since(known.since) >= after;
        if known.after.is_some_and(is_due) && now >= known.not_before {
            known.not_before = now + AGAIN;
            due.push(session);
        }
    }
    due
}

/// The idle time after which a project's session hibernates.
async fn setting(context: &Context, project: Id) -> Result<Option<Duration>, StoreError> {
    let record = context.store.project(project).await?;
    let own = record.and_then(|record| record.settings.hibernate_after_s);
    let after = own.map(Duration::from_secs);
    Ok(after
        .or(context.settings.hibernate_after)
        .filter(|after| !after.is_zero()))
}

/// Whether nothing that this server knows speaks against the session's end.
fn is_quiet(session: &Session) -> bool {
    is_at_rest(session) && session.clients() == 0
}

/// Whether the agent is idle, and nothing waits for an answer.
fn is_at_rest(session: &Session) -> bool {
    let view = session.view.borrow();
    view.agent_state == AgentState::Idle
        && view.dialog.is_none()
        && view.asks.is_none()
        && view.limit.is_none()
        && view.exit.is_none()
}

/// Why an idle session ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    /// Nobody needed it for long: clients keep it.
    Idle,
    /// The node drains: clients connect again, to another node.
    Drain,
}

/// Ends an idle session whose node drains, unless something is in the way.
pub(in crate::agent) async fn hand_over(context: &Arc<Context>, session: &Arc<Session>) {
    if is_at_rest(session) {
        end(context, session, Why::Drain).await;
    }
}

/// Ends the agent of an idle session, unless something is in the way.
async fn hibernate(context: &Arc<Context>, session: &Arc<Session>) {
    end(context, session, Why::Idle).await;
}

async fn end(context: &Arc<Context>, session: &Arc<Session>, why: Why) {
    let project = session.project_id;
    let slot = context.slots.get(project);
    // No visit and no delivery gets this session from here on.
    let _guard = slot.lock().await;
    let is_still = slot
        .running()
        .is_some_and(|running| running.id == session.id);
    if !is_still || !is_at_rest(session) || has_open(context, project).await {
        return;
    }
    let Some(screen) = clean_screen(session).await else {
        return;
    };
    if why == Why::Drain {
        session.dismiss_clients().await;
    } else if !session.close_to_clients() {
        return;
    }
    if !is_at_rest(session) {
        session.open_to_clients();
        return;
    }
    let dir = session.dir.clone();
    let written = spawn_blocking(move || LastScreen::write(&screen, &dir)).await;
    if let Ok(Err(error)) = written {
        tracing::warn!(session = %session.id, %error, "an idle session cannot be ended");
        session.open_to_clients();
        return;
    }
    let began = SystemTime::now();
    if AgentProcess::Session(Arc::clone(session)).stop().await {
        let ms = began.elapsed().map_or(0, |took| took.as_millis());
        tracing::info!(%project, session = %session.id, ?why, ms, "ended an idle session");
        return;
    }
    tracing::warn!(%project, session = %session.id, ?why, "an idle session did not end in time");
    forget(&session.dir);
    session.open_to_clients();
}

/// Whether a delivery is to be made now; also if nobody knows.
async fn has_open(context: &Context, project: Id) -> bool {
    let now = Timestamp::now();
    match context.store.open_deliveries(project).await {
        Ok(open) => open.iter().any(|delivery| !delivery.is_ahead(now)),
        Err(_) => true,
    }
}

/// The screen, if its prompt holds no text and keeps no draft, which the end would lose.
async fn clean_screen(session: &Session) -> Option<LastScreen> {
    let asked = timeout(SCREEN_TIMEOUT, async {
        let mut connection = client::connect(&session.dir).await.ok()?;
        let request = Request::Screen { id: 0 };
        connection.sender.send(request).await.ok()?;
        loop {
            if let Event::Screen {
                text,
                snapshot,
                size,
                ..
            } = connection.receiver.next().await.ok()??
            {
                let seen = screen::prompt(&text, &snapshot, size, "");
                let is_clean = seen.prompt == Prompt::Empty && seen.kept == Kept::No;
                let snapshot = snapshot.into();
                return is_clean.then_some(LastScreen { size, snapshot });
            }
        }
    });
    asked.await.ok().flatten()
}
