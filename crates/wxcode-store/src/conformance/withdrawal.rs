//! Promises about a milestone given up, retried or removed while the milestone's command is queued
//! or written.

use wxcode_core::{delivery::DeliveryState, milestone::MilestoneStatus};

use super::{Records, sample};
use crate::{Queued, Removed};

/// Giving a milestone up fails the queued command and frees the project's first command.
pub async fn giving_up_fails_the_queued_command(records: &impl Records) {
    let store = records.open().await;
    let project = sample::add_project(&*store).await;
    let id = sample::add_milestone(&*store, project).await;
    let waiting = sample::queue(&*store, &sample::start(project, id)).await;
    let given_up = sample::advance_milestone(
        &*store,
        id,
        (MilestoneStatus::Pending, MilestoneStatus::Failed),
        40,
    )
    .await;
    assert_eq!(given_up.delivery_id, Some(waiting.id));
    let failed = store.delivery(waiting.id).await.unwrap().unwrap();
    assert_eq!(
        (failed.state, failed.error.as_deref()),
        (DeliveryState::Failed, Some("the milestone was given up"))
    );
    assert_eq!(
        (failed.version, failed.updated_at),
        (waiting.version + 1, sample::at(40))
    );
    assert_eq!(
        store
            .project(project)
            .await
            .unwrap()
            .unwrap()
            .new_project_delivery,
        None
    );
    assert_eq!(
        store
            .step(&sample::step(&waiting, DeliveryState::Written))
            .await
            .unwrap(),
        None
    );
}

/// Giving up does not undo a possibly typed command; the delivery ends by itself.
pub async fn giving_up_keeps_a_written_command(records: &impl Records) {
    let store = records.open().await;
    let project = sample::add_project(&*store).await;
    let id = sample::add_milestone(&*store, project).await;
    let waiting = sample::queue(&*store, &sample::start(project, id)).await;
    let written = sample::advance(&*store, &waiting, DeliveryState::Written).await;
    assert!(
        store
            .advance_milestone(
                id,
                MilestoneStatus::Pending,
                MilestoneStatus::Failed,
                &sample::moved(40)
            )
            .await
            .unwrap()
            .is_some()
    );
    assert_eq!(
        store.delivery(written.id).await.unwrap(),
        Some(written.clone())
    );
    sample::advance(&*store, &written, DeliveryState::Submitted).await;
    assert_eq!(
        store.milestone(id).await.unwrap().unwrap().status,
        MilestoneStatus::Failed
    );
}

/// A milestone back in `pending` can be started again.
pub async fn a_retry_drops_the_ended_delivery(records: &impl Records) {
    let store = records.open().await;
    let project = sample::add_project(&*store).await;
    for end in [DeliveryState::Failed, DeliveryState::Submitted] {
        let id = sample::add_milestone(&*store, project).await;
        let waiting = sample::queue(&*store, &sample::start(project, id)).await;
        sample::advance(&*store, &waiting, end).await;
        let from = store.milestone(id).await.unwrap().unwrap().status;
        sample::advance_milestone(&*store, id, (from, MilestoneStatus::Failed), 40).await;
        let pending = sample::advance_milestone(
            &*store,
            id,
            (MilestoneStatus::Failed, MilestoneStatus::Pending),
            41,
        )
        .await;
        assert_eq!(pending.delivery_id, None);
        let anew = sample::queue(&*store, &sample::start(project, id)).await;
        assert_eq!(
            store.milestone(id).await.unwrap().unwrap().delivery_id,
            Some(anew.id)
        );
        assert_eq!(
            store.delivery(waiting.id).await.unwrap().unwrap().state,
            end
        );
    }
}

/// A possibly typed command remains the milestone's; no second command follows.
pub async fn a_retry_keeps_the_written_delivery(records: &impl Records) {
    let store = records.open().await;
    let project = sample::add_project(&*store).await;
    let id = sample::add_milestone(&*store, project).await;
    let waiting = sample::queue(&*store, &sample::start(project, id)).await;
    let written = sample::advance(&*store, &waiting, DeliveryState::Written).await;
    sample::advance_milestone(
        &*store,
        id,
        (MilestoneStatus::Pending, MilestoneStatus::Failed),
        40,
    )
    .await;
    let pending = sample::advance_milestone(
        &*store,
        id,
        (MilestoneStatus::Failed, MilestoneStatus::Pending),
        41,
    )
    .await;
    assert_eq!(pending.delivery_id, Some(written.id));
    let again = store.queue(&sample::start(project, id)).await.unwrap();
    assert_eq!(again, Queued::Existing(written.clone()));
    sample::advance(&*store, &written, DeliveryState::Submitted).await;
    assert_eq!(
        store.milestone(id).await.unwrap().unwrap().status,
        MilestoneStatus::InProgress
    );
}

/// Removing a milestone fails the queued command; an earlier failed delivery is no obstacle and
/// stays.
pub async fn removal_fails_the_queued_command(records: &impl Records) {
    let store = records.open().await;
    let project = sample::add_project(&*store).await;
    let id = sample::add_milestone(&*store, project).await;
    let waiting = sample::queue(&*store, &sample::start(project, id)).await;
    assert_eq!(
        store
            .remove_milestone(id, sample::at(40), None)
            .await
            .unwrap(),
        Removed::Removed
    );
    assert_eq!(
        store
            .remove_milestone(id, sample::at(41), None)
            .await
            .unwrap(),
        Removed::Missing
    );
    let failed = store.delivery(waiting.id).await.unwrap().unwrap();
    assert_eq!(
        (failed.state, failed.error.as_deref()),
        (DeliveryState::Failed, Some("the milestone was deleted"))
    );
    assert_eq!(
        (failed.milestone_id, failed.updated_at),
        (Some(id), sample::at(40))
    );
    assert_eq!(failed.version, waiting.version + 1);
    assert_eq!(
        store
            .project(project)
            .await
            .unwrap()
            .unwrap()
            .new_project_delivery,
        None
    );

    let id = sample::add_milestone(&*store, project).await;
    let waiting = sample::queue(&*store, &sample::start(project, id)).await;
    let failed = sample::advance(&*store, &waiting, DeliveryState::Failed).await;
    assert_eq!(
        store
            .remove_milestone(id, sample::at(50), None)
            .await
            .unwrap(),
        Removed::Removed
    );
    assert_eq!(store.delivery(failed.id).await.unwrap(), Some(failed));
}

/// Removing a milestone does not undo a possibly typed command.
pub async fn removal_refuses_a_written_command(records: &impl Records) {
    let store = records.open().await;
    let project = sample::add_project(&*store).await;
    let id = sample::add_milestone(&*store, project).await;
    let waiting = sample::queue(&*store, &sample::start(project, id)).await;
    assert_eq!(waiting.state, DeliveryState::Queued);
    let written = sample::advance(&*store, &waiting, DeliveryState::Written).await;
    let before = store.milestone(id).await.unwrap();
    assert_eq!(
        store
            .remove_milestone(id, sample::at(40), None)
            .await
            .unwrap(),
        Removed::NotPending(MilestoneStatus::Pending)
    );
    assert_eq!(store.milestone(id).await.unwrap(), before);
    assert_eq!(store.delivery(written.id).await.unwrap(), Some(written));
}
