//! Carries an upgrade out, at a moment without a loss.
//!
//! The successor checks the state twice: while the session goes on, because the check may hang or
//! crash, and again in its final form, while the holder reads and types nothing. Until the call of
//! `execve` the holder can abort the upgrade.

use std::{path::Path, time::Instant};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fd::{AsFd, OwnedFd},
};
use wxcode_protocol::holder::Event;

use super::{
    candidate::Candidate,
    exec::{Handoff, become_program, number},
    memfd,
    pending::{LAST_CHECK_TIMEOUT, Pending, Refusal},
};
use crate::{
    folder::BUILD,
    process::{
        holder::Holder,
        io::peer::{self, Peer, send_to},
        lifecycle::ending::take_signals,
        own_log::log,
    },
    state::{Facts, State},
};

const LOCKED: &str = "another connection has the input lock";

/// Begins an upgrade requested by a connection.
pub(crate) fn begin(holder: &mut Holder, peer: &mut Peer, build: String, path: &Path) {
    let begun = match holder.upgrade {
        Some(_) => Err(Refusal::later("another upgrade is in progress")),
        None => check_first(holder, peer.id, build, path),
    };
    match begun {
        Ok(pending) => holder.upgrade = Some(pending),
        Err(refusal) => peer.send(&refused(refusal)),
    }
}

fn check_first(
    holder: &mut Holder,
    client: u64,
    build: String,
    path: &Path,
) -> Result<Pending, Refusal> {
    require_running(holder)?;
    let unusable = |error| Refusal::never(format!("{}: {error}", path.display()));
    let candidate = Candidate::open(path, build).map_err(unusable)?;
    let (state, checksum) = seal_state(holder)?;
    let check = candidate
        .check(holder.session.dir(), &state)
        .map_err(unusable)?;
    Ok(Pending::new(client, candidate, check, checksum))
}

/// Continues the upgrade, if there is one. Returns only if the upgrade did not happen yet.
pub(crate) fn upgrade_when_due(holder: &mut Holder, peers: &mut [Peer]) {
    let Some(mut pending) = holder.upgrade.take() else {
        return;
    };
    let now = Instant::now();
    let done = match pending.is_checking() {
        true => pending.take_verdict(now),
        false if now < pending.due() => Ok(()),
        false => try_moment(holder, &mut pending, peers),
    };
    match done {
        Ok(()) => holder.upgrade = Some(pending),
        Err(refusal) => send_to(peers, pending.client(), &refused(refusal)),
    }
}

fn try_moment(
    holder: &mut Holder,
    pending: &mut Pending,
    peers: &mut [Peer],
) -> Result<(), Refusal> {
    require_running(holder)?;
    pending.require_time()?;
    let obstacle = match obstacle(holder, peers) {
        Some(obstacle) => obstacle,
        None => execute(holder, pending, peers)?,
    };
    pending.postpone(obstacle);
    Ok(())
}

fn require_running(holder: &Holder) -> Result<(), Refusal> {
    match holder.life.is_upgradable() {
        true => Ok(()),
        false => Err(Refusal::never("the session is ending")),
    }
}

/// Why this moment is unsuitable.
fn obstacle(holder: &Holder, peers: &[Peer]) -> Option<&'static str> {
    let is_new = |peer: &Peer| !matches!(peer.phase, peer::Phase::Open);
    if holder.input.waiting().is_none() {
        return Some(LOCKED);
    }
    // A hook reports once, and cannot find out whether the holder kept the report.
    peers
        .iter()
        .any(is_new)
        .then_some("something is being reported")
}

