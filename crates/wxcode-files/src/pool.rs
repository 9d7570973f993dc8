//! Runs work on foreign files on separate threads, with a deadline.
//!
//! A thread waiting for a hanging file system cannot be ended, so each running job has its own
//! thread. A job past its deadline is abandoned: it no longer counts as running, and its place is
//! refused at once as long as the thread hangs. A thread that is done waits for another job for a
//! while.

mod idle;

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, mpsc},
    time::Duration,
};

use tokio::{
    sync::{Notify, oneshot},
    time::{Instant, timeout_at},
};

pub use self::idle::{IDLE_MAX, IDLE_TIME};
use crate::FileError;

/// Longest wait of a caller for a file, with the wait for a thread.
pub const DEADLINE: Duration = Duration::from_secs(10);
/// Most concurrent jobs within their deadline.
pub const JOBS_MAX: usize = 32;
/// Most concurrent jobs of one place.
pub const JOBS_PER_PLACE_MAX: usize = 4;
/// Most threads, with the hanging ones.
pub const THREADS_MAX: usize = 256;

static POOL: LazyLock<Pool> = LazyLock::new(|| Pool::new(DEADLINE));

/// Runs `work`, which opens files at `place`, on a separate thread.
///
/// `place` is the folder to recognise a hanging file system by: a workspace, a folder of Claude
/// Code.
///
/// # Errors
/// Those of `work`; [`FileError::Hangs`] after [`DEADLINE`], or at once while an earlier job of the
/// same place hangs.
pub async fn off_thread<T, E, F>(place: &Path, work: F) -> Result<T, E>
where
    T: Send + 'static,
    E: From<FileError> + Send + 'static,
    F: FnOnce() -> Result<T, E> + Send + 'static,
{
    POOL.run(place, work).await
}

/// Does the same for the command line, without a runtime.
///
/// # Errors
/// Those of [`off_thread`].
pub fn wait<T, E, F>(place: &Path, work: F) -> Result<T, E>
where
    T: Send + 'static,
    E: From<FileError> + Send + 'static,
    F: FnOnce() -> Result<T, E> + Send + 'static,
{
    let (sender, receiver) = mpsc::sync_channel(1);
    spawn(place, move || {
        // The caller gave up and needs no answer.
        let _ = sender.send(work());
    })?;
    receiver.recv_timeout(DEADLINE).unwrap_or_else(|_| {
        Err(FileError::Hangs {
            path: place.to_owned(),
            waited: DEADLINE,
        }
        .into())
    })
}

/// Threads for work on foreign files.
#[derive(Debug)]
pub struct Pool {
    deadline: Duration,
    jobs: Arc<Jobs>,
}

#[derive(Debug, Default)]
struct Jobs {
    table: Mutex<Table>,
    ended: Notify,
}

#[derive(Debug, Default)]
struct Table {
    next: u64,
    /// The running jobs, with their places and deadlines.
    running: HashMap<u64, (PathBuf, Instant)>,
}

/// The answer to a job's request for a thread.
enum Admission {
    Admitted(u64),
    /// Not before another job ends, or is abandoned at this time.
    Full(Option<Instant>),
    /// An earlier job of the place hangs.
    Hangs,
}

impl Pool {
    /// A pool without threads yet; its jobs have `deadline`.
    #[must_use]
    pub fn new(deadline: Duration) -> Self {
        Self {
            deadline,
            jobs: Arc::default(),
        }
    }

    /// See [`off_thread`].
    ///
    /// # Errors
    /// Those of [`off_thread`].
    pub async fn run<T, E, F>(&self, place: &Path, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<FileError> + Send + 'static,
        F: FnOnce() -> Result<T, E> + Send + 'static,
    {
        let deadline = Instant::now() + self.deadline;
        let hangs = || {
            E::from(FileError::Hangs {
                path: place.to_owned(),
                waited: self.deadline,
            })
        };
        let number = self.admitted(place, deadline).await.ok_or_else(hangs)?;
        let running = Running {
            jobs: Arc::clone(&self.jobs),
            number,
        };
        let (sender, receiver) = oneshot::channel();
        spawn(place, move || {
            let result = work();
            drop(running);
            // The caller gave up and needs no answer.
            let _ = sender.send(result);
        })?;
        match timeout_at(deadline, receiver).await {
            Ok(Ok(result)) => result,
            // The work panicked; the panic was reported there.
            Ok(Err(_)) => Err(FileError::Io {
                action: "use",
                path: place.to_owned(),
                source: std::io::Error::other("the work on the file panicked"),
            }
            .into()),
            Err(_) => Err(hangs()),
        }
    }

    /// Waits for the number of a new job; `None` if its place hangs or its time is over.
    async fn admitted(&self, place: &Path, deadline: Instant) -> Option<u64> {
        loop {
            let ended = self.jobs.ended.notified();
            tokio::pin!(ended);
            // Listen before looking, so as to miss no end.
            ended.as_mut().enable();
            match self.jobs.admit(place, deadline) {
                Admission::Admitted(number) => return Some(number),
                Admission::Hangs => return None,
                Admission::Full(until) => {
                    let until = until.map_or(deadline, |until| until.min(deadline));
                    let _ = timeout_at(until, ended).await;
                    if Instant::now() >= deadline {
                        return None;
                    }
                }
            }
        }
    }
}

impl Jobs {
    fn admit(&self, place: &Path, deadline: Instant) -> Admission {
        let now = Instant::now();
        let mut table = self.table();
        let (mut here, mut in_time, mut until) = (0, 0, None::<Instant>);
        for (other, end) in table.running.values() {
            if *end <= now {
                if other == place {
                    return Admission::Hangs;
                }
                continue;
            }
            in_time += 1;
            here += usize::from(other == place);
            until = Some(until.map_or(*end, |until| until.min(*end)));
        }
        if here >= JOBS_PER_PLACE_MAX || in_time >= JOBS_MAX || table.running.len() >= THREADS_MAX {
            return Admission::Full(until);
        }
        let number = table.next;
        table.next += 1;
        table.running.insert(number, (place.to_owned(), deadline));
        Admission::Admitted(number)
    }

    /// A poisoned lock still guards a valid table: every change is one insertion or removal.
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A job with a running thread; a panic ends it too.
struct Running {
    jobs: Arc<Jobs>,
    number: u64,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.jobs.table().running.remove(&self.number);
        self.jobs.ended.notify_waiters();
    }
}

fn spawn(place: &Path, job: impl FnOnce() + Send + 'static) -> Result<(), FileError> {
    idle::run(Box::new(job)).map_err(|source| FileError::Io {
        action: "start a thread for",
        path: place.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests;
