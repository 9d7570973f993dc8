//! The state that the rooms of this module share.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use tokio::sync::Semaphore;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

use crate::repository::Repository;
use crate::{
    Settings,
    agent::{
        delivery::unknown::UnknownOutcomes,
        launch::{error::StartError, lease::Leases},
        metadata::Metadata,
        monitor::upgrade,
        slot::Slots,
    },
    changes::ChangeLog,
    conversation::Indexer,
    event::Events,
    mirror::Mirror,
    planning::Planning,
    sync::lock,
    usage::UsageReader,
};

/// The parts of a server that start, monitor and end agents.
pub(in crate::agent) struct Context {
    pub(in crate::agent) settings: Arc<Settings>,
    pub(in crate::agent) store: Repository,
    pub(in crate::agent) events: Events,
    pub(in crate::agent) planning: Planning,
    pub(in crate::agent) changes: ChangeLog,
    pub(in crate::agent) mirror: Mirror,
    pub(in crate::agent) usage: UsageReader,
    pub(in crate::agent) indexer: Indexer,
    pub(in crate::agent) leases: Leases,
    pub(in crate::agent) unknown_outcomes: UnknownOutcomes,
    pub(in crate::agent) slots: Slots,
    pub(in crate::agent) closing: CancellationToken,
    /// Sessions and runs about to start.
    starting: Mutex<u64>,
    /// Whether this node takes no new sessions.
    pub(in crate::agent) draining: AtomicBool,
    /// The monitors, and everything else that ends with the server.
    pub(in crate::agent) tasks: TaskTracker,
    /// Permits for holders to change to this build.
    pub(in crate::agent) upgrades: Arc<Semaphore>,
}

/// The room of a session or run that is about to start.
pub(in crate::agent) struct Room(Arc<Context>);

impl Drop for Room {
    fn drop(&mut self) {
        let mut starting = lock(&self.0.starting);
        *starting = starting.saturating_sub(1);
    }
}

impl Context {
    pub(in crate::agent) fn new(
        settings: Arc<Settings>,
        store: Repository,
        events: Events,
        planning: Planning,
        closing: CancellationToken,
    ) -> Self {
        let mirror = Mirror::new(&settings, store.clone(), planning.watches());
        Self {
            changes: ChangeLog::new(&settings),
            leases: Leases::new(store.clone(), settings.shared.clone()),
            indexer: Indexer::new(Arc::clone(&settings), mirror.clone(), store.clone()),
            usage: UsageReader::new(Arc::clone(&settings), mirror.clone()),
            mirror,
            settings,
            store,
            events,
            planning,
            unknown_outcomes: UnknownOutcomes::default(),
            slots: Slots::default(),
            starting: Mutex::default(),
            draining: AtomicBool::new(false),
            closing,
            tasks: TaskTracker::new(),
            upgrades: Arc::new(Semaphore::new(upgrade::AT_ONCE)),
        }
    }

    /// The number of live sessions and runs.
    pub(in crate::agent) fn live(&self) -> u64 {
        let slots = self.slots.all();
        slots.iter().filter(|slot| slot.current().is_some()).count() as u64
    }

    /// Whether no further session has room.
    pub(in crate::agent) fn is_full(&self) -> bool {
        let capacity = self.settings.capacity;
        capacity.is_some_and(|capacity| self.load() >= capacity)
    }

    pub(in crate::agent) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    /// The sessions and runs that live or are about to start.
    pub(in crate::agent) fn load(&self) -> u64 {
        self.live() + *lock(&self.starting)
    }

    /// Takes the room of a new session or run, until the guard is dropped or it lives; fails if this
    /// node takes none.
    pub(in crate::agent) fn take_room(self: &Arc<Self>) -> Result<Room, StartError> {
        if self.closing.is_cancelled() {
            return Err(StartError::Closing);
        }
        if self.is_draining() {
            return Err(StartError::Draining);
        }
        let mut starting = lock(&self.starting);
        match self.settings.capacity {
            Some(capacity) if self.live() + *starting >= capacity => {
                Err(StartError::Full(capacity))
            }
            _ => {
                *starting += 1;
                Ok(Room(Arc::clone(self)))
            }
        }
    }

    /// The current conversation of an agent's project, or the one of its start without the store.
    pub(in crate::agent) async fn current_conversation(&self, metadata: &Metadata) -> Option<Uuid> {
        match self.store.project(metadata.project_id).await {
            Ok(Some(project)) => project.claude_session_id,
            Ok(None) => None,
            Err(_) => Some(metadata.claude_session_id),
        }
    }
}
