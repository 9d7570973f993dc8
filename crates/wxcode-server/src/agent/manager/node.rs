//! The agents of this node among those of other nodes: its load, its leases, and its drain.

use std::{path::Path, time::Duration};

use uuid::Uuid;
use wxcode_core::{id::Id, lease::Node};
use wxcode_store::StoreError;

use super::Manager;
use crate::{
    agent::{drain, launch::lease::Home, takeover},
    workspace,
};

impl Manager {
    /// Whether an agent of the project runs here, or is being started.
    #[must_use]
    pub(crate) fn has_agent(&self, project: Id) -> bool {
        let slot = self.0.slots.known(project);
        slot.is_some_and(|slot| slot.current().is_some() || slot.is_starting())
    }

    /// The number of live sessions and runs.
    #[must_use]
    pub(crate) fn live(&self) -> u64 {
        self.0.live()
    }

    /// Whether a further session may start here.
    #[must_use]
    pub(crate) fn has_room(&self) -> bool {
        !self.0.is_full() && !self.0.is_draining()
    }

    /// The live sessions and runs, and those about to start.
    #[must_use]
    pub(crate) fn load(&self) -> u64 {
        self.0.load()
    }

    /// The node of a project by its lease.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn home(&self, project: Id) -> Result<Home, StoreError> {
        self.0.leases.home(project).await
    }

    /// The projects whose leases other nodes hold, all nodes but these: each with its node, and
    /// whether the lease expired.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn elsewhere(
        &self,
        but: Vec<Uuid>,
    ) -> Result<Vec<(Id, Node, bool)>, StoreError> {
        self.0.leases.elsewhere(but).await
    }

    /// Whether this node reaches the workspace of a project.
    pub(crate) async fn reaches(&self, workspace: &Path) -> bool {
        let path = workspace.to_owned();
        let look = move || workspace::check(&path);
        wxcode_files::off_thread(workspace, look).await.is_ok()
    }

    /// Makes this node the home of a new project.
    pub(crate) async fn make_home(&self, project: Id) {
        self.0.leases.make_home(project).await;
    }

    /// The name of this node, on a shared store.
    #[must_use]
    pub(crate) fn node_name(&self) -> Option<String> {
        let shared = self.0.settings.shared.as_ref();
        shared.map(|shared| shared.node.name.clone())
    }

    /// Takes no new sessions from here on; on a shared store, hands idle ones over.
    pub(crate) fn drain(&self) {
        drain::begin(&self.0);
    }

    /// Takes new sessions again.
    pub(crate) fn undrain(&self) {
        drain::end(&self.0);
    }

    #[must_use]
    pub(crate) fn is_draining(&self) -> bool {
        self.0.is_draining()
    }

    /// Drains, and waits for turns and runs: at most this long.
    pub(crate) async fn settle(&self, most: Duration) {
        drain::settle(&self.0, most).await;
    }

    /// Takes over the projects of nodes that are gone, until the server ends.
    pub(crate) async fn take_over(&self) {
        takeover::take_over(&self.0).await;
    }
}
