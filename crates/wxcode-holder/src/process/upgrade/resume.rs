//! Continues another program's session: from the handed-over state, or else from the session's
//! folder.

use std::{io, path::Path, time::Instant};

use rustix::{
    fd::OwnedFd,
    process::Pid,
    termios::{Winsize, tcgetwinsize},
};
use wxcode_terminal::{Ring, Screen, Size, Terminal};

use super::{
    exec::{Handoff, inherited},
    memfd,
};
use crate::{
    folder::{self, HolderFile, Spec},
    journal::Journal,
    log::{Item, Reader, What, Writer, screen},
    process::{
        holder::Holder,
        input::Input,
        io::{
            listener::Listener,
            output::{Output, RING},
            pty::Pty,
            sizes::Sizes,
        },
        lifecycle::{detach, ending::reap, life::Life, oom::Kills},
        own_log::log,
        session::Session,
    },
    state::{State, StateError},
};

/// The descriptors left open by the previous program.
struct Inherited {
    pty: Pty,
    listener: OwnedFd,
    signals: OwnedFd,
    end: u64,
    next_hook_seq: u64,
}

/// Checks a state: returns the state, or why this build cannot continue it.
pub(crate) fn check(bytes: &[u8]) -> Result<State, StateError> {
    let state = State::decode(bytes)?;
    // Drawn once, as in the real case.
    match state.terminal().size() == state.facts.sizes.now {
        true => Ok(state),
        false => Err(StateError::Impossible("the screen has another size")),
    }
}

/// Takes over the session of the folder `dir` from another program in this process.
pub(crate) fn resume(dir: &Path, handoff: &str) -> io::Result<Holder> {
    let handoff: Handoff = serde_json::from_str(handoff)?;
    if !handoff.is_plausible() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let state = inherited(handoff.state);
    let program = inherited(handoff.program);
    let master = inherited(handoff.master)?;
    let slave = handoff.slave.and_then(|fd| inherited(fd).ok());
    let listener = inherited(handoff.listener)?;
    drop(program);
    let inherited = Inherited {
        pty: Pty::of(master, slave),
        listener,
        signals: detach::signals()?,
        end: handoff.end,
        next_hook_seq: handoff.next_hook_seq,
    };
    let bytes = state.and_then(memfd::read);
    let keys = bytes.as_deref().map_or_else(|_| Vec::new(), State::keys_in);
    let state = bytes.and_then(|bytes| check(&bytes).map_err(io::Error::other));
    let (mut holder, upgrades) = match state {
        Ok(state) => from_state(dir, state, inherited)?,
        Err(error) => {
            log(&format!(
                "this build does not understand the state ({error}): the session continues from \
                 its folder, without the input that waited to be typed"
            ));
            (from_folder(dir, keys, inherited)?, 0)
        }
    };
    if let Err(error) = holder.session.continued(upgrades + 1) {
        log(&error.to_string());
    }
    // The agent may have ended meanwhile without another report.
    reap(&mut holder);
    Ok(holder)
}

/// The session of a state, and the number of programs before the previous program.
fn from_state(dir: &Path, state: State, inherited: Inherited) -> io::Result<(Holder, u32)> {
    let screen = state.terminal();
    let State {
        facts,
        ring,
        typing,
        keys,
        ..
    } = state;
    let mut output = Output::continued(
        screen,
        Ring::continued(RING, facts.end, &ring),
        Sizes::continued(&facts.sizes, Instant::now()),
        Writer::continued(dir, facts.end, facts.sizes.now, facts.log_off),
    );
    output.continue_reports(facts.report, &facts.held);
    if facts.quiet {
        output.assume_quiet();
    }
    let parts = Parts {
        output,
        input: Input::continued(&facts.typing, typing, &facts.clients, keys),
        journal: journal_of(dir, facts.next_hook_seq),
        kills: Kills::continued(facts.kills),
        next_id: facts.next_client,
    };
    let holder = assemble(dir, facts.spec, facts.holder, parts, inherited)?;
    Ok((holder, facts.upgrades))
}

/// Rebuilds the session from the folder: the screen and the newest output from the log. The origins
/// of waiting input are lost.
fn from_folder(dir: &Path, keys: Vec<String>, inherited: Inherited) -> io::Result<Holder> {
    let spec = folder::read_spec(dir).map_err(io::Error::other)?;
    let file = folder::read_holder(dir).map_err(io::Error::other)?;
    let now = tcgetwinsize(inherited.pty.master()).ok();
    let of_window = |window: Winsize| Size::new(window.ws_col, window.ws_row);
    let size = now
        .and_then(of_window)
        .or_else(|| Size::new(spec.cols, spec.rows))
        .ok_or(io::ErrorKind::InvalidData)?;
    let end = inherited.end;
    let mut drawn = screen(dir).unwrap_or_else(|| Terminal::new(size));
    drawn.resize(size);
    let parts = Parts {
        output: Output::continued(
            drawn,
            Ring::continued(RING, end, &newest(dir, end)),
            Sizes::new(size),
            Writer::continued(dir, end, size, None),
        ),
        input: Input::with_keys(keys),
        journal: journal_of(dir, inherited.next_hook_seq),
        kills: Kills::watch(),
        next_id: 0,
    };
    // Two changes of the size, so that the agent redraws.
    let other = Size {
        rows: if size.rows > 1 { size.rows - 1 } else { 2 },
        ..size
    };
    let pty = &inherited.pty;
    let _ = pty.resize(other).and_then(|()| pty.resize(size));
    assemble(dir, spec, file, parts, inherited)
}

/// The parts of a holder that come from a state or from a folder.
struct Parts {
    output: Output,
    input: Input,
    journal: Journal,
    kills: Kills,
    next_id: u64,
}

fn assemble(
    dir: &Path,
    spec: Spec,
    file: HolderFile,
    parts: Parts,
    inherited: Inherited,
) -> io::Result<Holder> {
    let agent = Pid::from_raw(file.agent_pid).ok_or(io::ErrorKind::InvalidData)?;
    Ok(Holder {
        session: Session::new(dir, spec, file),
        pty: inherited.pty,
        output: parts.output,
        input: parts.input,
        journal: parts.journal,
        life: Life::new(agent, inherited.signals, parts.kills),
        listener: Listener::new(inherited.listener, parts.next_id),
        upgrade: None,
    })
}

/// The hook payloads so far. If they cannot be read, the session continues without them; the holder
/// gives no number twice.
fn journal_of(dir: &Path, next_seq: u64) -> Journal {
    Journal::continued(dir, next_seq).unwrap_or_else(|error| {
        log(&format!(
            "the hook payloads before this moment cannot be read: {error}"
        ));
        Journal::from(dir, next_seq)
    })
}

/// The newest output up to an offset, as far as the log holds the output without a gap.
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
