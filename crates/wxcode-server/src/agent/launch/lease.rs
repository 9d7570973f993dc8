//! Leases of a server's projects on a shared store: taken before an agent starts, and given back
//! after its end. `wxcode_core::lease` decides.
//!
//! Invariant: numbers that the store compares and sets decide the owner of a lease, together with
//! the observations of each server on its own monotonic clock. No time is written.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::time::Instant;
use uuid::Uuid;
use wxcode_core::{
    id::Id,
    lease::{Claim, Lease, Node, Refusal, Sight, Tenure, claim},
    placement,
    time::Moment,
};
use wxcode_store::{StoreError, Swapped};

use crate::repository::Repository;
use crate::{agent::launch::error::StartError, settings::Shared, sync::lock};

/// Most tries for a lease under concurrent changes.
const TRIES: usize = 5;
/// Pause before a failed renewal is tried again.
pub(in crate::agent) const RETRY: Duration = Duration::from_secs(1);

/// The leases of this server; an unshared store needs none.
#[derive(Clone)]
pub(crate) struct Leases(Arc<Inner>);

struct Inner {
    store: Repository,
    shared: Option<Shared>,
    /// Leases of other servers, for the projects requested here.
    sights: Mutex<HashMap<Id, Sight>>,
    began: Instant,
}

/// The outcome of a renewal.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::agent) enum Renewal {
    /// The lease is this server's.
    Kept,
    /// Another change intervened: try again.
    Again,
    /// Another server took it.
    Gone(Node),
    /// The project is gone.
    Needless,
}

/// The node of a project, by its lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Home {
    /// No node holds the lease: the node of the last hold, or of the project's creation, and whether
    /// no agent ever ran under a lease.
    Free { node: Option<Node>, is_new: bool },
    /// The node holds the lease.
    Held(Node),
    /// The lease of another node expired, by this node's observations.
    Expired(Node),
}

impl Home {
    const UNKNOWN: Self = Self::Free {
        node: None,
        is_new: true,
    };
}

impl Leases {
    pub(in crate::agent) fn new(store: Repository, shared: Option<Shared>) -> Self {
        Self(Arc::new(Inner {
            store,
            shared,
            sights: Mutex::default(),
            began: Instant::now(),
        }))
    }

    /// The settings of a shared store.
    pub(in crate::agent) fn shared(&self) -> Option<Shared> {
        self.0.shared.clone()
    }

    /// Whether no other server can have taken this lease so far.
    pub(in crate::agent) fn is_sure(&self, held: &Tenure) -> bool {
        held.is_sure(self.now())
    }

    fn now(&self) -> Moment {
        Moment::new(self.0.began.elapsed())
    }

    /// Takes the lease of a project; `None` when no lease is needed.
    pub(in crate::agent) async fn take(&self, project: Id) -> Result<Option<Tenure>, StartError> {
        let Some(shared) = &self.0.shared else {
            return Ok(None);
        };
        for _ in 0..TRIES {
            let (read, new) = self.may_take(shared, project).await?;
            let asked = self.now();
            let swapped = self.0.store.swap_lease(project, read.as_ref(), &new);
            match swapped.await? {
                Swapped::Won => {
                    lock(&self.0.sights).remove(&project);
                    self.0.store.set_fence(project, new.epoch);
                    let before = read.as_ref().filter(|before| before.epoch > 0);
                    if before.is_some_and(|before| !is_of(before, &shared.node)) {
                        self.0.store.came_from_another_node(project);
                    }
                    if let Some(before) = read.as_ref().and_then(Lease::owner)
                        && before.id != shared.node.id
                    {
                        tracing::warn!(%project, server = before.name, "took over the expired lease of a project");
                    }
                    return Ok(Some(Tenure::new(new, asked)));
                }
                Swapped::Lost(_) => {}
                Swapped::NoProject => return Err(StartError::NoProject),
            }
        }
        Err(StartError::Agent(
            "other servers keep changing its lease: one server runs a project".to_owned(),
        ))
    }

