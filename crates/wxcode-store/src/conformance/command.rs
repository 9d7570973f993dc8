//! Promises about a milestone and the delivery of the milestone's command.

use wxcode_core::{
    delivery::{Delivery, DeliveryState},
    milestone::{Milestone, MilestoneStatus, MovedBy, SUBMITTED},
};

use super::{ALL, Records, sample};
use crate::{Queued, Step};

/// A milestone's command is a single delivery, after any number of requests and in any state of
/// both.
pub async fn a_milestone_is_queued_once(records: &impl Records) {
    let store = records.open().await;
    let project = sample::add_project(&*store).await;
    let id = sample::add_milestone(&*store, project).await;
    let new = sample::start(project, id);
    let mut first = sample::queue(&*store, &new).await;
    assert_eq!(first, sample::queued(&new, Some(id), sample::NEW_PROJECT));
    let started = store.milestone(id).await.unwrap().unwrap();
    assert_eq!(
        (started.delivery_id, started.status),
        (Some(first.id), MilestoneStatus::Pending)
    );
    assert_eq!(started.updated_at, None);
    for next in [DeliveryState::Written, DeliveryState::Submitted] {
        assert_eq!(
            store.queue(&sample::start(project, id)).await.unwrap(),
            Queued::Existing(first.clone())
        );
        first = sample::advance(&*store, &first, next).await;
    }
    sample::advance_milestone(
        &*store,
        id,
        (MilestoneStatus::InProgress, MilestoneStatus::Completed),
        40,
    )
    .await;
    assert_eq!(
        store.queue(&sample::start(project, id)).await.unwrap(),
        Queued::Existing(first)
    );
    assert_eq!(store.deliveries(project, ALL).await.unwrap().total, 1);
}

/// A milestone outside of `pending` and without a delivery is not started.
pub async fn only_a_pending_milestone_is_queued(records: &impl Records) {
    let store = records.open().await;
    let project = sample::add_project(&*store).await;
    for status in [
        MilestoneStatus::InProgress,
        MilestoneStatus::Completed,
        MilestoneStatus::Failed,
    ] {
        let milestone = Milestone {
            status,
            ..sample::milestone(project)
        };
        store.add_milestone(&milestone).await.unwrap();
        let answer = store
            .queue(&sample::start(project, milestone.id))
            .await
            .unwrap();
        assert_eq!(answer, Queued::NotPending(status));
        assert_eq!(
            store.milestone(milestone.id).await.unwrap(),
            Some(milestone)
        );
    }
    assert_eq!(store.deliveries(project, ALL).await.unwrap().total, 0);
    assert_eq!(
        store
            .project(project)
            .await
            .unwrap()
            .unwrap()
            .new_project_delivery,
        None
    );
}

/// A pending milestone carries the error of its own failed command.
pub async fn a_pending_milestone_shows_the_failure(records: &impl Records) {
    let store = records.open().await;
    let project = sample::add_project(&*store).await;
    let id = sample::add_milestone(&*store, project).await;
    let fail = async |delivery: &Delivery, why: &str| {
        let step = Step {
            error: Some(why.to_owned()),
            ..sample::step(delivery, DeliveryState::Failed)
        };
        store
            .step(&step)
            .await
            .unwrap()
            .expect("the version is the current one");
        store.milestone(id).await.unwrap().unwrap()
    };
    let first = sample::queue(&*store, &sample::start(project, id)).await;
    let after = fail(&first, "the agent ended").await;
    let expected = Milestone {
        delivery_id: Some(first.id),
        status_by: Some(MovedBy::Delivery),
        status_reason: Some("the agent ended".to_owned()),
        ..after.clone()
    };
    assert_eq!(after, expected);
    assert_eq!(
        (after.status, after.updated_at),
        (MilestoneStatus::Pending, None)
    );

    // The successful start replaces the error; the failure of another text adds none.
    let second = sample::queue(&*store, &sample::start(project, id)).await;
    sample::advance(&*store, &second, DeliveryState::Submitted).await;
    let text = sample::queue(&*store, &sample::text(project, "text")).await;
    let after = fail(&text, "not understood").await;
    assert_eq!(after.status, MilestoneStatus::InProgress);
    assert_eq!(
        (after.status_by, after.status_reason.as_deref()),
        (Some(MovedBy::Delivery), Some(SUBMITTED))
    );

    // A milestone given up during its command's delivery keeps the reason of giving up.
    let other = sample::add_milestone(&*store, project).await;
    let queued = sample::queue(&*store, &sample::start(project, other)).await;
    let written = sample::advance(&*store, &queued, DeliveryState::Written).await;
    let given_up = store
        .advance_milestone(
            other,
            MilestoneStatus::Pending,
            MilestoneStatus::Failed,
            &sample::moved(40),
        )
        .await
        .unwrap();
    fail(&written, "not taken").await;
    assert_eq!(store.milestone(other).await.unwrap(), given_up);
}

