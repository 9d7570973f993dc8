//! Sessions, runs and questions as JSON.

mod ask;
mod exit;
mod run;

pub(crate) use ask::AskView;
use exit::ExitView;
pub(super) use run::{RunView, run_view};

use std::{path::PathBuf, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;
use utoipa::ToSchema;
use uuid::Uuid;
use wxcode_core::{
    agent::{AgentState, Limit},
    id::Id,
    identity::{HistoryEntry, Source},
    project::OutputProject,
};
use wxcode_holder::{client, folder::Exit};

use super::usage::UsageView;
use crate::agent::{HIBERNATED, Manager, Session};
use crate::{mirror::Kept, node::Unreachable};

/// Time for a holder to report its size and offset, or its screen.
pub(super) const HOLDER_TIMEOUT: Duration = Duration::from_secs(2);

/// The session of an output project.
#[derive(Serialize, ToSchema)]
pub(super) struct SessionView {
    /// `none`, `starting`, `running`, `exited`, `hibernated` (ended while idle, until the next visit
    /// or delivery), or `unreachable` (on a node that does not answer).
    status: &'static str,
    /// The agent's state: `starting`, `idle`, `working`, `waiting_permission`, `waiting_question`,
    /// `blocked_dialog`, or `unknown` without an agent.
    #[schema(value_type = String)]
    agent_state: AgentState,
    /// The name of the dialog on the agent's screen.
    dialog: Option<String>,
    /// The pending question.
    asks: Option<AskView>,
    /// The running session, or the last one.
    #[schema(value_type = Option<String>)]
    session_id: Option<Id>,
    /// The current conversation.
    #[schema(value_type = Option<String>)]
    claude_session_id: Option<Uuid>,
    /// Every conversation of the project, oldest first, the current one last.
    claude_session_history: Vec<HistoryView>,
    /// Claude Code's version, once known.
    claude_version: Option<String>,
    /// The permission mode in effect, once known, as Claude Code's hooks name it: `default` (manual),
    /// `acceptEdits`, `plan`, `auto`, `dontAsk` or `bypassPermissions`.
    permission_mode: Option<String>,
    /// The model in effect, once known.
    model: Option<String>,
    /// The agent's process.
    pid: Option<i32>,
    #[schema(value_type = Option<String>, format = DateTime)]
    started_at: Option<Timestamp>,
    cols: Option<u16>,
    rows: Option<u16>,
    /// Bytes written by the agent so far.
    seq: Option<u64>,
    /// Why the running session's log is off, with a remedy; null while it is on.
    log_off: Option<String>,
    /// The usage limit for whose reset the agent waits; null without one.
    limit: Option<LimitView>,
    /// The usage of the current conversation; null before its first answer.
    usage: Option<UsageView>,
    /// The copies of the project's conversations; null without one.
    kept: Option<KeptView>,
    /// Problems of the running session, of the conversation's copy, and of a store that answers
    /// late, with a remedy; null without one.
    warning: Option<String>,
    /// Attached terminal clients.
    clients: usize,
    /// The attached clients, the earliest first.
    present: Vec<MemberView>,
    /// The end of the session.
    exit: Option<ExitView>,
    /// The run in progress, which excludes a session.
    run: Option<RunView>,
    /// The node of the running session, on a shared store; with the status `unreachable`, the node
    /// that does not answer.
    node: Option<String>,
    /// With the status `unreachable`: since when, and why.
    unreachable: Option<UnreachableView>,
    /// Why the server could not resume the session at its start; null after the next start of a
    /// session.
    resume_error: Option<String>,
}

/// The copies of a project's conversations on this node.
#[derive(Serialize, ToSchema)]
pub(super) struct KeptView {
    /// The size of all copies.
    bytes: u64,
    /// The bound; beyond it, results of tools are dropped, the oldest first.
    bytes_max: u64,
    /// The size of all dropped results.
    dropped_bytes: u64,
    /// Entries of the current conversation that were damaged on the disk and are not in its
    /// transcript.
    damaged_entries: u64,
}

impl From<Kept> for KeptView {
    fn from(kept: Kept) -> Self {
        Self {
            bytes: kept.bytes,
            bytes_max: kept.bytes_max,
            dropped_bytes: kept.dropped_bytes,
            damaged_entries: kept.damaged_entries,
        }
    }
}

/// The warning about a damaged copy.
fn damage(kept: &Kept) -> Option<String> {
    let lost = kept.damaged_entries;
    (lost > 0).then(|| {
        format!(
            "{lost} entries of the conversation's copy were damaged on the disk and are marked as \
             `wxcode-damaged`: a resume from the copy lacks them; check the disk of the data folder"
        )
    })
}

/// The warning about a conversation that is not copied.
fn uncopied(trouble: &str) -> String {
    format!(
        "the conversation is not copied: {trouble}; until then, a transcript that is deleted takes \
         the newest words with it"
    )
}

/// All warnings, as a single text.
fn together(warnings: [Option<String>; 4]) -> Option<String> {
    let warnings: Vec<String> = warnings.into_iter().flatten().collect();
    (!warnings.is_empty()).then(|| warnings.join("; "))
}

/// A terminal client of the session.
#[derive(Serialize, ToSchema)]
pub(super) struct MemberView {
    /// The client's number in the session.
    client: u64,
    /// The name of its token, or of the credential behind its login.
    name: String,
    /// Whether it takes no input.
    read_only: bool,
    /// Whether the session has the size of its window.
    drives: bool,
    /// When it came.
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
}

impl MemberView {
    fn all(session: &Session) -> Vec<Self> {
        let (members, driver) = session.members();
        let views = members.into_iter().map(|(client, member)| Self {
            client,
            name: member.name,
            read_only: member.read_only,
            drives: driver == Some(client),
            since: member.since,
        });
        views.collect()
    }
}

/// The node of a project does not answer.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct UnreachableView {
    node: String,
    /// The node's last heartbeat, by its own clock; null if it never registered.
    #[schema(value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
    /// The reason, with a remedy.
    reason: String,
}

