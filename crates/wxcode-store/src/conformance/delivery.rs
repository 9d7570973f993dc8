//! Promises about deliveries.

use wxcode_core::delivery::{
    Delivery,
    DeliveryState::{Failed, Submitted, Written},
    Route,
};

use super::{ALL, Records, sample};
use crate::{NewDelivery, Page, QUEUE_MAX, Queued, StoreError};

/// A queued delivery reads back unchanged, also from a newly opened store; times have milliseconds.
pub async fn a_text_is_queued_and_reads_back(records: &impl Records) {
    let store = records.open().await;
    let project = sample::add_project(&*store).await;
    let new = NewDelivery {
        idempotency_key: Some("key".to_owned()),
        ..sample::text(project, "line 1\nline 2")
    };
    let finer = NewDelivery {
        at: new.at + jiff::SignedDuration::from_nanos(1),
        ..new.clone()
    };
    let expected = sample::queued(&new, None, "line 1\nline 2");
    assert_eq!(
        store.queue(&finer).await.unwrap(),
        Queued::New(expected.clone())
    );
    for store in [store, records.open().await] {
        assert_eq!(
            store.delivery(new.id).await.unwrap(),
            Some(expected.clone())
        );
    }
}

/// Any caller may repeat the request, in any state of the delivery. Another delivery with the same
/// id is refused.
pub async fn a_repeated_request_is_queued_once(records: &impl Records) {
    let (store, other) = (records.open().await, records.open().await);
    let project = sample::add_project(&*store).await;
    let milestone = sample::add_milestone(&*store, project).await;
    let keyed = NewDelivery {
        idempotency_key: Some("key".to_owned()),
        ..sample::text(project, "keyed")
    };
    let all = [
        sample::text(project, "text"),
        keyed,
        sample::start(project, milestone),
    ];
    for new in &all {
        let mut queued = sample::queue(&*store, new).await;
        for state in [None, Some(Written), Some(Submitted)] {
            if let Some(state) = state {
                queued = sample::advance(&*store, &queued, state).await;
            }
            assert_eq!(sample::queue(&*other, new).await, queued);
        }
        let taken = NewDelivery {
            idempotency_key: None,
            ..sample::text(project, "another")
        };
        let taken = NewDelivery {
            id: new.id,
            ..taken
        };
        let error = store.queue(&taken).await.unwrap_err();
        assert!(matches!(error, StoreError::Refused(_)), "{error}");
    }
    assert_eq!(store.deliveries(project, ALL).await.unwrap().total, 3);
    assert!(store.open_deliveries(project).await.unwrap().is_empty());
}

/// Queueing with an idempotency key of an earlier delivery in the project returns the earlier
/// delivery, even after its end.
pub async fn a_key_is_used_once_in_a_project(records: &impl Records) {
    let store = records.open().await;
    let (here, there) = (
        sample::add_project(&*store).await,
        sample::add_project(&*store).await,
    );
    let milestone = sample::add_milestone(&*store, here).await;
    let keyed = |new: NewDelivery| NewDelivery {
        idempotency_key: Some("key".to_owned()),
        ..new
    };
    let mut first = sample::queue(&*store, &keyed(sample::text(here, "first"))).await;
    for next in [None, Some(Written), Some(Failed)] {
        if let Some(next) = next {
            first = sample::advance(&*store, &first, next).await;
        }
        for again in [
            sample::text(here, "first"),
            sample::text(here, "second"),
            sample::start(here, milestone),
        ] {
            assert_eq!(
                store.queue(&keyed(again)).await.unwrap(),
                Queued::Existing(first.clone())
            );
        }
    }
    sample::queue(&*store, &keyed(sample::text(there, "first"))).await;
    sample::queue(&*store, &sample::text(here, "first")).await;
    assert_eq!(store.deliveries(here, ALL).await.unwrap().total, 2);
    assert_eq!(
        store
            .milestone(milestone)
            .await
            .unwrap()
            .unwrap()
            .delivery_id,
        None
    );
}

