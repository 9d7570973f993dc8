//! The writer's thread and the readers' connections.

use std::{
    io,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Instant,
};

use rusqlite::Transaction;
use tokio::sync::{Semaphore, mpsc, oneshot};

use super::{
    failure::Failure,
    link::{Access, Link},
};
use crate::{Result, StoreError};

/// Most changes waiting for the writer; further callers wait.
const WRITES_WAITING_MAX: usize = 256;
/// Most concurrent reads, each with a separate connection; further callers wait.
const READERS: usize = 4;

type Job = Box<dyn FnOnce(&mut Link) + Send>;

/// The only writer: changes wait in memory, in order, instead of at the file's lock.
///
/// On drop, the writer finishes the accepted changes and closes the file.
pub(super) struct Writer {
    path: Arc<Path>,
    /// Both are present until the drop.
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread.
    pub(super) fn start(path: Arc<Path>, mut link: Link) -> io::Result<Self> {
        let (jobs, mut queue) = mpsc::channel::<Job>(WRITES_WAITING_MAX);
        let thread = thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || {
                while let Some(job) = queue.blocking_recv() {
                    job(&mut link);
                }
            })?;
        Ok(Self {
            path,
            jobs: Some(jobs),
            thread: Some(thread),
        })
    }

    /// Runs `change` in a transaction with the write lock from the beginning.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Transaction<'_>) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T> {
        let since = Instant::now();
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |link| {
            // The send fails if the caller stopped waiting; the change stands.
            let _ = answer.send(link.run(since, change));
        });
        let stopped = || Failure::Stopped.at(&self.path);
        self.jobs
            .as_ref()
            .ok_or_else(stopped)?
            .send(job)
            .await
            .map_err(|_| stopped())?;
        answered.await.map_err(|_| stopped())?
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            // The thread already reported its panic.
            let _ = thread.join();
        }
    }
}

/// The readers: each sees everything durable at its beginning, and never waits for the writer.
pub(super) struct Readers {
    path: Arc<Path>,
    idle: Arc<Mutex<Vec<Link>>>,
    free: Arc<Semaphore>,
}

impl Readers {
    /// Connections open at their first use.
    pub(super) fn new(path: Arc<Path>) -> Self {
        Self {
            path,
            idle: Arc::default(),
            free: Arc::new(Semaphore::new(READERS)),
        }
    }

    /// Runs `look` on a single consistent state of the records.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Transaction<'_>) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T> {
        let unavailable = |reason: String| StoreError::Unavailable(reason);
        let turn = Arc::clone(&self.free)
            .acquire_owned()
            .await
            .map_err(|error| unavailable(error.to_string()))?;
        let (path, idle) = (Arc::clone(&self.path), Arc::clone(&self.idle));
        let looking = tokio::task::spawn_blocking(move || {
            let taken = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut link = taken.unwrap_or_else(|| Link::new(path, Access::Reader));
            let result = link.run(Instant::now(), read);
            idle.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(link);
            drop(turn);
            result
        });
        looking
            .await
            .map_err(|error| unavailable(format!("the read was interrupted ({error})")))?
    }
}