/// A failed command of a pending milestone can be sent again.
pub async fn a_failed_command_is_queued_again(records: &impl Records) {
    let store = records.open().await;
    let project = sample::add_project(&*store).await;
    let id = sample::add_milestone(&*store, project).await;
    let first = sample::queue(&*store, &sample::start(project, id)).await;
    let failed = sample::advance(&*store, &first, DeliveryState::Failed).await;
    let new = sample::start(project, id);
    let second = sample::queue(&*store, &new).await;
    assert_eq!(second, sample::queued(&new, Some(id), sample::NEW_PROJECT));
    assert_eq!(
        store.milestone(id).await.unwrap().unwrap().delivery_id,
        Some(second.id)
    );
    assert_eq!(
        store.queue(&sample::start(project, id)).await.unwrap(),
        Queued::Existing(second.clone())
    );
    assert_eq!(
        store.deliveries(project, ALL).await.unwrap().items,
        [failed, second]
    );

    let (from, to) = (MilestoneStatus::Pending, MilestoneStatus::Failed);
    sample::advance_milestone(&*store, id, (from, to), 40).await;
    let given_up = store.delivery(new.id).await.unwrap().unwrap();
    assert_eq!(given_up.state, DeliveryState::Failed);
    let again = store.queue(&sample::start(project, id)).await.unwrap();
    assert_eq!(
        again,
        Queued::Existing(given_up),
        "a failed milestone is not pending"
    );
}

/// Exactly one delivery holds the project's first command. After the delivery's failure the next
/// delivery gets the command; no other failure frees the command.
pub async fn the_first_command_has_one_holder(records: &impl Records) {
    let store = records.open().await;
    let project = sample::add_project(&*store).await;
    let mut started = Vec::new();
    for expected in [
        sample::NEW_PROJECT,
        sample::NEW_MILESTONE,
        sample::NEW_MILESTONE,
    ] {
        let id = sample::add_milestone(&*store, project).await;
        let delivery = sample::queue(&*store, &sample::start(project, id)).await;
        assert_eq!(delivery.text, expected);
        started.push(delivery);
    }
    let holder = async || {
        store
            .project(project)
            .await
            .unwrap()
            .unwrap()
            .new_project_delivery
    };
    assert_eq!(holder().await, Some(started[0].id));
    sample::advance(&*store, &started[1], DeliveryState::Failed).await;
    let text = sample::queue(&*store, &sample::text(project, "text")).await;
    sample::advance(&*store, &text, DeliveryState::Failed).await;
    assert_eq!(holder().await, Some(started[0].id));

    sample::advance(&*store, &started[0], DeliveryState::Failed).await;
    assert_eq!(holder().await, None);
    let id = sample::add_milestone(&*store, project).await;
    let next = sample::queue(&*store, &sample::start(project, id)).await;
    assert_eq!(
        (next.text.as_str(), holder().await),
        (sample::NEW_PROJECT, Some(next.id))
    );
    sample::advance(&*store, &next, DeliveryState::Submitted).await;
    assert_eq!(holder().await, Some(next.id));
    let id = sample::add_milestone(&*store, project).await;
    assert_eq!(
        sample::queue(&*store, &sample::start(project, id))
            .await
            .text,
        sample::NEW_MILESTONE
    );
}
