//! Updates gauges for a scrape, within bounds.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use futures_util::{StreamExt as _, stream};
use tokio::time::{Instant, timeout_at};
use wxcode_core::agent::AgentState;
use wxcode_holder::client::{self, Info};

use super::{
    Metrics,
    label::{Kind, State},
    number::signed,
    usage,
};
use crate::{
    Settings,
    agent::{HIBERNATED, Manager, Session},
    mirror,
    planning::Planning,
    repository::Repository,
};

/// Time for all holders together to answer.
const HOLDERS_TIME: Duration = Duration::from_secs(1);
/// Most asked holders, and most concurrent questions.
const HOLDERS_MAX: usize = 500;
const HOLDERS_AT_ONCE: usize = 32;
/// Most entries of folders read for sizes.
const ENTRIES_MAX: usize = 50_000;

const AGENT_STATES: [AgentState; 8] = [
    AgentState::Starting,
    AgentState::Idle,
    AgentState::Working,
    AgentState::WaitingPermission,
    AgentState::WaitingQuestion,
    AgentState::WaitingLimit,
    AgentState::BlockedDialog,
    AgentState::Unknown,
];

/// Reports of the sessions' holders, and the number of silent holders; asks the first
/// [`HOLDERS_MAX`].
pub(crate) async fn holders(sessions: Vec<Arc<Session>>) -> (Vec<Info>, Vec<Arc<Session>>) {
    let end = Instant::now() + HOLDERS_TIME;
    let asked = sessions.into_iter().take(HOLDERS_MAX);
    let asked = asked.map(|session| async move {
        match timeout_at(end, client::connect(&session.dir)).await {
            Ok(Ok(connection)) => Ok(connection.welcome.info),
            Ok(Err(_)) | Err(_) => Err(session),
        }
    });
    let mut answers = stream::iter(asked).buffer_unordered(HOLDERS_AT_ONCE);
    let (mut infos, mut silent) = (Vec::new(), Vec::new());
    while let Some(answer) = answers.next().await {
        match answer {
            Ok(info) => infos.push(info),
            // A session that ended meanwhile has no report.
            Err(session) if session.is_over() => {}
            Err(session) => silent.push(session),
        }
    }
    (infos, silent)
}

/// State of a scrape: the sources of the gauges.
#[derive(Clone)]
pub(crate) struct Scrape {
    pub(crate) metrics: Metrics,
    pub(crate) settings: Arc<Settings>,
    pub(crate) store: Repository,
    pub(crate) sessions: Manager,
    pub(crate) planning: Planning,
}

/// Updates the gauges; returns all metrics as text.
///
/// # Errors
/// When the metrics cannot be encoded.
pub(crate) async fn scrape(from: &Scrape) -> Result<String, std::fmt::Error> {
    let metrics = &from.metrics;
    // Two scrapes at a time would mix their values.
    let _turn = metrics.0.scrape.lock().await;
    let sessions = count_sessions(from);
    let running = sessions.len();
    let (infos, silent) = holders(sessions).await;
    count_holders(metrics, running, &infos, silent.len());
    if let Ok(projects) = from.store.projects_with_open_deliveries().await {
        let projects = signed(projects.len());
        metrics.0.projects_with_deliveries.set(projects);
    }
    let lost = from.settings.log_lines_lost.load(Ordering::Relaxed);
    // No other code counts here, and only a single scrape runs at a time.
    let counted = metrics.0.log_lines_lost.get();
    metrics
        .0
        .log_lines_lost
        .inc_by(lost.saturating_sub(counted));
    count_copies(metrics);
    usage::count(metrics, &from.store, &from.sessions).await;
    metrics.0.watched.set(signed(from.planning.watched()));
    let (own, data_dir) = (metrics.clone(), from.settings.data_dir.clone());
    let looked = tokio::task::spawn_blocking(move || {
        own.0.process.look();
        disk(&own, &data_dir);
    });
    // A panicked reading keeps the earlier values.
    let _ = looked.await;
    metrics.encode()
}

