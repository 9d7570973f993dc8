//! Deliveries at the end of a session, on a slow store.

use std::{
    path::Path,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::Duration,
};

use futures_util::FutureExt as _;
use jiff::Timestamp;
use tokio::{sync::Semaphore, time::timeout};
use wxcode_core::delivery::DeliveryState;
use wxcode_holder::folder::{self, State};
use wxcode_store::{
    Command, DeliveryStore, ProjectStore, conformance::sample, sqlite::SqliteStore,
};

use super::*;
use crate::{
    agent::{double, metadata::Launch, monitor::begin, process::Launched},
    repository::Before,
};

/// Time within which a delivery without a wait must finish.
const AT_ONCE: Duration = Duration::from_secs(2);

fn delivery(project: Id) -> NewDelivery {
    NewDelivery {
        id: sample::id(),
        output_project_id: project,
        command: Command::Text("hello".to_owned()),
        idempotency_key: None,
        not_before: None,
        steer: false,
        at: Timestamp::now(),
        fence: None,
    }
}

/// An ended session, not yet settled by any server.
fn ended(data: &Path, project: Id, is_latest: bool) -> Launched {
    let id = sample::id();
    let dir = double::interrupted(&data.join("sessions"), id, project);
    let launch = Launch::read(&dir).unwrap();
    let State::Exited(Some(holder), _) = folder::inspect(&dir).unwrap() else {
        panic!("it has ended");
    };
    Launched {
        id,
        dir,
        metadata: launch.metadata,
        holder,
        workspace: launch.workspace,
        at: launch.at,
        is_latest,
    }
}

#[tokio::test]
async fn delivery_waits_for_a_settling_session() {
    let data = tempfile::tempdir().unwrap();
    let inner = Arc::new(SqliteStore::open(&data.path().join("wxcode.db")).unwrap());
    let project = sample::project();
    inner.add_project(&project).await.unwrap();
    let early = delivery(project.id);
    inner.queue(&early).await.unwrap();
    // The store takes its time over the first delivery settled by the session.
    let (settling, released) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let is_first = AtomicBool::new(true);
    let (told, waits) = (Arc::clone(&settling), Arc::clone(&released));
    let slow: Before = Box::new(move |operation| {
        if operation != "step" || !is_first.swap(false, Relaxed) {
            return std::future::ready(()).boxed();
        }
        told.add_permits(1);
        let waits = Arc::clone(&waits);
        async move { waits.acquire().await.unwrap().forget() }.boxed()
    });
    let sessions = double::sessions(data.path().to_owned(), Arc::clone(&inner), Some(slow));
    let slot = sessions.0.slots.get(project.id);
    let session = begin::session(
        &sessions.0,
        &slot,
        ended(data.path(), project.id, true),
        None,
    )
    .await;
    settling.acquire().await.unwrap().forget();

    let late = delivery(project.id);
    let deliver = sessions.deliver(&late);
    tokio::pin!(deliver);
    let at_once = timeout(AT_ONCE, &mut deliver).await;
    released.add_permits(1);
    timeout(Duration::from_secs(60), session.ended())
        .await
        .unwrap();
    assert!(
        at_once.is_err(),
        "it is queued beside the settling: {at_once:?}"
    );
    // No agent can be started here: the delivery is failed, and not left waiting.
    deliver.await.unwrap_err();
    for id in [early.id, late.id] {
        let delivery = inner.delivery(id).await.unwrap().unwrap();
        assert_eq!(delivery.state, DeliveryState::Failed, "{delivery:?}");
    }
}

#[tokio::test]
async fn older_session_leaves_newer_deliveries() {
    let data = tempfile::tempdir().unwrap();
    let inner = Arc::new(SqliteStore::open(&data.path().join("wxcode.db")).unwrap());
    let project = sample::project();
    inner.add_project(&project).await.unwrap();
    let new = delivery(project.id);
    inner.queue(&new).await.unwrap();
    let sessions = double::sessions(data.path().to_owned(), Arc::clone(&inner), None);
    let slot = sessions.0.slots.get(project.id);
    for (is_latest, state) in [
        (false, DeliveryState::Queued),
        (true, DeliveryState::Failed),
    ] {
        let session = begin::session(
            &sessions.0,
            &slot,
            ended(data.path(), project.id, is_latest),
            None,
        )
        .await;
        timeout(Duration::from_secs(60), session.ended())
            .await
            .unwrap();
        let delivery = inner.delivery(new.id).await.unwrap().unwrap();
        assert_eq!(delivery.state, state, "{delivery:?}");
    }
}
