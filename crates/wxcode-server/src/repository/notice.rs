//! Notices and their receivers, measured; their changes have no events.

use jiff::Timestamp;
use wxcode_core::{
    id::Id,
    notice::{Notice, Target},
};
use wxcode_store::Result;

use super::Repository;

impl Repository {
    pub(crate) async fn add_target(&self, target: &Target) -> Result<bool> {
        self.run("add_target", self.0.store.add_target(target))
            .await
    }

    pub(crate) async fn targets(&self) -> Result<Vec<Target>> {
        self.run("targets", self.0.store.targets()).await
    }

    pub(crate) async fn remove_target(&self, id: Id) -> Result<bool> {
        self.run("remove_target", self.0.store.remove_target(id))
            .await
    }

    pub(crate) async fn add_notice(&self, notice: &Notice) -> Result<u64> {
        self.run("add_notice", self.0.store.add_notice(notice))
            .await
    }

    pub(crate) async fn claim_notices(
        &self,
        targets: &[Id],
        now: Timestamp,
        until: Timestamp,
        limit: u64,
    ) -> Result<Vec<Notice>> {
        let claiming = self.0.store.claim_notices(targets, now, until, limit);
        self.run("claim_notices", claiming).await
    }

    pub(crate) async fn remove_notice(&self, id: Id) -> Result<()> {
        self.run("remove_notice", self.0.store.remove_notice(id))
            .await
    }

    pub(crate) async fn delay_notice(
        &self,
        id: Id,
        attempts: u32,
        due_at: Timestamp,
    ) -> Result<()> {
        let delaying = self.0.store.delay_notice(id, attempts, due_at);
        self.run("delay_notice", delaying).await
    }
}
