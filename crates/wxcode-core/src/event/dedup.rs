//! Remembers the last published state of a project, so that the server publishes each change once,
//! also after reading the change's source again.

mod kept;
mod missed;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use self::kept::{Agent, Run, Session, Step};
pub use self::kept::{LastTurn, Reached};
use super::Kind;
use crate::{
    id::Id,
    milestone::{MilestoneStatus, MovedBy},
    project::HookCursor,
    text::shortened,
};

/// Most milestones with a remembered status; beyond this number the oldest is dropped.
pub const MILESTONES_MAX: usize = 2_000;
/// Remembered sessions, the latest; more than a server finds folders.
const SESSIONS_MAX: usize = 32;
/// Remembered runs, the latest.
const RUNS_MAX: usize = 16;
/// Longest compared error, in characters.
const ERROR_MAX: usize = 100;

/// The last published state, folded from a project's events.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EventDedup {
    /// The latest sessions, the newest last. Ids do not give the order of sessions when servers
    /// follow each other quickly.
    sessions: VecDeque<Session>,
    agent: Option<Agent>,
    /// The last usage limit: its hook, and whether the limit is over.
    limit: Option<(HookCursor, bool)>,
    /// The last hook with a separate event.
    hook: Option<HookCursor>,
    /// Published conversations of the project's history.
    conversations: usize,
    /// Open deliveries.
    deliveries: BTreeMap<Id, Step>,
    /// Milestones not completed.
    milestones: BTreeMap<Id, MilestoneStatus>,
    /// Attached clients, by session and number.
    clients: BTreeSet<(Id, u64)>,
    planning: Option<String>,
    /// The latest runs, the newest last.
    runs: VecDeque<Run>,
    turn: Option<LastTurn>,
}

const fn cursor(session_id: Id, seq: u64) -> HookCursor {
    HookCursor { session_id, seq }
}

impl EventDedup {
    /// Whether `kind` is new.
    #[must_use]
    pub fn is_new(&self, kind: &Kind) -> bool {
        match kind {
            Kind::SessionStarted { session_id, .. } => self.session(*session_id).is_none(),
            Kind::SessionExited { session_id, .. } | Kind::SessionHibernated { session_id } => {
                self.session(*session_id).is_none_or(|last| !last.exited)
            }
            Kind::SessionRotated { conversation, .. } | Kind::SessionLost { conversation, .. } => {
                *conversation >= self.conversations
            }
            Kind::AgentState {
                session_id,
                state,
                dialog,
                ask,
                ..
            } => self.agent.as_ref().is_none_or(|last| {
                let before = (last.session, last.state, &last.dialog, &last.ask);
                before != (*session_id, *state, dialog, ask)
            }),
            Kind::LimitReached {
                session_id, hook, ..
            } => {
                let cursor = cursor(*session_id, *hook);
                !cursor.is_behind(self.limit.map(|(last, _)| last))
            }
            Kind::LimitCleared { session_id, hook } => {
                self.limit == Some((cursor(*session_id, *hook), false))
            }
            Kind::DeliveryState {
                delivery_id,
                state,
                attempts,
                error,
                edits,
                version,
                ..
            } => match self.deliveries.get(delivery_id) {
                Some(last) => {
                    let error = error.as_deref().map(|text| shortened(text, ERROR_MAX));
                    let before = (last.state, last.attempts, &last.error, last.edits);
                    *version > last.version && before != (*state, *attempts, &error, *edits)
                }
                // A finished delivery was published at its end.
                None => !state.is_over(),
            },
            Kind::MilestoneStatus {
                milestone_id,
                status,
                by,
                ..
            } => match status.status() {
                // After the publication of a deletion, nothing is left for comparison.
                None => true,
                // The milestone's command failed: the status is as before and published, but the
                // reason is new.
                Some(MilestoneStatus::Pending) if *by == Some(MovedBy::Delivery) => true,
                Some(status) => self.milestones.get(milestone_id) != Some(&status),
            },
            Kind::PlanningChanged {
                fingerprint,
                entries,
            } => match &self.planning {
                Some(last) => last != fingerprint,
                None => *entries > 0,
            },
            Kind::ConversationTurn {
                claude_session_id,
                id,
                ..
            } => self
                .turn
                .as_ref()
                .is_none_or(|last| (last.conversation, &last.id) != (*claude_session_id, id)),
            Kind::ClientJoined { .. }
            | Kind::SessionReclaimed { .. }
            | Kind::SessionSuperseded { .. }
            | Kind::SessionRestored { .. } => true,
            Kind::ClientLeft { session_id, client } => {
                self.clients.contains(&(*session_id, *client))
            }
            Kind::RunStarted { run_id, .. } => self.run(*run_id).is_none(),
            Kind::RunFinished { run_id, .. } => self.run(*run_id).is_none_or(|last| !last.finished),
            Kind::PromptSubmitted { .. }
            | Kind::RunMessage { .. }
            | Kind::ToolStarted { .. }
            | Kind::ToolFinished { .. }
            | Kind::QuestionAsked { .. }
            | Kind::PermissionRequested { .. } => match (kind.report(), kind.run_report()) {
                (Some(by), _) => !HookCursor {
                    session_id: by.session_id,
                    seq: by.hook,
                }
                .is_behind(self.hook),
                (None, Some(by)) => self
                    .run(by.run_id)
                    .is_none_or(|last| Some(by.place) > last.place),
                (None, None) => true,
            },
        }
    }

