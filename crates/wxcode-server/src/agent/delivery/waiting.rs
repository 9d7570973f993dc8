//! Finds waiting deliveries without a notification, and wakes their sessions.
//!
//! The store may queue a delivery although its answer is lost. Then no session is notified, and the
//! client learns that the outcome is unknown. A timer looks for waiting deliveries and notifies
//! their sessions. The server looks up each delivery of unknown outcome, and gives it a session
//! like any other delivery. A delivery that waited for its time gets a session when the time has
//! come.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::time::sleep;
use wxcode_core::{delivery::Delivery, id::Id};
use wxcode_store::{NextQuery, StoreError};

use super::{room, schedule, settle, unknown::Unknown};
use crate::{
    agent::{
        context::Context,
        launch::{error::StartError, session::get_or_start},
    },
    workspace,
};

/// Pause between two looks for projects with waiting deliveries.
const LOOK_EVERY: Duration = Duration::from_secs(15);
/// Pause between two looks while deliveries wait for room.
const ROOM_LOOK: Duration = Duration::from_secs(1);
/// The first pause before the server looks up a delivery of unknown outcome; the pause doubles to
/// [`LOOK_EVERY`].
const UNSURE_FIRST: Duration = Duration::from_secs(1);

/// Looks for waiting deliveries, until the server ends.
pub(in crate::agent) async fn look_for_waiting(context: &Arc<Context>) {
    tokio::select! {
        () = look(context) => {}
        () = wake_told(context) => {}
    }
}

/// Notifies the sessions here of deliveries that other processes queued.
async fn wake_told(context: &Context) {
    loop {
        for project in context.store.told_deliveries().await {
            let session = context.slots.known(project).and_then(|slot| slot.running());
            if let Some(session) = session {
                session.queued.notify_one();
            }
        }
    }
}

async fn look(context: &Arc<Context>) {
    let mut pause = LOOK_EVERY;
    loop {
        tokio::select! {
            () = context.closing.cancelled() => return,
            () = context.unknown_outcomes.added.notified() => {
                pause = UNSURE_FIRST;
                continue;
            }
            () = sleep(pause) => {}
        }
        let ahead = match wake_waiting(context).await {
            Ok(ahead) => ahead,
            Err(error) => {
                tracing::debug!(%error, "cannot look for deliveries that wait");
                LOOK_EVERY
            }
        };
        let mut has_unknown = false;
        for unknown in context.unknown_outcomes.all() {
            if take_up(context, unknown).await {
                context.unknown_outcomes.forget(unknown);
            } else {
                has_unknown = true;
            }
        }
        pause = match has_unknown {
            true => ahead.min(UNSURE_FIRST.max(pause * 2)),
            false => ahead,
        };
    }
}

/// Notifies the sessions with waiting deliveries, and starts a session for a delivery whose time
/// has come. Returns the time until the next delivery is due, at most [`LOOK_EVERY`].
async fn wake_waiting(context: &Arc<Context>) -> Result<Duration, StoreError> {
    let mut ahead = LOOK_EVERY;
    let mut for_room = Vec::new();
    for project in context.store.projects_with_open_deliveries().await? {
        let session = context.slots.known(project).and_then(|slot| slot.running());
        if let Some(session) = session {
            session.queued.notify_one();
            continue;
        }
        let query = NextQuery {
            now: Timestamp::now(),
            in_turn: false,
        };
        let next = context.store.next_delivery(project, query).await?;
        if let Some(at) = next.due_at {
            ahead = ahead.min(schedule::pause(query.now, at));
        }
        if let Some(delivery) = next
            .delivery
            .as_ref()
            .filter(|first| room::is_waiting(first))
        {
            for_room.push(delivery.clone());
            continue;
        }
        // Deliveries without a time are on their way to a session, or are settled at the session's
        // end.
        let due = next
            .delivery
            .filter(|delivery| delivery.is_waiting() && delivery.not_before.is_some());
        if let Some(delivery) = due
            && !context.leases.is_elsewhere(project).await?
        {
            begin(context, project, delivery.id).await;
        }
    }
    if !for_room.is_empty() {
        ahead = ahead.min(ROOM_LOOK);
        give_room(context, for_room).await?;
    }
    Ok(ahead)
}

