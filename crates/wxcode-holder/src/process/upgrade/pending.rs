//! A requested upgrade: the check, and the search for a suitable moment.

use std::time::{Duration, Instant};

use rustix::fd::BorrowedFd;

use super::candidate::{Candidate, Check};

/// Time for the check while the session goes on.
const CHECK_TIMEOUT: Duration = Duration::from_secs(10);
/// Time for the check while the session waits.
pub(crate) const LAST_CHECK_TIMEOUT: Duration = Duration::from_secs(2);
/// Time for finding a moment without a loss.
const MOMENT_TIMEOUT: Duration = Duration::from_secs(5);
/// Pause between two tries.
const TRY_AGAIN: Duration = Duration::from_millis(10);

/// Why the holder continues as before.
pub(crate) struct Refusal {
    /// Whether a later request may succeed.
    pub(crate) busy: bool,
    pub(crate) reason: String,
}

impl Refusal {
    pub(crate) fn never(reason: impl Into<String>) -> Self {
        Self {
            busy: false,
            reason: reason.into(),
        }
    }

    pub(crate) fn later(reason: &str) -> Self {
        Self {
            busy: true,
            reason: format!("{reason}; try again later"),
        }
    }
}

/// A requested upgrade.
pub(crate) struct Pending {
    /// The connection awaiting the answer.
    client: u64,
    candidate: Candidate,
    /// The first check of the state, and the state's checksum.
    check: Option<(Check, u32)>,
    /// Why the last moment was unsuitable.
    obstacle: &'static str,
    next: Instant,
    until: Instant,
}

impl Pending {
    pub(crate) fn new(client: u64, candidate: Candidate, check: Check, checksum: u32) -> Self {
        let now = Instant::now();
        Self {
            client,
            candidate,
            check: Some((check, checksum)),
            obstacle: "",
            next: now,
            until: now + CHECK_TIMEOUT,
        }
    }

    pub(crate) fn client(&self) -> u64 {
        self.client
    }

    pub(crate) fn candidate(&self) -> &Candidate {
        &self.candidate
    }

    /// Whether the first check has no verdict yet.
    pub(crate) fn is_checking(&self) -> bool {
        self.check.is_some()
    }

    /// Readable when the program may have answered.
    pub(crate) fn awaits(&self) -> Option<BorrowedFd<'_>> {
        self.check.as_ref().map(|(check, _)| check.awaits())
    }

    /// The time of the next step.
    pub(crate) fn due(&self) -> Instant {
        match self.check {
            Some(_) => self.until,
            None => self.until.min(self.next),
        }
    }

    /// Takes the verdict of the first check, if it has arrived.
    pub(crate) fn take_verdict(&mut self, now: Instant) -> Result<(), Refusal> {
        let Some((check, checksum)) = &mut self.check else {
            return Ok(());
        };
        match check.verdict().map_err(Refusal::never)? {
            Some(verdict) => self
                .candidate
                .accepts(verdict, *checksum)
                .map_err(Refusal::never)?,
            None if now < self.until => return Ok(()),
            None => return Err(Refusal::never("the program did not answer within 10 s")),
        }
        self.check = None;
        self.until = now + MOMENT_TIMEOUT;
        self.next = now;
        Ok(())
    }

    /// Refuses when no moment was found in time.
    pub(crate) fn require_time(&self) -> Result<(), Refusal> {
        match Instant::now() < self.until {
            true => Ok(()),
            false => Err(Refusal::later(self.obstacle)),
        }
    }

    /// Tries again soon, because of an obstacle.
    pub(crate) fn postpone(&mut self, obstacle: &'static str) {
        self.obstacle = obstacle;
        self.next = Instant::now() + TRY_AGAIN;
    }
}
