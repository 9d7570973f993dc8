//! Continues another program's session: from its handed-over state, else from the session's folder.

use std::{io, path::Path, time::Instant};

use rustix::{
    fd::OwnedFd,
    process::Pid,
    termios::{Winsize, tcgetwinsize},
};
use wxcode_terminal::{Ring, Screen, Size, Terminal};

use super::{
    detach,
    exec::{Lifeline, inherited},
    holder::{Holder, RING},
    inputs::Inputs,
    log, memfd,
    numbers::Numbers,
    oom::Kills,
    pty::Pty,
    sizes::Sizes,
};
use crate::{
    folder::{self, BUILD, HOLDER, HolderFile, Spec},
    journal::Journal,
    log::{Item, Reader, What, Writer, screen},
    state::{State, StateError},
};
use wxcode_protocol::holder::PROTOCOL;

/// The descriptors left open by the previous program.
struct Left {
    pty: Pty,
    listener: OwnedFd,
    signals: OwnedFd,
    end: u64,
    next_hook_seq: u64,
}

/// Checks a state: returns the build, or why this build cannot continue it.
pub(super) fn look(bytes: &[u8]) -> Result<State, StateError> {
    let state = State::decode(bytes)?;
    // Drawn once, as in the real case.
    match state.terminal().size() == state.facts.sizes.now {
        true => Ok(state),
        false => Err(StateError::Impossible("the screen")),
    }
}

/// Takes over the session of the folder `dir` from another program in this process.
pub(super) fn resume(dir: &Path, lifeline: &str) -> io::Result<Holder> {
    let lifeline: Lifeline = serde_json::from_str(lifeline)?;
    if !lifeline.is_plausible() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let state = inherited(lifeline.state);
    let program = inherited(lifeline.program);
    let master = inherited(lifeline.master)?;
    let slave = lifeline.slave.and_then(|fd| inherited(fd).ok());
    let listener = inherited(lifeline.listener)?;
    drop(program);
    let left = Left {
        pty: Pty::of(master, slave),
        listener,
        signals: detach::signals()?,
        end: lifeline.end,
        next_hook_seq: lifeline.next_hook_seq,
    };
    let bytes = state.and_then(memfd::read);
    let keys = bytes.as_deref().map_or_else(|_| Vec::new(), State::keys_in);
    let state = bytes.and_then(|bytes| look(&bytes).map_err(io::Error::other));
    let mut holder = match state {
        Ok(state) => go_on(dir, state, left)?,
        Err(error) => {
            log(&format!(
                "the state that another program handed on is not understood ({error}): the session goes on with what its folder holds, \
                 what waited to be typed is forgotten"
            ));
            let mut holder = rebuild(dir, left)?;
            holder.keys = keys.into_iter().collect();
            holder
        }
    };
    holder.upgrades += 1;
    holder.file.build = BUILD.to_owned();
    (holder.file.protocol_min, holder.file.protocol_max) = (PROTOCOL, PROTOCOL);
    if let Err(error) = folder::write_json(dir, HOLDER, &holder.file) {
        log(&error.to_string());
    }
    // The agent may have ended meanwhile without another report.
    holder.reap();
    Ok(holder)
}

fn go_on(dir: &Path, state: State, left: Left) -> io::Result<Holder> {
    let screen = state.terminal();
    let State {
        facts,
        ring,
        typing,
        keys,
        ..
    } = state;
    let size = facts.sizes.now;
    let end = facts.end;
    let journal = journal_of(dir, facts.next_hook_seq);
    let mut holder = held(dir, facts.spec, facts.holder, size, left)?;
    holder.screen = screen;
    holder.ring = Ring::continued(RING, end, &ring);
    holder.sizes = Sizes::go_on(&facts.sizes, Instant::now());
    holder.inputs = Inputs::go_on(&facts.typing, typing);
    holder.numbers = Numbers::go_on(&facts.clients);
    holder.keys = keys.into_iter().collect();
    holder.next_peer = facts.next_client;
    holder.log = Writer::go_on(dir, end, size, facts.log_off);
    holder.kills = Kills::go_on(facts.kills);
    holder.upgrades = facts.upgrades;
    if facts.quiet {
        holder.quiet_at = None;
    }
    holder.journal = journal;
    Ok(holder)
}

/// Rebuilds the session from its folder: its screen and newest output from its log. The origins of
/// waiting input are lost.
fn rebuild(dir: &Path, left: Left) -> io::Result<Holder> {
    let spec = folder::read_spec(dir).map_err(io::Error::other)?;
    let file = folder::read_holder(dir).map_err(io::Error::other)?;
    let now = tcgetwinsize(left.pty.master()).ok();
    let of_window = |window: Winsize| Size::new(window.ws_col, window.ws_row);
    let size = now
        .and_then(of_window)
        .or_else(|| Size::new(spec.cols, spec.rows))
        .ok_or(io::ErrorKind::InvalidData)?;
    let end = left.end;
    let mut drawn = screen(dir).unwrap_or_else(|| Terminal::new(size));
    drawn.resize(size);
    let journal = journal_of(dir, left.next_hook_seq);
    let mut holder = held(dir, spec, file, size, left)?;
    holder.screen = drawn;
    holder.ring = Ring::continued(RING, end, &newest(dir, end));
    holder.log = Writer::go_on(dir, end, size, None);
    holder.journal = journal;
    // Two changes of the size, so that the agent redraws.
    let other = Size {
        rows: if size.rows > 1 { size.rows - 1 } else { 2 },
        ..size
    };
    let _ = holder
        .pty
        .resize(other)
        .and_then(|()| holder.pty.resize(size));
    Ok(holder)
}

fn held(dir: &Path, spec: Spec, file: HolderFile, size: Size, left: Left) -> io::Result<Holder> {
    let agent = Pid::from_raw(file.agent_pid).ok_or(io::ErrorKind::InvalidData)?;
    let Left {
        pty,
        listener,
        signals,
        ..
    } = left;
    Ok(Holder::new(
        dir, spec, file, size, pty, agent, listener, signals,
    ))
}

/// The hook payloads so far. If they cannot be read the session continues without them; no number
/// is given twice.
fn journal_of(dir: &Path, next_seq: u64) -> Journal {
    Journal::go_on(dir, next_seq).unwrap_or_else(|error| {
        log(&format!(
            "the hook payloads before this moment cannot be read: {error}"
        ));
        Journal::from(dir, next_seq)
    })
}

/// The newest output up to an offset, as far as the log has it without a gap.
fn newest(dir: &Path, end: u64) -> Vec<u8> {
    let from = end.saturating_sub(RING as u64);
    let Ok(Some(reader)) = Reader::open_at(dir, from) else {
        return Vec::new();
    };
    let mut bytes = Vec::new();
    let mut at = 0;
    for item in reader {
        match item {
            Item::Gap { .. } => bytes.clear(),
            Item::Record(record) => {
                at = record.end();
                if let What::Output(output) = record.what {
                    bytes.extend_from_slice(&output);
                }
            }
        }
    }
    if at != end {
        bytes.clear();
    }
    bytes.drain(..bytes.len().saturating_sub(RING));
    bytes
}
