//! Promises about output projects.

use jiff::SignedDuration;
use uuid::Uuid;
use wxcode_core::{
    delivery::TEXT_MAX,
    identity::{HistoryEntry, Source},
    project::{AgentSettings, OutputProject, ProjectStatus, SettingsPatch},
};

use super::{ALL, Records, sample};
use crate::{Page, ProjectPatch, StoreError};

/// The store keeps every field, times to the millisecond.
pub async fn reads_back_as_it_was_written(records: &impl Records) {
    let store = records.open().await;
    let (first, second) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let full = OutputProject {
        kb_id: Some("0123456789abcdef01234567".to_owned()),
        stack_id: Some("fastapi-htmx".to_owned()),
        configuration_id: Some(String::new()),
        settings: sample::settings(),
        status: ProjectStatus::Active,
        claude_session_id: Some(second),
        claude_session_history: vec![
            HistoryEntry {
                id: first,
                since: sample::at(1),
                until: Some(sample::at(2)),
                source: Source::Startup,
                reason: Some("clear".to_owned()),
                transcript_path: Some("/t/1.jsonl".into()),
                spoke: true,
            },
            HistoryEntry {
                id: second,
                since: sample::at(2),
                until: None,
                source: Source::Clear,
                reason: None,
                transcript_path: None,
                spoke: false,
            },
        ],
        identity_cursor: Some(sample::cursor(sample::id(), 7)),
        new_project_delivery: Some(sample::id()),
        created_at: sample::at(-1_800_000_000_000),
        updated_at: sample::at(999),
        ..sample::project()
    };
    let minimal = sample::project();
    let finer = OutputProject {
        created_at: sample::at(0) + SignedDuration::from_nanos(999_999),
        ..sample::project()
    };
    for project in [&full, &minimal, &finer] {
        store.add_project(project).await.unwrap();
    }
    let expected = [
        full,
        minimal,
        OutputProject {
            created_at: sample::at(0),
            ..finer
        },
    ];
    for store in [store, records.open().await] {
        for project in &expected {
            assert_eq!(
                store.project(project.id).await.unwrap().as_ref(),
                Some(project)
            );
        }
        let listing = store.projects(ALL).await.unwrap();
        assert_eq!(
            (listing.items.as_slice(), listing.total),
            (expected.as_slice(), 3)
        );
    }
}

/// A second project with the same id is refused, and the first stays unchanged.
pub async fn a_taken_id_is_refused(records: &impl Records) {
    let store = records.open().await;
    let first = sample::project();
    store.add_project(&first).await.unwrap();
    let second = OutputProject {
        name: "another".to_owned(),
        ..first.clone()
    };
    let error = store.add_project(&second).await.unwrap_err();
    assert!(matches!(error, StoreError::Refused(_)), "{error}");
    assert_eq!(store.projects(ALL).await.unwrap().items, [first]);
}

/// Any caller may repeat the addition: a client without an answer, a driver, a proxy.
pub async fn a_repeated_addition_counts_once(records: &impl Records) {
    let (store, other) = (records.open().await, records.open().await);
    let project = OutputProject {
        kb_id: Some("a knowledge base".to_owned()),
        stack_id: Some("a stack".to_owned()),
        ..sample::project()
    };
    for store in [&store, &store, &other] {
        store.add_project(&project).await.unwrap();
    }
    assert_eq!(store.projects(ALL).await.unwrap().items, [project]);
}

/// Each operation on a missing project says so and creates none.
pub async fn a_missing_project_stays_missing(records: &impl Records) {
    let store = records.open().await;
    let id = sample::id();
    store.ping().await.unwrap();
    assert_eq!(store.project(id).await.unwrap(), None);
    assert_eq!(
        store
            .patch_project(id, &ProjectPatch::default(), sample::at(1))
            .await
            .unwrap(),
        None
    );
    let (from, to) = (ProjectStatus::Created, ProjectStatus::Active);
    assert!(
        !store
            .advance_project(id, from, to, sample::at(1), None)
            .await
            .unwrap()
    );
    assert!(!store.remove_project(id).await.unwrap());
    assert_eq!(store.projects(ALL).await.unwrap().total, 0);
}

