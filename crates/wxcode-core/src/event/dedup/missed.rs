//! Finds the events that no server published: changes of the store from before a crash, or by
//! another program.

use std::collections::BTreeSet;

use super::{EventDedup, MILESTONES_MAX};
use crate::{
    delivery::Delivery,
    event::{Kind, Stage},
    id::Id,
    milestone::{Milestone, MilestoneStatus},
    project::OutputProject,
    text::shortened,
};

impl EventDedup {
    /// The unpublished events of conversations in a project's history.
    #[must_use]
    pub fn conversations(&self, project: &OutputProject) -> Vec<Kind> {
        let history = &project.claude_session_history;
        // The event of a session's start covers the first conversation.
        (self.conversations.max(1)..history.len())
            .map(|conversation| {
                let (entry, left) = (&history[conversation], &history[conversation - 1]);
                match entry.source {
                    crate::identity::Source::Lost => Kind::SessionLost {
                        claude_session_id: entry.id,
                        from: left.id,
                        reason: left.reason.clone(),
                        conversation,
                    },
                    source => Kind::SessionRotated {
                        session_id: self
                            .sessions
                            .back()
                            // A run changes the conversation without a session.
                            .filter(|_| source != crate::identity::Source::Headless)
                            .map(|session| session.id),
                        claude_session_id: entry.id,
                        from: left.id,
                        source,
                        conversation,
                    },
                }
            })
            .collect()
    }

    /// The events of deleted and of advanced milestones.
    #[must_use]
    pub fn milestones(&self, all: &[Milestone]) -> Vec<Kind> {
        let there: BTreeSet<Id> = all.iter().map(|milestone| milestone.id).collect();
        let is_full = self.milestones.len() >= MILESTONES_MAX;
        let gone = self.milestones.keys().filter(|id| !there.contains(id));
        let deleted = gone.map(|id| Kind::MilestoneStatus {
            milestone_id: *id,
            element_name: None,
            status: Stage::Deleted,
            by: None,
            reason: None,
        });
        let is_known = |milestone: &&Milestone| match self.milestones.get(&milestone.id) {
            Some(last) => *last != milestone.status,
            None => !is_full && milestone.status != MilestoneStatus::Completed,
        };
        deleted
            .chain(all.iter().filter(is_known).map(Kind::from))
            .collect()
    }
}

impl From<&Milestone> for Kind {
    fn from(milestone: &Milestone) -> Self {
        Self::MilestoneStatus {
            milestone_id: milestone.id,
            element_name: Some(milestone.element_name.clone()),
            status: milestone.status.into(),
            by: milestone.status_by,
            reason: milestone.status_reason.clone(),
        }
    }
}

impl From<&Delivery> for Kind {
    fn from(delivery: &Delivery) -> Self {
        /// Longest beginning of a text in an event, in characters.
        const TEXT_MAX: usize = 1_000;
        Self::DeliveryState {
            delivery_id: delivery.id,
            milestone_id: delivery.milestone_id,
            state: delivery.state,
            attempts: delivery.attempts,
            error: delivery.error.clone(),
            text: shortened(&delivery.text, TEXT_MAX),
            not_before: delivery.not_before,
            steer: delivery.steer,
            edits: delivery.edits,
            version: delivery.version,
        }
    }
}
