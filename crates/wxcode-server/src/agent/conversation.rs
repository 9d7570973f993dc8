//! Writes the conversation's identity, as reported by the agent's hooks, into the store.
//!
//! Invariant: three reports change the current conversation: the last `SessionStart` of the
//! project's own agent, the last init line of its own run, and a requested switch. Each counts
//! once: the store compares the hook's number, or the line's offset.
//!
//! Invariant: an id is never deleted from the history.

pub(in crate::agent) mod relocation;
pub(in crate::agent) mod switch;

use std::{collections::VecDeque, path::PathBuf};

use jiff::Timestamp;
use uuid::Uuid;
use wxcode_claude::hook::StartSource;
use wxcode_core::{id::Id, identity::Source, project::HookCursor, time::to_millis};
use wxcode_store::{Result, Rotated, Rotation};

use crate::agent::launch::lease::Leases;
use crate::repository::Repository;

/// Changes waiting for an absent store; the oldest is dropped beyond that.
const UNSAVED_MAX: usize = 1024;

#[derive(Debug)]
enum Change {
    Rotate {
        new: Uuid,
        source: Source,
        transcript_path: Option<PathBuf>,
        cursor: HookCursor,
        at: Timestamp,
    },
    Note {
        conversation: Uuid,
        spoke: bool,
        transcript_path: Option<PathBuf>,
    },
}

/// Keeps a project's identity in the store in step with this session's agent.
pub(in crate::agent) struct ConversationLog {
    store: Repository,
    leases: Leases,
    project: Id,
    session: Id,
    current: Option<Uuid>,
    is_latest: bool,
    unsaved: VecDeque<Change>,
}

impl ConversationLog {
    /// Creates the writer for an agent of the project; only the latest agent changes the current
    /// conversation.
    pub(in crate::agent) fn new(
        store: Repository,
        leases: Leases,
        project: Id,
        session: Id,
        current: Option<Uuid>,
        is_latest: bool,
    ) -> Self {
        Self {
            store,
            leases,
            project,
            session,
            current,
            is_latest,
            unsaved: VecDeque::new(),
        }
    }

    /// A conversation became the agent's current one.
    pub(in crate::agent) fn started(
        &mut self,
        seq: u64,
        id: Uuid,
        source: &StartSource,
        transcript_path: Option<PathBuf>,
    ) {
        let source = match source {
            StartSource::Startup | StartSource::Fork | StartSource::Other(_) => Source::Startup,
            StartSource::Resume => Source::Resume,
            StartSource::Clear => Source::Clear,
            StartSource::Compact => Source::Compact,
        };
        let cursor = HookCursor {
            session_id: self.session,
            seq,
        };
        let at = to_millis(Timestamp::now());
        self.push(Change::Rotate {
            new: id,
            source,
            transcript_path,
            cursor,
            at,
        });
    }

    /// A run's agent reported its current conversation at this offset of its output.
    pub(in crate::agent) fn turned(&mut self, offset: u64, id: Uuid) {
        let cursor = HookCursor {
            session_id: self.session,
            seq: offset,
        };
        self.push(Change::Rotate {
            new: id,
            source: Source::Headless,
            transcript_path: None,
            cursor,
            at: to_millis(Timestamp::now()),
        });
    }

    /// A prompt was submitted in a conversation.
    pub(in crate::agent) fn spoke(&mut self, conversation: Uuid, transcript_path: Option<PathBuf>) {
        self.push(Change::Note {
            conversation,
            spoke: true,
            transcript_path,
        });
    }

    fn push(&mut self, change: Change) {
        if !self.is_latest && matches!(change, Change::Rotate { .. }) {
            return;
        }
        if self.unsaved.len() == UNSAVED_MAX {
            self.unsaved.pop_front();
            tracing::error!(project = %self.project, "the store was unavailable for too long; lost a change of the conversation's id");
        }
        self.unsaved.push_back(change);
    }

    /// The agent's last reported conversation, or else the one of its start.
    pub(in crate::agent) fn latest(&self) -> Option<Uuid> {
        let reported = self.unsaved.iter().rev().find_map(|change| match change {
            Change::Rotate { new, .. } => Some(*new),
            Change::Note { .. } => None,
        });
        reported.or(self.current)
    }

    /// Whether a change waits to be saved.
    pub(in crate::agent) fn has_unsaved(&self) -> bool {
        !self.unsaved.is_empty()
    }

    /// Saves waiting changes, in order.
    pub(in crate::agent) async fn save(&mut self) -> Result<()> {
        if self.has_unsaved() && self.leases.is_elsewhere(self.project).await? {
            tracing::warn!(project = %self.project, "another server has the project; dropping the conversation changes of the agent here");
            self.unsaved.clear();
        }
        while let Some(change) = self.unsaved.front() {
            match change {
                Change::Rotate {
                    new,
                    transcript_path,
                    ..
                } if self.current == Some(*new) => {
                    self.store
                        .note_conversation(self.project, *new, false, transcript_path.clone())
                        .await?;
                }
                Change::Rotate {
                    new,
                    source,
                    transcript_path,
                    cursor,
                    at,
                } => {
                    let rotation = Rotation {
                        old: self.current,
                        new: *new,
                        source: *source,
                        reason: source.as_str().to_owned(),
                        transcript_path: transcript_path.clone(),
                        cursor: Some(*cursor),
                        at: *at,
                        fence: None,
                    };
                    let new = *new;
                    match self.store.rotate(self.project, &rotation).await? {
                        Rotated::Won => self.current = Some(new),
                        // Another writer changed it: try again from the present value.
                        Rotated::Lost(current) if current != self.current => {
                            self.current = current;
                            continue;
                        }
                        // A hook processed before a restart.
                        Rotated::Lost(_) | Rotated::NoProject => {}
                        Rotated::Fenced => {
                            tracing::warn!(project = %self.project, "another server has the project; dropping the conversation changes of the agent here");
                            self.unsaved.clear();
                            return Ok(());
                        }
                    }
                }
                Change::Note {
                    conversation,
                    spoke,
                    transcript_path,
                } => {
                    self.store
                        .note_conversation(
                            self.project,
                            *conversation,
                            *spoke,
                            transcript_path.clone(),
                        )
                        .await?;
                }
            }
            self.unsaved.pop_front();
        }
        Ok(())
    }
}
