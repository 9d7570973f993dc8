//! Promises about notices and their receivers.

use jiff::{SignedDuration, Timestamp};
use wxcode_core::{
    id::Id,
    notice::{Address, Notice, Target},
    time::to_millis,
};

use super::{
    Records,
    runners::{only, race},
    sample,
};
use crate::{NOTICES_MAX, Store};

fn target() -> Target {
    Target {
        id: sample::id(),
        created_at: to_millis(Timestamp::now()),
        created_by: "knöten \u{1f980}".to_owned(),
        credential: Some(sample::id()),
        address: Address::Webhook {
            url: "http://127.0.0.1:1/".to_owned(),
            events: vec!["*".to_owned(), "agent.state".to_owned()],
            secret: "\u{0}\"é".to_owned(),
        },
    }
}

/// Other targets of the same store are left out.
async fn targets(store: &dyn Store, ours: &[Id]) -> Vec<Target> {
    let mut found = store.targets().await.unwrap();
    found.retain(|target| ours.contains(&target.id));
    found
}

fn notice(target: Id, at: Timestamp) -> Notice {
    Notice {
        id: sample::id(),
        target,
        event: "p-7".to_owned(),
        kind: "agent.state".to_owned(),
        body: r#"{"a":"é"}"#.to_owned(),
        attempts: 0,
        created_at: at,
        due_at: at,
    }
}

/// A target reads back as written; a removed target takes its notices along.
pub async fn a_target_reads_back_and_goes_with_its_notices(records: &impl Records) {
    let (store, other) = (records.open().await, records.open().await);
    let (one, push) = (
        target(),
        Target {
            credential: None,
            address: Address::Push {
                endpoint: "https://push.example/x".to_owned(),
                p256dh: vec![4; 65],
                auth: vec![0; 16],
            },
            ..target()
        },
    );
    let ours = [one.id, push.id];
    for target in [&one, &push, &one] {
        assert!(store.add_target(target).await.unwrap());
    }
    assert_eq!(targets(&*other, &ours).await, [one.clone(), push.clone()]);
    let now = one.created_at;
    for id in [one.id, push.id] {
        store.add_notice(&notice(id, now)).await.unwrap();
    }
    assert!(other.remove_target(one.id).await.unwrap());
    assert!(!store.remove_target(one.id).await.unwrap());
    assert_eq!(targets(&*store, &ours).await, std::slice::from_ref(&push));
    store.add_notice(&notice(one.id, now)).await.unwrap();
    let later = now + SignedDuration::from_secs(60);
    let left = store.claim_notices(&ours, now, later, 9).await.unwrap();
    assert_eq!(left.len(), 1, "the removed target gets nothing");
    assert_eq!(left[0].target, push.id);
}

/// A claimed notice is due again at its time, until it is removed.
pub async fn notices_are_claimed_once_and_retried(records: &impl Records) {
    let (store, other) = (records.open().await, records.open().await);
    let target = target();
    store.add_target(&target).await.unwrap();
    let now = target.created_at;
    let at = |seconds| now + SignedDuration::from_secs(seconds);
    let (first, second) = (notice(target.id, now), notice(target.id, at(1)));
    for notice in [&first, &second, &first] {
        assert_eq!(store.add_notice(notice).await.unwrap(), 0);
    }
    assert_eq!(
        other
            .claim_notices(&[target.id], now, at(60), 9)
            .await
            .unwrap(),
        std::slice::from_ref(&first)
    );
    let due = store
        .claim_notices(&[target.id], at(1), at(60), 9)
        .await
        .unwrap();
    assert_eq!(due, std::slice::from_ref(&second), "the first one is taken");
    assert_eq!(
        store
            .claim_notices(&[target.id], at(59), at(99), 9)
            .await
            .unwrap(),
        []
    );
    store.delay_notice(first.id, 3, at(70)).await.unwrap();
    store.remove_notice(second.id).await.unwrap();
    store.remove_notice(second.id).await.unwrap();
    assert_eq!(
        other
            .claim_notices(&[target.id], at(69), at(99), 9)
            .await
            .unwrap(),
        []
    );
    let again = other
        .claim_notices(&[target.id], at(70), at(99), 9)
        .await
        .unwrap();
    let expected = Notice {
        attempts: 3,
        due_at: at(70),
        ..first
    };
    assert_eq!(again, [expected]);
}

/// Of many servers a single one gets a notice that is due.
pub async fn a_notice_is_claimed_by_one_of_64(records: &impl Records) {
    let store = records.open().await;
    let target = target();
    store.add_target(&target).await.unwrap();
    let (now, id) = (target.created_at, target.id);
    store.add_notice(&notice(id, now)).await.unwrap();
    let claimed = race(records, move |store, _| async move {
        let until = now + SignedDuration::from_secs(60);
        let claimed = store.claim_notices(&[id], now, until, 9).await.unwrap();
        !claimed.is_empty()
    });
    only(&claimed.await, |claimed| *claimed);
}

/// A target's queue is bounded: the oldest notices go.
pub async fn the_oldest_notices_go_first(records: &impl Records) {
    let store = records.open().await;
    let target = target();
    store.add_target(&target).await.unwrap();
    let start = target.created_at;
    let mut removed = 0;
    for n in 0..NOTICES_MAX + 2 {
        let at = start + SignedDuration::from_millis(i64::try_from(n).unwrap());
        removed += store.add_notice(&notice(target.id, at)).await.unwrap();
    }
    assert_eq!(removed, 2);
    let later = start + SignedDuration::from_secs(600);
    let first = store
        .claim_notices(&[target.id], later, later, 1)
        .await
        .unwrap();
    assert_eq!(first[0].created_at, start + SignedDuration::from_millis(2));
}
