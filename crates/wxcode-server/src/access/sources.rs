//! The credentials that count: each one with all that it comes from.

use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;
use wxcode_core::{
    access::{Credential, Grant},
    id::Id,
};
use wxcode_store::Result;

use super::{
    codes::Source,
    known::Known,
    own::{OwnToken, is_of_own_token},
};
use crate::repository::Repository;

/// Longest line of credentials that come from one another.
const SOURCES_MAX: usize = 8;

/// Judges credentials by what they come from.
pub(super) struct Sources {
    pub(super) known: Known,
    /// The server's own token, if it has one.
    own: Option<OwnToken>,
    /// Whether other servers use the store.
    is_shared: AtomicBool,
}

impl Sources {
    pub(super) fn new(store: Repository, token: Option<&str>) -> Self {
        Self {
            known: Known::new(store),
            own: token.map(OwnToken::new),
            is_shared: AtomicBool::new(false),
        }
    }

    /// The id of the server's own token, if this is it.
    pub(super) fn own(&self, token: &str) -> Option<Id> {
        self.own.as_ref()?.check(token)
    }

    fn is_own_id(&self, id: Id) -> bool {
        self.own.as_ref().is_some_and(|own| own.has_id(id))
    }

    /// Whether a credential counts now, with all credentials that it comes from.
    pub(super) async fn counts(&self, credential: &Credential, now: Timestamp) -> Result<bool> {
        let (mut is_valid, mut next) = (credential.is_valid(now), credential.source);
        for _ in 0..SOURCES_MAX {
            let Some(id) = next.filter(|id| is_valid && !self.is_server(*id)) else {
                return Ok(is_valid);
            };
            let Some(source) = self.known.look_up(id).await? else {
                return Ok(false);
            };
            is_valid = source.is_valid(now) && source.grant.includes(credential.grant);
            next = source.source;
        }
        Ok(false)
    }

    /// Whether a source is the token of this server, or of another server on a shared store: that
    /// server alone knows its token.
    fn is_server(&self, id: Id) -> bool {
        self.is_own_id(id) || (is_of_own_token(id) && self.is_shared.load(Ordering::Relaxed))
    }

    /// Counts credentials that come from other servers' own tokens.
    pub(super) fn share(&self) {
        self.is_shared.store(true, Ordering::Relaxed);
    }

    /// The grant of a credential; `None` if the credential does not count any more.
    pub(super) async fn grant(&self, id: Id) -> Result<Option<Grant>> {
        let Some(found) = self.known.look_up(id).await? else {
            return Ok(None);
        };
        let counts = self.counts(&found, Timestamp::now()).await?;
        Ok(counts.then_some(found.grant))
    }

    /// Whether a credential that comes from this one could count.
    pub(super) async fn may_be_source(&self, id: Option<Id>) -> Result<bool> {
        let (mut next, mut sources) = (id, 1);
        while let Some(id) = next.filter(|id| !self.is_own_id(*id)) {
            sources += 1;
            if sources > SOURCES_MAX {
                return Ok(false);
            }
            next = self.known.look_up(id).await?.and_then(|found| found.source);
        }
        Ok(true)
    }

    /// Whether a source still gives rights.
    pub(super) async fn gives_rights(&self, source: &Source) -> Result<bool> {
        match source.credential.filter(|id| !self.is_own_id(*id)) {
            Some(id) => Ok(!self.is_gone(id).await?),
            None => Ok(true),
        }
    }

    pub(super) async fn is_gone(&self, id: Id) -> Result<bool> {
        Ok(self.grant(id).await?.is_none())
    }
}
