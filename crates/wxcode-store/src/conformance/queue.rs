//! Promises about the queue: edits, moves, times and steering deliveries.

use wxcode_core::{
    delivery::{
        CANCELLED, Delivery,
        DeliveryState::{self, Failed, Submitted, Written},
        Route, TEXT_MAX,
    },
    id::Id,
    milestone::{MilestoneStatus, MovedBy},
};

use super::{ALL, Records, sample};
use crate::{Edit, Edited, NewDelivery, Next, NextQuery, QUEUE_MAX, Queued, Step, Store};

fn edit(delivery: &Delivery) -> Edit {
    Edit {
        id: delivery.id,
        output_project_id: delivery.output_project_id,
        text: None,
        not_before: None,
        before: None,
        at: sample::at(40),
        fence: None,
    }
}

fn to(delivery: &Delivery, text: &str) -> Edit {
    Edit {
        text: Some(text.to_owned()),
        ..edit(delivery)
    }
}

async fn done(store: &dyn Store, edit: &Edit) -> Delivery {
    match store.edit(edit).await.unwrap() {
        Edited::Done(delivery) => delivery,
        other => panic!("not edited: {other:?}"),
    }
}

async fn ride(store: &dyn Store, delivery: &Delivery) -> Delivery {
    let step = Step {
        route: Route::Prompt,
        session_id: Some(sample::id()),
        ..sample::step(delivery, DeliveryState::Queued)
    };
    store.step(&step).await.unwrap().unwrap()
}

async fn order(store: &dyn Store, project: Id) -> Vec<String> {
    let listed = store.deliveries(project, ALL).await.unwrap().items;
    let texts = listed.into_iter().map(|delivery| delivery.record.text);
    texts.collect()
}

/// An edit changes the named fields in a single step; a longer text and a shorter text come back
/// whole.
pub async fn an_edit_changes_only_named_fields(records: &impl Records) {
    let store = records.open().await;
    let project = sample::add_project(&*store).await;
    let new = NewDelivery {
        idempotency_key: Some("key".to_owned()),
        not_before: Some(sample::at(500)),
        steer: true,
        ..sample::text(project, "first")
    };
    let queued = sample::queue(&*store, &new).await;
    assert_eq!(
        (queued.not_before, queued.steer),
        (Some(sample::at(500)), true)
    );
    let noted = Step {
        error: Some("draft".to_owned()),
        ..sample::step(&queued, DeliveryState::Queued)
    };
    let mut expected = store.step(&noted).await.unwrap().unwrap();
    let long = "long ".repeat(TEXT_MAX / 5);
    for text in [&*long, "short", &*long, "last"] {
        let after = done(&*store, &to(&expected, text)).await;
        expected = Delivery {
            text: text.to_owned(),
            error: None,
            edits: expected.edits + 1,
            version: expected.version + 1,
            updated_at: sample::at(40),
            ..expected
        };
        assert!(after == expected);
        let read = records.open().await.delivery(queued.id).await.unwrap();
        assert!(read.as_ref() == Some(&expected));
    }
    for time in [None, Some(sample::at(900))] {
        let timed = Edit {
            not_before: Some(time),
            ..edit(&expected)
        };
        let after = done(&*store, &timed).await;
        assert_eq!((after.not_before, &*after.text), (time, "last"));
        assert_eq!(store.delivery(queued.id).await.unwrap(), Some(after));
    }
    // The key of the first request stays.
    let again = NewDelivery {
        id: sample::id(),
        ..new.clone()
    };
    let kept = store.delivery(queued.id).await.unwrap().unwrap();
    assert_eq!(
        store.queue(&again).await.unwrap(),
        Queued::Existing(kept.clone())
    );
    assert_eq!(store.queue(&new).await.unwrap(), Queued::New(kept));
}

