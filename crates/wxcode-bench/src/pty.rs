//! The physical limit: a program in a PTY, read in a tight loop; also for the peers without a
//! network.

use std::{
    ffi::OsStr,
    os::fd::OwnedFd,
    path::Path,
    process::{Child, Command},
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use memchr::memmem;
use rustix::{
    pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt},
    termios::{Winsize, tcsetwinsize},
};
use wxcode_bench::order::{DONE, END, Order, READY};

use crate::{echo::Echo, paths::Paths, printing::Printed, server::wait};

/// Bytes per read; a PTY gives 4 KiB at most.
const READ: usize = 64 << 10; // 64 KiB

/// A program in a terminal of 120 × 40; both end on drop.
pub(crate) struct Pty {
    master: OwnedFd,
    child: Child,
    buffer: Vec<u8>,
    printings: usize,
}

impl Pty {
    /// The agent itself: the limit.
    pub(crate) fn agent(paths: &Paths, folder: &Path) -> anyhow::Result<Self> {
        Self::start(paths, folder, [paths.agent.as_os_str()])
    }

    /// Starts a program before an agent and waits until the agent is ready.
    pub(crate) fn start<'a>(
        paths: &Paths,
        folder: &Path,
        argv: impl IntoIterator<Item = &'a OsStr>,
    ) -> anyhow::Result<Self> {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let master = openpt(flags)?;
        unlockpt(&master)?;
        let slave = ioctl_tiocgptpeer(&master, flags)?;
        let size = Winsize {
            ws_row: 40,
            ws_col: 120,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&master, size)?;
        let child = Command::new(&paths.agent)
            .arg("--in-terminal")
            .args(argv)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", folder)
            .env("TERM", "xterm-256color")
            .env("LANG", "C.UTF-8")
            .current_dir(folder)
            .stdin(slave.try_clone()?)
            .stdout(slave.try_clone()?)
            .stderr(slave)
            .spawn()
            .context("the measured program cannot be started")?;
        let mut pty = Self {
            master,
            child,
            buffer: vec![0; READ],
            printings: 0,
        };
        pty.until(READY.as_bytes())?;
        Ok(pty)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn order(&mut self, order: Order) -> anyhow::Result<()> {
        self.write(order.to_string().as_bytes())
    }

    /// Makes the agent echo from now on.
    pub(crate) fn echoing(mut self) -> anyhow::Result<Self> {
        self.order(Order::Echo)?;
        self.until(READY.as_bytes())?;
        Ok(self)
    }

    /// Orders a printing and reads it.
    pub(crate) fn print(&mut self, lines: usize) -> anyhow::Result<Printed> {
        self.printings += 1;
        let mark = format!("{DONE} {} ", self.printings);
        let start = Instant::now();
        self.order(Order::Print(lines))?;
        let received = self.until(mark.as_bytes())?;
        Ok(Printed {
            took: start.elapsed(),
            received: received as u64,
        })
    }

    fn write(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        let n = rustix::io::write(&self.master, bytes)?;
        ensure!(n == bytes.len(), "a terminal does not take what is typed");
        Ok(())
    }

    /// Reads until a text has come; returns the number of bytes.
    fn until(&mut self, text: &[u8]) -> anyhow::Result<usize> {
        let finder = memmem::Finder::new(text);
        // The end of the last read, where the text may have begun.
        let mut kept = 0;
        let mut total = 0;
        loop {
            let n = rustix::io::read(&self.master, &mut self.buffer[kept..])
                .context("the measured program ended")?;
            if n == 0 {
                bail!("the measured program ended");
            }
            total += n;
            let read = &self.buffer[..kept + n];
            if finder.find(read).is_some() {
                return Ok(total);
            }
            let from = read.len() - read.len().min(text.len());
            kept = read.len() - from;
            self.buffer.copy_within(from..from + kept, 0);
        }
    }
}

impl Echo for Pty {
    fn round(&mut self, byte: u8) -> anyhow::Result<Duration> {
        let start = Instant::now();
        rustix::io::write(&self.master, &[byte])?;
        loop {
            let n = rustix::io::read(&self.master, &mut self.buffer)?;
            if self.buffer[..n].contains(&byte) {
                return Ok(start.elapsed());
            }
        }
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        // A peer's processes before the agent end with the agent.
        let _ = self.write(&[END]);
        let _ = wait("the end of the agent", || {
            self.child.try_wait().ok().flatten()
        });
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
