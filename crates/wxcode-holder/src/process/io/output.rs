//! The agent's output: read from the terminal, drawn on the screen, kept in the ring buffer and
//! logged.
//!
//! Invariant: only the holder answers the agent's terminal queries; a snapshot contains no query.
//! The agent's reports about its status reach no screen, no client's stream and no log.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use rustix::io::Errno;
use wxcode_protocol::holder::QUIET;
use wxcode_terminal::{Ring, Screen, Size, StatusFilter, StatusItem, Terminal};

use super::{pty::Pty, sizes::Sizes};
use crate::{folder::Exit, log::Writer, process::own_log::log, state::Report};

/// Output kept for returning clients.
pub(crate) const RING: usize = 1 << 20; // 1 MiB
/// A shorter read is not repeated before the system reports more, in bytes.
const SHORT: usize = 1 << 10; // 1 KiB
/// Silence after the agent's end; a silent terminal counts as drained.
const DRAIN_QUIET: Duration = Duration::from_millis(50);
/// More bytes than the kernel holds for a terminal.
const KERNEL_BUFFER: u64 = 256 << 10; // 256 KiB

/// The output of the agent so far.
pub(crate) struct Output {
    screen: Terminal,
    ring: Ring,
    sizes: Sizes,
    log: Writer,
    /// Takes the agent's reports about its status out of the output.
    filter: StatusFilter,
    /// The newest of these reports.
    report: Option<Report>,
    /// The screen's replies to the bytes just read.
    replies: Vec<u8>,
    /// When the agent counts as quiet; `None` when it already does.
    quiet_at: Option<Instant>,
    last_byte: Instant,
    /// The offset at the agent's end; `None` while the agent lives.
    end_at_exit: Option<u64>,
    /// The last read emptied the terminal.
    emptied: bool,
    /// After the agent's end: nothing more is read.
    drained: bool,
}

impl Output {
    /// The output of a new agent.
    pub(crate) fn new(dir: &Path, size: Size) -> Self {
        Self::continued(
            Terminal::new(size),
            Ring::with_capacity(RING),
            Sizes::new(size),
            Writer::new(dir, size),
        )
    }

    /// Continues another program's output.
    pub(crate) fn continued(screen: Terminal, ring: Ring, sizes: Sizes, log: Writer) -> Self {
        let now = Instant::now();
        Self {
            screen,
            ring,
            sizes,
            log,
            filter: StatusFilter::default(),
            report: None,
            replies: Vec::new(),
            quiet_at: Some(now + QUIET),
            last_byte: now,
            end_at_exit: None,
            emptied: false,
            drained: false,
        }
    }

    /// Continues another program's reports about the agent's status; `held` is the beginning of an
    /// unfinished report.
    pub(crate) fn continue_reports(&mut self, report: Option<Report>, held: &[u8]) {
        self.filter = StatusFilter::continued(held);
        self.report = report;
    }

    /// The newest report about the agent's status.
    pub(crate) fn report(&self) -> Option<&Report> {
        self.report.as_ref()
    }

    /// The beginning of an unfinished report.
    pub(crate) fn held(&self) -> Vec<u8> {
        self.filter.held()
    }

    /// Counts the agent as quiet already, so that clients receive a report of quiet only after
    /// further output.
    pub(crate) fn assume_quiet(&mut self) {
        self.quiet_at = None;
    }

    pub(crate) fn screen(&self) -> &Terminal {
        &self.screen
    }

    pub(crate) fn ring(&self) -> &Ring {
        &self.ring
    }

    pub(crate) fn sizes(&self) -> &Sizes {
        &self.sizes
    }

    /// The offset after the newest byte.
    pub(crate) fn end(&self) -> u64 {
        self.ring.end()
    }

    /// The number of the first change of size at or after an offset, if all later output and
    /// changes are in memory.
    pub(crate) fn held_since(&self, offset: u64) -> Option<u64> {
        let held = self.ring.start() <= offset;
        held.then(|| self.sizes.since(offset)).flatten()
    }

