//! Finds the delivery and the milestone of each turn.
//!
//! - A prompt belongs to the submitted delivery with its text and the nearest time.
//! - An answer belongs to the delivery of its prompt.
//! - A turn belongs to the milestone of the last milestone's delivery before it.

use jiff::{SignedDuration, Timestamp};
use wxcode_claude::conversation::{Block, Role, Turn};
use wxcode_core::{
    delivery::{Delivery, DeliveryState},
    excerpt::Excerpt,
    id::Id,
};
use wxcode_store::{PAGE_MAX, Page};

use crate::repository::Repository;

/// Most deliveries of a project that are compared with prompts, the last ones in order.
const DELIVERIES_MAX: u64 = 2_000;
/// Longest time between a prompt in the transcript and its delivery's confirmation.
const APART_MAX: SignedDuration = SignedDuration::from_secs(600);

/// The delivery and the milestone of a turn.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Attribution {
    pub(crate) delivery: Option<Id>,
    pub(crate) milestone: Option<Id>,
}

/// A submitted delivery.
struct Submitted {
    id: Id,
    milestone: Option<Id>,
    text: String,
    is_beginning: bool,
    at: Timestamp,
}

/// Attributes turns, oldest first.
pub(crate) struct Attributions {
    /// In the order of their confirmations.
    submitted: Vec<Submitted>,
    /// The delivery of the last prompt.
    current: Option<Id>,
    /// The milestone of the last prompt that had one.
    milestone: Option<Id>,
}

impl Attributions {
    /// Reads the deliveries of a project.
    pub(crate) async fn read(store: &Repository, project: Id) -> wxcode_store::Result<Self> {
        let mut skip = 0;
        let mut found: Vec<Excerpt<Delivery>> = Vec::new();
        let first = store
            .deliveries(project, Page { skip, limit: 1 })
            .await?
            .total;
        skip += first.saturating_sub(DELIVERIES_MAX);
        while (found.len() as u64) < DELIVERIES_MAX {
            let limit = PAGE_MAX;
            let listing = store.deliveries(project, Page { skip, limit }).await?;
            let count = listing.items.len() as u64;
            found.extend(listing.items);
            skip += count;
            if count < limit {
                break;
            }
        }
        Ok(Self::new(found))
    }

    /// Reads the deliveries again; the place among the turns stays.
    pub(crate) async fn refresh(
        &mut self,
        store: &Repository,
        project: Id,
    ) -> wxcode_store::Result<()> {
        self.submitted = Self::read(store, project).await?.submitted;
        Ok(())
    }

    fn new(deliveries: Vec<Excerpt<Delivery>>) -> Self {
        let submitted = deliveries
            .into_iter()
            .filter(|delivery| delivery.state == DeliveryState::Submitted);
        let mut submitted: Vec<Submitted> = submitted
            .map(|delivery| Submitted {
                id: delivery.id,
                milestone: delivery.milestone_id,
                text: delivery.text.trim().to_owned(),
                is_beginning: delivery.is_truncated,
                at: delivery.updated_at,
            })
            .collect();
        submitted.sort_by_key(|delivery| delivery.at);
        Self {
            submitted,
            current: None,
            milestone: None,
        }
    }

    /// The attribution of the next turn.
    pub(crate) fn of(&mut self, turn: &Turn) -> Attribution {
        let at: Option<Timestamp> = turn.at.as_deref().and_then(|at| at.parse().ok());
        if turn.role == Role::User {
            let delivery = at.and_then(|at| self.delivery(turn, at));
            let own = delivery.and_then(|delivery| delivery.milestone);
            let milestone = own.or_else(|| at.and_then(|at| self.in_work(at)));
            self.current = delivery.map(|delivery| delivery.id);
            self.milestone = milestone;
        } else if self.current.is_none() && self.milestone.is_none() {
            self.milestone = at.and_then(|at| self.in_work(at));
        }
        Attribution {
            delivery: self.current,
            milestone: self.milestone,
        }
    }

    /// The delivery with the text of a prompt and the nearest time.
    fn delivery(&self, turn: &Turn, at: Timestamp) -> Option<&Submitted> {
        let [Block::Text { text }] = &turn.blocks[..] else {
            return None;
        };
        let text = text.trim();
        let apart = |delivery: &Submitted| delivery.at.duration_since(at).abs();
        let fits = |delivery: &&Submitted| {
            let is_same = match delivery.is_beginning {
                true => text.starts_with(&delivery.text),
                false => text == delivery.text,
            };
            is_same && apart(delivery) <= APART_MAX
        };
        let fitting = self.submitted.iter().filter(fits);
        fitting.min_by_key(|delivery| apart(delivery))
    }

    /// The milestone of the last milestone's delivery before this time.
    fn in_work(&self, at: Timestamp) -> Option<Id> {
        let before = self.submitted.iter().filter(|delivery| delivery.at <= at);
        before.rev().find_map(|delivery| delivery.milestone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn submitted(number: u8, text: &str, at: &str, milestone: Option<u8>) -> Submitted {
        Submitted {
            id: id(number),
            milestone: milestone.map(id),
            text: text.to_owned(),
            is_beginning: false,
            at: at.parse().unwrap(),
        }
    }

    fn id(number: u8) -> Id {
        format!("{number:024}").parse().unwrap()
    }

    fn turn(role: Role, text: &str, at: &str) -> Turn {
        Turn {
            id: "t".to_owned(),
            at: Some(at.to_owned()),
            role,
            blocks: vec![Block::Text {
                text: text.to_owned(),
            }],
            truncated: false,
            bytes: 0,
            start: 0,
            end: 0,
        }
    }

    fn attributions() -> Attributions {
        Attributions {
            submitted: vec![
                submitted(1, "go", "2026-01-01T10:00:01Z", Some(9)),
                submitted(2, "go", "2026-01-01T12:00:01Z", None),
            ],
            current: None,
            milestone: None,
        }
    }

    #[test]
    fn equal_texts_are_told_apart_by_time() {
        let mut all = attributions();
        let first = all.of(&turn(Role::User, "go\n", "2026-01-01T10:00:00Z"));
        assert_eq!(
            (first.delivery, first.milestone),
            (Some(id(1)), Some(id(9)))
        );
        let answer = all.of(&turn(Role::Assistant, "done", "2026-01-01T10:30:00Z"));
        assert_eq!(answer, first);
        let second = all.of(&turn(Role::User, "go", "2026-01-01T12:00:00Z"));
        assert_eq!(
            (second.delivery, second.milestone),
            (Some(id(2)), Some(id(9)))
        );
    }

    #[test]
    fn a_typed_prompt_has_no_delivery() {
        let mut all = attributions();
        let typed = all.of(&turn(Role::User, "other", "2026-01-01T10:00:02Z"));
        assert_eq!((typed.delivery, typed.milestone), (None, Some(id(9))));
        let early = all.of(&turn(Role::User, "go", "2026-01-01T08:00:00Z"));
        assert_eq!(early, Attribution::default());
    }
}
