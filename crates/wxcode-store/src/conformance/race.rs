//! Promises about many equal concurrent changes: one change wins, and the losers know.

use uuid::Uuid;
use wxcode_core::{
    delivery::{Delivery, DeliveryState},
    id::Id,
    milestone::{Milestone, MilestoneStatus},
};

use super::{
    ALL, Records,
    runners::{RUNNERS, only, race, wanted},
    sample,
};
use crate::{Added, NewDelivery, Queued, Rotated, Rotation};

async fn one_wins_the_rotation(records: &impl Records, project: Id, old: Option<Uuid>) -> Uuid {
    let ids = wanted();
    let answers = race(records, |store, number| {
        let rotation = sample::rotation(old, ids[number]);
        async move { store.rotate(project, &rotation).await.unwrap() }
    })
    .await;
    let winner = ids[only(&answers, |answer| *answer == Rotated::Won)];
    let lost = answers
        .iter()
        .filter(|answer| **answer == Rotated::Lost(Some(winner)))
        .count();
    assert_eq!(lost, RUNNERS - 1, "the losers learn the winner");
    winner
}

/// The first writer wins.
pub async fn one_of_64_sets_the_first_id(records: &impl Records) {
    let store = records.open().await;
    let project = sample::add_project(&*store).await;
    let winner = one_wins_the_rotation(records, project, None).await;
    let after = store.project(project).await.unwrap().unwrap();
    assert_eq!(after.claude_session_id, Some(winner));
    assert_eq!(after.claude_session_history.len(), 1);
}

/// Rotation is a compare-and-set from the old id.
pub async fn one_of_64_rotates_from_an_id(records: &impl Records) {
    let store = records.open().await;
    let project = sample::add_project(&*store).await;
    let mut expected = Vec::new();
    for _ in 0..3 {
        expected.push(one_wins_the_rotation(records, project, expected.last().copied()).await);
    }
    let history = store
        .project(project)
        .await
        .unwrap()
        .unwrap()
        .claude_session_history;
    assert_eq!(
        history.iter().map(|entry| entry.id).collect::<Vec<_>>(),
        expected
    );
}

/// A hook read by many servers counts once, though each server names the id it found.
pub async fn one_of_64_hooks_with_the_same_number_counts(records: &impl Records) {
    let store = records.open().await;
    let project = sample::add_project(&*store).await;
    let (session, new) = (sample::id(), Uuid::new_v4());
    let answers = race(records, |store, _| async move {
        let old = store
            .project(project)
            .await
            .unwrap()
            .unwrap()
            .claude_session_id;
        let cursor = Some(sample::cursor(session, 1));
        store
            .rotate(
                project,
                &Rotation {
                    cursor,
                    ..sample::rotation(old, new)
                },
            )
            .await
            .unwrap()
    })
    .await;
    only(&answers, |answer| *answer == Rotated::Won);
    assert_eq!(
        store
            .project(project)
            .await
            .unwrap()
            .unwrap()
            .claude_session_history
            .len(),
        1
    );
}

/// An element is taken once.
pub async fn one_of_64_takes_an_element(records: &impl Records) {
    let store = records.open().await;
    let project = sample::add_project(&*store).await;
    let answers = race(records, |store, _| async move {
        let milestone = Milestone {
            element_id: Some("e".to_owned()),
            ..sample::milestone(project)
        };
        (store.add_milestone(&milestone).await.unwrap(), milestone)
    })
    .await;
    let winner = only(&answers, |(answer, _)| *answer == Added::Added);
    assert!(
        answers
            .iter()
            .enumerate()
            .all(|(number, (answer, _))| number == winner || *answer == Added::DuplicateElement)
    );
    let listing = store.milestones(project, None, ALL).await.unwrap();
    assert_eq!(listing.items, [answers[winner].1.clone()]);
}

/// The delivery of each answer: one answer was new, and all others repeated the delivery.
fn shared(answers: Vec<Queued>) -> Delivery {
    let winner = only(&answers, |answer| matches!(answer, Queued::New(_)));
    let Queued::New(new) = answers[winner].clone() else {
        unreachable!()
    };
    for (number, answer) in answers.into_iter().enumerate() {
        assert!(
            number == winner || answer == Queued::Existing(new.clone()),
            "{answer:?}"
        );
    }
    new
}

