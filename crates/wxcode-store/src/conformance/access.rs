//! Promises about credentials and the audit.

use jiff::{SignedDuration, Timestamp};
use wxcode_core::{
    access::{AuditEntry, Credential, CredentialKind, Grant, LastUse, Role},
    id::Id,
};

use super::{
    Records,
    runners::{only, race},
    sample,
};

fn credential(kind: CredentialKind, name: &str, project: Option<Id>) -> Credential {
    let now = wxcode_core::time::to_millis(Timestamp::now());
    Credential {
        id: sample::id(),
        kind,
        name: name.to_owned(),
        grant: Grant {
            role: Role::Operator,
            project,
        },
        hash: "0f".repeat(32),
        created_at: now,
        created_by: "knöten \u{1f980}".to_owned(),
        source: None,
        expires_at: Some(now + SignedDuration::from_hours(1)),
        last_use: None,
    }
}

/// A credential reads back as written, with the last use.
pub async fn a_credential_reads_back_with_its_use(records: &impl Records) {
    let (store, other) = (records.open().await, records.open().await);
    let project = sample::add_project(&*store).await;
    let mut one = credential(CredentialKind::Token, "one", Some(project));
    one.source = Some(sample::id());
    assert!(store.add_credential(&one).await.unwrap());
    assert!(store.add_credential(&one).await.unwrap(), "the same again");
    assert_eq!(other.credential(one.id).await.unwrap().as_ref(), Some(&one));
    let last = LastUse {
        at: one.created_at,
        from: "127.0.0.1".to_owned(),
    };
    assert!(store.use_credential(one.id, &last, None).await.unwrap());
    (one.last_use, one.expires_at) = (Some(last.clone()), None);
    assert_eq!(other.credential(one.id).await.unwrap().as_ref(), Some(&one));
    assert!(other.remove_credential(one.id).await.unwrap());
    assert!(!store.remove_credential(one.id).await.unwrap());
    assert!(!store.use_credential(one.id, &last, None).await.unwrap());
    assert_eq!(store.credential(one.id).await.unwrap(), None);
}

/// Of many tokens with the same name, a single token is added; logins may share a name.
pub async fn one_of_64_takes_a_token_name(records: &impl Records) {
    let store = records.open().await;
    let added = race(records, |store, _| async move {
        let one = credential(CredentialKind::Token, "ci", None);
        store.add_credential(&one).await.unwrap()
    });
    only(&added.await, |added| *added);
    let tokens = store.credentials(CredentialKind::Token, None).await;
    assert_eq!(tokens.unwrap().len(), 1);
    for _ in 0..2 {
        let login = credential(CredentialKind::Login, "ci", None);
        assert!(store.add_credential(&login).await.unwrap());
    }
}

/// Lists are by kind and project. Expired credentials disappear, and so do the credentials of a
/// removed project.
pub async fn credentials_go_with_time_and_project(records: &impl Records) {
    let store = records.open().await;
    let (one, other) = (
        sample::add_project(&*store).await,
        sample::add_project(&*store).await,
    );
    for project in [one, other] {
        let share = credential(CredentialKind::Share, "a link", Some(project));
        assert!(store.add_credential(&share).await.unwrap());
    }
    let count = async |project| {
        let found = store.credentials(CredentialKind::Share, project).await;
        found.unwrap().len()
    };
    assert_eq!((count(None).await, count(Some(one)).await), (2, 1));
    assert!(store.remove_project(one).await.unwrap());
    assert_eq!((count(None).await, count(Some(one)).await), (1, 0));
    let now = Timestamp::now();
    assert_eq!(store.remove_expired(now).await.unwrap(), 0);
    let later = now + SignedDuration::from_hours(2);
    assert_eq!(store.remove_expired(later).await.unwrap(), 1);
    assert_eq!(count(None).await, 0);
}

/// The audit is read from the end, in pages.
pub async fn the_audit_is_read_backwards(records: &impl Records) {
    let store = records.open().await;
    let mut all = Vec::new();
    for number in 0..5 {
        let now = wxcode_core::time::to_millis(Timestamp::now());
        let entry = AuditEntry {
            id: Id::generate(now),
            at: now,
            actor: format!("actor {number}"),
            from: "127.0.0.1".to_owned(),
            action: "token.create".to_owned(),
            project: (number == 3).then(sample::id),
            outcome: "ok".to_owned(),
        };
        store.add_audit(&entry).await.unwrap();
        all.insert(0, entry);
    }
    assert_eq!(store.audit(None, 3).await.unwrap(), all[..3]);
    assert_eq!(store.audit(Some(all[2].id), 10).await.unwrap(), all[3..]);
    assert_eq!(store.audit(None, 0).await.unwrap(), []);
}
