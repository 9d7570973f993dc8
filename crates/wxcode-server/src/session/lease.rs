//! Leases of a server's projects on a shared store: taken before an agent starts, renewed while it
//! lives, given back at its end. `wxcode_core::lease` decides.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::time::{Instant, sleep, sleep_until};
use wxcode_core::{
    id::Id,
    lease::{Claim, Lease, Node, Refusal, Sight, Tenure, claim},
};
use wxcode_store::{StoreError, Swapped};

use super::{
    registry::{Sessions, stop},
    seat::lock,
    start::StartError,
};
use crate::repository::Repository;
use crate::settings::Shared;

/// Most tries for a lease under concurrent changes.
const TRIES: usize = 5;
/// Pause before a failed renewal is tried again.
const RETRY: Duration = Duration::from_secs(1);

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
enum Renewal {
    /// The lease is this server's.
    Kept,
    /// Another change intervened: try again.
    Again,
    /// Another server took it.
    Gone(Node),
    /// The project is gone.
    Needless,
}

impl Leases {
    pub(super) fn new(store: Repository, shared: Option<Shared>) -> Self {
        Self(Arc::new(Inner {
            store,
            shared,
            sights: Mutex::default(),
            began: Instant::now(),
        }))
    }

    fn now(&self) -> u64 {
        u64::try_from(self.0.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Takes the lease of a project; `None` when no lease is needed.
    pub(super) async fn take(&self, project: Id) -> Result<Option<Tenure>, StartError> {
        let Some(shared) = &self.0.shared else {
            return Ok(None);
        };
        for _ in 0..TRIES {
            let (read, new) = self.may_take(shared, project).await?;
            let asked_ms = self.now();
            let swapped = self.0.store.swap_lease(project, read.as_ref(), &new);
            match swapped.await? {
                Swapped::Won => {
                    lock(&self.0.sights).remove(&project);
                    if let Some(before) = read.and_then(|read| read.node)
                        && before.id != shared.node.id
                    {
                        tracing::warn!(%project, server = before.name, "the lease of a project ran out and is taken over");
                    }
                    return Ok(Some(Tenure::new(new, asked_ms)));
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
    pub(super) async fn check(&self, project: Id) -> Result<(), StartError> {
        match &self.0.shared {
            Some(shared) => self.may_take(shared, project).await.map(drop),
            None => Ok(()),
        }
    }

    /// Reads the record, and decides about its replacement.
    async fn may_take(
        &self,
        shared: &Shared,
        project: Id,
    ) -> Result<(Option<Lease>, Lease), StartError> {
        let asked_ms = self.now();
        let read = self.0.store.lease(project).await?;
        let answered_ms = self.now();
        let unchanged_ms = match &read {
            Some(read) if !is_of(read, &shared.node) => lock(&self.0.sights)
                .entry(project)
                .or_default()
                .look(read, asked_ms, answered_ms),
            _ => 0,
        };
        match claim(read.as_ref(), &shared.node, unchanged_ms, shared.term_ms()) {
            Claim::Take(new) => Ok((read, new)),
            Claim::Held { by, left_ms } => Err(StartError::Elsewhere {
                server: by.name,
                left_s: left_ms.div_ceil(1000),
            }),
        }
    }

    /// Whether another server has or had the project last.
    pub(super) async fn is_elsewhere(&self, project: Id) -> Result<bool, StoreError> {
        let Some(shared) = &self.0.shared else {
            return Ok(false);
        };
        let read = self.0.store.lease(project).await?;
        Ok(read.is_some_and(|read| read.node.is_some() && !is_of(&read, &shared.node)))
    }

    /// Gives a lease back, for the next node at once. After a failure the lease runs out.
    pub(super) async fn give_back(&self, project: Id, tenure: &Tenure) {
        let free = tenure.given_back();
        let swapped = self
            .0
            .store
            .swap_lease(project, Some(tenure.lease()), &free);
        if let Err(error) = swapped.await {
            tracing::warn!(%project, %error, "a lease could not be given back, and runs out by itself");
        }
    }

    async fn renew(
        &self,
        shared: &Shared,
        project: Id,
        held: &mut Option<Tenure>,
    ) -> Result<Renewal, StoreError> {
        let store = &self.0.store;
        let Some(tenure) = held else {
            let read = store.lease(project).await?;
            // A living agent does not wait for another's lease to run out.
            let new = match claim(read.as_ref(), &shared.node, 0, shared.term_ms()) {
                Claim::Held { by, .. } => return Ok(Renewal::Gone(by)),
                Claim::Take(new) => new,
            };
            let asked_ms = self.now();
            return Ok(
                match store.swap_lease(project, read.as_ref(), &new).await? {
                    Swapped::Won => {
                        *held = Some(Tenure::new(new, asked_ms));
                        Renewal::Kept
                    }
                    Swapped::Lost(_) => Renewal::Again,
                    Swapped::NoProject => Renewal::Needless,
                },
            );
        };
        let (asked_ms, next) = (self.now(), tenure.next());
        let swapped = store.swap_lease(project, Some(tenure.lease()), &next);
        Ok(match swapped.await? {
            Swapped::Won => {
                tenure.renewed(next, asked_ms);
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
    fn due(&self, tenure: Option<&Tenure>) -> Instant {
        tenure.map_or_else(Instant::now, |tenure| {
            self.0.began + Duration::from_millis(tenure.due_ms())
        })
    }
}

fn is_of(lease: &Lease, node: &Node) -> bool {
    lease.node.as_ref().is_some_and(|by| by.id == node.id)
}

impl Sessions {
    /// Fails if another server has the project and this one runs nothing of it.
    ///
    /// # Errors
    /// The other server and the rest of its lease; or a failure of the store.
    pub async fn check_lease(&self, project: Id) -> Result<(), StartError> {
        let seat = self.seat(project);
        if seat.running().is_some() || seat.run().is_some() {
            return Ok(());
        }
        self.0.leases.check(project).await
    }

    /// Renews the lease of a project until `ended`, while the agent in `dir` lives, then gives it
    /// back. Ends the agent when another server took the lease. Without a `tenure`, as for an
    /// adopted agent, it first takes the lease.
    pub(super) fn keep_lease(
        &self,
        project: Id,
        tenure: Option<Tenure>,
        dir: PathBuf,
        ended: impl Future<Output = ()> + Send + 'static,
    ) {
        let leases = self.0.leases.clone();
        let Some(shared) = leases.0.shared.clone() else {
            return;
        };
        let closing = self.0.closing.clone();
        self.0.watchers.spawn(async move {
            // When the server closes, the agent runs on, and its lease until its end.
            tokio::select! {
                () = keep(&leases, &shared, project, tenure, dir, ended) => {}
                () = closing.cancelled() => {}
            }
        });
    }
}

async fn keep(
    leases: &Leases,
    shared: &Shared,
    project: Id,
    mut held: Option<Tenure>,
    dir: PathBuf,
    ended: impl Future<Output = ()>,
) {
    tokio::pin!(ended);
    let mut is_told = false;
    loop {
        tokio::select! {
            biased;
            () = &mut ended => {
                if let Some(tenure) = &held {
                    leases.give_back(project, tenure).await;
                }
                return;
            }
            () = sleep_until(leases.due(held.as_ref())) => {}
        }
        match leases.renew(shared, project, &mut held).await {
            Ok(Renewal::Kept) => {
                is_told = false;
                continue;
            }
            Ok(Renewal::Again) => {}
            Ok(Renewal::Needless) => return,
            Ok(Renewal::Gone(node)) => {
                tracing::error!(%project, server = node.name, "another server took this project over while this one could not renew its lease: the agent here is ended");
                stop(&dir, ended).await;
                return;
            }
            Err(error) => {
                let is_sure = held
                    .as_ref()
                    .is_some_and(|tenure| tenure.is_sure(leases.now()));
                if !is_sure && !is_told {
                    is_told = true;
                    tracing::warn!(%project, %error, "the lease of a running agent cannot be renewed, and another server may take the project over: the agent goes on until one has");
                }
            }
        }
        sleep(RETRY).await;
    }
}
