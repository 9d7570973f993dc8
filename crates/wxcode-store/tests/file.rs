//! Tests of the embedded store's own promises about its file.
#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::{Arc, Barrier},
    thread,
    time::Instant,
};

use rusqlite::Connection;
use tempfile::TempDir;
use wxcode_core::{
    delivery::{DeliveryState, Route},
    identity::Source,
    milestone::MilestoneStatus,
    project::ProjectStatus,
};
use wxcode_store::{
    DeliveryStore, MilestoneStore, ProjectPatch, ProjectStore, Store, StoreError,
    conformance::{ALL, sample},
    sqlite::{OpenError, SqliteStore},
};

fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wxcode.db");
    (folder, path)
}

fn refused(path: &Path) -> OpenError {
    SqliteStore::open(path).err().unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn next_to(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

#[tokio::test]
async fn only_the_user_can_read_the_file_and_its_journal() {
    let (_folder, path) = place();
    let store = SqliteStore::open(&path).unwrap();
    sample::add_project(&store).await;
    for file in [path.clone(), next_to(&path, "-wal"), next_to(&path, "-shm")] {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
    drop(store);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    SqliteStore::open(&path).unwrap();
    assert_eq!(mode(&path), 0o600);
}

#[tokio::test]
async fn a_version_1_file_keeps_its_records() {
    let (_folder, path) = place();
    let old = Connection::open(&path).unwrap();
    old.execute_batch(include_str!("fixtures/version-1.sql"))
        .unwrap();
    drop(old);
    let [project, milestone, submitted, queued] = [
        "65f0000000000000000000a1",
        "65f0000000000000000000b1",
        "65f0000000000000000000d1",
        "65f0000000000000000000d2",
    ]
    .map(|id| id.parse().unwrap());

    let store = SqliteStore::open(&path).unwrap();
    let read = store.project(project).await.unwrap().unwrap();
    assert_eq!(
        (read.name.as_str(), read.status),
        ("Vendas", ProjectStatus::Initialized)
    );
    assert_eq!(read.identity_cursor.map(|cursor| cursor.seq), Some(9));
    assert_eq!(read.created_at.to_string(), "2026-01-02T03:04:05.678Z");
    let history: Vec<_> = read
        .claude_session_history
        .iter()
        .map(|entry| (entry.source, entry.spoke))
        .collect();
    assert_eq!(history, [(Source::Startup, true), (Source::Clear, false)]);
    assert_eq!(
        read.claude_session_id,
        Some(read.claude_session_history[1].id)
    );
    let read = store.milestone(milestone).await.unwrap().unwrap();
    assert_eq!(
        (read.status, read.delivery_id),
        (MilestoneStatus::InProgress, Some(submitted))
    );
    assert_eq!((read.status_by, read.status_reason), (None, None));
    let deliveries = store.deliveries(project, ALL).await.unwrap().items;
    let ids: Vec<_> = deliveries.iter().map(|delivery| delivery.id).collect();
    assert_eq!(ids, [submitted, queued]);
    let waiting = &deliveries[1];
    assert_eq!(
        (waiting.route, waiting.after_seq, waiting.version),
        (Route::Prompt, None, 1)
    );

    // Fields without a place in version 1.
    let mut step = sample::step(waiting, DeliveryState::Written);
    step.after_seq = Some(12);
    assert_eq!(
        store.step(&step).await.unwrap().unwrap().after_seq,
        Some(12)
    );
    drop(store);
    let store = SqliteStore::open(&path).unwrap();
    assert_eq!(
        store.delivery(queued).await.unwrap().unwrap().after_seq,
        Some(12)
    );
    sample::add_milestone(&store, project).await;
}

#[tokio::test]
async fn a_newer_file_is_refused_untouched() {
    let (_folder, path) = place();
    drop(SqliteStore::open(&path).unwrap());
    let newer = Connection::open(&path).unwrap();
    newer
        .execute_batch("PRAGMA user_version = 999; CREATE TABLE unknown (x INTEGER) STRICT;")
        .unwrap();
    let error = refused(&path);
    assert!(
        matches!(error, OpenError::Newer { found: 999, .. }),
        "{error}"
    );
    assert!(
        error.to_string().contains("run the newer wxcode"),
        "{error}"
    );
    let version: i32 = newer
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap();
    assert_eq!(version, 999);
    newer
        .query_row("SELECT count(*) FROM unknown", [], |_| Ok(()))
        .unwrap();
}

#[test]
fn other_files_are_refused_untouched() {
    let (folder, path) = place();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("CREATE TABLE theirs (x)").unwrap();
    drop(other);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let before = fs::read(&path).unwrap();
    assert!(matches!(refused(&path), OpenError::Foreign(_)));
    assert_eq!((fs::read(&path).unwrap(), mode(&path)), (before, 0o644));

    let text = folder.path().join("notes.txt");
    fs::write(
        &text,
        "not a database, but long enough for a header to be looked for in it".repeat(20),
    )
    .unwrap();
    let before = fs::read(&text).unwrap();
    let error = refused(&text);
    assert!(
        matches!(error, OpenError::Store(StoreError::Corrupt(_))),
        "{error}"
    );
    assert_eq!(fs::read(&text).unwrap(), before);

    let error = refused(&folder.path().join("missing").join("wxcode.db"));
    assert!(matches!(error, OpenError::Io { .. }), "{error}");
    assert!(!folder.path().join("missing").exists());
    refused(folder.path());
}

#[tokio::test]
async fn an_unknown_record_is_reported() {
    let (_folder, path) = place();
    let store = SqliteStore::open(&path).unwrap();
    let (good, bad) = (
        sample::add_project(&store).await,
        sample::add_project(&store).await,
    );
    let other = Connection::open(&path).unwrap();
    for damage in [
        "claude_session_id = 'no uuid'",
        "identity_cursor_session_id = 'x', identity_cursor_seq = -1",
    ] {
        other
            .execute(
                &format!("UPDATE output_projects SET {damage} WHERE _id = ?"),
                [bad.to_string()],
            )
            .unwrap();
        let error = store.project(bad).await.unwrap_err();
        assert!(matches!(error, StoreError::Corrupt(_)), "{error}");
        assert!(
            error.to_string().contains(path.to_str().unwrap()),
            "{error}"
        );
        other
            .execute("UPDATE output_projects SET claude_session_id = NULL", [])
            .unwrap();
    }
    assert!(store.project(good).await.unwrap().is_some());
}

#[tokio::test]
async fn values_beyond_a_column_are_refused() {
    use std::os::unix::ffi::OsStrExt;
    let (_folder, path) = place();
    let store = SqliteStore::open(&path).unwrap();
    let mut project = sample::project();
    project.workspace_path = std::ffi::OsStr::from_bytes(b"/w/\xff").into();
    let error = store.add_project(&project).await.unwrap_err();
    assert!(matches!(error, StoreError::Refused(_)), "{error}");
    let mut project = sample::project();
    project.identity_cursor = Some(sample::cursor(project.id, u64::MAX));
    let error = store.add_project(&project).await.unwrap_err();
    assert!(matches!(error, StoreError::Refused(_)), "{error}");
    assert_eq!(store.projects(ALL).await.unwrap().total, 0);
}

#[tokio::test]
async fn a_moved_file_is_missed_until_return() {
    let (folder, path) = place();
    let store = SqliteStore::open(&path).unwrap();
    let before = sample::add_project(&store).await;
    let away = folder.path().join("away");
    fs::create_dir(&away).unwrap();
    let files: Vec<_> = ["", "-wal", "-shm"]
        .map(|suffix| next_to(&path, suffix))
        .into();
    let moved = |file: &Path| away.join(file.file_name().unwrap());
    for file in &files {
        fs::rename(file, moved(file)).unwrap();
    }
    let refused = sample::project();
    for error in [
        store.add_project(&refused).await.unwrap_err(),
        store.project(before).await.unwrap_err(),
        store.ping().await.unwrap_err(),
    ] {
        assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
        assert!(error.to_string().contains("put it back"), "{error}");
    }
    assert!(!path.exists(), "no empty file hides the loss");
    for file in &files {
        fs::rename(moved(file), file).unwrap();
    }
    store.ping().await.unwrap();
    let after = sample::add_project(&store).await;
    let listing = store.projects(ALL).await.unwrap();
    assert_eq!(
        listing
            .items
            .iter()
            .map(|project| project.id)
            .collect::<Vec<_>>(),
        [before, after]
    );
}

#[tokio::test]
async fn a_replaced_file_is_reopened_whole() {
    let (folder, path) = place();
    let store = SqliteStore::open(&path).unwrap();
    let replaced = sample::add_project(&store).await;
    assert!(store.project(replaced).await.unwrap().is_some());

    // The content is still in the journal.
    let elsewhere = folder.path().join("other.db");
    let other = SqliteStore::open(&elsewhere).unwrap();
    let restored = sample::add_project(&other).await;
    for suffix in ["", "-wal", "-shm"] {
        fs::rename(next_to(&elsewhere, suffix), next_to(&path, suffix)).unwrap();
    }
    drop(other);

    assert!(store.project(restored).await.unwrap().is_some());
    assert_eq!(store.project(replaced).await.unwrap(), None);
    let added = sample::add_project(&store).await;
    for store in [store, SqliteStore::open(&path).unwrap()] {
        let listing = store.projects(ALL).await.unwrap();
        assert_eq!(
            listing
                .items
                .iter()
                .map(|project| project.id)
                .collect::<Vec<_>>(),
            [restored, added]
        );
    }
}

#[tokio::test]
async fn a_locked_file_blocks_writes_only() {
    let (_folder, path) = place();
    let store = SqliteStore::open(&path).unwrap();
    let id = sample::add_project(&store).await;
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let patch = ProjectPatch {
        name: Some("new".to_owned()),
        ..Default::default()
    };
    let since = Instant::now();
    let at = sample::at(1);
    let waiting = tokio::join!(
        store.patch_project(id, &patch, at),
        store.patch_project(id, &patch, at),
        store.patch_project(id, &patch, at),
        store.ping(),
    );
    let waited = since.elapsed().as_secs();
    assert!(
        (5..10).contains(&waited),
        "they wait together, and not for ever: {waited} s"
    );
    let (first, second, third, ping) = waiting;
    for error in [
        first.unwrap_err(),
        second.unwrap_err(),
        third.unwrap_err(),
        ping.unwrap_err(),
    ] {
        assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
        assert!(error.to_string().contains("locked"), "{error}");
    }
    assert!(matches!(
        refused(&path),
        OpenError::Store(StoreError::Unavailable(_))
    ));
    assert_eq!(store.project(id).await.unwrap().unwrap().name, "a project");
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(
        store
            .patch_project(id, &patch, sample::at(1))
            .await
            .unwrap()
            .unwrap()
            .name,
        "new"
    );
}

#[test]
fn a_new_file_can_be_opened_by_many_at_once() {
    const OPENERS: usize = 16;
    for _ in 0..20 {
        let (_folder, path) = place();
        let start = Barrier::new(OPENERS);
        thread::scope(|scope| {
            let openers: Vec<_> = (0..OPENERS)
                .map(|_| {
                    scope.spawn(|| {
                        start.wait();
                        SqliteStore::open(&path).map(drop)
                    })
                })
                .collect();
            for opener in openers {
                opener.join().unwrap().unwrap();
            }
        });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn excess_readers_and_writers_are_served() {
    let (_folder, path) = place();
    let store = Arc::new(SqliteStore::open(&path).unwrap());
    let id = sample::add_project(&*store).await;
    let tasks: Vec<_> = (0..600_i64)
        .map(|number| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                assert!(store.project(id).await.unwrap().is_some());
                store
                    .patch_project(id, &ProjectPatch::default(), sample::at(number))
                    .await
                    .unwrap()
                    .unwrap();
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}