/// A delivery already given to an agent, or over, is neither edited nor moved.
pub async fn only_a_waiting_delivery_is_edited(records: &impl Records) {
    let store = records.open().await;
    let (project, other) = (
        sample::add_project(&*store).await,
        sample::add_project(&*store).await,
    );
    let waiting = sample::queue(&*store, &sample::text(project, "waiting")).await;
    for state in [None, Some(Written), Some(Submitted), Some(Failed)] {
        let queued = sample::queue(&*store, &sample::text(project, "text")).await;
        let given = match state {
            None => ride(&*store, &queued).await,
            Some(state) => sample::advance(&*store, &queued, state).await,
        };
        assert_eq!(
            store.edit(&to(&given, "another")).await.unwrap(),
            Edited::NotWaiting(given.clone())
        );
        let behind = Edit {
            before: Some(given.id),
            ..to(&waiting, "another")
        };
        assert_eq!(
            store.edit(&behind).await.unwrap(),
            Edited::PlaceNotWaiting(given.clone())
        );
        assert_eq!(store.delivery(given.id).await.unwrap(), Some(given));
    }
    let foreign = sample::queue(&*store, &sample::text(other, "foreign")).await;
    let missing = [
        (
            Edited::Missing,
            Edit {
                output_project_id: other,
                ..to(&waiting, "another")
            },
        ),
        (
            Edited::Missing,
            Edit {
                id: sample::id(),
                ..to(&waiting, "another")
            },
        ),
        (
            Edited::PlaceMissing,
            Edit {
                before: Some(foreign.id),
                ..to(&waiting, "another")
            },
        ),
        (
            Edited::PlaceMissing,
            Edit {
                before: Some(sample::id()),
                ..to(&waiting, "another")
            },
        ),
    ];
    for (answer, edit) in missing {
        assert_eq!(store.edit(&edit).await.unwrap(), answer);
    }
    for delivery in [waiting, foreign] {
        assert_eq!(store.delivery(delivery.id).await.unwrap(), Some(delivery));
    }
}

/// A moved delivery stands before the named delivery, in lists and for the worker; all other
/// deliveries keep their order. A step from the old order fails.
pub async fn a_delivery_moves_in_the_queue(records: &impl Records) {
    let store = records.open().await;
    let project = sample::add_project(&*store).await;
    let mut all = Vec::new();
    for text in ["over", "a", "b", "rides", "c", "d"] {
        all.push(sample::queue(&*store, &sample::text(project, text)).await);
    }
    sample::advance(&*store, &all[0], Failed).await;
    let riding = ride(&*store, &all[3]).await;
    let of = |text: &str| all.iter().find(|delivery| delivery.text == text).unwrap();
    let moves = [
        ("d", "a", "over d a rides b c"),
        ("d", "c", "over a b rides d c"),
        ("c", "d", "over a b rides c d"),
        ("a", "a", "over a b rides c d"),
        ("a", "d", "over b c rides a d"),
        ("a", "d", "over b c rides a d"),
    ];
    for (moved, before, expected) in moves {
        let edit = Edit {
            before: Some(of(before).id),
            ..edit(of(moved))
        };
        let after = done(&*store, &edit).await;
        assert_eq!(after.text, moved);
        let whole: Vec<_> = expected.split(' ').collect();
        for store in [&store, &records.open().await] {
            assert_eq!(
                order(&**store, project).await,
                whole,
                "{moved} before {before}"
            );
            let open = store.open_deliveries(project).await.unwrap();
            let open: Vec<_> = open.iter().map(|delivery| &*delivery.text).collect();
            assert_eq!(open, whole[1..]);
        }
    }
    for delivery in [of("b"), of("c"), of("d")] {
        assert_eq!(
            store.step(&sample::step(delivery, Written)).await.unwrap(),
            None
        );
    }
    // New deliveries come last.
    sample::queue(&*store, &sample::text(project, "e")).await;
    assert_eq!(order(&*store, project).await.last().unwrap(), "e");
    sample::advance(&*store, &riding, Submitted).await;
    let next = store.next_delivery(project, sample::now()).await.unwrap();
    assert_eq!(next.delivery.unwrap().text, "b");
}

/// The last of a full queue moves to its front.
pub async fn a_full_queue_is_reordered(records: &impl Records) {
    let store = records.open().await;
    let project = sample::add_project(&*store).await;
    let mut all = Vec::new();
    for number in 0..QUEUE_MAX {
        all.push(sample::queue(&*store, &sample::text(project, &number.to_string())).await);
    }
    let last = all.pop().unwrap();
    let first = Edit {
        before: Some(all[0].id),
        ..edit(&last)
    };
    done(&*store, &first).await;
    let mut expected = vec![last.text];
    expected.extend(all.into_iter().map(|delivery| delivery.text));
    assert_eq!(order(&*store, project).await, expected);
}