    /// Fails if another server has the project.
    ///
    /// Returns the epoch read: a change under this epoch does nothing once another server has taken
    /// the lease.
    pub(in crate::agent) async fn check(&self, project: Id) -> Result<Option<u64>, StartError> {
        let Some(shared) = &self.0.shared else {
            return Ok(None);
        };
        let (read, _) = self.may_take(shared, project).await?;
        Ok(Some(read.map_or(0, |lease| lease.epoch)))
    }

    /// Another server has the lease, and the agent here is gone: its epoch guards no later change.
    pub(in crate::agent) fn lost(&self, project: Id, tenure: &Tenure) {
        let epoch = tenure.lease().epoch;
        self.0.store.clear_fence(project, epoch);
    }

    /// Reads the record, and decides about its replacement.
    async fn may_take(
        &self,
        shared: &Shared,
        project: Id,
    ) -> Result<(Option<Lease>, Lease), StartError> {
        let asked = self.now();
        let read = self.0.store.lease(project).await?;
        let answered = self.now();
        let unchanged = match &read {
            Some(read) if !is_of(read, &shared.node) => lock(&self.0.sights)
                .entry(project)
                .or_default()
                .look(read, asked, answered),
            _ => Duration::ZERO,
        };
        match claim(read.as_ref(), &shared.node, unchanged, shared.lease) {
            Claim::Take(new) => Ok((read, new)),
            Claim::Held { by, left } => Err(StartError::Elsewhere {
                server: by.name,
                left,
            }),
        }
    }

    /// The node of a project.
    pub(in crate::agent) async fn home(&self, project: Id) -> Result<Home, StoreError> {
        let Some(shared) = &self.0.shared else {
            return Ok(Home::UNKNOWN);
        };
        let asked = self.now();
        let Some(read) = self.0.store.lease(project).await? else {
            return Ok(Home::UNKNOWN);
        };
        let Some(owner) = read.owner() else {
            return Ok(Home::Free {
                is_new: read.epoch == 0,
                node: read.node,
            });
        };
        let owner = owner.clone();
        let is_other = owner.id != shared.node.id;
        Ok(match is_other && self.has_expired(project, &read, asked) {
            true => Home::Expired(owner),
            false => Home::Held(owner),
        })
    }

    /// The projects whose leases other nodes hold, all nodes but these: each with its node, and
    /// whether the lease expired.
    pub(in crate::agent) async fn elsewhere(
        &self,
        mut but: Vec<Uuid>,
    ) -> Result<Vec<(Id, Node, bool)>, StoreError> {
        let Some(shared) = &self.0.shared else {
            return Ok(Vec::new());
        };
        but.push(shared.node.id);
        let asked = self.now();
        let held = self.0.store.held_leases(but).await?.into_iter();
        let judged = held.filter_map(|(project, lease)| {
            let has_expired = self.has_expired(project, &lease, asked);
            Some((project, lease.node?, has_expired))
        });
        Ok(judged.collect())
    }

    /// Whether another node's lease expired, by this node's observations.
    fn has_expired(&self, project: Id, read: &Lease, asked: Moment) -> bool {
        self.left(project, read, asked).is_zero()
    }

    /// The time until another node's lease expires, by this node's observations.
    fn left(&self, project: Id, read: &Lease, asked: Moment) -> Duration {
        let mut sights = lock(&self.0.sights);
        let sight = sights.entry(project).or_default();
        let unchanged = sight.look(read, asked, self.now());
        read.patience().saturating_sub(unchanged)
    }

