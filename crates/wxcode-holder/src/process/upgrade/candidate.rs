//! Opens the successor program of an upgrade, and checks that the program understands the holder's
//! state.

#![allow(unsafe_code)] // `pre_exec` runs code between fork and exec

use std::{
    io::{self, PipeReader, Read},
    os::unix::process::CommandExt,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
    fs::{FileType, Mode, OFlags, fstat, open},
    process::Signal,
};
use serde::{Deserialize, Serialize};

use crate::{
    proc::{Handle, Stat},
    process::lifecycle::detach,
};

/// Longest answer, in bytes.
const MAX_ANSWER: usize = 4 << 10; // 4 KiB

/// Time for a killed program to end.
const MAX_END: Duration = Duration::from_secs(1);

/// The program's answer about a state: a line of JSON.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    /// The program can continue from the state.
    Sound {
        /// The program's build.
        build: String,
        /// The CRC-32C of the bytes read.
        checksum: u32,
    },
    /// The program cannot continue from the state.
    Unsound { reason: String },
}

/// The opened program; a later change at its path has no effect.
pub(crate) struct Candidate {
    program: OwnedFd,
    build: String,
}

impl Candidate {
    /// Opens the program at `path`, expected to be of `build`; [`Self::accepts`] checks the build.
    pub(crate) fn open(path: &Path, build: String) -> io::Result<Self> {
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        let program = open(path, flags, Mode::empty())?;
        let kind = fstat(&program)?;
        if FileType::from_raw_mode(kind.st_mode) != FileType::RegularFile {
            return Err(io::Error::other("not a regular file"));
        }
        Ok(Self { program, build })
    }

    /// The program's descriptor.
    pub(crate) fn program(&self) -> &OwnedFd {
        &self.program
    }

    /// The path for executing the program.
    pub(crate) fn path(&self) -> String {
        format!("/proc/self/fd/{}", self.program.as_raw_fd())
    }

    /// Starts the program's check of a state; the caller waits for the answer.
    pub(crate) fn check(&self, dir: &Path, state: &OwnedFd) -> io::Result<Check> {
        let (answer, to) = io::pipe()?;
        rustix::io::ioctl_fionbio(&answer, true)?;
        let mut command = Command::new(self.path());
        command
            .arg0("wxcode-holder")
            .args(["hold", "--check-state"])
            .arg(state.as_raw_fd().to_string())
            .arg(dir)
            .stdin(Stdio::null())
            .stdout(to)
            // The program may write any amount there; nothing of it reaches the holder's log.
            .stderr(Stdio::null());
        let kept = [self.program.as_raw_fd(), state.as_raw_fd()];
        // SAFETY: `prepare_check` makes system calls only, and allocates nothing.
        unsafe { command.pre_exec(move || detach::prepare_check(kept)) };
        let child = command.spawn()?;
        // The event loop reaps all children, and does not run meanwhile: the pid is still the
        // program's.
        let process = Stat::of(child.id() as i32).and_then(|stat| stat.handle());
        Ok(Check {
            answer,
            bytes: Vec::new(),
            process: process.ok_or(io::ErrorKind::NotFound)?,
        })
    }

    /// Checks that the answer comes from a program of this build, and accepts the state with the
    /// checksum `expected`. The error is the reason of the refusal.
    pub(crate) fn accepts(&self, verdict: Verdict, expected: u32) -> Result<(), String> {
        match verdict {
            Verdict::Sound { build, .. } if build != self.build => {
                Err(format!("the program is {build}, expected {}", self.build))
            }
            Verdict::Sound { checksum, .. } if checksum != expected => {
                Err("the program read another state".to_owned())
            }
            Verdict::Sound { .. } => Ok(()),
            Verdict::Unsound { reason } => Err(format!("the program refuses the state: {reason}")),
        }
    }
}

/// A running check of a state. Dropping it kills the program.
pub(crate) struct Check {
    answer: PipeReader,
    bytes: Vec<u8>,
    process: Handle,
}

impl Check {
    /// The descriptor that becomes readable when an answer may have arrived.
    pub(crate) fn awaits(&self) -> BorrowedFd<'_> {
        self.answer.as_fd()
    }

    /// Returns the answer, or `None` before its arrival; an error when no valid answer will arrive.
    pub(crate) fn verdict(&mut self) -> Result<Option<Verdict>, String> {
        let mut buffer = [0; 1024];
        loop {
            match self.answer.read(&mut buffer) {
                Ok(0) => return Err("the program ended without an answer".to_owned()),
                Ok(n) => {
                    self.bytes.extend_from_slice(&buffer[..n]);
                    if let Some(end) = self.bytes.iter().position(|byte| *byte == b'\n') {
                        let verdict = serde_json::from_slice(&self.bytes[..end]);
                        return verdict.map(Some).map_err(|_| NO_ANSWER.to_owned());
                    }
                    if self.bytes.len() > MAX_ANSWER {
                        return Err(NO_ANSWER.to_owned());
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.to_string()),
            }
        }
    }

    /// Kills the program, and waits for its end, at most [`MAX_END`]. Only the kernel can delay the
    /// end of a killed program.
    pub(crate) fn end(self) {
        self.process.signal(Signal::KILL);
        self.process.wait(MAX_END);
    }

    /// Waits for the answer until the time `until`; `None` if no answer arrived by then.
    pub(crate) fn wait(&mut self, until: Instant) -> Result<Option<Verdict>, String> {
        loop {
            let verdict = self.verdict()?;
            let left = until.saturating_duration_since(Instant::now());
            if verdict.is_some() || left.is_zero() {
                return Ok(verdict);
            }
            let timeout = Timespec::try_from(left).ok();
            let mut fds = [PollFd::new(&self.answer, PollFlags::IN)];
            let _ = poll(&mut fds, timeout.as_ref());
        }
    }
}

const NO_ANSWER: &str = "the answer is not a holder's; the path names another program";

impl Drop for Check {
    fn drop(&mut self) {
        self.process.signal(Signal::KILL);
    }
}
