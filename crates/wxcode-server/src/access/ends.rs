//! Ends of credentials with open sockets or streams.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, Weak},
};

use tokio_util::sync::CancellationToken;
use wxcode_core::id::Id;

use crate::sync::lock;

/// The end of a credential, for as long as somebody waits for it.
pub(crate) struct End(CancellationToken);

impl End {
    /// An end that nothing reaches, until [`Ends`] does.
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self(CancellationToken::new()))
    }

    /// Ready when the credential is removed or expired.
    pub(crate) async fn reached(&self) {
        self.0.cancelled().await;
    }
}

#[derive(Default)]
pub(super) struct Ends(Mutex<HashMap<Id, Weak<End>>>);

impl Ends {
    /// The end of a credential, shared by all that wait for it.
    pub(super) fn of(&self, credential: Id) -> Arc<End> {
        let mut ends = lock(&self.0);
        if let Some(end) = ends.get(&credential).and_then(Weak::upgrade) {
            return end;
        }
        let end = End::new();
        ends.insert(credential, Arc::downgrade(&end));
        end
    }

    /// The credentials whose end somebody waits for.
    pub(super) fn awaited(&self) -> Vec<Id> {
        let mut ends = lock(&self.0);
        ends.retain(|_, end| end.strong_count() > 0);
        ends.keys().copied().collect()
    }

    /// Ends what a credential has open.
    pub(super) fn reach(&self, credential: Id) {
        if let Some(end) = lock(&self.0)
            .remove(&credential)
            .and_then(|end| end.upgrade())
        {
            end.0.cancel();
        }
    }
}