/// A key is used once.
pub async fn one_of_64_uses_a_key(records: &impl Records) {
    let store = records.open().await;
    let project = sample::add_project(&*store).await;
    let answers = race(records, |store, number| async move {
        let new = sample::text(project, &number.to_string());
        store
            .queue(&NewDelivery {
                idempotency_key: Some("key".to_owned()),
                ..new
            })
            .await
            .unwrap()
    })
    .await;
    let new = shared(answers);
    assert_eq!(store.deliveries(project, ALL).await.unwrap().items, [new]);
}

/// A milestone is started once.
pub async fn one_of_64_starts_a_milestone(records: &impl Records) {
    let store = records.open().await;
    let project = sample::add_project(&*store).await;
    let milestone = sample::add_milestone(&*store, project).await;
    let answers = race(records, |store, _| async move {
        store
            .queue(&sample::start(project, milestone))
            .await
            .unwrap()
    })
    .await;
    let new = shared(answers);
    assert_eq!(
        store
            .milestone(milestone)
            .await
            .unwrap()
            .unwrap()
            .delivery_id,
        Some(new.id)
    );
    assert_eq!(store.deliveries(project, ALL).await.unwrap().items, [new]);
}

/// A single milestone gets the project's first command; after a failure, another milestone gets the
/// command.
pub async fn one_of_64_milestones_gets_the_first_command(records: &impl Records) {
    let store = records.open().await;
    let project = sample::add_project(&*store).await;
    for _ in 0..2 {
        let queued = race(records, |store, _| async move {
            let milestone = sample::add_milestone(&*store, project).await;
            sample::queue(&*store, &sample::start(project, milestone)).await
        })
        .await;
        let first = only(&queued, |delivery| delivery.text == sample::NEW_PROJECT);
        let others = queued
            .iter()
            .filter(|delivery| delivery.text == sample::NEW_MILESTONE)
            .count();
        assert_eq!(others, RUNNERS - 1);
        let holder = async || {
            store
                .project(project)
                .await
                .unwrap()
                .unwrap()
                .new_project_delivery
        };
        assert_eq!(holder().await, Some(queued[first].id));
        sample::advance(&*store, &queued[first], DeliveryState::Failed).await;
        assert_eq!(holder().await, None);
    }
}

/// A version is left once.
pub async fn one_of_64_steps_wins(records: &impl Records) {
    let store = records.open().await;
    let project = sample::add_project(&*store).await;
    let queued = sample::queue(&*store, &sample::text(project, "text")).await;
    let answers = race(records, |store, number| {
        let state = [
            DeliveryState::Written,
            DeliveryState::Submitted,
            DeliveryState::Failed,
        ][number % 3];
        let mut step = sample::step(&queued, state);
        step.attempts = u32::try_from(number).unwrap();
        async move { store.step(&step).await.unwrap() }
    })
    .await;
    let winner = only(&answers, Option::is_some);
    assert_eq!(
        answers[winner]
            .as_ref()
            .map(|delivery| delivery.attempts as usize),
        Some(winner)
    );
    assert_eq!(store.delivery(queued.id).await.unwrap(), answers[winner]);
}

/// A status is left once.
pub async fn one_of_64_advances_a_milestone(records: &impl Records) {
    let store = records.open().await;
    let project = sample::add_project(&*store).await;
    let milestone = Milestone {
        status: MilestoneStatus::InProgress,
        ..sample::milestone(project)
    };
    store.add_milestone(&milestone).await.unwrap();
    let answers = race(records, |store, number| async move {
        let to = [MilestoneStatus::Completed, MilestoneStatus::Failed][number % 2];
        store
            .advance_milestone(
                milestone.id,
                MilestoneStatus::InProgress,
                to,
                &sample::moved(1),
            )
            .await
            .unwrap()
    })
    .await;
    let winner = only(&answers, Option::is_some);
    assert_eq!(
        store.milestone(milestone.id).await.unwrap(),
        answers[winner]
    );
}
