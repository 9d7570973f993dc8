//! Promises about copies of conversations.

use uuid::Uuid;
use wxcode_core::id::Id;

use super::{
    Records,
    runners::{only, race},
    sample,
};
use crate::{CopyFile, Store};

fn file(name: &str) -> CopyFile {
    CopyFile {
        conversation: Uuid::from_u128(7),
        name: name.to_owned(),
        version: 0,
        len: 0,
        epoch: 1,
    }
}

/// Stages and publishes bytes after a file; the published file, if it is.
async fn append(
    store: &dyn Store,
    project: Id,
    old: Option<&CopyFile>,
    from: &CopyFile,
    bytes: &[u8],
) -> Option<CopyFile> {
    store.stage_copy(project, from, bytes).await.unwrap();
    let new = from.longer(bytes.len());
    let published = store.publish_copy(project, old, &new).await.unwrap();
    published.then_some(new)
}

async fn whole(store: &dyn Store, project: Id, file: &CopyFile) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let offset = bytes.len() as u64;
        let more = store.read_copy(project, file, offset).await.unwrap();
        if more.is_empty() {
            return bytes;
        }
        bytes.extend(more);
    }
}

/// Bytes are read as they were published, piece by piece, by every store.
pub async fn a_copy_grows_piece_by_piece(records: &impl Records) {
    let (store, other) = (records.open().await, records.open().await);
    let project = sample::add_project(&*store).await;
    assert_eq!(store.copies(project).await.unwrap(), []);
    let first = file("a.jsonl");
    store.stage_copy(project, &first, b"unseen").await.unwrap();
    assert_eq!(other.copies(project).await.unwrap(), []);
    let one = append(&*store, project, None, &first, b"one\n")
        .await
        .unwrap();
    let two = append(&*store, project, Some(&one), &one, b"two\n")
        .await
        .unwrap();
    // The answer may have been lost.
    assert!(store.publish_copy(project, Some(&one), &two).await.unwrap());
    let large = vec![b'x'; crate::conversation::PIECE_MAX];
    let three = append(&*store, project, Some(&two), &two, &large)
        .await
        .unwrap();
    let side = append(&*store, project, None, &file("subagents/ção.jsonl"), b"s")
        .await
        .unwrap();
    assert_eq!(
        other.copies(project).await.unwrap(),
        [three.clone(), side.clone()]
    );
    let bytes = whole(&*other, project, &three).await;
    assert_eq!(bytes, [&b"one\ntwo\n"[..], &large].concat());
    assert_eq!(other.read_copy(project, &side, 1).await.unwrap(), b"");
    for wrong in ["", "/a", "../a", "a//b", "a/./b"] {
        let staged = store.stage_copy(project, &file(wrong), b"x").await;
        assert!(staged.is_err(), "{wrong}");
    }
    store.remove_copies(project).await.unwrap();
    assert_eq!(other.copies(project).await.unwrap(), []);
}

/// A writer with an older epoch, or with another state in mind, changes nothing.
pub async fn a_late_writer_changes_nothing(records: &impl Records) {
    let store = records.open().await;
    let project = sample::add_project(&*store).await;
    let one = append(&*store, project, None, &file("a.jsonl"), b"one\n")
        .await
        .unwrap();
    // The next owner takes the file over, then both write at the same place.
    let taken = CopyFile {
        epoch: 2,
        ..one.clone()
    };
    assert!(
        store
            .publish_copy(project, Some(&one), &taken)
            .await
            .unwrap()
    );
    let late = append(&*store, project, Some(&one), &one, b"late\n").await;
    assert_eq!(late, None);
    let two = append(&*store, project, Some(&taken), &taken, b"two\n")
        .await
        .unwrap();
    let late = append(&*store, project, Some(&two), &one.longer(4), b"late\n").await;
    assert_eq!(late, None, "an older epoch");
    let again = append(&*store, project, Some(&taken), &taken, b"again\n").await;
    assert_eq!(again, None, "another state");
    assert_eq!(store.copies(project).await.unwrap(), vec![two.clone()]);
    assert_eq!(whole(&*store, project, &two).await, b"one\ntwo\n");
}

/// A rewritten file replaces the older one at once.
pub async fn a_version_replaces_another_whole(records: &impl Records) {
    let store = records.open().await;
    let project = sample::add_project(&*store).await;
    let old = append(&*store, project, None, &file("a.jsonl"), b"a long text\n")
        .await
        .unwrap();
    let draft = CopyFile {
        version: 1,
        ..file("a.jsonl")
    };
    store.stage_copy(project, &draft, b"short").await.unwrap();
    let more = draft.longer(5);
    store.stage_copy(project, &more, b"er\n").await.unwrap();
    assert_eq!(whole(&*store, project, &old).await, b"a long text\n");
    let new = more.longer(3);
    assert!(store.publish_copy(project, Some(&old), &new).await.unwrap());
    assert_eq!(store.copies(project).await.unwrap(), vec![new.clone()]);
    assert_eq!(whole(&*store, project, &new).await, b"shorter\n");
    assert!(store.read_copy(project, &old, 0).await.is_err(), "gone");
    let next = append(&*store, project, Some(&new), &new, b"more\n")
        .await
        .unwrap();
    assert_eq!(whole(&*store, project, &next).await, b"shorter\nmore\n");
}

/// Of writers with the same state in mind, one publishes.
pub async fn one_of_64_publishes(records: &impl Records) {
    let store = records.open().await;
    let project = sample::add_project(&*store).await;
    let answers = race(records, move |store, number| async move {
        let mine = CopyFile {
            epoch: 1 + number as u64,
            ..file("a.jsonl")
        };
        let text = format!("{number:04}\n");
        append(&*store, project, None, &mine, text.as_bytes()).await
    })
    .await;
    let winner = only(&answers, Option::is_some);
    let published = answers[winner].clone().unwrap();
    assert_eq!(
        store.copies(project).await.unwrap(),
        vec![published.clone()]
    );
    let text = whole(&*store, project, &published).await;
    assert_eq!(text, format!("{winner:04}\n").as_bytes());
}
