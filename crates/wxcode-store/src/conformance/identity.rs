//! Promises about the claude session ids of a project.

use std::path::PathBuf;

use uuid::Uuid;
use wxcode_core::{
    identity::{HistoryEntry, Source, rotated},
    project::OutputProject,
};

use super::{Records, sample};
use crate::{Rotated, Rotation, Store};

/// An existing id stays; the answer names the id, and nothing else of the project changes.
pub async fn the_first_id_is_set_once(records: &impl Records) {
    let store = records.open().await;
    let project = sample::project();
    store.add_project(&project).await.unwrap();
    let (first, second) = (Uuid::new_v4(), Uuid::new_v4());
    assert_eq!(
        store
            .rotate(project.id, &sample::rotation(None, first))
            .await
            .unwrap(),
        Rotated::Won
    );
    for new in [second, first] {
        let answer = store
            .rotate(project.id, &sample::rotation(None, new))
            .await
            .unwrap();
        assert_eq!(answer, Rotated::Lost(Some(first)));
    }
    let expected = OutputProject {
        claude_session_id: Some(first),
        claude_session_history: vec![HistoryEntry {
            id: first,
            since: sample::at(30),
            until: None,
            source: Source::Startup,
            reason: None,
            transcript_path: None,
            spoke: false,
        }],
        ..project
    };
    assert_eq!(
        store.project(expected.id).await.unwrap(),
        Some(expected.clone())
    );
    assert_eq!(
        records.open().await.project(expected.id).await.unwrap(),
        Some(expected)
    );
}

/// A rotation with a wrong expected id changes nothing, also if there is no id.
pub async fn a_rotation_needs_the_current_id(records: &impl Records) {
    let store = records.open().await;
    let id = sample::add_project(&*store).await;
    let [a, b, c] = [1, 2, 3].map(Uuid::from_u128);
    assert_eq!(
        store
            .rotate(id, &sample::rotation(Some(a), b))
            .await
            .unwrap(),
        Rotated::Lost(None)
    );
    assert_eq!(
        store.rotate(id, &sample::rotation(None, a)).await.unwrap(),
        Rotated::Won
    );
    assert_eq!(
        store
            .rotate(id, &sample::rotation(Some(b), c))
            .await
            .unwrap(),
        Rotated::Lost(Some(a))
    );
    assert_eq!(
        store
            .rotate(id, &sample::rotation(Some(a), b))
            .await
            .unwrap(),
        Rotated::Won
    );
    let before = store.project(id).await.unwrap().unwrap();
    assert_eq!(before.claude_session_id, Some(b));
    assert_eq!(
        store
            .rotate(id, &sample::rotation(Some(a), c))
            .await
            .unwrap(),
        Rotated::Lost(Some(b))
    );
    assert_eq!(store.project(id).await.unwrap(), Some(before));
}

/// A hook at or before the session's last hook changes nothing, even if the ids would fit. Each
/// session counts separately; without a hook the cursor stays.
pub async fn a_repeated_hook_changes_nothing(records: &impl Records) {
    let store = records.open().await;
    let id = sample::add_project(&*store).await;
    let (here, there) = (sample::id(), sample::id());
    let [a, b] = [1, 2].map(Uuid::from_u128);
    let hooked = |old, new, session, seq| Rotation {
        cursor: Some(sample::cursor(session, seq)),
        ..sample::rotation(old, new)
    };
    let cases = [
        (hooked(None, a, here, 5), Rotated::Won),
        (hooked(Some(a), b, here, 5), Rotated::Lost(Some(a))),
        (hooked(Some(a), b, here, 4), Rotated::Lost(Some(a))),
        (hooked(Some(a), b, here, 6), Rotated::Won),
        (sample::rotation(Some(b), a), Rotated::Won),
        (hooked(Some(a), b, here, 6), Rotated::Lost(Some(a))),
        (hooked(Some(a), b, there, 1), Rotated::Won),
        (hooked(Some(a), b, there, 2), Rotated::Lost(Some(b))),
        (hooked(Some(b), a, there, 2), Rotated::Won),
    ];
    let (mut won, mut last) = (0, None);
    for (rotation, answer) in cases {
        assert_eq!(
            store.rotate(id, &rotation).await.unwrap(),
            answer,
            "{rotation:?}"
        );
        if answer == Rotated::Won {
            won += 1;
            last = rotation.cursor.or(last);
        }
        let project = records.open().await.project(id).await.unwrap().unwrap();
        assert_eq!(project.identity_cursor, last);
        assert_eq!(project.claude_session_history.len(), won);
    }
}

