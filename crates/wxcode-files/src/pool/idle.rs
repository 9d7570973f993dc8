//! Threads between two jobs.

use std::{
    io,
    sync::{
        Mutex, MutexGuard, PoisonError,
        mpsc::{Receiver, SendError, SyncSender, sync_channel},
    },
    thread,
    time::Duration,
};

/// Most threads that wait for another job.
pub const IDLE_MAX: usize = 8;
/// Longest wait of a thread for another job.
pub const IDLE_TIME: Duration = Duration::from_secs(10);

pub(super) type Job = Box<dyn FnOnce() + Send>;

/// The waiting threads, the newest last.
static IDLE: Mutex<Idle> = Mutex::new(Idle {
    next: 0,
    waiting: Vec::new(),
});

struct Idle {
    next: u64,
    waiting: Vec<(u64, SyncSender<Job>)>,
}

/// A poisoned lock still guards a valid list: every change is one insertion or removal.
fn idle() -> MutexGuard<'static, Idle> {
    IDLE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs a job on a waiting thread, or on a new one.
///
/// # Errors
/// The system gives no thread.
pub(super) fn run(mut job: Job) -> io::Result<()> {
    loop {
        let newest = idle().waiting.pop();
        let Some((_, thread)) = newest else { break };
        match thread.send(job) {
            Ok(()) => return Ok(()),
            Err(SendError(back)) => job = back,
        }
    }
    let thread = thread::Builder::new().name("files".to_owned());
    thread.spawn(move || work(job)).map(drop)
}

/// Does jobs until none comes for a while. A panic ends the thread with its job.
fn work(mut job: Job) {
    loop {
        job();
        let Some((number, jobs)) = wait_in_line() else {
            return;
        };
        let next = match jobs.recv_timeout(IDLE_TIME) {
            Ok(next) => Ok(next),
            Err(_) => {
                idle().waiting.retain(|(other, _)| *other != number);
                // A job may be on the way, given at the last moment.
                jobs.recv()
            }
        };
        let Ok(next) = next else { return };
        job = next;
    }
}

/// Takes a place among the waiting threads; `None` if enough wait.
fn wait_in_line() -> Option<(u64, Receiver<Job>)> {
    let mut idle = idle();
    if idle.waiting.len() >= IDLE_MAX {
        return None;
    }
    let (sender, jobs) = sync_channel(1);
    let number = idle.next;
    idle.next += 1;
    idle.waiting.push((number, sender));
    Some((number, jobs))
}

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, sync::mpsc::channel, thread::ThreadId};

    use super::*;

    #[test]
    fn threads_do_several_jobs() {
        let mut threads: HashSet<ThreadId> = HashSet::new();
        for _ in 0..200 {
            let (sender, receiver) = channel();
            run(Box::new(move || {
                sender.send(thread::current().id()).unwrap();
            }))
            .unwrap();
            threads.insert(receiver.recv().unwrap());
        }
        assert!(threads.len() < 200, "{}", threads.len());
        assert!(idle().waiting.len() <= IDLE_MAX);
    }
}