/// Only projects whose settings ask for it are metered, in the order of creation.
pub async fn metered_projects_are_listed_alone(records: &impl Records) {
    let store = records.open().await;
    let mut expected = Vec::new();
    let wishes = [Some(true), None, Some(false), Some(true), Some(true)];
    for (number, wish) in wishes.into_iter().enumerate() {
        let project = OutputProject {
            settings: AgentSettings {
                usage_metrics: wish,
                // A text that looks like the setting.
                env: [("A".to_owned(), "\"usage_metrics\":true".to_owned())].into(),
                ..AgentSettings::default()
            },
            created_at: sample::at(i64::try_from(number).unwrap()),
            ..sample::project()
        };
        store.add_project(&project).await.unwrap();
        if wish == Some(true) {
            expected.push(project);
        }
    }
    assert_eq!(store.metered_projects(100).await.unwrap(), expected);
    assert_eq!(store.metered_projects(2).await.unwrap(), expected[..2]);
    let off = ProjectPatch {
        settings: SettingsPatch {
            usage_metrics: Some(None),
            ..SettingsPatch::default()
        },
        ..ProjectPatch::default()
    };
    let changed = store.patch_project(expected[0].id, &off, sample::at(9));
    assert!(changed.await.unwrap().is_some());
    assert_eq!(store.metered_projects(100).await.unwrap(), expected[1..]);
}

/// The status moves only from the named status.
pub async fn a_status_move_needs_the_old_status(records: &impl Records) {
    use ProjectStatus::{Active, Created, Initialized};
    let store = records.open().await;
    for is in [Created, Initialized, Active] {
        for from in [Created, Initialized, Active] {
            for to in [Created, Initialized, Active] {
                let mut expected = OutputProject {
                    status: is,
                    ..sample::project()
                };
                store.add_project(&expected).await.unwrap();
                let moved = store
                    .advance_project(expected.id, from, to, sample::at(5), None)
                    .await
                    .unwrap();
                assert_eq!(moved, is == from, "{is:?}: {from:?} → {to:?}");
                if moved {
                    expected = OutputProject {
                        status: to,
                        updated_at: sample::at(5),
                        ..expected
                    };
                }
                assert_eq!(store.project(expected.id).await.unwrap(), Some(expected));
            }
        }
    }
}

/// Pages follow the order of creation; no page exceeds the largest.
pub async fn a_thousand_are_listed_in_pages(records: &impl Records) {
    let store = records.open().await;
    let mut expected = Vec::new();
    for number in 0..1003 {
        let project = OutputProject {
            name: format!("project {number}"),
            created_at: sample::at(number),
            ..sample::project()
        };
        store.add_project(&project).await.unwrap();
        expected.push(project);
    }
    for (skip, limit, range) in [
        (0, 1, 0..1),
        (0, 1000, 0..1000),
        (0, u64::MAX, 0..1000),
        (400, 200, 400..600),
        (1000, 1000, 1000..1003),
        (1003, 10, 1003..1003),
        (u64::MAX, u64::MAX, 1003..1003),
        (5, 0, 5..5),
    ] {
        let listing = store.projects(Page { skip, limit }).await.unwrap();
        assert_eq!(listing.total, 1003);
        assert!(
            listing.items == expected[range],
            "skip {skip}, limit {limit}"
        );
    }
}