/// Counts what copies of conversations lost.
fn count_copies(metrics: &Metrics) {
    let (mended, lost) = mirror::damaged();
    for (kind, count) in [("mended", mended), ("lost", lost)] {
        let counter = metrics.0.copy_damaged.get_or_create(&Kind::of(kind));
        counter.inc_by(count.saturating_sub(counter.get()));
    }
    let dropped = &metrics.0.copy_dropped;
    dropped.inc_by(mirror::dropped_bytes().saturating_sub(dropped.get()));
}

/// Counts the sessions; returns the running ones.
fn count_sessions(from: &Scrape) -> Vec<Arc<Session>> {
    let metrics = &from.metrics;
    let (starting, sessions) = from.sessions.survey();
    let (ended, running): (Vec<_>, Vec<_>) =
        sessions.into_iter().partition(|session| session.is_over());
    let is_hibernated = |session: &Arc<Session>| {
        let view = session.view();
        view.exit.is_some_and(|exit| exit.reason == HIBERNATED)
    };
    let hibernated = ended
        .iter()
        .filter(|session| is_hibernated(session))
        .count();
    for (state, count) in [
        ("starting", starting),
        ("running", running.len()),
        ("exited", ended.len() - hibernated),
        ("hibernated", hibernated),
    ] {
        let gauge = metrics.0.sessions.get_or_create(&State::of(state));
        gauge.set(signed(count));
    }
    let states: Vec<AgentState> = running
        .iter()
        .map(|session| session.view().agent_state)
        .collect();
    for state in AGENT_STATES {
        let count = states.iter().filter(|is| **is == state).count();
        let gauge = metrics.0.agents.get_or_create(&State::of(state.as_str()));
        gauge.set(signed(count));
    }
    let clients: usize = running.iter().map(|session| session.clients()).sum();
    metrics.0.clients.set(signed(clients));
    running
}

fn count_holders(metrics: &Metrics, running: usize, infos: &[Info], silent: usize) {
    for (state, count) in [
        ("answered", infos.len()),
        ("silent", silent),
        ("not_asked", running.saturating_sub(HOLDERS_MAX)),
    ] {
        let gauge = metrics.0.holders.get_or_create(&State::of(state));
        gauge.set(signed(count));
    }
    let ring = |info: &Info| info.end.saturating_sub(info.start);
    let sum = |of: &dyn Fn(&Info) -> u64| infos.iter().map(of).fold(0, u64::saturating_add);
    let most = |of: &dyn Fn(&Info) -> u64| infos.iter().map(of).max().unwrap_or(0);
    metrics.0.output.set(signed(sum(&|info| info.end)));
    metrics.0.ring.set(signed(sum(&ring)));
    metrics.0.ring_max.set(signed(most(&ring)));
    metrics.0.input.set(signed(sum(&|info| info.input_waiting)));
    metrics
        .0
        .input_max
        .set(signed(most(&|info| info.input_waiting)));
}

/// Sizes of files on disk.
fn disk(metrics: &Metrics, data_dir: &Path) {
    let mut left = ENTRIES_MAX;
    let events: u64 = folders(&data_dir.join("events"), &mut left)
        .iter()
        .map(|folder| size(folder, &mut left))
        .sum();
    let (mut logs, mut journals) = (0, 0);
    for session in folders(&data_dir.join("sessions"), &mut left) {
        logs += size(&session.join("log"), &mut left);
        journals += size(&session.join("hooks"), &mut left);
    }
    let conversations = mirror::size(data_dir, &mut left);
    for (kind, bytes) in [
        ("conversations", conversations),
        ("event_logs", events),
        ("session_logs", logs),
        ("hook_journals", journals),
    ] {
        metrics
            .0
            .disk
            .get_or_create(&Kind::of(kind))
            .set(signed(bytes));
    }
}

fn folders(parent: &Path, left: &mut usize) -> Vec<PathBuf> {
    let found = fs::read_dir(parent).into_iter().flatten().flatten();
    let found: Vec<PathBuf> = found.take(*left).map(|entry| entry.path()).collect();
    *left -= found.len();
    found
}

/// The total size of the files in a folder.
fn size(folder: &Path, left: &mut usize) -> u64 {
    let files = folders(folder, left);
    let sizes = files.iter().filter_map(|file| fs::metadata(file).ok());
    sizes
        .filter(fs::Metadata::is_file)
        .map(|file| file.len())
        .sum()
}
