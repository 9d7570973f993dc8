//! Receivers of notices, and the queue of notices, in a store.

use async_trait::async_trait;
use jiff::Timestamp;
use wxcode_core::{
    id::Id,
    notice::{Notice, Target},
};

use crate::Result;

/// Most targets.
pub const TARGETS_MAX: u64 = 1_000;
/// Most queued notices of a target; the oldest go first.
pub const NOTICES_MAX: u64 = 1_000;

/// Operations on notices and their receivers. See [`crate::Store`] for the promises of all
/// operations.
#[async_trait]
pub trait NoticeStore: Send + Sync + 'static {
    /// Adds a target; false if there are [`TARGETS_MAX`] already. The same target again is no
    /// change.
    async fn add_target(&self, target: &Target) -> Result<bool>;
    /// All targets, oldest first.
    async fn targets(&self) -> Result<Vec<Target>>;
    /// Removes a target with its notices; false if there was no target.
    async fn remove_target(&self, id: Id) -> Result<bool>;
    /// Queues a notice, and removes the target's oldest ones beyond [`NOTICES_MAX`]; returns the
    /// number of removed ones. The same notice again is no change.
    async fn add_notice(&self, notice: &Notice) -> Result<u64>;
    /// Takes the notices of these targets that are due, oldest first, and makes them due again at
    /// `until`: meanwhile nobody else gets them.
    async fn claim_notices(
        &self,
        targets: &[Id],
        now: Timestamp,
        until: Timestamp,
        limit: u64,
    ) -> Result<Vec<Notice>>;
    /// Removes a notice that arrived or was given up.
    async fn remove_notice(&self, id: Id) -> Result<()>;
    /// Records a failed attempt, and the time of the next one.
    async fn delay_notice(&self, id: Id, attempts: u32, due_at: Timestamp) -> Result<()>;
}