/// A delivery waiting for its time holds up no other delivery; a delivery already given to an agent
/// comes first.
pub async fn a_delivery_waits_for_its_time(records: &impl Records) {
    let store = records.open().await;
    let project = sample::add_project(&*store).await;
    let later = |text: &str, millis| NewDelivery {
        not_before: Some(sample::at(millis)),
        ..sample::text(project, text)
    };
    let last = sample::queue(&*store, &later("last", 2_000)).await;
    let late = sample::queue(&*store, &later("late", 1_000)).await;
    let now = sample::queue(&*store, &sample::text(project, "now")).await;
    let next = async |millis| {
        let query = NextQuery {
            now: sample::at(millis),
            in_turn: false,
        };
        store.next_delivery(project, query).await.unwrap()
    };
    let is = |delivery: &Delivery, due_at: Option<i64>| Next {
        delivery: Some(delivery.clone()),
        due_at: due_at.map(sample::at),
    };
    assert_eq!(next(999).await, is(&now, Some(1_000)));
    assert_eq!(next(1_000).await, is(&late, Some(2_000)));
    assert_eq!(next(2_000).await, is(&last, None));
    // A clock set back.
    assert_eq!(next(0).await, is(&now, Some(1_000)));

    let now = sample::advance(&*store, &now, Written).await;
    assert_eq!(next(5_000).await, is(&now, None));
    sample::advance(&*store, &now, Submitted).await;
    let alone = Next {
        delivery: None,
        due_at: Some(sample::at(1_000)),
    };
    assert_eq!(next(0).await, alone);
    // The delivery was given to an agent before its time lay ahead again.
    let late = sample::advance(&*store, &late, Written).await;
    assert_eq!(next(0).await, is(&late, Some(2_000)));
    assert_eq!(
        store.projects_with_open_deliveries().await.unwrap(),
        [project]
    );
}

/// In a turn, steering deliveries come first, in order; outside of turns all deliveries are in
/// order.
pub async fn steering_comes_first_in_a_turn(records: &impl Records) {
    let store = records.open().await;
    let project = sample::add_project(&*store).await;
    let steering = |text: &str, not_before| NewDelivery {
        steer: true,
        not_before,
        ..sample::text(project, text)
    };
    let next = async |in_turn| {
        let query = NextQuery {
            now: sample::at(10),
            in_turn,
        };
        let next = store.next_delivery(project, query).await.unwrap();
        next.delivery.unwrap()
    };
    let plain = sample::queue(&*store, &sample::text(project, "plain")).await;
    let ahead = steering("ahead", Some(sample::at(20)));
    sample::queue(&*store, &ahead).await;
    assert_eq!(next(true).await, plain);
    let first = sample::queue(&*store, &steering("first", None)).await;
    sample::queue(&*store, &steering("second", None)).await;
    assert_eq!(next(true).await, first);
    assert_eq!(next(false).await, plain);
    let plain = sample::advance(&*store, &plain, Written).await;
    assert_eq!(next(true).await, plain);
}

/// A cancelled milestone's command leaves the milestone pending with the reason, and frees the
/// first command.
pub async fn a_cancelled_command_is_queued_again(records: &impl Records) {
    let store = records.open().await;
    let project = sample::add_project(&*store).await;
    let milestone = sample::add_milestone(&*store, project).await;
    let queued = sample::queue(&*store, &sample::start(project, milestone)).await;
    let edited = done(&*store, &to(&queued, "/gsd:new-project --auto")).await;
    let cancel = Step {
        error: Some(CANCELLED.to_owned()),
        ..sample::step(&edited, Failed)
    };
    let over = store.step(&cancel).await.unwrap().unwrap();
    assert_eq!(
        (over.state, over.error.as_deref()),
        (Failed, Some(CANCELLED))
    );
    let after = store.milestone(milestone).await.unwrap().unwrap();
    assert_eq!(
        (
            after.status,
            after.status_by,
            after.status_reason.as_deref()
        ),
        (
            MilestoneStatus::Pending,
            Some(MovedBy::Delivery),
            Some(CANCELLED)
        )
    );
    let again = sample::queue(&*store, &sample::start(project, milestone)).await;
    assert_eq!(again.text, sample::NEW_PROJECT);
}

/// An edit and the step to `written` exclude each other: the written text is the newest text.
pub async fn one_of_64_edits_or_the_worker_wins(records: &impl Records) {
    let store = records.open().await;
    let project = sample::add_project(&*store).await;
    let queued = sample::queue(&*store, &sample::text(project, "old")).await;
    let edits = (0..64).map(|number| {
        let (store, edit) = (store.clone(), to(&queued, &number.to_string()));
        tokio::spawn(async move { store.edit(&edit).await.unwrap() })
    });
    let edits: Vec<_> = edits.collect();
    let written = loop {
        let next = store.next_delivery(project, sample::now()).await.unwrap();
        let next = next.delivery.unwrap();
        if let Some(written) = store.step(&sample::step(&next, Written)).await.unwrap() {
            break written;
        }
    };
    let mut last: Option<Delivery> = None;
    for edit in edits {
        match edit.await.unwrap() {
            Edited::Done(edited) => {
                if last
                    .as_ref()
                    .is_none_or(|last| last.version < edited.version)
                {
                    last = Some(edited);
                }
            }
            other => assert_eq!(other, Edited::NotWaiting(written.clone())),
        }
    }
    let newest = last.unwrap_or(queued);
    assert_eq!(written.text, newest.text);
    assert_eq!(written.version, newest.version + 1);
    assert_eq!(store.delivery(written.id).await.unwrap(), Some(written));
}
