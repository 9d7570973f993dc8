//! Following a session anew whose following a defect broke off: a panic costs a moment, not the session.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::{FutureExt, future::BoxFuture};
use tokio::time::sleep;
use wxcode_holder::folder::{self, State};

use super::{
    adoption::read_note, live::Session, registry::Sessions, start::Started, watcher::Watcher,
};

/// How long to wait before: what fails at once must not keep a processor busy.
const PAUSE: Duration = Duration::from_secs(1);

impl Sessions {
    /// Follows a session to its end, or until the server closes, over any panic.
    pub(super) fn watch(&self, session: Arc<Session>, watcher: Watcher) {
        let sessions = self.clone();
        self.0.watchers.spawn(async move {
            let closing = watcher.closing.clone();
            if AssertUnwindSafe(watcher.run()).catch_unwind().await.is_err() {
                tracing::error!(session = %session.id, "a defect broke off the following of a session; it is followed anew");
                tokio::select! {
                    () = sleep(PAUSE) => sessions.follow_anew(&session).await,
                    () = closing.cancelled() => {}
                }
            }
        });
    }

    fn follow_anew<'a>(&'a self, broken: &'a Session) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let seat = self.seat(broken.project_id);
            let dir = broken.dir.clone();
            let looked =
                tokio::task::spawn_blocking(move || (folder::inspect(&dir), read_note(&dir)));
            let Ok((
                Ok(State::Live(holder) | State::Lost(holder) | State::Exited(Some(holder), _)),
                Some((note, at)),
            )) = looked.await
            else {
                tracing::error!(session = %broken.id, "its folder cannot be read: restart the server once that is mended");
                return;
            };
            if seat.latest().is_none_or(|latest| latest.id != broken.id) {
                return; // another one has taken its place
            }
            let current = self.current_conversation(&note).await;
            let (id, dir) = (broken.id, broken.dir.clone());
            let started = Started {
                id,
                dir,
                note,
                holder,
                at,
            };
            self.follow(&seat, started, current).await;
        })
    }
}

#[cfg(test)]
mod tests;
