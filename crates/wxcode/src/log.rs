//! The log: lines go through a bounded queue to standard error, written by a separate thread.
//!
//! Invariant: logging neither waits for standard error nor fails with it. A line without room in
//! the queue, or refused by standard error, is lost and counted. `tracing-appender` has a queue
//! too, but counts lines instead of bytes, and its guard prints to standard output, which may wait
//! or panic on a stopped terminal.

use std::{
    collections::VecDeque,
    io,
    panic::PanicHookInfo,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, poll},
    fd::AsFd,
    io::Errno,
};

/// Bytes of queued lines.
const QUEUE_MAX: usize = 1 << 20; // 1 MiB
/// Overhead per queued line, in bytes.
const LINE: usize = 64;
/// How long the last lines may take when the server ends.
const LAST_LINES_TIMEOUT: Duration = Duration::from_secs(1);

/// The log of this process; all clones share the same queue.
#[derive(Clone)]
pub(crate) struct Log(Arc<Shared>);

struct Shared {
    queue: Mutex<Queue>,
    /// A line was queued.
    filled: Condvar,
    /// All lines are written or lost.
    drained: Condvar,
    lost: Arc<AtomicU64>,
}

#[derive(Default)]
struct Queue {
    entries: VecDeque<Entry>,
    bytes: usize,
    /// Lost lines since the last report of losses.
    untold: u64,
    is_writing: bool,
}

enum Entry {
    Line(Box<[u8]>),
    /// This many lines were lost here.
    Lost(u64),
}

impl Log {
    /// Starts the thread that writes to `output`.
    ///
    /// # Errors
    /// The system gives no thread.
    pub(crate) fn start(output: impl AsFd + Send + 'static) -> io::Result<Self> {
        let log = Self(Arc::new(Shared {
            queue: Mutex::default(),
            filled: Condvar::new(),
            drained: Condvar::new(),
            lost: Arc::default(),
        }));
        let shared = Arc::clone(&log.0);
        thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || shared.write_all(&output))?;
        Ok(log)
    }

    /// The number of lost lines so far.
    pub(crate) fn lost(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.0.lost)
    }

    pub(crate) fn line(&self, text: &str) {
        let mut line = Vec::with_capacity(text.len() + 1);
        line.extend_from_slice(text.as_bytes());
        line.push(b'\n');
        self.0.push(line.into());
    }

    /// Waits until all lines are written or lost, or until the deadline.
    pub(crate) fn finish(&self) {
        let busy = |queue: &mut Queue| queue.is_writing || !queue.entries.is_empty();
        let queue = self.0.queue();
        // The process ends now in any case.
        let _ = self
            .0
            .drained
            .wait_timeout_while(queue, LAST_LINES_TIMEOUT, busy);
    }

    /// Logs panics: the standard hook would wait for standard error.
    pub(crate) fn report_panics(&self) {
        let log = self.clone();
        std::panic::set_hook(Box::new(move |panic: &PanicHookInfo<'_>| {
            let thread = thread::current();
            let name = thread.name().unwrap_or("unnamed");
            let trace = std::backtrace::Backtrace::capture();
            log.line(&format!("thread {name}: {panic}\n{trace}"));
        }));
    }
}

