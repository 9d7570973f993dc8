//! A program in a terminal, driven by a test.

use std::{
    ffi::OsString,
    fs::File,
    io::{self, Read as _, Write as _},
    os::fd::OwnedFd,
    path::Path,
    process::{Child, Command, ExitStatus},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use rustix::{
    fs::{Mode, OFlags},
    process::{Pid, Signal},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{Winsize, tcsetwinsize},
};

/// Longest wait of the waiting functions before a panic.
pub const WAIT_MAX: Duration = Duration::from_secs(60);

/// The polling interval for conditions without an event.
const POLL: Duration = Duration::from_millis(5);

/// A running program and the program's terminal; both end on drop.
#[derive(Debug)]
pub struct Terminal {
    child: Child,
    master: File,
    output: Arc<Output>,
}

#[derive(Debug, Default)]
struct Output {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    bytes: Vec<u8>,
    ended: bool,
}

impl Terminal {
    /// Starts `program` in `folder` with exactly the environment `env`, in a terminal of `columns`
    /// × `rows`.
    ///
    /// # Errors
    /// No terminal is free, or the program does not start.
    pub fn start(
        program: &Path,
        args: impl IntoIterator<Item = impl Into<OsString>>,
        env: impl IntoIterator<Item = (OsString, OsString)>,
        folder: &Path,
        (columns, rows): (u16, u16),
    ) -> io::Result<Self> {
        let (master, slave) = pair()?;
        tcsetwinsize(&master, winsize(columns, rows))?;
        let child = Command::new(crate::binary::path("in-terminal"))
            .arg(program)
            .args(args.into_iter().map(Into::into))
            .env_clear()
            .envs(env)
            .current_dir(folder)
            .stdin(slave.try_clone()?)
            .stdout(slave.try_clone()?)
            .stderr(slave)
            .spawn()?;
        let output = Arc::new(Output::default());
        let (reader, shared) = (master.try_clone()?, Arc::clone(&output));
        thread::Builder::new()
            .name("terminal-output".into())
            .spawn(move || shared.read(reader))?;
        Ok(Self {
            child,
            master: master.into(),
            output,
        })
    }

    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Types.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn write(&self, bytes: &[u8]) -> io::Result<()> {
        (&self.master).write_all(bytes)
    }

    /// Changes the size.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn resize(&self, columns: u16, rows: u16) -> io::Result<()> {
        Ok(tcsetwinsize(&self.master, winsize(columns, rows))?)
    }

    /// All output so far.
    #[must_use]
    pub fn output(&self) -> Vec<u8> {
        self.output.state().bytes.clone()
    }

    /// Waits until the whole output so far satisfies `wanted`.
    ///
    /// # Panics
    /// After [`WAIT_MAX`], or at an earlier end of the output.
    pub fn wait_output(&self, wanted: impl Fn(&[u8]) -> bool) {
        let waited =
            self.output
                .changed
                .wait_timeout_while(self.output.state(), WAIT_MAX, |state| {
                    !wanted(&state.bytes) && !state.ended
                });
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        assert!(
            wanted(&state.bytes),
            "the output did not come; it is: {}",
            String::from_utf8_lossy(&state.bytes)
        );
    }

    /// Waits until `text` was printed, in one piece.
    ///
    /// # Panics
    /// As [`Terminal::wait_output`].
    pub fn wait_text(&self, text: &str) {
        self.wait_output(|bytes| {
            bytes
                .windows(text.len())
                .any(|window| window == text.as_bytes())
        });
    }

    /// Waits until nothing was printed for `quiet`, as on a settled screen.
    ///
    /// # Panics
    /// After [`WAIT_MAX`].
    pub fn wait_quiet(&self, quiet: Duration) {
        let deadline = Instant::now() + WAIT_MAX;
        let mut state = self.output.state();
        loop {
            let seen = state.bytes.len();
            let waited = self
                .output
                .changed
                .wait_timeout_while(state, quiet, |state| state.bytes.len() == seen);
            let timeout;
            (state, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            if timeout.timed_out() {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "the output did not settle within {WAIT_MAX:?}"
            );
        }
    }

    /// Waits for the end of the process.
    ///
    /// # Panics
    /// After [`WAIT_MAX`].
    pub fn wait_exit(&mut self) -> ExitStatus {
        let deadline = Instant::now() + WAIT_MAX;
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => return status,
                Ok(None) => assert!(
                    Instant::now() < deadline,
                    "the process did not end within {WAIT_MAX:?}"
                ),
                Err(error) => panic!("the process cannot be waited for: {error}"),
            }
            thread::sleep(POLL);
        }
    }

    /// Sends a signal to the process.
    pub fn signal(&self, signal: Signal) {
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // The process may have ended on its own.
            let _ = rustix::process::kill_process(pid, signal);
        }
    }
}

/// A terminal without a program: the controlling side, and the programs' side.
///
/// # Errors
/// No terminal is free.
pub fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    grantpt(&master)?;
    unlockpt(&master)?;
    let name = ptsname(&master, Vec::new())?;
    let slave = rustix::fs::open(
        name,
        OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC,
        Mode::empty(),
    )?;
    Ok((master, slave))
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
                let _ = rustix::process::kill_process_group(group, Signal::KILL);
            }
            // Before the process has a group of its own, the signal goes to the process alone.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

impl Output {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self, reader: OwnedFd) {
        let mut reader = File::from(reader);
        let mut buffer = vec![0; 64 << 10];
        loop {
            // The end of the terminal's last process is an error here.
            let count = reader.read(&mut buffer).unwrap_or(0);
            let mut state = self.state();
            state.bytes.extend_from_slice(&buffer[..count]);
            state.ended = count == 0;
            let ended = state.ended;
            drop(state);
            self.changed.notify_all();
            if ended {
                return;
            }
        }
    }
}

const fn winsize(columns: u16, rows: u16) -> Winsize {
    Winsize {
        ws_row: rows,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    }
}