    /// Whether only the last event of this name matters to [`Self::note`].
    #[must_use]
    pub fn is_replaced(name: &str) -> bool {
        matches!(
            name,
            "agent.state"
                | "conversation.turn"
                | "run.message"
                | "planning.changed"
                | "prompt.submitted"
                | "tool.started"
                | "tool.finished"
                | "question.asked"
                | "permission.requested"
        )
    }

    /// Takes note of an event at its publication.
    pub fn note(&mut self, kind: &Kind) {
        match kind {
            Kind::SessionStarted { session_id, .. } => self.keep(*session_id, false),
            Kind::SessionExited { session_id, .. } | Kind::SessionHibernated { session_id } => {
                self.keep(*session_id, true);
            }
            Kind::SessionRotated { conversation, .. } | Kind::SessionLost { conversation, .. } => {
                self.conversations = conversation + 1;
            }
            Kind::AgentState {
                session_id,
                state,
                dialog,
                ask,
                hook,
                claude_version: _,
            } => {
                self.agent = Some(Agent {
                    session: *session_id,
                    state: *state,
                    dialog: dialog.clone(),
                    ask: ask.clone(),
                    hook: *hook,
                });
            }
            Kind::LimitReached {
                session_id, hook, ..
            } => self.limit = Some((cursor(*session_id, *hook), false)),
            Kind::LimitCleared { session_id, hook } => {
                self.limit = Some((cursor(*session_id, *hook), true));
            }
            Kind::DeliveryState {
                delivery_id, state, ..
            } if state.is_over() => drop(self.deliveries.remove(delivery_id)),
            Kind::DeliveryState {
                delivery_id,
                state,
                attempts,
                error,
                edits,
                version,
                ..
            } => {
                let step = Step {
                    version: *version,
                    edits: *edits,
                    state: *state,
                    attempts: *attempts,
                    error: error.as_deref().map(|text| shortened(text, ERROR_MAX)),
                };
                self.deliveries.insert(*delivery_id, step);
            }
            Kind::MilestoneStatus {
                milestone_id,
                status,
                ..
            } => {
                match status.status() {
                    None | Some(MilestoneStatus::Completed) => {
                        self.milestones.remove(milestone_id);
                    }
                    Some(status) => drop(self.milestones.insert(*milestone_id, status)),
                }
                if self.milestones.len() > MILESTONES_MAX {
                    self.milestones.pop_first();
                }
            }
            Kind::PlanningChanged { fingerprint, .. } => self.planning = Some(fingerprint.clone()),
            Kind::ClientJoined {
                session_id, client, ..
            } => drop(self.clients.insert((*session_id, *client))),
            Kind::ClientLeft { session_id, client } => {
                self.clients.remove(&(*session_id, *client));
            }
            Kind::RunStarted { run_id, .. } => drop(self.keep_run(*run_id)),
            Kind::RunFinished { run_id, .. } => self.keep_run(*run_id).finished = true,
            Kind::ConversationTurn {
                claude_session_id,
                id,
                offset,
                ..
            } => {
                self.turn = Some(LastTurn {
                    conversation: *claude_session_id,
                    id: id.clone(),
                    offset: *offset,
                });
            }
            Kind::SessionReclaimed { .. }
            | Kind::SessionSuperseded { .. }
            | Kind::SessionRestored { .. }
            | Kind::PromptSubmitted { .. }
            | Kind::RunMessage { .. }
            | Kind::ToolStarted { .. }
            | Kind::ToolFinished { .. }
            | Kind::QuestionAsked { .. }
            | Kind::PermissionRequested { .. } => {
                if let Some(by) = kind.report() {
                    self.hook = Some(HookCursor {
                        session_id: by.session_id,
                        seq: by.hook,
                    });
                }
                if let Some(by) = kind.run_report() {
                    let last = self.keep_run(by.run_id);
                    // Only the last event of each name is read again, in any order.
                    last.place = last.place.max(Some(by.place));
                }
            }
        }
    }