impl io::Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.push(line.into());
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, line: Box<[u8]>) {
        let mut queue = self.queue();
        let bytes = line.len() + LINE;
        if queue.bytes + bytes > QUEUE_MAX {
            queue.untold += 1;
            self.lost.fetch_add(1, Ordering::Relaxed);
            return;
        }
        queue.tell_loss();
        queue.bytes += bytes;
        queue.entries.push_back(Entry::Line(line));
        drop(queue);
        self.filled.notify_one();
    }

    /// Writes queued lines for the life of the process.
    fn write_all(&self, output: &impl AsFd) {
        loop {
            let entry = self.next();
            let is_written = match &entry {
                Entry::Line(line) => write(output, line),
                Entry::Lost(count) => {
                    let note =
                        format!("{count} log lines were lost here: standard error refused them\n");
                    write(output, note.as_bytes())
                }
            };
            let mut queue = self.queue();
            match entry {
                _ if is_written && queue.entries.is_empty() => queue.tell_loss(),
                _ if is_written => {}
                Entry::Line(_) => {
                    queue.untold += 1;
                    self.lost.fetch_add(1, Ordering::Relaxed);
                }
                // Reported with the next line.
                Entry::Lost(count) => queue.untold += count,
            }
        }
    }

    fn next(&self) -> Entry {
        let mut queue = self.queue();
        loop {
            if let Some(entry) = queue.entries.pop_front() {
                if let Entry::Line(line) = &entry {
                    queue.bytes -= line.len() + LINE;
                }
                queue.is_writing = true;
                return entry;
            }
            queue.is_writing = false;
            self.drained.notify_all();
            queue = self
                .filled
                .wait(queue)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Queue {
    /// Reports lines lost at this place, if any.
    fn tell_loss(&mut self) {
        if self.untold > 0 {
            let lost = std::mem::take(&mut self.untold);
            self.entries.push_back(Entry::Lost(lost));
        }
    }
}

/// Writes all bytes, however long writing takes; false if standard error refused the bytes.
pub(crate) fn write(output: &impl AsFd, mut bytes: &[u8]) -> bool {
    while !bytes.is_empty() {
        match rustix::io::write(output, bytes) {
            Ok(0) => return false,
            Ok(n) => bytes = bytes.get(n..).unwrap_or_default(),
            Err(Errno::INTR) => {}
            // Another process may have made the output non-blocking.
            Err(Errno::AGAIN) => {
                let mut room = [PollFd::new(output, PollFlags::OUT)];
                if !matches!(poll(&mut room, None), Ok(_) | Err(Errno::INTR)) {
                    return false;
                }
            }
            Err(_) => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use std::{
        fs::File,
        io::{Read as _, Write as _, pipe},
    };

    use super::*;

    #[test]
    fn lines_beyond_the_queue_are_counted() {
        let (mut reader, writer) = wxcode_testbed::full_pipe().unwrap();
        let mut log = Log::start(writer).unwrap();
        let line = [b'x'; 1023];
        for _ in 0..3 * QUEUE_MAX / line.len() {
            log.write_all(&line).unwrap();
        }
        let lost = log.lost().load(Ordering::Relaxed);
        assert!(lost > 0, "nobody reads");
        assert!(log.0.queue().bytes <= QUEUE_MAX);
        let note = format!("{lost} log lines were lost here");
        let mut text = Vec::new();
        let mut buffer = [0; 64 << 10];
        while !String::from_utf8_lossy(&text).contains(&note) {
            let n = reader.read(&mut buffer).unwrap();
            text.extend_from_slice(&buffer[..n]);
        }
        log.finish();
        assert!(log.0.queue().entries.is_empty());
    }

    #[test]
    fn a_refused_line_is_lost_and_counted() {
        let log = Log::start(File::options().write(true).open("/dev/full").unwrap()).unwrap();
        log.line("one");
        log.line("two");
        log.finish();
        assert_eq!(log.lost().load(Ordering::Relaxed), 2);
    }

    #[test]
    fn an_end_does_not_wait_for_a_stopped_output() {
        let (_reader, writer) = wxcode_testbed::full_pipe().unwrap();
        let log = Log::start(writer).unwrap();
        log.line("one");
        log.finish();
        assert!(log.0.queue().is_writing, "it waits still");
    }

    #[test]
    fn lines_keep_their_order() {
        let (mut reader, writer) = pipe().unwrap();
        let log = Log::start(writer).unwrap();
        (0..100).for_each(|n| log.line(&n.to_string()));
        log.finish();
        let mut text = [0; 290];
        reader.read_exact(&mut text).unwrap();
        let expected: String = (0..100).map(|n| format!("{n}\n")).collect();
        assert_eq!(std::str::from_utf8(&text).unwrap(), expected);
    }
}