/// Continues as the program, if nothing arrives meanwhile; otherwise returns the reason.
fn execute(
    holder: &mut Holder,
    pending: &Pending,
    peers: &mut [Peer],
) -> Result<&'static str, Refusal> {
    let until = Instant::now() + LAST_CHECK_TIMEOUT;
    let (state, checksum) = seal_state(holder)?;
    let candidate = pending.candidate();
    let unusable = |error| Refusal::never(format!("the program does not run: {error}"));
    let mut check = candidate
        .check(holder.session.dir(), &state)
        .map_err(unusable)?;
    match check.wait(until).map_err(Refusal::never)? {
        Some(verdict) => candidate
            .accepts(verdict, checksum)
            .map_err(Refusal::never)?,
        None => return Ok("the machine is overloaded"),
    }
    check.end();
    // The check ended, and perhaps the agent.
    take_signals(holder);
    require_running(holder)?;
    if is_input_pending(holder, peers) {
        return Ok("too much is going on");
    }
    for peer in peers.iter_mut() {
        if peer.id == pending.client() {
            peer.send(&Event::Upgrading);
        }
        peer.flush();
    }
    let error = become_candidate(holder, candidate, &state);
    Err(Refusal::never(format!("the program does not run: {error}")))
}

/// Whether arrived data would get lost, or must be processed first.
fn is_input_pending(holder: &Holder, peers: &[Peer]) -> bool {
    let sockets = peers.iter().map(|peer| peer.socket.as_fd());
    let mut fds: Vec<_> = [holder.life.signals().as_fd()]
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

fn become_candidate(holder: &Holder, candidate: &Candidate, state: &OwnedFd) -> std::io::Error {
    let Some(listener) = holder.listener.socket() else {
        return std::io::ErrorKind::NotConnected.into();
    };
    let slave = holder.pty.slave();
    let handoff = Handoff {
        state: number(state),
        program: number(candidate.program()),
        master: number(holder.pty.master()),
        slave: slave.map(number),
        listener: number(listener),
        end: holder.output.end(),
        next_hook_seq: holder.journal.next_seq(),
    };
    let fds = [state, candidate.program(), holder.pty.master(), listener];
    let kept: Vec<_> = fds.into_iter().chain(slave).map(AsFd::as_fd).collect();
    become_program(&candidate.path(), holder.session.dir(), &handoff, &kept)
}

/// The present state, sealed, with a checksum; writes the log first.
fn seal_state(holder: &mut Holder) -> Result<(OwnedFd, u32), Refusal> {
    holder.output.flush_log();
    let state = state(holder).ok_or_else(|| Refusal::later(LOCKED))?;
    let bytes = state
        .encode()
        .map_err(|error| Refusal::never(error.to_string()))?;
    let sealed = memfd::sealed(&bytes)
        .map_err(|error| Refusal::never(format!("the state cannot be kept: {error}")))?;
    Ok((sealed, crc32c::crc32c(&bytes)))
}

/// Everything another program needs for continuing; `None` while a lock has input.
fn state(holder: &Holder) -> Option<State> {
    let (typing, bytes) = holder.input.waiting()?;
    let facts = Facts {
        build: BUILD.to_owned(),
        spec: holder.session.spec().clone(),
        holder: holder.session.file().clone(),
        end: holder.output.end(),
        sizes: holder.output.sizes().state(),
        typing,
        clients: holder.input.clients(),
        next_client: holder.listener.next_id(),
        next_hook_seq: holder.journal.next_seq(),
        log_off: holder.output.log_off().map(str::to_owned),
        quiet: holder.output.is_quiet(),
        report: holder.output.report().cloned(),
        held: holder.output.held(),
        kills: holder.life.kills(),
        upgrades: holder.session.upgrades(),
    };
    Some(State {
        facts,
        screen: State::screen_of(holder.output.screen()),
        ring: holder.output.ring().held().concat(),
        typing: bytes,
        keys: holder.input.keys(),
    })
}

fn refused(refusal: Refusal) -> Event {
    let Refusal { busy, reason } = refusal;
    if !busy {
        log(&format!("the session stays with {BUILD}: {reason}"));
    }
    Event::UpgradeRefused { busy, reason }
}