    /// Why the log is off, if it is.
    pub(crate) fn log_off(&self) -> Option<&str> {
        self.log.off()
    }

    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet_at.is_none()
    }

    /// Nothing more is read.
    pub(crate) fn is_drained(&self) -> bool {
        self.drained
    }

    /// After the agent's end only a read finds out whether there is more.
    pub(crate) fn must_be_read(&self) -> bool {
        self.end_at_exit.is_some() && !self.drained
    }

    /// Reads output into the screen, the ring buffer and the log; returns the replies to its
    /// queries, in their order. `next_hook_seq` is the number of the next hook payload.
    pub(crate) fn read(
        &mut self,
        pty: &Pty,
        scratch: &mut [u8],
        next_hook_seq: u64,
    ) -> &mut Vec<u8> {
        let mut n = 0;
        self.emptied = false;
        while n < scratch.len() {
            match rustix::io::read(pty.master(), &mut scratch[n..]) {
                Ok(0) => {
                    self.hung_up();
                    break;
                }
                Ok(read) => {
                    n += read;
                    // More bytes rarely follow a short read, and the system then reports the bytes
                    // immediately.
                    if read < SHORT && self.end_at_exit.is_none() {
                        break;
                    }
                }
                Err(Errno::AGAIN) => {
                    self.emptied = true;
                    break;
                }
                Err(Errno::INTR) => {}
                // The last slave is closed.
                Err(_) => {
                    self.hung_up();
                    break;
                }
            }
        }
        if n > 0 {
            let bytes = &scratch[..n];
            self.last_byte = Instant::now();
            self.take(bytes, next_hook_seq);
            self.quiet_at = Some(self.last_byte + QUIET);
        }
        &mut self.replies
    }

    fn take(&mut self, bytes: &[u8], next_hook_seq: u64) {
        let Self {
            filter,
            log,
            ring,
            screen,
            replies,
            report,
            last_byte,
            ..
        } = self;
        filter.feed(bytes, |item| match item {
            StatusItem::Output(bytes) => {
                log.output(ring.end(), bytes, *last_byte);
                ring.push(bytes);
                screen.feed(bytes, replies);
            }
            StatusItem::Query => replies.extend_from_slice(StatusFilter::ANSWER),
            StatusItem::Report(status) => {
                *report = Some(Report {
                    number: report.as_ref().map_or(0, |report| report.number) + 1,
                    next_hook_seq,
                    offset: ring.end(),
                    status,
                });
            }
        });
    }

    /// Passes on the beginning of an unfinished report.
    fn pass_on_held(&mut self) {
        let held = self.filter.finish();
        self.pass_on(held);
    }

    fn pass_on(&mut self, held: &[u8]) {
        if !held.is_empty() {
            self.log.output(self.ring.end(), held, self.last_byte);
            self.ring.push(held);
            self.screen.feed(held, &mut Vec::new());
        }
    }

    fn hung_up(&mut self) {
        // The holder has the slave open while the agent lives, so a hang-up follows the agent's
        // end.
        self.drained = self.end_at_exit.is_some();
    }

    /// Requests a size.
    pub(crate) fn request_size(&mut self, size: Size) {
        self.sizes.request(size);
    }

    /// Resizes the terminal and the screen if a request is due.
    pub(crate) fn resize_when_due(&mut self, pty: &Pty, now: Instant) {
        if let Some(size) = self.sizes.take_due(now)
            && pty.resize(size).is_ok()
        {
            self.screen.resize(size);
            self.sizes.changed(self.ring.end(), size, now);
            self.log.resized(self.ring.end(), size, now);
        }
    }

    /// Whether the agent became quiet just now.
    pub(crate) fn becomes_quiet(&mut self, now: Instant) -> bool {
        let quiet = self.quiet_at.is_some_and(|at| now >= at);
        if quiet {
            self.quiet_at = None;
            // A lone escape, say, is no beginning of a report.
            let held = self.filter.release();
            self.pass_on(held);
        }
        quiet
    }

    /// Writes the log's batch if it is due, and reports a log that was turned off.
    pub(crate) fn log_when_due(&mut self, now: Instant) {
        self.log.flush_when_due(now);
        if let Some(reason) = self.log.take_failure() {
            log(reason);
        }
    }

    /// Writes the log's batch at once.
    pub(crate) fn flush_log(&mut self) {
        self.log.flush();
    }

    /// The time of the next timeout while the session runs.
    pub(crate) fn due(&self) -> Option<Instant> {
        let times = self.quiet_at.into_iter().chain(self.sizes.due());
        times.chain(self.log.due()).min()
    }

    /// The agent has ended: its last bytes are still to be read.
    pub(crate) fn agent_ended(&mut self, now: Instant) {
        self.last_byte = now;
        self.emptied = false;
        self.end_at_exit = Some(self.ring.end());
    }

    /// Whether the ended agent's terminal is read to its end, or reading has ended at `until`.
    pub(crate) fn drain(&mut self, now: Instant, until: Instant) -> bool {
        // Bytes in the kernel at the agent's end are read in any case.
        let end = self.end_at_exit.unwrap_or(self.ring.end());
        let beyond = self.ring.end() > end + KERNEL_BUFFER;
        self.drained |= now >= until && (self.emptied || beyond);
        self.drained |= now >= self.last_byte + DRAIN_QUIET && self.emptied;
        if self.drained {
            self.pass_on_held();
        }
        self.drained
    }

    /// The time of the next [`Output::drain`], until the terminal is drained.
    pub(crate) fn drain_due(&self, until: Instant) -> Option<Instant> {
        (!self.drained).then(|| until.min(self.last_byte + DRAIN_QUIET))
    }

    /// Records the end in the log.
    pub(crate) fn exited(&mut self, exit: &Exit, at: Instant) {
        self.log.exited(exit, at);
    }
}