/// Nothing is queued for a missing project, or for a milestone outside of the project.
pub async fn a_missing_project_queues_nothing(records: &impl Records) {
    let store = records.open().await;
    let (here, there) = (
        sample::add_project(&*store).await,
        sample::add_project(&*store).await,
    );
    let elsewhere = sample::add_milestone(&*store, there).await;
    for new in [
        sample::text(sample::id(), "hello"),
        sample::start(sample::id(), elsewhere),
        sample::start(here, sample::id()),
        sample::start(here, elsewhere),
    ] {
        assert_eq!(store.queue(&new).await.unwrap(), Queued::Missing, "{new:?}");
        assert_eq!(store.delivery(new.id).await.unwrap(), None);
    }
    assert_eq!(
        store
            .step(&sample::step(&missing(), Written))
            .await
            .unwrap(),
        None
    );
    assert!(store.open_deliveries(here).await.unwrap().is_empty());
    assert_eq!(store.projects_with_open_deliveries().await.unwrap(), []);
}

/// A project's queue is bounded. When it is full, repeated requests still succeed, and the end of a
/// delivery makes room.
pub async fn the_queue_is_bounded(records: &impl Records) {
    let store = records.open().await;
    let (project, other) = (
        sample::add_project(&*store).await,
        sample::add_project(&*store).await,
    );
    let keyed = NewDelivery {
        idempotency_key: Some("key".to_owned()),
        ..sample::text(project, "0")
    };
    let first = sample::queue(&*store, &keyed).await;
    for number in 1..QUEUE_MAX {
        sample::queue(&*store, &sample::text(project, &number.to_string())).await;
    }
    let milestone = sample::add_milestone(&*store, project).await;
    assert_eq!(
        store.queue(&sample::text(project, "over")).await.unwrap(),
        Queued::Full
    );
    assert_eq!(
        store
            .queue(&sample::start(project, milestone))
            .await
            .unwrap(),
        Queued::Full
    );
    assert_eq!(
        store
            .milestone(milestone)
            .await
            .unwrap()
            .unwrap()
            .delivery_id,
        None
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
    let again = NewDelivery {
        id: sample::id(),
        ..keyed
    };
    assert_eq!(
        store.queue(&again).await.unwrap(),
        Queued::Existing(first.clone())
    );
    sample::queue(&*store, &sample::text(other, "elsewhere")).await;
    let first = sample::advance(&*store, &first, Written).await;
    assert_eq!(
        store.queue(&sample::text(project, "over")).await.unwrap(),
        Queued::Full
    );
    sample::advance(&*store, &first, Submitted).await;
    sample::queue(&*store, &sample::start(project, milestone)).await;
    assert_eq!(
        store.queue(&sample::text(project, "over")).await.unwrap(),
        Queued::Full
    );
    assert_eq!(
        store.open_deliveries(project).await.unwrap().len() as u64,
        QUEUE_MAX
    );
}

/// Pages list a project's deliveries in the order of queueing, regardless of their states.
pub async fn a_thousand_are_listed_in_pages(records: &impl Records) {
    let store = records.open().await;
    let (project, other) = (
        sample::add_project(&*store).await,
        sample::add_project(&*store).await,
    );
    let mut expected = Vec::new();
    for number in 0..1003 {
        let new = NewDelivery {
            at: sample::at(number),
            ..sample::text(project, &number.to_string())
        };
        let mut delivery = sample::queue(&*store, &new).await;
        if number % 2 == 0 {
            delivery = sample::advance(&*store, &delivery, Failed).await;
        }
        expected.push(delivery);
    }
    sample::queue(&*store, &sample::text(other, "elsewhere")).await;
    let pages = [
        (0, 1000, 0..1000),
        (0, u64::MAX, 0..1000),
        (990, 1000, 990..1003),
        (1003, 1, 1003..1003),
    ];
    for (skip, limit, range) in pages {
        let listing = store
            .deliveries(project, Page { skip, limit })
            .await
            .unwrap();
        assert_eq!(listing.total, 1003);
        assert!(
            listing.items == expected[range],
            "skip {skip}, limit {limit}"
        );
    }
}

/// Open deliveries are found by project, in order, also by a newly opened store.
pub async fn open_deliveries_are_found(records: &impl Records) {
    let store = records.open().await;
    let mut projects = Vec::new();
    for _ in 0..3 {
        let project = sample::add_project(&*store).await;
        let mut open = Vec::new();
        for state in [None, Some(Written), Some(Submitted), Some(Failed), None] {
            let mut delivery = sample::queue(&*store, &sample::text(project, "text")).await;
            if let Some(state) = state {
                delivery = sample::advance(&*store, &delivery, state).await;
            }
            if !delivery.state.is_over() {
                open.push(delivery);
            }
        }
        projects.push((project, open));
    }
    let (done, left) = projects.pop().unwrap();
    for delivery in left {
        sample::advance(&*store, &delivery, Failed).await;
    }
    for store in [store, records.open().await] {
        let mut found = store.projects_with_open_deliveries().await.unwrap();
        found.sort();
        assert_eq!(found, [projects[0].0, projects[1].0]);
        assert!(store.open_deliveries(done).await.unwrap().is_empty());
        for (project, open) in &projects {
            assert_eq!(open.len(), 3);
            assert_eq!(store.open_deliveries(*project).await.unwrap(), *open);
        }
    }
}

/// A delivery copied from another store keeps its state, order and key, and changes neither its
/// project nor its milestone.
pub async fn a_copied_delivery_stays_unchanged(records: &impl Records) {
    let store = records.open().await;
    let project = sample::add_project(&*store).await;
    let milestone = sample::add_milestone(&*store, project).await;
    let before = (
        store.project(project).await.unwrap(),
        store.milestone(milestone).await.unwrap(),
    );
    let mut restored = Vec::new();
    for (state, version) in [
        (Submitted, 2),
        (Written, 1),
        (Failed, 7),
        (Written, u64::from(u32::MAX)),
    ] {
        let delivery = Delivery {
            milestone_id: Some(milestone),
            state,
            attempts: 3,
            error: Some("an error".to_owned()),
            idempotency_key: Some(format!("key {version}")),
            session_id: Some(sample::id()),
            route: Route::Prompt,
            after_seq: Some(5),
            not_before: Some(sample::at(7)),
            steer: true,
            edits: 2,
            typings: 3,
            version,
            updated_at: sample::at(99),
            ..sample::queued(&sample::text(project, "text"), None, "text")
        };
        // Repeating the copy adds nothing.
        for _ in 0..2 {
            assert!(store.restore_delivery(&delivery).await.unwrap());
        }
        restored.push(delivery);
    }
    let next = sample::queue(&*store, &sample::text(project, "next")).await;
    let known = NewDelivery {
        idempotency_key: Some("key 1".to_owned()),
        ..sample::text(project, "text")
    };
    assert_eq!(
        store.queue(&known).await.unwrap(),
        Queued::Existing(restored[1].clone())
    );
    for taken in [
        Delivery {
            text: "another".to_owned(),
            ..restored[0].clone()
        },
        Delivery {
            id: sample::id(),
            ..restored[0].clone()
        },
    ] {
        let error = store.restore_delivery(&taken).await.unwrap_err();
        assert!(matches!(error, StoreError::Refused(_)), "{error}");
    }
    let nowhere = Delivery {
        output_project_id: sample::id(),
        ..missing()
    };
    assert!(!store.restore_delivery(&nowhere).await.unwrap());

    let open = [restored[1].clone(), restored[3].clone(), next.clone()];
    restored.push(next);
    let store = records.open().await;
    assert_eq!(
        store.deliveries(project, ALL).await.unwrap().items,
        restored
    );
    assert_eq!(store.open_deliveries(project).await.unwrap(), open);
    let after = (
        store.project(project).await.unwrap(),
        store.milestone(milestone).await.unwrap(),
    );
    assert_eq!(after, before);
    // The end of a restored delivery counts like any other end.
    sample::advance(&*store, &restored[1], Submitted).await;
    assert_eq!(store.open_deliveries(project).await.unwrap(), open[1..]);
}

fn missing() -> Delivery {
    sample::queued(&sample::text(sample::id(), ""), None, "")
}
