//! Promises about milestones.

use wxcode_core::{
    delivery::DeliveryState::{Failed as NotDelivered, Queued as Waiting, Submitted, Written},
    milestone::{
        Milestone,
        MilestoneStatus::{self, Completed, Failed, InProgress, Pending},
    },
};

use super::{ALL, Records, sample};
use crate::{Added, Page, Queued, Removed};

const STATUSES: [MilestoneStatus; 4] = [Pending, InProgress, Completed, Failed];

/// Every field is kept, times to the millisecond.
pub async fn reads_back_as_it_was_written(records: &impl Records) {
    let store = records.open().await;
    let project = sample::add_project(&*store).await;
    let full = Milestone {
        element_id: Some("0123456789abcdef01234567".to_owned()),
        status: Completed,
        context: Some("# Context\n".to_owned()),
        wxcode_version: Some("v1.0".to_owned()),
        milestone_folder_name: Some(".planning/milestones/v1.0-PAGE_Login".to_owned()),
        delivery_id: Some(sample::id()),
        updated_at: Some(sample::at(1)),
        completed_at: Some(sample::at(2)),
        ..sample::milestone(project)
    };
    let minimal = sample::milestone(project);
    for milestone in [&full, &minimal] {
        assert_eq!(store.add_milestone(milestone).await.unwrap(), Added::Added);
    }
    for store in [store, records.open().await] {
        for milestone in [&full, &minimal] {
            assert_eq!(
                store.milestone(milestone.id).await.unwrap().as_ref(),
                Some(milestone)
            );
        }
        let listing = store.milestones(project, None, ALL).await.unwrap();
        assert_eq!(
            (listing.items, listing.total),
            (vec![full.clone(), minimal.clone()], 2)
        );
    }
}

/// The same element twice in a project is refused; elsewhere, without an element, or after a removal it is not.
pub async fn an_element_is_taken_once_in_a_project(records: &impl Records) {
    let store = records.open().await;
    let (here, there) = (
        sample::add_project(&*store).await,
        sample::add_project(&*store).await,
    );
    let of = |project, element: Option<&str>| Milestone {
        element_id: element.map(str::to_owned),
        ..sample::milestone(project)
    };
    let first = of(here, Some("e"));
    let cases = [
        (first.clone(), Added::Added),
        (of(here, Some("e")), Added::DuplicateElement),
        (of(here, Some("E")), Added::Added),
        (of(there, Some("e")), Added::Added),
        (of(here, None), Added::Added),
        (of(here, None), Added::Added),
    ];
    for (milestone, answer) in &cases {
        assert_eq!(
            store.add_milestone(milestone).await.unwrap(),
            *answer,
            "{milestone:?}"
        );
        let found = store.milestone(milestone.id).await.unwrap();
        assert_eq!(found.is_some(), *answer == Added::Added);
    }
    assert_eq!(store.milestones(here, None, ALL).await.unwrap().total, 4);
    assert_eq!(
        store
            .remove_milestone(first.id, sample::at(1))
            .await
            .unwrap(),
        Removed::Removed
    );
    assert_eq!(
        store.add_milestone(&of(here, Some("e"))).await.unwrap(),
        Added::Added
    );
}

/// Without its project a milestone is not added.
pub async fn a_milestone_needs_a_project(records: &impl Records) {
    let store = records.open().await;
    let milestone = sample::milestone(sample::id());
    assert_eq!(
        store.add_milestone(&milestone).await.unwrap(),
        Added::NoProject
    );
    assert_eq!(store.milestone(milestone.id).await.unwrap(), None);
    assert_eq!(
        store
            .milestones(milestone.output_project_id, None, ALL)
            .await
            .unwrap()
            .total,
        0
    );
}

