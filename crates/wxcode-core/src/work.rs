//! Finds the milestone in work at a time, folded from a project's events: the latest submitted,
//! unfinished milestone.
//!
//! Invariant: the milestone of a planning entry is a function of the entry's time and of these
//! events. A stored attribution only saves another look.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    delivery::DeliveryState,
    event::{Kind, Stage},
    id::Id,
    milestone::{Milestone, MilestoneStatus},
};

/// Most intervals of work, and most commands on their way; the oldest are dropped.
pub const SPANS_MAX: usize = 1_000;
/// The lag of a file system's times behind the clock: the longest tick of the kernel.
const TICK: SignedDuration = SignedDuration::from_millis(10);

/// Intervals of work, by milestone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Work {
    /// Send times of the commands on their way, by milestone.
    given: BTreeMap<Id, Given>,
    /// In the order of their beginnings.
    spans: Vec<Span>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Span {
    milestone: Id,
    since: Timestamp,
    /// `None` while it is in progress.
    until: Option<Timestamp>,
}

/// A command on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Given {
    at: Timestamp,
    /// The command's milestone was given up meanwhile, so the command starts no interval.
    is_void: bool,
}

impl Work {
    /// Starts from the milestones themselves, when the log no longer holds their events.
    #[must_use]
    pub fn of(milestones: &[Milestone]) -> Self {
        let mut work = Self::default();
        for milestone in milestones {
            if milestone.status == MilestoneStatus::InProgress {
                work.begin(
                    milestone.id,
                    milestone.updated_at.unwrap_or(milestone.created_at),
                );
            }
        }
        work
    }

    /// Takes an event and its time of publication.
    pub fn note(&mut self, kind: &Kind, at: Timestamp) {
        match kind {
            // The start is the time before typing, and so before any work of the agent. The server
            // may read the hook of the submission much later, even after a restart.
            Kind::DeliveryState {
                milestone_id: Some(milestone),
                state,
                attempts,
                ..
            } => match state {
                DeliveryState::Queued | DeliveryState::Written if *attempts > 0 => {
                    let given = Given { at, is_void: false };
                    self.given.entry(*milestone).or_insert(given);
                    if self.given.len() > SPANS_MAX {
                        self.given.pop_first();
                    }
                }
                // The event of the milestone follows, unless the milestone was given up.
                DeliveryState::Submitted
                    if self
                        .given
                        .get(milestone)
                        .is_some_and(|given| !given.is_void) => {}
                _ => drop(self.given.remove(milestone)),
            },
            Kind::MilestoneStatus {
                milestone_id,
                status,
                ..
            } => {
                self.end(*milestone_id, at);
                match status {
                    Stage::InProgress => {
                        let given = self.given.remove(milestone_id);
                        self.begin(*milestone_id, given.map_or(at, |given| given.at));
                    }
                    // The milestone's command may be on its way all the same.
                    Stage::Pending => self.void(*milestone_id, false),
                    Stage::Completed | Stage::Failed => self.void(*milestone_id, true),
                    Stage::Deleted => drop(self.given.remove(milestone_id)),
                }
            }
            _ => {}
        }
    }

    fn begin(&mut self, milestone: Id, since: Timestamp) {
        let place = self.spans.partition_point(|span| span.since <= since);
        let span = Span {
            milestone,
            since,
            until: None,
        };
        self.spans.insert(place, span);
        if self.spans.len() > SPANS_MAX {
            self.spans.remove(0);
        }
    }

    fn end(&mut self, milestone: Id, at: Timestamp) {
        for span in &mut self.spans {
            if span.milestone == milestone && span.until.is_none() {
                span.until = Some(at);
            }
        }
    }

    fn void(&mut self, milestone: Id, is_void: bool) {
        if let Some(given) = self.given.get_mut(&milestone) {
            given.is_void = is_void;
        }
    }

    /// Whether the milestone in work at this time (by a file system's clock) is still unknown: a
    /// command was sent, and the command's hook is missing.
    #[must_use]
    pub fn is_undecided(&self, moment: Timestamp) -> bool {
        let moment = moment.saturating_add(TICK).unwrap_or(moment);
        let mut given = self.given.values();
        given.any(|given| !given.is_void && given.at <= moment)
    }

    /// The milestone in work at this time, by the clock of a file system.
    #[must_use]
    pub fn at(&self, moment: Timestamp) -> Option<Id> {
        let moment = moment.saturating_add(TICK).ok()?;
        let is_in =
            |span: &&Span| span.since <= moment && span.until.is_none_or(|until| moment < until);
        Some(self.spans.iter().rev().find(is_in)?.milestone)
    }

    /// Drops intervals from before this time.
    pub fn forget(&mut self, moment: Timestamp) {
        self.spans
            .retain(|span| span.until.is_none_or(|until| until > moment));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::DeliveryState::{Failed, Queued, Submitted, Written};

    const fn id(n: u8) -> Id {
        Id::from_bytes([n; 12])
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_000 + seconds).unwrap()
    }

