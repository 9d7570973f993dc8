//! The terminal and its agent.

use std::{
    io,
    os::unix::process::CommandExt,
    process::{Command, Stdio},
};

use rustix::{
    fd::{AsFd, OwnedFd},
    fs::Access,
    io::ioctl_fionread,
    process::{Pid, Signal, kill_process_group},
    pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt},
    termios::{
        InputModes, LocalModes, OptionalActions, SpecialCodeIndex, Winsize, tcgetattr, tcgetpgrp,
        tcsetattr, tcsetwinsize,
    },
};
use wxcode_terminal::Size;

use crate::{answer::Failure, folder::Spec, memory_file, process::lifecycle::detach};

/// A pseudo-terminal, as its master.
pub(crate) struct Pty {
    master: OwnedFd,
    /// The slave, held while the agent lives: an agent that closes its files for a while is no
    /// hang-up.
    slave: Option<OwnedFd>,
}

impl Pty {
    pub(crate) fn open(size: Size) -> io::Result<Self> {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let master = openpt(flags)?;
        unlockpt(&master)?;
        let slave = ioctl_tiocgptpeer(&master, flags)?;
        let mut termios = tcgetattr(&slave)?;
        termios.input_modes |= InputModes::IUTF8;
        tcsetattr(&slave, OptionalActions::Now, &termios)?;
        rustix::io::ioctl_fionbio(&master, true)?;
        let slave = Some(slave);
        let pty = Self { master, slave };
        pty.resize(size)?;
        Ok(pty)
    }

    /// Takes over the terminal of another program, as its master and the held slave.
    pub(crate) fn of(master: OwnedFd, slave: Option<OwnedFd>) -> Self {
        Self { master, slave }
    }

    /// The slave, while it is held.
    pub(crate) fn slave(&self) -> Option<&OwnedFd> {
        self.slave.as_ref()
    }

    pub(crate) fn master(&self) -> &OwnedFd {
        &self.master
    }

    /// Whether typed input waits in the terminal for the agent.
    pub(crate) fn is_unread(&self) -> bool {
        let slave = self.slave.as_ref();
        slave.is_some_and(|slave| ioctl_fionread(slave).is_ok_and(|unread| unread > 0))
    }

    /// Closes the slave: once all other copies are closed too, the master reads to the end.
    pub(crate) fn release(&mut self) {
        self.slave = None;
    }

    /// Sets the size; a change sends SIGWINCH to the foreground group.
    pub(crate) fn resize(&self, size: Size) -> io::Result<()> {
        let winsize = Winsize {
            ws_col: size.cols,
            ws_row: size.rows,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        Ok(tcsetwinsize(&self.master, winsize)?)
    }

    /// Signals the foreground process group.
    pub(crate) fn signal(&self, signal: Signal) -> io::Result<()> {
        let group = tcgetpgrp(&self.master)?;
        Ok(kill_process_group(group, signal)?)
    }

    /// Whether a typed Ctrl+C becomes SIGINT.
    pub(crate) fn makes_signals(&self) -> bool {
        tcgetattr(&self.master).is_ok_and(|termios| {
            termios.local_modes.contains(LocalModes::ISIG)
                && termios.special_codes[SpecialCodeIndex::VINTR] == 3
        })
    }

    /// Starts the agent with the terminal as the controlling terminal, and with the umask of the
    /// spec.
    #[allow(unsafe_code)]
    pub(crate) fn spawn(&self, spec: &Spec) -> Result<Pid, Failure> {
        let [program, args @ ..] = &spec.argv[..] else {
            return Err(Failure::Folder {
                message: "the spec names no program; start a new session".to_owned(),
            });
        };
        // A missing folder and a missing program would give the same error later.
        if !spec.cwd.is_dir() || rustix::fs::access(&spec.cwd, Access::EXEC_OK).is_err() {
            return Err(Failure::CwdMissing {
                cwd: spec.cwd.clone(),
            });
        }
        let refused = |error| Failure::Pty {
            message: io::Error::to_string(&error),
        };
        let slave = self.slave.as_ref().map(|fd| fd.as_fd());
        let slave = slave.ok_or_else(|| refused(io::ErrorKind::BrokenPipe.into()))?;
        let file = || slave.try_clone_to_owned().map(Stdio::from).map_err(refused);
        let input = match &spec.input {
            Some(text) => memory_file::with(text.as_bytes())
                .map(Stdio::from)
                .map_err(refused)?,
            None => file()?,
        };
        let mut command = Command::new(program);
        command
            .args(args)
            .current_dir(&spec.cwd)
            .stdin(input)
            .stdout(file()?)
            .stderr(file()?);
        let umask = spec.umask;
        // SAFETY: `prepare_agent` makes system calls only, and allocates nothing.
        unsafe { command.pre_exec(move || detach::prepare_agent(umask)) };
        let child = command
            .spawn()
            .map_err(|error| exec_failure(program, &error))?;
        // Reaped with all other children, by its pid.
        Pid::from_raw(child.id() as i32).ok_or_else(|| refused(io::ErrorKind::NotFound.into()))
    }
}

fn exec_failure(program: &str, error: &io::Error) -> Failure {
    let program = program.to_owned();
    match error.kind() {
        io::ErrorKind::NotFound => Failure::ProgramNotFound { program },
        io::ErrorKind::PermissionDenied => Failure::NotExecutable { program },
        _ => Failure::Exec {
            program,
            errno: error.raw_os_error().unwrap_or(0),
            message: error.to_string(),
        },
    }
}