/// The history equals the core's fold over the rotations, also for returning ids.
pub async fn the_history_keeps_every_conversation(records: &impl Records) {
    let store = records.open().await;
    let id = sample::add_project(&*store).await;
    let ids = [1, 2, 3, 1, 4, 2].map(Uuid::from_u128);
    let sources = [
        Source::Startup,
        Source::Clear,
        Source::Compact,
        Source::Resume,
        Source::Lost,
        Source::Headless,
    ];
    let (mut old, mut expected) = (None, Vec::new());
    for ((new, source), millis) in ids.into_iter().zip(sources).zip(0..) {
        let rotation = Rotation {
            source,
            reason: format!("reason {millis}"),
            transcript_path: (millis % 2 == 0).then(|| format!("/t/{millis}.jsonl").into()),
            at: sample::at(millis),
            ..sample::rotation(old, new)
        };
        assert_eq!(store.rotate(id, &rotation).await.unwrap(), Rotated::Won);
        let path = rotation.transcript_path.clone();
        expected = rotated(expected, new, source, &rotation.reason, path, rotation.at);
        // A returning id is known to have spoken.
        if millis == 0 {
            assert!(
                store
                    .note_conversation(id, new, true, None, None)
                    .await
                    .unwrap()
            );
            expected[0].spoke = true;
        }
        let project = records.open().await.project(id).await.unwrap().unwrap();
        assert_eq!(project.claude_session_history, expected);
        assert_eq!(project.claude_session_id, Some(new));
        assert_eq!(project.updated_at, sample::at(0));
        old = Some(new);
    }
    assert!(expected[3].spoke);
}

/// A note reaches only the newest entry of its conversation, and reverts nothing.
pub async fn a_note_goes_to_the_latest_entry(records: &impl Records) {
    let store = records.open().await;
    let id = sample::add_project(&*store).await;
    let [a, b] = [1, 2].map(Uuid::from_u128);
    for (old, new) in [(None, a), (Some(a), b), (Some(b), a)] {
        store.rotate(id, &sample::rotation(old, new)).await.unwrap();
    }
    let path = |text: &str| Some(PathBuf::from(text));
    let notes = [
        (
            a,
            false,
            None,
            [(None, false), (None, false), (None, false)],
        ),
        (
            a,
            false,
            path("/a"),
            [(None, false), (None, false), (path("/a"), false)],
        ),
        (
            a,
            true,
            None,
            [(None, false), (None, false), (path("/a"), true)],
        ),
        (
            a,
            false,
            None,
            [(None, false), (None, false), (path("/a"), true)],
        ),
        (
            b,
            true,
            path("/b"),
            [(None, false), (path("/b"), true), (path("/a"), true)],
        ),
        (
            b,
            true,
            path("/c"),
            [(None, false), (path("/c"), true), (path("/a"), true)],
        ),
    ];
    for (conversation, spoke, transcript, expected) in notes {
        assert!(
            store
                .note_conversation(id, conversation, spoke, transcript, None)
                .await
                .unwrap()
        );
        let history = history(&*store, id).await;
        let seen = history
            .into_iter()
            .map(|entry| (entry.transcript_path, entry.spoke));
        assert!(seen.eq(expected.clone()), "{expected:?}");
    }
}

/// The answer for a missing project or conversation says so.
pub async fn a_note_needs_a_project(records: &impl Records) {
    let store = records.open().await;
    let (missing, a) = (sample::id(), Uuid::from_u128(1));
    assert_eq!(
        store
            .rotate(missing, &sample::rotation(None, a))
            .await
            .unwrap(),
        Rotated::NoProject
    );
    assert!(
        !store
            .note_conversation(missing, a, true, None, None)
            .await
            .unwrap()
    );
    let here = sample::add_project(&*store).await;
    let there = sample::add_project(&*store).await;
    store
        .rotate(there, &sample::rotation(None, a))
        .await
        .unwrap();
    assert!(
        !store
            .note_conversation(here, a, true, None, None)
            .await
            .unwrap()
    );
    assert!(!history(&*store, there).await[0].spoke);
}

async fn history(store: &dyn Store, id: wxcode_core::id::Id) -> Vec<HistoryEntry> {
    store
        .project(id)
        .await
        .unwrap()
        .unwrap()
        .claude_session_history
}
