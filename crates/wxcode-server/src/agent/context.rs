//! The state that the rooms of this module share.

use std::sync::{
    Arc,
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
    /// Whether this node takes no new sessions.
    pub(in crate::agent) draining: AtomicBool,
    /// The monitors, and everything else that ends with the server.
    pub(in crate::agent) tasks: TaskTracker,
    /// Permits for holders to change to this build.
    pub(in crate::agent) upgrades: Arc<Semaphore>,
}

impl Context {
    pub(in crate::agent) fn new(
        settings: Arc<Settings>,
        store: Repository,
        events: Events,
        planning: Planning,
        closing: CancellationToken,
    ) -> Self {
        let mirror = Mirror::new(&settings, store.clone());
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
        capacity.is_some_and(|capacity| self.live() >= capacity)
    }

    pub(in crate::agent) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    /// Fails if this node takes no new session or run.
    pub(in crate::agent) fn check_room(&self) -> Result<(), StartError> {
        if self.closing.is_cancelled() {
            return Err(StartError::Closing);
        }
        if self.is_draining() {
            return Err(StartError::Draining);
        }
        match self.settings.capacity {
            Some(capacity) if self.live() >= capacity => Err(StartError::Full(capacity)),
            _ => Ok(()),
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
