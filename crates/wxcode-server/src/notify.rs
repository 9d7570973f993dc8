//! Notices of events to the outside: webhooks and Web Push.
//!
//! - The queue takes each published event that a receiver wants, and puts a notice into the store.
//! - The sender takes the notices that are due. A failed one is due again later, for a day.

pub(crate) mod outside;
pub(crate) mod push;
mod queue;
mod send;
mod start;

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, OnceLock},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use tokio::sync::Notify;
use wxcode_core::{id::Id, notice::Target};
use wxcode_store::Result;

use self::push::Keys;
pub(crate) use self::start::start;
use crate::{access::Callers, event::Events, metric::Metrics, repository::Repository, sync::lock};

/// Age of the known receivers before they are read again: another server on the same store may have
/// changed them.
const FRESH: Duration = Duration::from_secs(5);

/// Notices of events to the outside.
#[derive(Clone)]
pub(crate) struct Notices(Arc<Inner>);

struct Inner {
    store: Repository,
    callers: Callers,
    events: Events,
    metrics: Metrics,
    data_dir: PathBuf,
    targets: Mutex<Known>,
    /// Wakes the sender.
    added: Notify,
    /// The last attempt for each receiver, since the start.
    attempts: Mutex<HashMap<Id, Attempt>>,
    keys: OnceLock<Arc<Keys>>,
}

#[derive(Default)]
struct Known {
    targets: Arc<[Target]>,
    read: Option<Instant>,
}

/// An attempt to send a notice.
#[derive(Debug, Clone)]
pub(crate) struct Attempt {
    pub(crate) at: Timestamp,
    /// Why it failed; `None` for a success.
    pub(crate) error: Option<String>,
}

impl Notices {
    fn new(
        store: Repository,
        callers: Callers,
        events: Events,
        metrics: Metrics,
        data_dir: PathBuf,
    ) -> Self {
        Self(Arc::new(Inner {
            store,
            callers,
            events,
            metrics,
            data_dir,
            targets: Mutex::default(),
            added: Notify::new(),
            attempts: Mutex::default(),
            keys: OnceLock::new(),
        }))
    }

    /// Adds a receiver; false if there are too many.
    pub(crate) async fn add(&self, target: &Target) -> Result<bool> {
        let added = self.0.store.add_target(target).await;
        self.known().read = None;
        added
    }

    /// Removes a receiver with its notices; false if there was none.
    pub(crate) async fn remove(&self, id: Id) -> Result<bool> {
        let removed = self.0.store.remove_target(id).await;
        self.known().read = None;
        self.attempts().remove(&id);
        removed
    }

    /// All receivers.
    pub(crate) async fn targets(&self) -> Result<Vec<Target>> {
        self.0.store.targets().await
    }

    /// The receivers as known a moment ago.
    async fn recent(&self) -> Result<Arc<[Target]>> {
        {
            let known = self.known();
            if known.read.is_some_and(|read| read.elapsed() < FRESH) {
                return Ok(Arc::clone(&known.targets));
            }
        }
        let began = Instant::now();
        let targets: Arc<[Target]> = self.0.store.targets().await?.into();
        let mut known = self.known();
        known.targets = Arc::clone(&targets);
        known.read = Some(began);
        Ok(targets)
    }

    /// The last attempt for a receiver since the server's start.
    pub(crate) fn last_attempt(&self, id: Id) -> Option<Attempt> {
        self.attempts().get(&id).cloned()
    }

    /// The keys of Web Push, generated with the first use.
    pub(crate) async fn keys(&self) -> std::io::Result<Arc<Keys>> {
        if let Some(keys) = self.0.keys.get() {
            return Ok(Arc::clone(keys));
        }
        let data_dir = self.0.data_dir.clone();
        let opened = tokio::task::spawn_blocking(move || Keys::open(&data_dir)).await;
        let opened = opened.map_err(std::io::Error::other)?;
        // Another caller may have generated them in the same moment.
        let opened = match opened {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                Keys::open(&self.0.data_dir)
            }
            opened => opened,
        }?;
        Ok(Arc::clone(self.0.keys.get_or_init(|| Arc::new(opened))))
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        lock(&self.0.targets)
    }

    fn attempts(&self) -> MutexGuard<'_, HashMap<Id, Attempt>> {
        lock(&self.0.attempts)
    }
}
