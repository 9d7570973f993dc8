//! Promises about concurrent, different operations on the same records.

use std::{collections::HashSet, sync::Arc};

use uuid::Uuid;
use wxcode_core::{delivery::DeliveryState, milestone::MilestoneStatus, project::ProjectStatus};

use super::{
    Records,
    runners::{RUNNERS, duel, race, wanted},
    sample,
};
use crate::{Added, ProjectPatch, QUEUE_MAX, Queued, Removed, Rotated};

/// Repetitions of a race of two.
const ROUNDS: usize = 60;

/// A loser retries from the answer and succeeds later; no winner's change is ever missing.
pub async fn concurrent_rotations_lose_no_entry(records: &impl Records) {
    let store = records.open().await;
    let project = sample::add_project(&*store).await;
    let ids = wanted();
    race(records, |store, number| {
        let new = ids[number];
        async move {
            let mut old = None;
            while let Rotated::Lost(current) = store
                .rotate(project, &sample::rotation(old, new))
                .await
                .unwrap()
            {
                assert_ne!(current, old, "the current id cannot be the expected one");
                old = current;
            }
        }
    })
    .await;
    let after = store.project(project).await.unwrap().unwrap();
    let history = after.claude_session_history;
    assert_eq!(
        after.claude_session_id,
        history.last().map(|entry| entry.id)
    );
    let seen: HashSet<_> = history.iter().map(|entry| entry.id).collect();
    assert_eq!((history.len(), seen), (RUNNERS, ids.into_iter().collect()));
    assert_eq!(
        history.iter().filter(|entry| entry.until.is_none()).count(),
        1
    );
}

/// The bound of the queue holds against many requests for the last entries.
pub async fn the_queue_bound_holds_concurrently(records: &impl Records) {
    const PLACES: u64 = 10;
    let store = records.open().await;
    let project = sample::add_project(&*store).await;
    for _ in 0..QUEUE_MAX - PLACES {
        sample::queue(&*store, &sample::text(project, "text")).await;
    }
    let answers = race(records, |store, _| async move {
        store.queue(&sample::text(project, "text")).await.unwrap()
    })
    .await;
    let new = answers
        .iter()
        .filter(|answer| matches!(answer, Queued::New(_)))
        .count() as u64;
    let full = answers
        .iter()
        .filter(|answer| matches!(answer, Queued::Full))
        .count() as u64;
    assert_eq!((new, full), (PLACES, RUNNERS as u64 - PLACES));
    assert_eq!(
        store.open_deliveries(project).await.unwrap().len() as u64,
        QUEUE_MAX
    );
}

/// Either the milestone is gone and nothing is typed, or the command is typed and the milestone
/// stays.
pub async fn removal_and_writing_exclude_each_other(records: &impl Records) {
    let (here, there) = (records.open().await, records.open().await);
    let project = sample::add_project(&*here).await;
    let mut removals = 0;
    for round in 0..ROUNDS {
        let id = sample::add_milestone(&*here, project).await;
        let queued = sample::queue(&*here, &sample::start(project, id)).await;
        let step = sample::step(&queued, DeliveryState::Written);
        let (remover, typist) = if round % 2 == 0 {
            (&here, &there)
        } else {
            (&there, &here)
        };
        let (remover, typist) = (Arc::clone(remover), Arc::clone(typist));
        let (removed, written) = duel(
            async move {
                remover
                    .remove_milestone(id, sample::at(30), None)
                    .await
                    .unwrap()
            },
            async move { typist.step(&step).await.unwrap() },
        )
        .await;
        let delivery = here.delivery(queued.id).await.unwrap().unwrap();
        let left = here.milestone(id).await.unwrap();
        if removed == Removed::Removed {
            removals += 1;
            assert_eq!((written, left), (None, None));
            assert_eq!(delivery.state, DeliveryState::Failed);
        } else {
            assert_eq!(removed, Removed::NotPending(MilestoneStatus::Pending));
            assert_eq!(written, Some(delivery.clone()));
            assert_eq!(delivery.state, DeliveryState::Written);
            assert_eq!(left.map(|left| left.delivery_id), Some(Some(queued.id)));
            sample::advance(&*here, &delivery, DeliveryState::Failed).await;
        }
    }
    let open = here.open_deliveries(project).await.unwrap();
    assert!(
        open.is_empty(),
        "{open:?} after {removals} removals in {ROUNDS} rounds"
    );
}