/// Pages are cut from the order of creation, of one project, of all statuses or one.
pub async fn a_thousand_are_listed_in_pages_and_by_status(records: &impl Records) {
    let store = records.open().await;
    let (project, other) = (
        sample::add_project(&*store).await,
        sample::add_project(&*store).await,
    );
    let mut all = Vec::new();
    for number in 0..1003 {
        let milestone = Milestone {
            status: STATUSES[number % 4],
            created_at: sample::at(i64::try_from(number).unwrap()),
            ..sample::milestone(project)
        };
        store.add_milestone(&milestone).await.unwrap();
        all.push(milestone);
        if number % 100 == 0 {
            sample::add_milestone(&*store, other).await;
        }
    }
    for status in [
        None,
        Some(Pending),
        Some(InProgress),
        Some(Completed),
        Some(Failed),
    ] {
        let wanted =
            |milestone: &&Milestone| status.is_none_or(|status| status == milestone.status);
        let expected: Vec<_> = all.iter().filter(wanted).cloned().collect();
        for (skip, limit) in [
            (0, 1000),
            (0, u64::MAX),
            (100, 50),
            (900, 1000),
            (2000, 1),
            (0, 0),
        ] {
            let listing = store
                .milestones(project, status, Page { skip, limit })
                .await
                .unwrap();
            let (skip, limit) = (
                usize::try_from(skip).unwrap(),
                usize::try_from(limit.min(1000)).unwrap(),
            );
            assert_eq!(listing.total, expected.len() as u64);
            assert!(
                listing
                    .items
                    .iter()
                    .eq(expected.iter().skip(skip).take(limit)),
                "{status:?} {skip} {limit}"
            );
        }
    }
    assert_eq!(store.milestones(other, None, ALL).await.unwrap().total, 11);
}

/// It moves only from the status that is named; completion has its time, and only as long as it is completed.
pub async fn it_advances_only_from_what_it_was(records: &impl Records) {
    let store = records.open().await;
    let project = sample::add_project(&*store).await;
    for is in STATUSES {
        for from in STATUSES {
            for to in STATUSES {
                let before = Milestone {
                    status: is,
                    completed_at: Some(sample::at(1)),
                    ..sample::milestone(project)
                };
                store.add_milestone(&before).await.unwrap();
                let moved = store
                    .advance_milestone(before.id, from, to, sample::at(5))
                    .await
                    .unwrap();
                let expected = (is == from).then(|| Milestone {
                    status: to,
                    updated_at: Some(sample::at(5)),
                    completed_at: (to == Completed).then(|| sample::at(5)),
                    ..before.clone()
                });
                assert_eq!(moved, expected, "{is:?}: {from:?} → {to:?}");
                assert_eq!(
                    store.milestone(before.id).await.unwrap(),
                    Some(expected.unwrap_or(before))
                );
            }
        }
    }
    assert_eq!(
        store
            .advance_milestone(sample::id(), Pending, Failed, sample::at(5))
            .await
            .unwrap(),
        None
    );
}

/// A milestone that is given up takes its waiting command with it, and the project's first command is free again.
pub async fn giving_up_fails_the_queued_command(records: &impl Records) {
    let store = records.open().await;
    let project = sample::add_project(&*store).await;
    let id = sample::add_milestone(&*store, project).await;
    let waiting = sample::queue(&*store, &sample::start(project, id)).await;
    let given_up = store
        .advance_milestone(id, Pending, Failed, sample::at(40))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(given_up.delivery_id, Some(waiting.id));
    let failed = store.delivery(waiting.id).await.unwrap().unwrap();
    assert_eq!(
        (failed.state, failed.error.as_deref()),
        (NotDelivered, Some("the milestone was given up"))
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
        store.step(&sample::step(&waiting, Written)).await.unwrap(),
        None
    );
}

/// What may have been typed is not undone by giving up; it ends by itself.
pub async fn giving_up_leaves_a_command_that_is_on_its_way(records: &impl Records) {
    let store = records.open().await;
    let project = sample::add_project(&*store).await;
    let id = sample::add_milestone(&*store, project).await;
    let waiting = sample::queue(&*store, &sample::start(project, id)).await;
    let written = sample::advance(&*store, &waiting, Written).await;
    assert!(
        store
            .advance_milestone(id, Pending, Failed, sample::at(40))
            .await
            .unwrap()
            .is_some()
    );
    assert_eq!(
        store.delivery(written.id).await.unwrap(),
        Some(written.clone())
    );
    sample::advance(&*store, &written, Submitted).await;
    assert_eq!(store.milestone(id).await.unwrap().unwrap().status, Failed);
}

