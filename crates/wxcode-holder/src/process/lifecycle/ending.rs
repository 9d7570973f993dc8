//! The end of a session: the agent's own end or an end on request, the last bytes, the record, the
//! descendants.
//!
//! Invariants: the exit is reported after the last byte. Once a stop has been answered, no process
//! of the agent's tree runs.

use std::{io, time::Instant};

use rustix::process::Signal;
use wxcode_terminal::Screen;

use super::{detach, life::Phase};
use crate::{
    folder::{EXIT, HOLDER, HOOK, SCREEN, SOCKET, write_json, write_whole},
    process::{
        holder::Holder,
        io::peer::{self, Peer},
        own_log::log,
    },
};

/// Takes the arrived signals: SIGTERM ends everything, SIGCHLD reports ended children.
pub(crate) fn take_signals(holder: &mut Holder) {
    for signal in detach::take_signals(holder.life.signals()) {
        if signal == Signal::TERM.as_raw() {
            holder.life.terminate();
        }
    }
    reap(holder);
}

/// Reaps ended children; begins the end of the session if the agent has ended.
pub(crate) fn reap(holder: &mut Holder) {
    if holder.life.reap() {
        agent_ended(holder);
    }
}

fn agent_ended(holder: &mut Holder) {
    holder.pty.release();
    holder.input.close();
    holder.output.agent_ended(Instant::now());
}

/// The time of the next [`end_when_due`].
pub(crate) fn due(holder: &Holder) -> Option<Instant> {
    let phase = match holder.life.phase() {
        Phase::Running => None,
        Phase::Draining(until) => holder.output.drain_due(until),
        Phase::Ended(until) => Some(until),
    };
    holder.life.press_due().into_iter().chain(phase).min()
}

/// Continues a stop and the end.
pub(crate) fn end_when_due(holder: &mut Holder, peers: &mut [Peer]) {
    let now = Instant::now();
    let (ended, gone) = holder.life.press(now);
    if ended {
        agent_ended(holder);
    }
    if let Phase::Draining(until) = holder.life.phase()
        && holder.output.drain(now, until)
        && gone
    {
        finish(holder, peers, now);
    }
}

fn finish(holder: &mut Holder, peers: &mut [Peer], at: Instant) {
    let exit = holder.life.ended(holder.output.end());
    holder.input.refuse_all(peers);
    // Before the record, so that a reader of the exit finds the log whole.
    holder.output.exited(&exit, at);
    let dir = holder.session.dir();
    let screen = write_whole(dir, SCREEN, &holder.output.screen().snapshot());
    let written = screen.and(write_json(dir, EXIT, &exit));
    if let Err(error) = written {
        log(&format!("the exit cannot be recorded: {error}"));
    }
    // From now on a new client finds no listener, and the record.
    holder.listener.close();
    for name in [SOCKET, HOOK] {
        let _ = std::fs::remove_file(dir.join(name));
    }
    holder.life.recorded(exit, at);
}

/// Whether the session has ended and every reachable client has received the end.
pub(crate) fn is_over(holder: &Holder, peers: &[Peer]) -> bool {
    let informed = |peer: &Peer| {
        let open = peer.phase == peer::Phase::Open;
        !open || (peer.exit_sent && peer.is_flushed())
    };
    match holder.life.phase() {
        Phase::Ended(until) => Instant::now() >= until || peers.iter().all(informed),
        _ => false,
    }
}

/// The result of the process: after a stop that gave up, the guardian ends the rest.
pub(crate) fn result(holder: &Holder) -> io::Result<()> {
    match holder.life.leaves_processes() {
        false => Ok(()),
        true => Err(io::Error::other("SIGKILL has not ended all processes yet")),
    }
}

/// Rolls a start back: ends the agent and removes the files.
pub(crate) fn roll_back(mut holder: Holder) {
    holder.life.kill_all();
    for name in [SOCKET, HOOK, HOLDER] {
        let _ = std::fs::remove_file(holder.session.dir().join(name));
    }
}