    fn run(&self, id: Id) -> Option<&Run> {
        self.runs.iter().find(|last| last.id == id)
    }

    fn keep_run(&mut self, id: Id) -> &mut Run {
        let at = self.runs.iter().position(|last| last.id == id);
        let at = at.unwrap_or_else(|| {
            if self.runs.len() == RUNS_MAX {
                self.runs.pop_front();
            }
            self.runs.push_back(Run {
                id,
                place: None,
                finished: false,
            });
            self.runs.len() - 1
        });
        &mut self.runs[at]
    }

    fn session(&self, id: Id) -> Option<&Session> {
        self.sessions.iter().find(|last| last.id == id)
    }

    fn keep(&mut self, id: Id, exited: bool) {
        match self.sessions.iter_mut().find(|last| last.id == id) {
            Some(last) => last.exited = exited,
            None => self.sessions.push_back(Session { id, exited }),
        }
        if self.sessions.len() > SESSIONS_MAX {
            self.sessions.pop_front();
        }
    }

    /// The last published turn.
    #[must_use]
    pub const fn turn(&self) -> Option<&LastTurn> {
        self.turn.as_ref()
    }

    /// The hook of a session up to which everything is published.
    #[must_use]
    pub fn reached(&self, session: Id) -> Reached {
        let report = self.hook.filter(|hook| hook.session_id == session);
        let agent = self.agent.as_ref().filter(|last| last.session == session);
        Reached {
            report: report.map_or(0, |hook| hook.seq),
            state: agent.map_or(0, |last| last.hook),
        }
    }

    /// Clients published as attached: no client is attached when a server starts.
    #[must_use]
    pub fn clients(&self) -> Vec<Kind> {
        let left = |&(session_id, client): &(Id, u64)| Kind::ClientLeft { session_id, client };
        self.clients.iter().map(left).collect()
    }

    /// Deliveries published as open.
    #[must_use]
    pub fn open_deliveries(&self) -> Vec<Id> {
        self.deliveries.keys().copied().collect()
    }

    /// Takes a project's past conversations as published: its log begins now.
    pub fn begin(&mut self, conversations: usize) {
        self.conversations = self.conversations.max(conversations);
    }
}

#[cfg(test)]
mod tests;