impl SessionView {
    /// The session of a project whose node does not answer.
    pub(super) fn on_unreachable(mut self, unreachable: &Unreachable) -> Self {
        if matches!(self.status, "running" | "starting") {
            return self;
        }
        self.status = "unreachable";
        self.node = Some(unreachable.node.clone());
        self.unreachable = Some(unreachable.into());
        self
    }
}

impl From<&Unreachable> for UnreachableView {
    fn from(unreachable: &Unreachable) -> Self {
        Self {
            node: unreachable.node.clone(),
            since: unreachable.since,
            reason: unreachable.reason.clone(),
        }
    }
}

/// A usage limit of the agent's account.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct LimitView {
    /// The agent's words.
    reason: String,
    /// When the account may be used again; null if the agent does not know.
    #[schema(value_type = Option<String>, format = DateTime)]
    resets_at: Option<Timestamp>,
}

impl From<Limit> for LimitView {
    fn from(limit: Limit) -> Self {
        let Limit { reason, resets_at } = limit;
        Self { reason, resets_at }
    }
}

/// One conversation of a project.
#[derive(Serialize, ToSchema)]
pub(super) struct HistoryView {
    #[schema(value_type = String)]
    id: Uuid,
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
    /// `startup`, `resume`, `clear`, `compact`, `lost` or `headless`.
    #[schema(value_type = String)]
    source: Source,
    /// The reason for leaving it.
    reason: Option<String>,
    #[schema(value_type = Option<String>)]
    transcript_path: Option<PathBuf>,
}

