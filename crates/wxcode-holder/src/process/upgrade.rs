//! Upgrade: replaces the holder by another program, after checks, at a moment that loses nothing.
//!
//! The program checks the state twice: while the session goes on, because the check may hang or
//! crash, and again the final state, while nothing is read or typed. Until the call of `execve` the
//! upgrade can be aborted.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fd::{AsFd, BorrowedFd, OwnedFd},
};

use super::{
    candidate::{Candidate, Check},
    exec::{Lifeline, become_program, number},
    holder::{Holder, Phase},
    log, memfd,
    peer::{self, Peer},
    requests::tell,
};
use crate::{
    folder::BUILD,
    state::{Facts, State},
};
use wxcode_protocol::holder::Event;

/// Time for the check while the session goes on.
pub(super) const CHECK_TIMEOUT: Duration = Duration::from_secs(10);
/// Time for the check while the session waits.
pub(super) const LAST_CHECK_TIMEOUT: Duration = Duration::from_secs(2);
/// Time to find a moment that loses nothing.
pub(super) const MOMENT_TIMEOUT: Duration = Duration::from_secs(5);
/// Pause between two looks for it.
const AGAIN: Duration = Duration::from_millis(10);

/// A requested upgrade.
pub(super) struct Upgrade {
    /// The connection that gets the answer.
    client: u64,
    candidate: Candidate,
    /// The first check of the state, and its checksum.
    check: Option<(Check, u32)>,
    /// Why the last moment was unsuitable.
    obstacle: &'static str,
    next: Instant,
    until: Instant,
}

/// Why the holder stays as it is.
struct Refusal {
    busy: bool,
    reason: String,
}

impl Refusal {
    fn never(reason: impl Into<String>) -> Self {
        Self {
            busy: false,
            reason: reason.into(),
        }
    }

    fn later(reason: &str) -> Self {
        Self {
            busy: true,
            reason: format!("{reason}; try again later"),
        }
    }
}

impl Upgrade {
    /// Readable when the program may have answered.
    pub(super) fn awaits(&self) -> Option<BorrowedFd<'_>> {
        self.check.as_ref().map(|(check, _)| check.awaits())
    }

    /// The time of the next [`Holder::upgrade_when_due`].
    pub(super) fn due(&self) -> Instant {
        match self.check {
            Some(_) => self.until,
            None => self.until.min(self.next),
        }
    }
}

impl Holder {
    /// A connection asks the holder to continue as the program at a path.
    pub(super) fn upgrade(&mut self, peer: &mut Peer, build: String, path: &Path) {
        let begun = match self.upgrade {
            Some(_) => Err(Refusal::later("it is going on as another program already")),
            None => self.begin_upgrade(peer.id, build, path),
        };
        match begun {
            Ok(upgrade) => self.upgrade = Some(upgrade),
            Err(refusal) => peer.tell(&refused(refusal)),
        }
    }

    fn begin_upgrade(
        &mut self,
        client: u64,
        build: String,
        path: &Path,
    ) -> Result<Upgrade, Refusal> {
        self.is_upgradable()?;
        let unusable = |error| Refusal::never(format!("{}: {error}", path.display()));
        let candidate = Candidate::open(path, build).map_err(unusable)?;
        let (state, checksum) = self.hand_on()?;
        let check = candidate.check(&self.dir, &state).map_err(unusable)?;
        let now = Instant::now();
        Ok(Upgrade {
            client,
            candidate,
            check: Some((check, checksum)),
            obstacle: "",
            next: now,
            until: now + CHECK_TIMEOUT,
        })
    }

    /// Continues the upgrade, if there is one; returns only if it did not happen yet.
    pub(super) fn upgrade_when_due(&mut self, peers: &mut [Peer]) {
        let Some(mut upgrade) = self.upgrade.take() else {
            return;
        };
        let done = match upgrade.check {
            Some(_) => self.take_verdict(&mut upgrade),
            None => self.jump_when_due(&mut upgrade, peers),
        };
        match done {
            Ok(()) => self.upgrade = Some(upgrade),
            Err(refusal) => tell(peers, upgrade.client, &refused(refusal)),
        }
    }

    fn take_verdict(&mut self, upgrade: &mut Upgrade) -> Result<(), Refusal> {
        let Some((check, checksum)) = &mut upgrade.check else {
            return Ok(());
        };
        let now = Instant::now();
        match check.verdict().map_err(Refusal::never)? {
            Some(verdict) => upgrade
                .candidate
                .accepts(verdict, *checksum)
                .map_err(Refusal::never)?,
            None if now < upgrade.until => return Ok(()),
            None => return Err(Refusal::never("the program did not answer within 10 s")),
        }
        upgrade.check = None;
        upgrade.until = now + MOMENT_TIMEOUT;
        upgrade.next = now;
        Ok(())
    }

    fn jump_when_due(&mut self, upgrade: &mut Upgrade, peers: &mut [Peer]) -> Result<(), Refusal> {
        let now = Instant::now();
        if now < upgrade.next {
            return Ok(());
        }
        self.is_upgradable()?;
        if now >= upgrade.until {
            return Err(Refusal::later(upgrade.obstacle));
        }
        let obstacle = match self.obstacle(peers) {
            Some(obstacle) => obstacle,
            None => self.jump(upgrade, peers)?,
        };
        upgrade.obstacle = obstacle;
        upgrade.next = Instant::now() + AGAIN;
        Ok(())
    }

