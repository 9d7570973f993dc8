//! The credentials in use, remembered for a moment.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use tokio::{sync::Semaphore, time::Instant};
use wxcode_core::{
    access::{Credential, CredentialKind, LastUse},
    id::Id,
};
use wxcode_store::Result;

use crate::{repository::Repository, sync::lock};

/// How long a credential counts after its last look-up.
pub(super) const FRESH: Duration = Duration::from_secs(1);
/// Most credentials remembered at once; more are looked up each time.
const KNOWN_MAX: usize = 4_096;
/// The last use of a credential is recorded at most this often.
const NOTED_EVERY: SignedDuration = SignedDuration::from_secs(60);
/// A login ends after this time without a use.
pub(crate) const LOGIN_IDLE: SignedDuration = SignedDuration::from_hours(30 * 24);
/// Most uses of credentials on the way to the store.
const USES_MAX: usize = 64;

/// Credentials of the store, as read a moment ago.
pub(super) struct Known {
    store: Repository,
    read: Mutex<HashMap<Id, Read>>,
    uses: Arc<Semaphore>,
}

struct Read {
    credential: Credential,
    at: Instant,
}

impl Known {
    pub(super) fn new(store: Repository) -> Self {
        Self {
            store,
            read: Mutex::default(),
            uses: Arc::new(Semaphore::new(USES_MAX)),
        }
    }

    /// The credential, at most [`FRESH`] old; older while the store is away.
    pub(super) async fn look_up(&self, id: Id) -> Result<Option<Credential>> {
        let fresh = |known: &Read| known.at.elapsed() < FRESH;
        if let Some(known) = lock(&self.read).get(&id).filter(|known| fresh(known)) {
            return Ok(Some(known.credential.clone()));
        }
        match self.store.credential(id).await {
            Ok(Some(credential)) => {
                let mut known = lock(&self.read);
                if known.len() >= KNOWN_MAX {
                    known.retain(|_, known| fresh(known));
                }
                if known.len() < KNOWN_MAX {
                    let at = Instant::now();
                    let credential = credential.clone();
                    known.insert(id, Read { credential, at });
                }
                Ok(Some(credential))
            }
            Ok(None) => {
                lock(&self.read).remove(&id);
                Ok(None)
            }
            Err(error) => {
                tracing::warn!(%error, "cannot look up a credential; one that was used before counts until the store is back");
                let known = lock(&self.read);
                let known = known.get(&id).map(|known| known.credential.clone());
                known.map(Some).ok_or(error)
            }
        }
    }

    /// Records the use in the background, now and then. A used login lives on.
    pub(super) fn note_use(&self, credential: &Credential, now: Timestamp, from: &str) {
        let is_recent =
            |last: &LastUse| last.from == from && now.duration_since(last.at) < NOTED_EVERY;
        if credential.last_use.as_ref().is_some_and(is_recent) {
            return;
        }
        let id = credential.id;
        let expires_at = match credential.kind {
            CredentialKind::Login => now.checked_add(LOGIN_IDLE).ok(),
            CredentialKind::Token | CredentialKind::Share => credential.expires_at,
        };
        let last_use = LastUse {
            at: now,
            from: from.to_owned(),
        };
        if let Some(known) = lock(&self.read).get_mut(&id) {
            known.credential.last_use = Some(last_use.clone());
        }
        // A busy store misses some uses.
        let Ok(permit) = Arc::clone(&self.uses).try_acquire_owned() else {
            return;
        };
        let store = self.store.clone();
        tokio::spawn(async move {
            let _permit = permit;
            if let Err(error) = store.use_credential(id, &last_use, expires_at).await {
                tracing::debug!(%error, "could not record the use of a credential");
            }
        });
    }

    /// Reads all credentials again.
    pub(super) fn clear(&self) {
        lock(&self.read).clear();
    }

    pub(super) fn forget(&self, id: Id) {
        lock(&self.read).remove(&id);
    }
}
