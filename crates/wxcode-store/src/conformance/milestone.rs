//! Promises about milestones.

use wxcode_core::milestone::{
    Milestone,
    MilestoneStatus::{self, Completed, Failed, InProgress, Pending},
    MovedBy,
};

use super::{ALL, Records, sample};
use crate::{Added, Moved, Page, Removed, StoreError};

const STATUSES: [MilestoneStatus; 4] = [Pending, InProgress, Completed, Failed];

/// The store keeps every field, times to the millisecond.
pub async fn reads_back_as_it_was_written(records: &impl Records) {
    let store = records.open().await;
    let project = sample::add_project(&*store).await;
    let full = Milestone {
        element_id: Some("0123456789abcdef01234567".to_owned()),
        status: Completed,
        status_by: Some(MovedBy::User),
        status_reason: Some("all of it works".to_owned()),
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
        assert_eq!(listing.items, [full.clone(), minimal.clone()]);
        assert_eq!(listing.total, 2);
    }
}

/// The same element twice in a project is refused; in another project, without an element, or after
/// a removal, the addition succeeds.
pub async fn an_element_is_unique_in_a_project(records: &impl Records) {
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
            .remove_milestone(first.id, sample::at(1), None)
            .await
            .unwrap(),
        Removed::Removed
    );
    assert_eq!(
        store.add_milestone(&of(here, Some("e"))).await.unwrap(),
        Added::Added
    );
}

/// Any caller may repeat the addition: a client without an answer, a driver, a proxy. Another
/// milestone with the same id is refused.
pub async fn a_repeated_addition_counts_once(records: &impl Records) {
    let (store, other) = (records.open().await, records.open().await);
    let project = sample::add_project(&*store).await;
    for element_id in [None, Some("e".to_owned())] {
        let milestone = Milestone {
            element_id,
            context: Some("# Context".to_owned()),
            ..sample::milestone(project)
        };
        for store in [&store, &store, &other] {
            assert_eq!(store.add_milestone(&milestone).await.unwrap(), Added::Added);
        }
        assert_eq!(
            store.milestone(milestone.id).await.unwrap(),
            Some(milestone.clone())
        );
        let taken = Milestone {
            element_name: "another".to_owned(),
            ..milestone
        };
        let error = store.add_milestone(&taken).await.unwrap_err();
        assert!(matches!(error, StoreError::Refused(_)), "{error}");
    }
    assert_eq!(store.milestones(project, None, ALL).await.unwrap().total, 2);
}

/// A milestone without its project is not added.
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

/// Pages follow the order of creation in a project, for all statuses or a single status.
pub async fn a_thousand_are_listed_by_status(records: &impl Records) {
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

/// A milestone moves only from the named status; only a completed milestone has a completion time.
pub async fn a_move_needs_the_old_status(records: &impl Records) {
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
                    .advance_milestone(before.id, from, to, &sample::moved(5))
                    .await
                    .unwrap();
                let expected = (is == from).then(|| Milestone {
                    status: to,
                    status_by: Some(MovedBy::User),
                    status_reason: sample::moved(5).reason,
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
            .advance_milestone(sample::id(), Pending, Failed, &sample::moved(5))
            .await
            .unwrap(),
        None
    );
}

/// Each move replaces the stored mover and reason.
pub async fn mover_and_reason_are_kept(records: &impl Records) {
    let store = records.open().await;
    let project = sample::add_project(&*store).await;
    let id = sample::add_milestone(&*store, project).await;
    let steps = [
        (Pending, Failed, MovedBy::User, Some("not now")),
        (Failed, Pending, MovedBy::User, None),
        (Pending, InProgress, MovedBy::Delivery, Some("sent")),
        (InProgress, Completed, MovedBy::User, Some("größer\n✓")),
    ];
    for (from, to, by, reason) in steps {
        let moved = Moved {
            by,
            reason: reason.map(str::to_owned),
            at: sample::at(5),
            fence: None,
        };
        let after = store.advance_milestone(id, from, to, &moved).await.unwrap();
        let after = after.expect("it was there");
        assert_eq!(
            (after.status_by, after.status_reason.as_deref()),
            (Some(by), reason)
        );
        assert_eq!(
            records.open().await.milestone(id).await.unwrap(),
            Some(after)
        );
    }
}

/// Only a pending milestone is removed; any other milestone stays unchanged.
pub async fn only_a_pending_milestone_is_removed(records: &impl Records) {
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
                .remove_milestone(milestone.id, sample::at(1), None)
                .await
                .unwrap(),
            answer
        );
        assert_eq!(store.milestone(milestone.id).await.unwrap(), left);
    }
    assert_eq!(
        store
            .remove_milestone(sample::id(), sample::at(1), None)
            .await
            .unwrap(),
        Removed::Missing
    );
}

/// For each project, the store finds the newest milestone in progress, and no other milestone.
pub async fn the_newest_in_work_is_found(records: &impl Records) {
    let store = records.open().await;
    let (busy, idle) = (
        sample::add_project(&*store).await,
        sample::add_project(&*store).await,
    );
    let mut expected = None;
    for (project, status, millis) in [
        (busy, InProgress, 1),
        (busy, InProgress, 2),
        (busy, Completed, 3),
        (busy, Pending, 4),
        (idle, Pending, 5),
        (idle, Failed, 6),
    ] {
        let milestone = Milestone {
            status,
            created_at: sample::at(millis),
            ..sample::milestone(project)
        };
        assert_eq!(store.add_milestone(&milestone).await.unwrap(), Added::Added);
        if status == InProgress {
            expected = Some(milestone);
        }
    }
    let asked = vec![idle, busy, sample::id()];
    let found = store.milestones_in_work(asked).await.unwrap();
    assert_eq!(found, Vec::from_iter(expected));
    assert_eq!(store.milestones_in_work(Vec::new()).await.unwrap(), []);
}