    fn delivery(n: u8, state: DeliveryState, attempts: u32) -> Kind {
        Kind::DeliveryState {
            delivery_id: id(n + 100),
            milestone_id: Some(id(n)),
            state,
            attempts,
            error: None,
            text: String::new(),
            not_before: None,
            steer: false,
            edits: 0,
            version: 0,
        }
    }

    fn milestone(n: u8, status: Stage) -> Kind {
        Kind::MilestoneStatus {
            milestone_id: id(n),
            element_name: None,
            status,
            by: None,
            reason: None,
        }
    }

    fn work(events: &[(i64, Kind)]) -> Work {
        let mut work = Work::default();
        for (seconds, kind) in events {
            work.note(kind, at(*seconds));
        }
        work
    }

    #[test]
    fn a_milestone_is_in_work_from_its_command_to_its_end() {
        let work = work(&[
            (1, milestone(1, Stage::Pending)),
            (2, delivery(1, Queued, 0)),
            (3, delivery(1, Written, 1)),
            (4, delivery(1, Written, 2)),
            (9, delivery(1, Submitted, 2)),
            (9, milestone(1, Stage::InProgress)),
            (20, milestone(1, Stage::Completed)),
        ]);
        assert_eq!(work.at(at(2)), None);
        assert_eq!(work.at(at(3) - SignedDuration::from_millis(9)), Some(id(1)));
        assert_eq!(work.at(at(5)), Some(id(1)));
        assert_eq!(work.at(at(19)), Some(id(1)));
        assert_eq!(work.at(at(20) - SignedDuration::from_millis(9)), None);
    }

    #[test]
    fn latest_submitted_milestone_is_in_work() {
        let mut work = work(&[
            (1, milestone(2, Stage::InProgress)),
            (5, delivery(1, Queued, 1)), // the initial prompt
            (7, milestone(1, Stage::InProgress)),
            (9, milestone(1, Stage::Failed)),
        ]);
        assert_eq!(work.at(at(4)), Some(id(2)));
        assert_eq!(work.at(at(5)), Some(id(1)));
        assert_eq!(work.at(at(10)), Some(id(2)), "it is in work again");
        work.forget(at(9));
        assert_eq!((work.at(at(6)), work.spans.len()), (Some(id(2)), 1));
        work.note(&milestone(2, Stage::Pending), at(12));
        assert_eq!(work.at(at(13)), None);
    }

    #[test]
    fn a_failed_or_requeued_command_starts_again() {
        let mut work = work(&[
            (1, delivery(1, Queued, 1)),
            (2, delivery(1, Queued, 0)),
            (3, delivery(1, Written, 1)),
            (4, milestone(1, Stage::InProgress)),
            (5, delivery(2, Written, 1)),
            (6, delivery(2, Failed, 3)),
            (6, milestone(2, Stage::Pending)),
        ]);
        assert_eq!((work.at(at(2)), work.at(at(5))), (None, Some(id(1))));
        work.note(&delivery(2, Written, 1), at(8));
        work.note(&milestone(2, Stage::InProgress), at(9));
        assert_eq!((work.at(at(7)), work.at(at(8))), (Some(id(1)), Some(id(2))));
        let text = serde_json::to_string(&work).unwrap();
        assert_eq!(serde_json::from_str::<Work>(&text).unwrap(), work);
    }

    #[test]
    fn a_command_on_its_way_leaves_it_undecided() {
        let mut work = work(&[
            (1, milestone(1, Stage::InProgress)),
            (5, delivery(2, Written, 1)),
        ]);
        assert!(!work.is_undecided(at(4)) && work.is_undecided(at(6)));
        work.note(&delivery(2, Submitted, 1), at(7));
        assert!(work.is_undecided(at(6)), "its milestone comes next");
        work.note(&milestone(2, Stage::InProgress), at(7));
        assert!(!work.is_undecided(at(6)));
        assert_eq!(work.at(at(6)), Some(id(2)));

        // A failed milestone, an abandoned milestone, and a milestone abandoned and reopened.
        work.note(&delivery(3, Written, 1), at(10));
        work.note(&delivery(3, Failed, 3), at(11));
        assert!(!work.is_undecided(at(12)));
        work.note(&delivery(4, Written, 1), at(13));
        work.note(&milestone(4, Stage::Failed), at(14));
        work.note(&delivery(4, Written, 2), at(15));
        assert!(!work.is_undecided(at(15)));
        work.note(&milestone(4, Stage::Pending), at(16));
        assert!(work.is_undecided(at(16)));
        work.note(&milestone(4, Stage::Failed), at(17));
        work.note(&delivery(4, Submitted, 2), at(18));
        assert_eq!(work.given.len(), 0);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut work = Work::default();
        for n in 0..1_500_i64 {
            let mut bytes = [0; 12];
            bytes[..8].copy_from_slice(&n.to_be_bytes());
            work.begin(Id::from_bytes(bytes), at(n));
        }
        assert_eq!(work.spans.len(), SPANS_MAX);
        assert_eq!(work.spans[0].since, at(500));
    }
}