/// Starts the sessions of the first deliveries that wait for room, and tells the others their
/// places.
async fn give_room(context: &Arc<Context>, mut waiting: Vec<Delivery>) -> Result<(), StoreError> {
    waiting.sort_by_key(|delivery| (delivery.created_at, delivery.id));
    let mut rest = Vec::new();
    for delivery in waiting {
        let project = delivery.output_project_id;
        let takes = !context.is_full() && !context.is_draining() && reaches(context, project).await;
        if takes && !context.leases.is_elsewhere(project).await? {
            begin(context, project, delivery.id).await;
        } else {
            rest.push(delivery);
        }
    }
    room::tell_places(context, &rest).await;
    Ok(())
}

/// Whether this node reaches the workspace of a project.
async fn reaches(context: &Context, project: Id) -> bool {
    let Ok(Some(record)) = context.store.project(project).await else {
        return false;
    };
    let path = record.workspace_path.clone();
    let look = move || workspace::check(&path);
    let looked = wxcode_files::off_thread(&record.workspace_path, look);
    looked.await.is_ok()
}

/// Starts a session for a delivery whose time has come. If no session can start yet, the next look
/// tries again.
async fn begin(context: &Arc<Context>, project: Id, delivery: Id) {
    let slot = context.slots.get(project);
    let _guard = slot.lock().await;
    // The delivery may be cancelled or put off meanwhile.
    let found = context.store.delivery(delivery).await;
    let is_due = |found: &Delivery| found.is_waiting() && !found.is_ahead(Timestamp::now());
    let Some(delivery) = found.ok().flatten().filter(is_due) else {
        return;
    };
    let started = get_or_start(context, &slot, project).await;
    let noted = match started {
        Ok(found) => {
            tracing::info!(%project, delivery = %delivery.id, "the time of a delivery has come");
            found.session.queued.notify_one();
            return;
        }
        Err(StartError::Store(StoreError::Unavailable(_)) | StartError::Closing) => return,
        Err(StartError::Elsewhere { .. } | StartError::NoProject) => return,
        Err(StartError::Full(_) | StartError::Draining) => return,
        // The obstacle may go away, on this server or another.
        Err(error @ (StartError::InRun(_) | StartError::Claimed(_) | StartError::Workspace(_))) => {
            settle::note(&context.store, &delivery, error.to_string()).await
        }
        Err(error) => settle::fail(&context.store, &delivery, error.to_string()).await,
    };
    if let Err(error) = noted {
        tracing::debug!(%project, %error, "cannot note the obstacle of a delivery");
    }
}

/// Starts a session for a delivery of unknown outcome, if the store has the delivery; returns
/// whether the outcome is known now.
async fn take_up(context: &Arc<Context>, Unknown { project, delivery }: Unknown) -> bool {
    match is_open(context, delivery).await {
        Ok(true) => {}
        Ok(false) => return true,
        Err(_) => return false,
    }
    let slot = context.slots.get(project);
    let _guard = slot.lock().await;
    // A run holds the slot: the delivery waits for its end.
    if slot.is_free().is_err() {
        return false;
    }
    // The delivery may have been carried out, or failed, meanwhile.
    match is_open(context, delivery).await {
        Ok(true) => {}
        Ok(false) => return true,
        Err(_) => return false,
    }
    match get_or_start(context, &slot, project).await {
        Ok(found) => {
            tracing::info!(%project, %delivery, "took up a delivery that the store had queued without an answer");
            found.session.queued.notify_one();
            true
        }
        Err(StartError::Store(StoreError::Unavailable(_)) | StartError::Closing) => false,
        // The other server's timer finds the delivery.
        Err(StartError::Elsewhere { .. }) => true,
        Err(error) => settle::fail_by_id(&context.store, delivery, error.to_string())
            .await
            .is_ok(),
    }
}

async fn is_open(context: &Context, delivery: Id) -> Result<bool, StoreError> {
    let delivery = context.store.delivery(delivery).await?;
    Ok(delivery.is_some_and(|delivery| !delivery.state.is_over()))
}