impl From<HistoryEntry> for HistoryView {
    fn from(entry: HistoryEntry) -> Self {
        let HistoryEntry {
            id,
            since,
            until,
            source,
            reason,
            transcript_path,
            spoke: _,
        } = entry;
        Self {
            id,
            since,
            until,
            source,
            reason,
            transcript_path,
        }
    }
}

/// The status of a session that exists or not, ended or not, with another one starting or not.
pub(super) fn session_status(exists: bool, exit: Option<&Exit>, is_starting: bool) -> &'static str {
    match (exists, exit) {
        (false, _) | (true, Some(_)) if is_starting => "starting",
        (false, _) => "none",
        (true, Some(exit)) if exit.reason == HIBERNATED => "hibernated",
        (true, Some(_)) => "exited",
        (true, None) => "running",
    }
}

pub(super) async fn session_view(
    sessions: &Manager,
    project: OutputProject,
    session: Option<&Session>,
) -> SessionView {
    let state = session.map(Session::view);
    let exit = state.as_ref().and_then(|state| state.exit.clone());
    let running = session.filter(|_| exit.is_none());
    let welcome = match running {
        Some(session) => timeout(HOLDER_TIMEOUT, client::connect(&session.dir))
            .await
            .ok()
            .and_then(Result::ok),
        None => None,
    };
    let welcome = welcome.map(|connection| connection.welcome);
    let is_starting = sessions.is_starting(project.id);
    let usage = sessions.usage().current(&project).await;
    let line = match session {
        Some(session) => session.status_line().await,
        None => None,
    };
    let kept = match project.settings.is_mirrored() {
        true => {
            let mirror = sessions.mirror();
            mirror.kept(project.id, project.claude_session_id).await
        }
        false => None,
    };
    let usage = UsageView::of(usage.as_ref(), line, project.claude_session_id);
    let status = session_status(state.is_some(), exit.as_ref(), is_starting);
    let run = match sessions.run_under_way(project.id) {
        Some(run) => run_view(run).await.ok(),
        None => None,
    };
    SessionView {
        status,
        agent_state: state
            .as_ref()
            .map_or(AgentState::Unknown, |state| state.agent_state),
        dialog: state.as_ref().and_then(|state| state.dialog.clone()),
        asks: state
            .as_ref()
            .and_then(|state| state.asks.as_deref())
            .map(AskView::from),
        session_id: session.map(|session| session.id),
        claude_session_id: project.claude_session_id,
        claude_session_history: project
            .claude_session_history
            .into_iter()
            .map(HistoryView::from)
            .collect(),
        limit: state
            .as_ref()
            .and_then(|state| state.limit.clone())
            .map(LimitView::from),
        usage,
        warning: together([
            state.as_ref().and_then(|state| state.warning.clone()),
            kept.as_ref().and_then(damage),
            sessions
                .mirror()
                .trouble(project.id)
                .map(|trouble| uncopied(&trouble)),
            sessions.late_store(),
        ]),
        kept: kept.map(KeptView::from),
        permission_mode: state
            .as_ref()
            .and_then(|state| state.permission_mode.clone()),
        model: state.as_ref().and_then(|state| state.model.clone()),
        claude_version: state.and_then(|state| state.claude_version),
        pid: running.map(|session| session.agent_pid),
        started_at: session.map(|session| session.started_at),
        cols: welcome.as_ref().map(|welcome| welcome.info.size.cols),
        rows: welcome.as_ref().map(|welcome| welcome.info.size.rows),
        seq: welcome
            .as_ref()
            .map(|welcome| welcome.info.end)
            .or(exit.as_ref().map(|exit| exit.offset)),
        log_off: welcome.and_then(|welcome| welcome.info.log_off),
        clients: session.map_or(0, Session::clients),
        present: session.map_or_else(Vec::new, MemberView::all),
        exit: exit.map(ExitView::from),
        run,
        node: running.and_then(|_| sessions.node_name()),
        unreachable: None,
        resume_error: sessions
            .resume_error(project.id)
            .map(|error| error.to_string()),
    }
}