    /// The projects whose leases expired, of the nodes that this one watches, and the time until the
    /// next of these leases may expire.
    pub(in crate::agent) async fn expired(
        &self,
    ) -> Result<(Vec<Id>, Option<Duration>), StoreError> {
        let Some(shared) = &self.0.shared else {
            return Ok((Vec::new(), None));
        };
        let nodes = self.0.store.nodes().await?;
        let nodes: Vec<Uuid> = nodes.iter().map(|node| node.id).collect();
        let own = shared.node.id;
        // Each node watches the nodes without a record.
        let is_left_out = |id: &Uuid| *id == own || !placement::watches(own, *id, &nodes);
        let mut but: Vec<Uuid> = nodes.iter().copied().filter(is_left_out).collect();
        but.push(own);
        let asked = self.now();
        let held = self.0.store.held_leases(but).await?;
        let (mut expired, mut next) = (Vec::new(), None);
        for (project, lease) in held {
            match self.left(project, &lease, asked) {
                Duration::ZERO => expired.push(project),
                left => next = Some(next.map_or(left, |next: Duration| next.min(left))),
            }
        }
        Ok((expired, next))
    }

    /// Makes this node the home of a project without a lease.
    pub(in crate::agent) async fn make_home(&self, project: Id) {
        let Some(shared) = &self.0.shared else {
            return;
        };
        let home = Lease::at_home(shared.node.clone());
        if let Err(error) = self.0.store.swap_lease(project, None, &home).await {
            tracing::debug!(%project, %error, "could not note the home of a project; its first start does");
        }
    }

    /// Whether another server has or had the project last.
    pub(in crate::agent) async fn is_elsewhere(&self, project: Id) -> Result<bool, StoreError> {
        let Some(shared) = &self.0.shared else {
            return Ok(false);
        };
        let read = self.0.store.lease(project).await?;
        let owner = read.as_ref().and_then(Lease::owner);
        Ok(owner.is_some_and(|owner| owner.id != shared.node.id))
    }

    /// Gives a lease back, for the next node at once. After a failure the lease runs out.
    pub(in crate::agent) async fn give_back(&self, project: Id, tenure: &Tenure) {
        let free = tenure.given_back();
        let swapped = self
            .0
            .store
            .swap_lease(project, Some(tenure.lease()), &free);
        if let Err(error) = swapped.await {
            tracing::warn!(%project, %error, "could not give back a lease; it expires by itself");
        }
        self.lost(project, tenure);
    }

    pub(in crate::agent) async fn renew(
        &self,
        shared: &Shared,
        project: Id,
        held: &mut Option<Tenure>,
    ) -> Result<Renewal, StoreError> {
        let store = &self.0.store;
        let Some(tenure) = held else {
            let read = store.lease(project).await?;
            // A living agent does not wait for another's lease to run out.
            let new = match claim(read.as_ref(), &shared.node, Duration::ZERO, shared.lease) {
                Claim::Held { by, .. } => return Ok(Renewal::Gone(by)),
                Claim::Take(new) => new,
            };
            let asked = self.now();
            return Ok(
                match store.swap_lease(project, read.as_ref(), &new).await? {
                    Swapped::Won => {
                        store.set_fence(project, new.epoch);
                        *held = Some(Tenure::new(new, asked));
                        Renewal::Kept
                    }
                    Swapped::Lost(_) => Renewal::Again,
                    Swapped::NoProject => Renewal::Needless,
                },
            );
        };
        let (asked, next) = (self.now(), tenure.next());
        let swapped = store.swap_lease(project, Some(tenure.lease()), &next);
        Ok(match swapped.await? {
            Swapped::Won => {
                tenure.renewed(next, asked);
                Renewal::Kept
            }
            Swapped::Lost(found) => match tenure.refused(found.as_ref()) {
                Refusal::Behind => Renewal::Again,
                Refusal::Free => {
                    *held = None;
                    Renewal::Again
                }
                Refusal::Gone(node) => Renewal::Gone(node),
            },
            Swapped::NoProject => Renewal::Needless,
        })
    }

    /// The time of the next renewal.
    pub(in crate::agent) fn due(&self, tenure: Option<&Tenure>) -> Instant {
        tenure.map_or_else(Instant::now, |tenure| {
            self.0.began + tenure.due().since_start()
        })
    }
}

fn is_of(lease: &Lease, node: &Node) -> bool {
    lease.node.as_ref().is_some_and(|by| by.id == node.id)
}
