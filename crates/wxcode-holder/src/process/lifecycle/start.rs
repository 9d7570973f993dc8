//! Starts an agent from a spec, or rolls everything back except the spec.

use std::{io, path::Path};

use rustix::{
    fd::OwnedFd,
    fs::{AtFlags, Mode, chmodat},
    net::{AddressFamily, SocketFlags, SocketType, bind, listen, socket_with},
};
use wxcode_terminal::Size;

use super::{detach, ending::roll_back, life::Life, oom::Kills};
use crate::{
    answer::Failure,
    folder::{self, BUILD, EXIT, HOLDER, HOOK, HolderFile, SOCKET, VERSION, now},
    hook::{HookFile, address, open_folder},
    journal::Journal,
    proc,
    process::{
        holder::Holder,
        input::Input,
        io::{listener::Listener, output::Output, pty::Pty},
        session::Session,
        systemd::scope,
    },
};
use wxcode_protocol::holder::PROTOCOL;
use wxcode_protocol::holder::frame::MAX_SECRET;

/// Most connections waiting to be accepted.
const BACKLOG: i32 = 128;

/// Files of a start. Their removal follows on drop, unless the start succeeds.
struct Made<'a> {
    dir: &'a Path,
    names: Vec<&'static str>,
}

impl Drop for Made<'_> {
    fn drop(&mut self) {
        for name in &self.names {
            let _ = std::fs::remove_file(self.dir.join(name));
        }
    }
}

/// Starts the agent of the spec in `dir`, with the lock of the start. After an error only the spec
/// is left.
pub(crate) fn start(dir: &Path) -> Result<Holder, Failure> {
    let in_folder = |error: folder::FolderError| Failure::Folder {
        message: error.to_string(),
    };
    let spec = folder::read_spec(dir).map_err(in_folder)?;
    if dir.join(HOLDER).exists() || dir.join(EXIT).exists() {
        return Err(Failure::Used);
    }
    let size = Size::new(spec.cols, spec.rows).filter(|_| spec.secret.len() <= MAX_SECRET);
    let size = size.ok_or_else(|| Failure::Folder {
        message: "the spec's size or secret is out of bounds; start a new session".to_owned(),
    })?;
    let signals = detach::signals().map_err(system("receive signals"))?;
    let mut made = Made {
        dir,
        names: Vec::new(),
    };
    let listener = listen_in(dir, &mut made).map_err(|error| Failure::Bind {
        message: error.to_string(),
    })?;
    let hook = HookFile {
        version: VERSION,
        socket: dir.join(SOCKET),
        secret: spec.secret.clone(),
    };
    made.names.push(HOOK);
    folder::write_json(dir, HOOK, &hook).map_err(in_folder)?;
    let pty = Pty::open(size).map_err(|error| Failure::Pty {
        message: error.to_string(),
    })?;
    let boot_id = proc::boot_id().map_err(system("read /proc"))?;
    let own = proc::Stat::of(std::process::id() as i32)
        .ok_or_else(|| system("read /proc")(io::ErrorKind::NotFound.into()))?;
    let guardian = folder::guardian_of(&own);
    // Entered before the agent's start, because the agent starts in this process's cgroup.
    let scope = spec
        .scope
        .as_ref()
        .map(|scope| scope::enter(scope, guardian.as_ref().map(|guardian| guardian.pid)));
    if detach::is_caller_gone() {
        return Err(system("answer")(io::ErrorKind::BrokenPipe.into()));
    }
    let agent = pty.spawn(&spec)?;
    let agent_pid = agent.as_raw_nonzero().get();
    // Not reaped yet, so the entry exists even after the agent's end.
    let agent_start_time = proc::Stat::of(agent_pid).map_or(0, |stat| stat.start_time);
    let file = HolderFile {
        version: VERSION,
        pid: own.pid,
        start_time: own.start_time,
        boot_id,
        init_start_time: proc::init_start_time(),
        agent_pid,
        agent_start_time,
        guardian,
        scope,
        protocol_min: PROTOCOL,
        protocol_max: PROTOCOL,
        build: BUILD.to_owned(),
        started_at: now(),
    };
    let written = folder::write_json(dir, HOLDER, &file);
    let holder = Holder {
        session: Session::new(dir, spec, file),
        pty,
        output: Output::new(dir, size),
        input: Input::default(),
        journal: Journal::new(dir),
        life: Life::new(agent, signals, Kills::watch()),
        listener: Listener::new(listener, 0),
        upgrade: None,
    };
    if let Err(error) = written {
        roll_back(holder);
        return Err(in_folder(error));
    }
    made.names.clear();
    Ok(holder)
}

fn system(what: &str) -> impl FnOnce(io::Error) -> Failure {
    let what = what.to_owned();
    move |error| Failure::System {
        what,
        message: error.to_string(),
    }
}

fn listen_in(dir: &Path, made: &mut Made<'_>) -> io::Result<OwnedFd> {
    let folder = open_folder(dir)?;
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    bind(&socket, &address(&folder)?)?;
    made.names.push(SOCKET);
    chmodat(&folder, SOCKET, Mode::RUSR | Mode::WUSR, AtFlags::empty())?;
    listen(&socket, BACKLOG)?;
    Ok(socket)
}