/// Either the command was submitted before the milestone was given up, wholly and in that order, or
/// the milestone was given up first.
pub async fn giving_up_and_submitting_are_ordered(records: &impl Records) {
    let (here, there) = (records.open().await, records.open().await);
    let project = sample::add_project(&*here).await;
    for round in 0..ROUNDS {
        let id = sample::add_milestone(&*here, project).await;
        let queued = sample::queue(&*here, &sample::start(project, id)).await;
        let step = sample::step(&queued, DeliveryState::Submitted);
        let (giver_up, typist) = if round % 2 == 0 {
            (&here, &there)
        } else {
            (&there, &here)
        };
        let (giver_up, typist) = (Arc::clone(giver_up), Arc::clone(typist));
        let (given_up, submitted) = duel(
            async move {
                let (from, to) = (MilestoneStatus::Pending, MilestoneStatus::Failed);
                giver_up
                    .advance_milestone(id, from, to, &sample::moved(30))
                    .await
                    .unwrap()
            },
            async move { typist.step(&step).await.unwrap() },
        )
        .await;
        assert_ne!(
            given_up.is_some(),
            submitted.is_some(),
            "exactly one of them came first"
        );
        let status = here.milestone(id).await.unwrap().unwrap().status;
        let state = here.delivery(queued.id).await.unwrap().unwrap().state;
        let expected = if given_up.is_some() {
            (MilestoneStatus::Failed, DeliveryState::Failed)
        } else {
            (MilestoneStatus::InProgress, DeliveryState::Submitted)
        };
        assert_eq!((status, state), expected);
    }
}

/// A write changes only its own fields: no operation writes back a whole, outdated record.
pub async fn concurrent_writes_keep_other_fields(records: &impl Records) {
    let store = records.open().await;
    let project = sample::add_project(&*store).await;
    let first = Uuid::new_v4();
    race(records, |store, number| async move {
        match number {
            0 => drop(
                store
                    .rotate(project, &sample::rotation(None, first))
                    .await
                    .unwrap(),
            ),
            1 => {
                let (from, to) = (ProjectStatus::Created, ProjectStatus::Active);
                assert!(
                    store
                        .advance_project(project, from, to, sample::at(1), None)
                        .await
                        .unwrap()
                );
            }
            2 => {
                let milestone = sample::add_milestone(&*store, project).await;
                sample::queue(&*store, &sample::start(project, milestone)).await;
            }
            _ => {
                let patch = match number % 3 {
                    0 => ProjectPatch {
                        name: Some("new".to_owned()),
                        ..Default::default()
                    },
                    1 => ProjectPatch {
                        stack_id: Some(Some("new".to_owned())),
                        ..Default::default()
                    },
                    _ => ProjectPatch {
                        configuration_id: Some(Some("new".to_owned())),
                        ..Default::default()
                    },
                };
                store
                    .patch_project(project, &patch, sample::at(2))
                    .await
                    .unwrap()
                    .unwrap();
            }
        }
    })
    .await;
    let after = store.project(project).await.unwrap().unwrap();
    assert_eq!(after.claude_session_id, Some(first));
    assert_eq!(after.claude_session_history.len(), 1);
    assert_eq!(after.status, ProjectStatus::Active);
    assert!(after.new_project_delivery.is_some());
    let new = Some("new".to_owned());
    assert_eq!(
        (Some(after.name), after.stack_id, after.configuration_id),
        (new.clone(), new.clone(), new)
    );
}

/// Concurrent additions leave nothing of a removed project behind.
pub async fn removal_includes_concurrent_additions(records: &impl Records) {
    let store = records.open().await;
    let project = sample::add_project(&*store).await;
    let added = race(records, |store, number| async move {
        if number == RUNNERS / 2 {
            assert!(store.remove_project(project).await.unwrap());
        }
        let milestone = sample::milestone(project);
        let delivery = sample::text(project, "text");
        match store.add_milestone(&milestone).await.unwrap() {
            Added::Added | Added::NoProject => {}
            Added::DuplicateElement => panic!("it names no element"),
        }
        match store.queue(&delivery).await.unwrap() {
            Queued::New(_) | Queued::Missing => {}
            other => panic!("{other:?}"),
        }
        (milestone.id, delivery.id)
    })
    .await;
    for (milestone, delivery) in added {
        assert_eq!(store.milestone(milestone).await.unwrap(), None);
        assert_eq!(store.delivery(delivery).await.unwrap(), None);
    }
    assert_eq!(store.projects_with_open_deliveries().await.unwrap(), []);
}
