//! Changes the holder of a quiet session to this build, after a start by another build.

use std::{path::PathBuf, sync::Arc, time::Duration};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};
use wxcode_core::id::Id;
use wxcode_holder::{
    client::{ClientError, Request, Sender, Welcome},
    folder::BUILD,
};

/// Holders changing at the same time.
pub(in crate::agent) const AT_ONCE: usize = 4;
/// Most tries with a holder until the server starts again.
const TRIES: u32 = 3;
/// Pause before looking again whether the session is quiet.
const AGAIN: Duration = Duration::from_secs(1);
/// Pause before trying a busy holder again.
const BUSY: Duration = Duration::from_secs(5);
/// Pause after a failure.
const FAILED: Duration = Duration::from_secs(15);
/// Time for a holder's answer; longer than the holder's own limit.
const ANSWER: Duration = Duration::from_secs(30);

/// The upgrade of a session's holder.
#[derive(Debug)]
pub(in crate::agent) struct Upgrade {
    session: Id,
    /// The program of this build.
    program: PathBuf,
    /// Permits for upgrades at the same time; `None` when holders keep their build.
    permits: Option<Arc<Semaphore>>,
    tries: u32,
    /// The time of the next look.
    due: Option<Instant>,
    /// The holder was asked, and has not answered or returned.
    asked: Option<OwnedSemaphorePermit>,
}

impl Upgrade {
    pub(in crate::agent) fn new(
        session: Id,
        program: PathBuf,
        permits: Option<Arc<Semaphore>>,
    ) -> Self {
        Self {
            session,
            program,
            permits,
            tries: 0,
            due: None,
            asked: None,
        }
    }

    /// The holder is connected again, and reports its build.
    pub(in crate::agent) fn connected(&mut self, welcome: &Welcome, now: Instant) {
        let asked = self.asked.take().is_some();
        self.due = None;
        let is_ours = welcome.build == BUILD;
        if asked && is_ours {
            tracing::info!(session = %self.session, build = BUILD, "the session's holder now runs this build");
        }
        if !is_ours && self.permits.is_some() {
            match asked {
                true => self.failed("its holder came back as it was", now),
                false => self.due = Some(now),
            }
        }
    }

    /// The time of the next [`Self::tick`].
    pub(in crate::agent) fn deadline(&self) -> Option<Instant> {
        self.due
    }

    /// Asks the holder for the upgrade when due, with a quiet session and a free permit.
    pub(in crate::agent) async fn tick(
        &mut self,
        is_quiet: bool,
        holder: &Sender,
        now: Instant,
    ) -> Result<(), ClientError> {
        if self.due.is_none_or(|due| now < due) {
            return Ok(());
        }
        if self.asked.take().is_some() {
            self.failed("its holder did not answer", now);
            return Ok(());
        }
        self.due = Some(now + AGAIN);
        let permits = self.permits.as_ref().filter(|_| is_quiet);
        let Some(permit) = permits.and_then(|permits| Arc::clone(permits).try_acquire_owned().ok())
        else {
            return Ok(());
        };
        let request = Request::Upgrade {
            build: BUILD.to_owned(),
            program: self.program.clone(),
        };
        holder.post(request).await?;
        self.asked = Some(permit);
        self.due = Some(now + ANSWER);
        Ok(())
    }

    /// The holder refused and keeps its build.
    pub(in crate::agent) fn refused(&mut self, busy: bool, reason: &str, now: Instant) {
        self.asked = None;
        match busy {
            true => self.due = Some(now + BUSY),
            false => self.failed(reason, now),
        }
    }

    fn failed(&mut self, reason: &str, now: Instant) {
        self.tries += 1;
        let is_last = self.tries >= TRIES;
        tracing::warn!(session = %self.session, reason, is_last, "could not upgrade the session's holder; the session continues with the old build");
        self.due = (!is_last).then_some(now + FAILED);
    }
}