/// Back to `pending`, a milestone can be started anew.
pub async fn trying_again_forgets_the_delivery_that_is_over(records: &impl Records) {
    let store = records.open().await;
    let project = sample::add_project(&*store).await;
    for end in [NotDelivered, Submitted] {
        let id = sample::add_milestone(&*store, project).await;
        let waiting = sample::queue(&*store, &sample::start(project, id)).await;
        sample::advance(&*store, &waiting, end).await;
        let from = store.milestone(id).await.unwrap().unwrap().status;
        store
            .advance_milestone(id, from, Failed, sample::at(40))
            .await
            .unwrap()
            .unwrap();
        let pending = store
            .advance_milestone(id, Failed, Pending, sample::at(41))
            .await
            .unwrap()
            .unwrap();
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

/// A command that may have been typed is not followed by a second one: it still is the milestone's.
pub async fn trying_again_keeps_the_delivery_that_is_on_its_way(records: &impl Records) {
    let store = records.open().await;
    let project = sample::add_project(&*store).await;
    let id = sample::add_milestone(&*store, project).await;
    let waiting = sample::queue(&*store, &sample::start(project, id)).await;
    let written = sample::advance(&*store, &waiting, Written).await;
    store
        .advance_milestone(id, Pending, Failed, sample::at(40))
        .await
        .unwrap()
        .unwrap();
    let pending = store
        .advance_milestone(id, Failed, Pending, sample::at(41))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(pending.delivery_id, Some(written.id));
    let again = store.queue(&sample::start(project, id)).await.unwrap();
    assert_eq!(again, Queued::Existing(written.clone()));
    sample::advance(&*store, &written, Submitted).await;
    assert_eq!(
        store.milestone(id).await.unwrap().unwrap().status,
        InProgress
    );
}

/// Only a pending milestone is removed; any other stays as it is.
pub async fn only_a_pending_one_is_removed(records: &impl Records) {
    let store = records.open().await;
    let project = sample::add_project(&*store).await;
    for status in STATUSES {
        let milestone = Milestone {
            status,
            ..sample::milestone(project)
        };
        store.add_milestone(&milestone).await.unwrap();
        let (answer, left) = if status == Pending {
            (Removed::Removed, None)
        } else {
            (Removed::NotPending(status), Some(milestone.clone()))
        };
        assert_eq!(
            store
                .remove_milestone(milestone.id, sample::at(1))
                .await
                .unwrap(),
            answer
        );
        assert_eq!(store.milestone(milestone.id).await.unwrap(), left);
    }
    assert_eq!(
        store
            .remove_milestone(sample::id(), sample::at(1))
            .await
            .unwrap(),
        Removed::Missing
    );
}

/// A removed milestone takes its waiting command with it; one that failed before is no obstacle and stays as it is.
pub async fn removal_fails_the_queued_command(records: &impl Records) {
    let store = records.open().await;
    let project = sample::add_project(&*store).await;
    let id = sample::add_milestone(&*store, project).await;
    let waiting = sample::queue(&*store, &sample::start(project, id)).await;
    assert_eq!(
        store.remove_milestone(id, sample::at(40)).await.unwrap(),
        Removed::Removed
    );
    assert_eq!(
        store.remove_milestone(id, sample::at(41)).await.unwrap(),
        Removed::Missing
    );
    let failed = store.delivery(waiting.id).await.unwrap().unwrap();
    assert_eq!(
        (failed.state, failed.error.as_deref()),
        (NotDelivered, Some("the milestone was deleted"))
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
    let failed = sample::advance(&*store, &waiting, NotDelivered).await;
    assert_eq!(
        store.remove_milestone(id, sample::at(50)).await.unwrap(),
        Removed::Removed
    );
    assert_eq!(store.delivery(failed.id).await.unwrap(), Some(failed));
}

/// What may have been typed is not undone by removing its milestone.
pub async fn one_whose_command_is_on_its_way_stays(records: &impl Records) {
    let store = records.open().await;
    let project = sample::add_project(&*store).await;
    let id = sample::add_milestone(&*store, project).await;
    let waiting = sample::queue(&*store, &sample::start(project, id)).await;
    assert_eq!(waiting.state, Waiting);
    let written = sample::advance(&*store, &waiting, Written).await;
    let before = store.milestone(id).await.unwrap();
    assert_eq!(
        store.remove_milestone(id, sample::at(40)).await.unwrap(),
        Removed::NotPending(Pending)
    );
    assert_eq!(store.milestone(id).await.unwrap(), before);
    assert_eq!(store.delivery(written.id).await.unwrap(), Some(written));
}
