//! Callers: who sent a request, and with which rights.
//!
//! - A credential's text has an id and a secret; the store keeps the secret's hash.
//! - [`rule`] says what a route needs, in one table.
//!
//! Invariant: a removed or expired credential opens nothing after [`FRESH`], and ends the open
//! sockets and streams of its callers within [`FRESH`] and [`LOOK`].

mod attempts;
mod caller;
mod codes;
mod ends;
mod journal;
mod known;
mod own;
mod peer;
pub(crate) mod rule;
pub(crate) mod secret;
mod sources;

use std::{
    net::IpAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use subtle::ConstantTimeEq;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use wxcode_core::{
    access::{AuditEntry, Credential, CredentialKind, Grant},
    id::Id,
};
use wxcode_store::{Result, StoreError};

use self::{
    attempts::Attempts, codes::Codes, ends::Ends, journal::Journal, own::is_of_own_token,
    sources::Sources,
};
pub(crate) use self::{
    caller::Caller,
    codes::{CODE_TIME, Source},
    ends::End,
    known::LOGIN_IDLE,
    peer::{Judge, Peer},
};
use crate::{repository::Repository, sync::lock};

/// Pause between two looks at the credentials of open sockets and streams.
const LOOK: Duration = Duration::from_secs(2);
/// Pause between two removals of expired credentials.
const CLEAN_EVERY: Duration = Duration::from_secs(3_600);

/// Finds callers, and manages their credentials.
#[derive(Clone)]
pub(crate) struct Callers(Arc<Inner>);

struct Inner {
    store: Repository,
    sources: Sources,
    ends: Ends,
    codes: Mutex<Codes>,
    attempts: Mutex<Attempts>,
    journal: Journal,
}

impl Callers {
    /// Starts to watch the credentials in use, until `closing`.
    pub(crate) fn new(store: Repository, token: Option<&str>, closing: CancellationToken) -> Self {
        let journal = Journal::new(store.clone());
        let callers = Self(Arc::new(Inner {
            sources: Sources::new(store.clone(), token),
            store,
            ends: Ends::default(),
            codes: Mutex::default(),
            attempts: Mutex::default(),
            journal,
        }));
        let watching = callers.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = watching.watch() => {}
                () = closing.cancelled() => {}
            }
        });
        callers
    }

    /// The caller with this bearer token.
    pub(crate) async fn by_token(&self, token: &str, from: &str) -> Option<Caller> {
        if let Some(own) = self.0.sources.own(token) {
            return Some(Caller {
                name: "the server's token".to_owned(),
                grant: Grant::ADMIN,
                credential: None,
                source: Some(own),
                is_of_proxy: false,
                from: from.to_owned(),
            });
        }
        let (id, secret) = secret::parse_token(token)?;
        self.by_secret(id, secret, &[CredentialKind::Token], from)
            .await
    }

    /// The caller with this cookie.
    pub(crate) async fn by_cookie(&self, value: &str, from: &str) -> Option<Caller> {
        let (id, secret) = secret::parse(value)?;
        let kinds = [CredentialKind::Login, CredentialKind::Share];
        self.by_secret(id, secret, &kinds, from).await
    }

    /// The name of the person behind a caller: a login has the name of its browser, and comes from a
    /// credential with the person's.
    pub(crate) async fn person(&self, caller: &Caller) -> String {
        let found = match caller.credential {
            Some(id) => self.0.sources.known.look_up(id).await.ok().flatten(),
            None => None,
        };
        let login = found.filter(|one| one.kind == CredentialKind::Login);
        login.map_or_else(|| caller.name.clone(), |one| one.created_by)
    }

    async fn by_secret(
        &self,
        id: Id,
        secret: &str,
        kinds: &[CredentialKind],
        from: &str,
    ) -> Option<Caller> {
        let now = Timestamp::now();
        let credential = self.0.sources.known.look_up(id).await.ok()??;
        let given = secret::hashed(secret);
        let is_right: bool = given.as_bytes().ct_eq(credential.hash.as_bytes()).into();
        if !is_right || !kinds.contains(&credential.kind) {
            return None;
        }
        if !self.0.sources.counts(&credential, now).await.ok()? {
            return None;
        }
        self.0.sources.known.note_use(&credential, now, from);
        Some(Caller {
            name: credential.name,
            grant: credential.grant,
            credential: Some(id),
            source: Some(id),
            is_of_proxy: false,
            from: from.to_owned(),
        })
    }

    /// Counts credentials that come from other servers' own tokens.
    pub(crate) fn share(&self) {
        self.0.sources.share();
    }

    /// The grant of a credential; `None` if the credential does not count any more.
    pub(crate) async fn grant(&self, id: Id) -> Result<Option<Grant>> {
        self.0.sources.grant(id).await
    }

    /// Whether a credential that comes from this one could count.
    pub(crate) async fn may_be_source(&self, id: Option<Id>) -> Result<bool> {
        self.0.sources.may_be_source(id).await
    }

    /// Whether a source still gives rights.
    pub(crate) async fn gives_rights(&self, source: &Source) -> Result<bool> {
        self.0.sources.gives_rights(source).await
    }

    /// Adds a credential of its own right; returns the record and its secret, or `None` if the name
    /// is taken.
    pub(crate) async fn add(
        &self,
        kind: CredentialKind,
        name: String,
        grant: Grant,
        expires_in: Option<SignedDuration>,
        creator: &str,
    ) -> Result<Option<(Credential, String)>> {
        let source = Source {
            name: creator.to_owned(),
            grant,
            credential: None,
        };
        self.add_from(&source, kind, name, expires_in).await
    }

    /// Adds a credential with the rights of its source, with which it ends.
    pub(crate) async fn add_from(
        &self,
        source: &Source,
        kind: CredentialKind,
        name: String,
        expires_in: Option<SignedDuration>,
    ) -> Result<Option<(Credential, String)>> {
        let now = wxcode_core::time::to_millis(Timestamp::now());
        let secret = secret::generate();
        let credential = Credential {
            id: Id::generate(now),
            kind,
            name,
            grant: source.grant,
            hash: secret::hashed(&secret),
            created_at: now,
            created_by: source.name.clone(),
            source: source.credential,
            expires_at: expires_in.and_then(|time| now.checked_add(time).ok()),
            last_use: None,
        };
        let mut added = self.0.store.add_credential(&credential).await?;
        if !added {
            // The name may be that of an expired credential.
            self.0.store.remove_expired(now).await?;
            added = self.0.store.add_credential(&credential).await?;
        }
        Ok(added.then(|| {
            let text = match kind {
                CredentialKind::Token => secret::token(credential.id, &secret),
                CredentialKind::Login | CredentialKind::Share => {
                    secret::text(credential.id, &secret)
                }
            };
            (credential, text)
        }))
    }

    /// The credentials of a kind that count.
    pub(crate) async fn list(
        &self,
        kind: CredentialKind,
        project: Option<Id>,
    ) -> Result<Vec<Credential>> {
        let now = Timestamp::now();
        let mut found = Vec::new();
        for credential in self.0.store.credentials(kind, project).await? {
            if self.0.sources.counts(&credential, now).await? {
                found.push(credential);
            }
        }
        Ok(found)
    }

    /// Removes a credential of this kind and project, and ends what its callers have open.
    pub(crate) async fn remove(
        &self,
        id: Id,
        kind: CredentialKind,
        project: Option<Id>,
    ) -> Result<bool> {
        let found = self.0.store.credential(id).await?;
        let is_meant = |found: &Credential| {
            found.kind == kind && (project.is_none() || found.grant.project == project)
        };
        if !found.as_ref().is_some_and(is_meant) {
            return Ok(false);
        }
        let removed = self.0.store.remove_credential(id).await?;
        self.forget(id);
        Ok(removed)
    }

    /// The end of the caller's credential.
    pub(crate) fn end_of(&self, caller: &Caller) -> Arc<End> {
        caller
            .credential
            .map_or_else(End::new, |id| self.0.ends.of(id))
    }

    /// Forgets a credential, and ends what its callers have open.
    fn forget(&self, id: Id) {
        self.0.sources.known.forget(id);
        self.0.ends.reach(id);
    }

    /// Ends what removed and expired credentials have open; removes expired ones.
    async fn watch(&self) {
        let mut cleaned = Instant::now();
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = self.0.store.told_credential() => self.0.sources.known.clear(),
            }
            for id in self.0.ends.awaited() {
                // While the store is away, what is open stays open.
                if self.0.sources.is_gone(id).await.unwrap_or(false) {
                    self.forget(id);
                }
            }
            if cleaned.elapsed() >= CLEAN_EVERY {
                cleaned = Instant::now();
                if let Err(error) = self.clean().await {
                    tracing::debug!(%error, "could not remove expired credentials; the next hour tries again");
                }
            }
        }
    }

    /// Removes expired credentials, and logins without their source.
    async fn clean(&self) -> Result<()> {
        let now = Timestamp::now();
        self.0.store.remove_expired(now).await?;
        let logins = self.0.store.credentials(CredentialKind::Login, None);
        for login in logins.await? {
            // Another node may have another token of its own.
            let Some(source) = login.source.filter(|id| !is_of_own_token(*id)) else {
                continue;
            };
            if self.0.sources.known.look_up(source).await?.is_none() {
                self.0.store.remove_credential(login.id).await?;
                self.forget(login.id);
            }
        }
        Ok(())
    }

    /// A one-time code that logs a browser in with the rights of its source.
    pub(crate) fn login_code(&self, source: Source) -> String {
        lock(&self.0.codes).make(Instant::now(), source)
    }

    /// Uses up a code.
    pub(crate) fn take_code(&self, code: &str) -> Option<Source> {
        lock(&self.0.codes).take(Instant::now(), code)
    }

    /// Whether this address may try a login now; otherwise the time until the next try.
    pub(crate) fn may_log_in(&self, from: IpAddr) -> std::result::Result<(), Duration> {
        lock(&self.0.attempts).check(Instant::now(), from)
    }

    /// Records a failed login.
    pub(crate) fn failed_login(&self, from: IpAddr) {
        lock(&self.0.attempts).failed(Instant::now(), from);
    }

    /// Appends to the audit, in the background.
    pub(crate) fn audit(
        &self,
        caller: (&str, &str),
        action: &str,
        project: Option<Id>,
        outcome: String,
    ) {
        let now = wxcode_core::time::to_millis(Timestamp::now());
        let entry = AuditEntry {
            id: Id::generate(now),
            at: now,
            actor: caller.0.to_owned(),
            from: caller.1.to_owned(),
            action: action.to_owned(),
            project,
            outcome,
        };
        self.0.journal.add(entry);
    }

    /// Waits until the audit so far is written, within a bound.
    pub(crate) async fn flush(&self) {
        self.0.journal.flush().await;
    }

    /// Entries of the audit, newest first.
    pub(crate) async fn entries(&self, before: Option<Id>, limit: u64) -> Result<Vec<AuditEntry>> {
        self.0.store.audit(before, limit).await
    }

    /// The project of a milestone.
    pub(crate) async fn project_of(&self, milestone: Id) -> Result<Option<Id>, StoreError> {
        let milestone = self.0.store.milestone(milestone).await?;
        Ok(milestone.map(|milestone| milestone.output_project_id))
    }
}

#[cfg(test)]
impl Callers {
    /// The callers of an empty store in this folder; the server's token is `token`.
    pub(crate) fn for_tests(folder: &std::path::Path) -> Self {
        let store = wxcode_store::sqlite::SqliteStore::open(&folder.join("wxcode.db"));
        let store: Arc<dyn wxcode_store::Store> = Arc::new(store.expect("a store"));
        let metrics = crate::metric::Metrics::default();
        let events =
            crate::event::Events::new(folder.join("events"), Arc::clone(&store), metrics.clone());
        let store = Repository::new(store, events, metrics);
        Self::new(store, Some("token"), CancellationToken::new())
    }
}