/// Removing a project removes the project's milestones and deliveries, and no other records.
pub async fn removal_includes_all_records(records: &impl Records) {
    let store = records.open().await;
    let mut left = Vec::new();
    for _ in 0..2 {
        let project = sample::add_project(&*store).await;
        store
            .rotate(project, &sample::rotation(None, Uuid::new_v4()))
            .await
            .unwrap();
        let milestone = sample::add_milestone(&*store, project).await;
        let command = sample::queue(&*store, &sample::start(project, milestone)).await;
        let text = sample::queue(&*store, &sample::text(project, "hello")).await;
        left.push((project, milestone, [command.id, text.id]));
    }
    let (other, other_milestone, other_deliveries) = left.pop().unwrap();
    let (project, milestone, deliveries) = left.pop().unwrap();
    assert!(store.remove_project(project).await.unwrap());
    assert!(!store.remove_project(project).await.unwrap());

    for store in [store, records.open().await] {
        assert_eq!(store.project(project).await.unwrap(), None);
        assert_eq!(store.milestone(milestone).await.unwrap(), None);
        assert_eq!(store.milestones(project, None, ALL).await.unwrap().total, 0);
        assert_eq!(store.deliveries(project, ALL).await.unwrap().total, 0);
        for delivery in deliveries {
            assert_eq!(store.delivery(delivery).await.unwrap(), None);
        }
        assert_eq!(
            store.projects_with_open_deliveries().await.unwrap(),
            [other]
        );

        let kept = store.project(other).await.unwrap().unwrap();
        assert_eq!(kept.claude_session_history.len(), 1);
        assert!(store.milestone(other_milestone).await.unwrap().is_some());
        let kept = store.deliveries(other, ALL).await.unwrap().items;
        assert_eq!(
            kept.iter().map(|delivery| delivery.id).collect::<Vec<_>>(),
            other_deliveries
        );
    }
}

/// The store changes no text: a mebibyte, characters of every width, controls, and the empty text.
pub async fn long_and_odd_texts_come_back_whole(records: &impl Records) {
    let store = records.open().await;
    let long = "ação 漢字 🦀\r\n".repeat(TEXT_MAX / "ação 漢字 🦀\r\n".len());
    let odd = [
        "",
        " ",
        "\0a\0",
        "'; DROP TABLE x; --",
        "%_\\",
        "e\u{301}",
        "\u{202e}abc\u{10ffff}",
        "$set.a",
        &long,
    ];
    for text in odd {
        let project = OutputProject {
            kb_id: Some(text.to_owned()),
            name: text.to_owned(),
            stack_id: Some(text.to_owned()),
            workspace_path: text.into(),
            ..sample::project()
        };
        store.add_project(&project).await.unwrap();
        let milestone = wxcode_core::milestone::Milestone {
            element_id: Some(text.chars().take(200).collect()),
            element_name: text.to_owned(),
            context: Some(text.to_owned()),
            ..sample::milestone(project.id)
        };
        store.add_milestone(&milestone).await.unwrap();
        let mut new = sample::text(project.id, text);
        new.idempotency_key = Some(text.chars().take(50).collect());
        let delivery = sample::queue(&*store, &new).await;
        assert!(delivery == sample::queued(&new, None, text));
        assert!(store.project(project.id).await.unwrap() == Some(project));
        assert!(store.milestone(milestone.id).await.unwrap() == Some(milestone));
        assert!(store.delivery(delivery.id).await.unwrap() == Some(delivery.clone()));
        let again = crate::NewDelivery {
            id: sample::id(),
            ..new
        };
        assert!(store.queue(&again).await.unwrap() == crate::Queued::Existing(delivery));
    }
}

/// Every store on the same records answers with an acknowledged change.
pub async fn another_store_sees_changes_at_once(records: &impl Records) {
    let (here, there) = (records.open().await, records.open().await);
    for number in 0..50 {
        let project = sample::project();
        here.add_project(&project).await.unwrap();
        assert_eq!(
            there.project(project.id).await.unwrap().as_ref(),
            Some(&project)
        );
        let name = Some(format!("name {number}"));
        let patched = there
            .patch_project(
                project.id,
                &ProjectPatch {
                    name,
                    ..Default::default()
                },
                sample::at(1),
            )
            .await;
        assert_eq!(here.project(project.id).await.unwrap(), patched.unwrap());
    }
}
