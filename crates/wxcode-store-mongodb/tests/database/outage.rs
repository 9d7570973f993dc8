//! Tests with a broken network: the errors, and the recovery.

use std::time::{Duration, Instant};

use uuid::Uuid;
use wxcode_core::{
    delivery::DeliveryState,
    lease::{Claim, Node, Tenure, claim},
    milestone::MilestoneStatus,
};
use wxcode_store::{
    Added, DeliveryStore, IdentityStore, LeaseStore, MilestoneStore, NewDelivery, PAGE_MAX, Page,
    ProjectStore, Queued, Removed, Rotated, Store, StoreError, Swapped,
    conformance::{Records, sample},
};
use wxcode_store_mongodb::{Address, MongoStore, OpenError, PATIENCE};
use wxcode_testbed::proxy::Weather;

use crate::support::{fresh, open};

const ALL: Page = Page {
    skip: 0,
    limit: PAGE_MAX,
};

/// Longest operation without an answer, on a busy machine.
const GIVEN_UP: Duration = Duration::from_secs(45);

fn is_away<T: std::fmt::Debug>(answer: Result<T, StoreError>) -> String {
    match answer {
        Err(error @ StoreError::Unavailable(_)) => error.to_string(),
        other => panic!("it is away: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unreachable_database_is_reported() {
    let Some(fresh) = fresh().await else { return };
    let Some((proxy, address)) = fresh.proxy().await else {
        return;
    };
    let store = open(&address).await;
    let project = sample::add_project(&store).await;
    let queued = sample::queue(&store, &sample::text(project, "before")).await;
    for weather in [Weather::Cut, Weather::Silent] {
        proxy.be(weather);
        let begun = Instant::now();
        let said = is_away(store.ping().await);
        assert!(said.contains("127.0.0.1"), "{said}");
        assert!(
            begun.elapsed() < PATIENCE,
            "a ping does not wait for an operation's patience"
        );
        let begun = Instant::now();
        let new = sample::text(project, "during");
        let (written, read) = tokio::join!(store.queue(&new), store.project(project));
        is_away(written);
        is_away(read);
        assert!(
            begun.elapsed() < GIVEN_UP,
            "{weather:?}: {:?}",
            begun.elapsed()
        );

        proxy.be(Weather::Fair(Duration::ZERO));
        let open_now = store.open_deliveries(project).await.unwrap();
        assert!(open_now.first().is_some_and(|first| *first == queued));
        store.ping().await.unwrap();
        sample::queue(&store, &sample::text(project, "after")).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_short_outage_goes_unnoticed() {
    let Some(fresh) = fresh().await else { return };
    let Some((proxy, address)) = fresh.proxy().await else {
        return;
    };
    let store = open(&address).await;
    let project = sample::add_project(&store).await;
    proxy.be(Weather::Cut);
    let new = sample::text(project, "text");
    let (queued, ()) = tokio::join!(store.queue(&new), async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        proxy.be(Weather::Fair(Duration::ZERO));
    });
    assert!(matches!(queued.unwrap(), Queued::New(_)));
    assert_eq!(store.deliveries(project, ALL).await.unwrap().total, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_network_still_works() {
    let Some(fresh) = fresh().await else { return };
    let Some((proxy, address)) = fresh.proxy().await else {
        return;
    };
    let store = open(&address).await;
    proxy.be(Weather::Fair(Duration::from_millis(50)));
    let project = sample::add_project(&store).await;
    let milestone = sample::add_milestone(&store, project).await;
    let queued = sample::queue(&store, &sample::start(project, milestone)).await;
    sample::advance(&store, &queued, DeliveryState::Submitted).await;
    let status = store.milestone(milestone).await.unwrap().unwrap().status;
    assert_eq!(status, MilestoneStatus::InProgress);
}

/// The request arrives and the answer does not, more often than the driver retries: each change
/// happens once, and the caller learns of the success.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_repeats_no_change() {
    let Some(fresh) = fresh().await else { return };
    let Some((proxy, address)) = fresh.proxy().await else {
        return;
    };
    let (store, direct) = (open(&address).await, open(&fresh.address).await);
    for lost in [1, 2, 3, 5] {
        let mut wanted = sample::project();
        wanted.name = format!("{lost} lost");
        proxy.lose_answers(lost);
        store.add_project(&wanted).await.unwrap();
        let project = wanted.id;
        assert_eq!(direct.project(project).await.unwrap(), Some(wanted));

        let milestone = sample::milestone(project);
        proxy.lose_answers(lost);
        assert_eq!(store.add_milestone(&milestone).await.unwrap(), Added::Added);

        proxy.lose_answers(lost);
        let queued = sample::queue(&store, &sample::start(project, milestone.id)).await;
        assert_eq!(queued.text, sample::NEW_PROJECT);
        let text = NewDelivery {
            idempotency_key: Some("key".to_owned()),
            ..sample::text(project, "text")
        };
        proxy.lose_answers(lost);
        sample::queue(&store, &text).await;
        assert_eq!(direct.deliveries(project, ALL).await.unwrap().total, 2);

        proxy.lose_answers(lost);
        let written = sample::advance(&store, &queued, DeliveryState::Written).await;
        assert_eq!(written.version, 1);
        proxy.lose_answers(lost);
        let submitted = sample::advance(&store, &written, DeliveryState::Submitted).await;
        assert_eq!(direct.delivery(queued.id).await.unwrap(), Some(submitted));

        let (first, second) = (Uuid::new_v4(), Uuid::new_v4());
        for (old, new) in [(None, first), (Some(first), second)] {
            proxy.lose_answers(lost);
            let rotated = store.rotate(project, &sample::rotation(old, new)).await;
            assert_eq!(rotated.unwrap(), Rotated::Won);
        }
        let history = direct
            .project(project)
            .await
            .unwrap()
            .unwrap()
            .claude_session_history;
        assert_eq!(history.len(), 2);

        let node = Node {
            id: Uuid::new_v4(),
            name: "a".to_owned(),
        };
        let Claim::Take(taken) = claim(None, &node, Duration::ZERO, Duration::from_secs(60)) else {
            panic!("the address is unassigned")
        };
        let renewed = Tenure::new(taken.clone(), wxcode_core::time::Moment::default()).next();
        for (old, new) in [(None, &taken), (Some(&taken), &renewed)] {
            proxy.lose_answers(lost);
            let swapped = store.swap_lease(project, old, new).await;
            assert_eq!(swapped.unwrap(), Swapped::Won);
        }
        assert_eq!(direct.lease(project).await.unwrap(), Some(renewed));

        proxy.lose_answers(lost);
        let (from, to) = (MilestoneStatus::InProgress, MilestoneStatus::Failed);
        let moved = store
            .advance_milestone(milestone.id, from, to, &sample::moved(50))
            .await;
        assert_eq!(moved.unwrap().unwrap().status, to);
        let (from, to) = (MilestoneStatus::Failed, MilestoneStatus::Pending);
        store
            .advance_milestone(milestone.id, from, to, &sample::moved(51))
            .await
            .unwrap()
            .unwrap();
        proxy.lose_answers(lost);
        let removed = store
            .remove_milestone(milestone.id, sample::at(52), None)
            .await
            .unwrap();
        assert_eq!(removed, Removed::Removed);
        proxy.lose_answers(lost);
        assert!(store.remove_project(project).await.unwrap());
        proxy.lose_answers(0);
        assert_eq!(direct.project(project).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_missing_server_is_named_without_password() {
    let address: Address =
        "mongodb://someone:hunter2@127.0.0.1:1/?directConnection=true&serverSelectionTimeoutMS=300"
            .parse()
            .unwrap();
    let error = MongoStore::open(&address).await.unwrap_err();
    let said = format!("{error} {error:?}");
    assert!(said.contains("127.0.0.1:1"), "{said}");
    assert!(
        !said.contains("hunter2") && !said.contains("someone"),
        "{said}"
    );
}

#[tokio::test]
async fn a_refused_user_sees_no_password() {
    let Some(fresh) = fresh().await else { return };
    let with_user = fresh
        .address
        .replacen("mongodb://", "mongodb://someone:hunter2@", 1);
    let Ok(address) = with_user.parse::<Address>() else {
        return wxcode_testbed::skip("the configured address already has a user");
    };
    let error = MongoStore::open(&address).await.unwrap_err();
    assert!(
        matches!(error, OpenError::Store(StoreError::Unavailable(_))),
        "{error:?}"
    );
    let said = format!("{error} {error:?} {address} {address:?}");
    assert!(said.contains("refuses this user"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
}

#[tokio::test]
async fn a_store_shows_no_password() {
    let Some(fresh) = fresh().await else { return };
    let store = open(&fresh.address).await;
    assert_eq!(
        format!("{store:?}"),
        format!("MongoStore({})", fresh.address.parse::<Address>().unwrap())
    );
    drop(fresh.open().await);
}

/// The TLS back end is linked, and a server without TLS is an ordinary error.
#[tokio::test]
async fn a_server_without_tls_is_refused() {
    let Some(fresh) = fresh().await else { return };
    let address: Address = format!("{}&tls=true&serverSelectionTimeoutMS=2000", fresh.address)
        .parse()
        .unwrap();
    let said = is_away(match MongoStore::open(&address).await {
        Err(OpenError::Store(error)) => Err(error),
        other => panic!("{other:?}"),
    } as Result<(), _>);
    assert!(said.contains("cannot be reached"), "{said}");
}
