//! Promises about the steps of a delivery and their effects.

use wxcode_core::{
    delivery::{
        Delivery,
        DeliveryState::{self, Failed, Submitted, Written},
        Route,
    },
    milestone::MilestoneStatus,
    project::ProjectStatus,
};

use super::{Records, sample};
use crate::Step;

/// A step from an outdated version changes nothing.
pub async fn a_step_needs_the_version(records: &impl Records) {
    let store = records.open().await;
    let project = sample::add_project(&*store).await;
    let queued = sample::queue(&*store, &sample::text(project, "text")).await;
    let written = sample::advance(&*store, &queued, Written).await;
    assert_eq!(written.version, queued.version + 1);
    let ahead = Delivery {
        version: written.version + 1,
        ..written.clone()
    };
    for other in [&queued, &ahead] {
        assert_eq!(
            store.step(&sample::step(other, Failed)).await.unwrap(),
            None
        );
        assert_eq!(
            store.delivery(queued.id).await.unwrap(),
            Some(written.clone())
        );
    }
}

/// A step stores every field, also an absent one.
pub async fn a_step_keeps_every_field(records: &impl Records) {
    let store = records.open().await;
    let project = sample::add_project(&*store).await;
    let queued = sample::queue(&*store, &sample::text(project, "text")).await;
    let full = Step {
        attempts: u32::MAX,
        typings: 7,
        error: Some("trust_folder".to_owned()),
        session_id: Some(sample::id()),
        route: Route::Prompt,
        after_seq: Some(i64::MAX.unsigned_abs()),
        at: sample::at(77),
        ..sample::step(&queued, DeliveryState::Queued)
    };
    let expected = Delivery {
        attempts: full.attempts,
        typings: full.typings,
        error: full.error.clone(),
        session_id: full.session_id,
        route: full.route,
        after_seq: full.after_seq,
        version: queued.version + 1,
        updated_at: full.at,
        ..queued.clone()
    };
    assert_eq!(store.step(&full).await.unwrap(), Some(expected.clone()));
    assert_eq!(
        records.open().await.delivery(queued.id).await.unwrap(),
        Some(expected.clone())
    );
    let bare = Step {
        version: expected.version,
        at: sample::at(78),
        ..sample::step(&queued, Written)
    };
    let expected = Delivery {
        state: Written,
        version: expected.version + 1,
        updated_at: sample::at(78),
        ..queued
    };
    assert_eq!(store.step(&bare).await.unwrap(), Some(expected.clone()));
    assert_eq!(store.delivery(expected.id).await.unwrap(), Some(expected));
}

/// Confirming the command moves the milestone to `in_progress` and the project to `initialized` in
/// the same step.
pub async fn submitting_moves_the_milestone_and_the_project(records: &impl Records) {
    let store = records.open().await;
    let project = sample::add_project(&*store).await;
    let id = sample::add_milestone(&*store, project).await;
    let queued = sample::queue(&*store, &sample::start(project, id)).await;
    let written = sample::advance(&*store, &queued, Written).await;
    assert_eq!(
        store.milestone(id).await.unwrap().unwrap().status,
        MilestoneStatus::Pending
    );
    let submitted = sample::advance(&*store, &written, Submitted).await;
    assert!(submitted.state.is_over());
    let milestone = store.milestone(id).await.unwrap().unwrap();
    assert_eq!(
        (milestone.status, milestone.updated_at),
        (MilestoneStatus::InProgress, Some(sample::at(20)))
    );
    let after = store.project(project).await.unwrap().unwrap();
    assert_eq!(
        (after.status, after.updated_at),
        (ProjectStatus::Initialized, sample::at(20))
    );

    // A project with a later status keeps that status.
    let (from, to) = (ProjectStatus::Initialized, ProjectStatus::Active);
    assert!(
        store
            .advance_project(project, from, to, sample::at(50), None)
            .await
            .unwrap()
    );
    let id = sample::add_milestone(&*store, project).await;
    let queued = sample::queue(&*store, &sample::start(project, id)).await;
    sample::advance(&*store, &queued, Submitted).await;
    let after = store.project(project).await.unwrap().unwrap();
    assert_eq!(
        (after.status, after.updated_at),
        (ProjectStatus::Active, sample::at(50))
    );
}

/// A text other than a milestone's command moves no milestone and no project.
pub async fn submitting_a_text_moves_nothing_else(records: &impl Records) {
    let store = records.open().await;
    let project = sample::add_project(&*store).await;
    let id = sample::add_milestone(&*store, project).await;
    let before = (
        store.project(project).await.unwrap(),
        store.milestone(id).await.unwrap(),
    );
    let queued = sample::queue(&*store, &sample::text(project, "text")).await;
    sample::advance(&*store, &queued, Submitted).await;
    assert_eq!(
        (
            store.project(project).await.unwrap(),
            store.milestone(id).await.unwrap()
        ),
        before
    );
}

/// No step follows `submitted` or `failed`, even with the right version.
pub async fn an_ended_delivery_never_changes(records: &impl Records) {
    let store = records.open().await;
    let project = sample::add_project(&*store).await;
    for end in [Submitted, Failed] {
        let queued = sample::queue(&*store, &sample::text(project, "text")).await;
        let over = sample::advance(&*store, &queued, end).await;
        for next in [DeliveryState::Queued, Written, Submitted, Failed] {
            assert_eq!(store.step(&sample::step(&over, next)).await.unwrap(), None);
        }
        assert_eq!(store.delivery(over.id).await.unwrap(), Some(over));
    }
}