    /// Whether an upgrade is possible at all.
    fn is_upgradable(&self) -> Result<(), Refusal> {
        match (self.phase, &self.stop) {
            (Phase::Running, None) => Ok(()),
            _ => Err(Refusal::never("the session is ending")),
        }
    }

    /// Why this moment is unsuitable.
    fn obstacle(&self, peers: &[Peer]) -> Option<&'static str> {
        let is_new = |peer: &Peer| !matches!(peer.phase, peer::Phase::Open);
        if self.claim.is_some() || self.inputs.keep().is_none() {
            return Some("another connection has the keyboard");
        }
        // A hook reports once, and cannot find out whether its report was kept.
        peers
            .iter()
            .any(is_new)
            .then_some("something is being reported")
    }

    /// Continues as the program, if nothing arrives meanwhile; otherwise returns the reason.
    fn jump(&mut self, upgrade: &Upgrade, peers: &mut [Peer]) -> Result<&'static str, Refusal> {
        let until = Instant::now() + LAST_CHECK_TIMEOUT;
        let (state, checksum) = self.hand_on()?;
        let candidate = &upgrade.candidate;
        let gone = |error| Refusal::never(format!("the program does not run: {error}"));
        let mut check = candidate.check(&self.dir, &state).map_err(gone)?;
        match check.wait(until).map_err(Refusal::never)? {
            Some(verdict) => candidate
                .accepts(verdict, checksum)
                .map_err(Refusal::never)?,
            None => return Ok("the machine is overloaded"),
        }
        check.end();
        // Its own end does not matter; the agent's does.
        self.take_signals();
        self.is_upgradable()?;
        if self.has_news(peers) {
            return Ok("too much is going on");
        }
        for peer in peers.iter_mut() {
            if peer.id == upgrade.client {
                peer.tell(&Event::Upgrading);
            }
            peer.flush();
        }
        let error = self.become_candidate(candidate, &state);
        Err(Refusal::never(format!("the program does not run: {error}")))
    }

    /// Whether data arrived that would get lost, or must be processed first.
    fn has_news(&self, peers: &[Peer]) -> bool {
        let sockets = peers.iter().map(|peer| peer.socket.as_fd());
        let mut fds: Vec<_> = [self.signals.as_fd()]
            .into_iter()
            .chain(sockets)
            .map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN))
            .collect();
        let at_once = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        !matches!(poll(&mut fds, Some(&at_once)), Ok(0))
    }

    fn become_candidate(&self, candidate: &Candidate, state: &OwnedFd) -> std::io::Error {
        let Some(listener) = &self.listener else {
            return std::io::ErrorKind::NotConnected.into();
        };
        let slave = self.pty.slave();
        let lifeline = Lifeline {
            state: number(state),
            program: number(candidate.program()),
            master: number(self.pty.master()),
            slave: slave.map(number),
            listener: number(listener),
            end: self.ring.end(),
            next_hook_seq: self.journal.next_seq(),
        };
        let fds = [state, candidate.program(), self.pty.master(), listener];
        let kept: Vec<_> = fds.into_iter().chain(slave).map(AsFd::as_fd).collect();
        become_program(&candidate.path(), &self.dir, &lifeline, &kept)
    }

    /// The present state, sealed, and its checksum; writes the log first.
    fn hand_on(&mut self) -> Result<(OwnedFd, u32), Refusal> {
        self.log.flush();
        let state = self
            .keep()
            .ok_or_else(|| Refusal::later("another connection has the keyboard"))?;
        let bytes = state
            .encode()
            .map_err(|error| Refusal::never(error.to_string()))?;
        let sealed = memfd::sealed(&bytes)
            .map_err(|error| Refusal::never(format!("the state cannot be kept: {error}")))?;
        Ok((sealed, crc32c::crc32c(&bytes)))
    }

    /// Everything that another program needs to continue; `None` while a lock has input.
    fn keep(&self) -> Option<State> {
        let (typing, bytes) = self.inputs.keep()?;
        let facts = Facts {
            build: BUILD.to_owned(),
            spec: self.spec.clone(),
            holder: self.file.clone(),
            end: self.ring.end(),
            sizes: self.sizes.keep(),
            typing,
            clients: self.numbers.keep(),
            next_client: self.next_peer,
            next_hook_seq: self.journal.next_seq(),
            log_off: self.log.off().map(str::to_owned),
            quiet: self.quiet_at.is_none(),
            kills: self.kills.count(),
            upgrades: self.upgrades,
        };
        Some(State {
            facts,
            screen: State::screen_of(&self.screen),
            ring: self.ring.held().concat(),
            typing: bytes,
            keys: self.keys.iter().cloned().collect(),
        })
    }
}

fn refused(refusal: Refusal) -> Event {
    let Refusal { busy, reason } = refusal;
    if !busy {
        log(&format!("the session stays with {BUILD}: {reason}"));
    }
    Event::UpgradeRefused { busy, reason }
}
