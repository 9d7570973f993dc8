//! Notes of deletions, by the server that finds the notes.

use wxcode_store::sqlite::SqliteStore;

use super::*;
use crate::agent::double;

#[tokio::test]
async fn next_server_retries_an_absent_store() {
    let data = tempfile::tempdir().unwrap();
    let [db, away] = ["wxcode.db", "away.db"].map(|name| data.path().join(name));
    let store = Arc::new(SqliteStore::open(&db).unwrap());
    let sessions = double::sessions(data.path().to_owned(), Arc::clone(&store), None);
    let project = Id::from_bytes([7; 12]);
    let events = data.path().join("events").join(project.to_string());
    fs::create_dir_all(&events).unwrap();
    Note::of("sqlite").write(data.path(), project).unwrap();
    let note = file(data.path(), project);
    let cut_short = data.path().join(FOLDER).join(".x.json.1.new");
    fs::write(&cut_short, "{").unwrap();

    fs::rename(&db, &away).unwrap();
    sessions.finish_deletions().await;
    assert!(events.exists() && note.exists());
    fs::rename(&away, &db).unwrap();
    sessions.finish_deletions().await;
    assert!(!events.exists() && !note.exists() && !cut_short.exists());
}

#[test]
fn other_stores_and_versions_ignore_a_note() {
    let note = Note::of("sqlite");
    assert!(note.is_of("sqlite") && !note.is_of("mongodb://host:27017/db"));
    let newer = Note { version: 2, ..note };
    assert!(!newer.is_of("sqlite"));
}
