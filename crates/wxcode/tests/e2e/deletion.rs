//! Deleting a project: the next server finishes an interrupted deletion, and deletes nothing else.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::json;

use crate::{
    damage::copy,
    support::{Agent, Events, Server, eventually},
};

/// A server with a project that has an ended session, a finished run, events and planning.
async fn with_history() -> (Server, String) {
    // The test cannot lock the store of another test.
    let server = Server::start_on(Agent::fake(""), None).await;
    let project = server.project("p").await;
    let path = format!("/output-projects/{project}");
    let mut events = Events::follow(&server, &project).await;
    let body = json!({ "prompt": "hello" });
    server.post(&format!("{path}/runs"), body).await.expect(202);
    events
        .until("the run is over", |told| told.name == "run.finished")
        .await;
    server.start_session(&project).await;
    server.idle(&project).await;
    let planning = server.workspace(&project).await.join(".planning");
    fs::create_dir_all(&planning).unwrap();
    fs::write(planning.join("PROJECT.md"), "# P\n").unwrap();
    server.get(&format!("{path}/planning")).await.expect(200);
    server.delete(&format!("{path}/session")).await.expect(204);
    (server, project)
}

/// All files of the project in the data folder.
fn kept(server: &Server, project: &str) -> Vec<PathBuf> {
    let dir = server.data_dir();
    let of = |dir: &PathBuf| {
        let spec = fs::read_to_string(dir.join("spec.json"));
        spec.is_ok_and(|spec| spec.contains(project))
    };
    let mut all = [server.session_dirs(), server.run_dirs()].concat();
    all.retain(of);
    all.push(dir.join("events").join(project));
    all.push(dir.join("planning").join(format!("{project}.json")));
    all.retain(|path| path.exists());
    all.sort();
    all
}

fn deleting(server: &Server) -> PathBuf {
    server.data_dir().join("deleting")
}

fn note(server: &Server, project: &str) -> PathBuf {
    deleting(server).join(format!("{project}.json"))
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}

fn copy_any(from: &Path, to: &Path) {
    match from.is_dir() {
        true => copy(from, to),
        false => drop(fs::copy(from, to).unwrap()),
    }
}

/// Makes a deletion fail after its record is written and before the store forgets the project.
async fn fail_to_delete(server: &Server, project: &str) {
    let other = rusqlite::Connection::open(server.data_dir().join("wxcode.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let path = format!("/output-projects/{project}");
    server.delete(&path).await.problem(503);
    other.execute_batch("ROLLBACK").unwrap();
    assert!(note(server, project).exists());
}

/// Kills the server after the store forgot the project and before any file is removed; returns the
/// files.
async fn kill_amid_the_deletion(server: &mut Server, project: &str) -> Vec<PathBuf> {
    fail_to_delete(server, project).await;
    let mut there = kept(server, project);
    assert_eq!(there.len(), 4, "session, run, events, planning: {there:?}");
    there.push(note(server, project));
    let aside = tempfile::tempdir().unwrap();
    let aside = |n: usize| aside.path().join(n.to_string());
    for (n, path) in there.iter().enumerate() {
        copy_any(path, &aside(n));
    }
    let path = format!("/output-projects/{project}");
    server.delete(&path).await.expect(204);
    eventually("all of it is gone", || {
        !there.iter().any(|path| path.exists()) && is_empty(&deleting(server))
    })
    .await;
    server.crash().await;
    for (n, path) in there.iter().enumerate() {
        copy_any(&aside(n), path);
    }
    there
}

#[tokio::test]
async fn the_next_server_finishes_a_deletion() {
    let (mut server, project) = with_history().await;
    let other = server.project("other").await;
    let there = kill_amid_the_deletion(&mut server, &project).await;
    // A folder from another interrupted deletion.
    let half = deleting(&server).join("000000000000000000000000");
    fs::create_dir(&half).unwrap();
    fs::write(half.join("exit.json"), "{}").unwrap();

    server.up().await;
    for path in &there {
        assert!(!path.exists(), "{}", path.display());
    }
    eventually("nothing is on its way out", || is_empty(&deleting(&server))).await;
    let path = format!("/output-projects/{project}");
    server.get(&path).await.problem(404);
    server
        .get(&format!("/output-projects/{other}"))
        .await
        .expect(200);
}

#[tokio::test]
async fn a_failed_deletion_loses_nothing() {
    let (mut server, project) = with_history().await;
    let before = kept(&server, &project);
    fail_to_delete(&server, &project).await;
    server.crash().await;
    server.up().await;
    assert!(!note(&server, &project).exists());
    assert_eq!(kept(&server, &project), before);
    let session = server.session(&project).await;
    assert_eq!(session["status"], "exited");

    // A second attempt without a restart also succeeds.
    fail_to_delete(&server, &project).await;
    let path = format!("/output-projects/{project}");
    server.delete(&path).await.expect(204);
    eventually("nothing is left", || {
        kept(&server, &project).is_empty() && is_empty(&deleting(&server))
    })
    .await;
}

#[tokio::test]
async fn starting_on_another_store_loses_nothing() {
    let (mut server, project) = with_history().await;
    let untouched = server.project("untouched").await;
    server.start_session(&untouched).await;
    let path = format!("/output-projects/{untouched}/session");
    server.delete(&path).await.expect(204);
    kill_amid_the_deletion(&mut server, &project).await;
    let both = |server: &Server| [kept(server, &project), kept(server, &untouched)].concat();
    let all = both(&server);
    server.keep_in(Some(format!(
        "sqlite:{}",
        server.data_dir().join("other.db").display()
    )));
    server.up().await;
    assert_eq!(both(&server), all);
    assert!(note(&server, &project).exists());
    let log = server.log();
    assert!(
        log.contains("start a server with that store to finish it"),
        "{log}"
    );
    // Deleting projects unknown to this store removes nothing either.
    for project in [&project, &untouched] {
        let path = format!("/output-projects/{project}?force=true");
        server.delete(&path).await.problem(404);
    }
    server.terminate().await;
    assert_eq!(both(&server), all);

    server.keep_in(None);
    server.up().await;
    assert_eq!(kept(&server, &project), Vec::<PathBuf>::new());
    assert!(!note(&server, &project).exists());
    assert_eq!(server.session(&untouched).await["status"], "exited");
    assert!(!kept(&server, &untouched).is_empty());
}

/// The store comes back from a backup while the deletion record still exists.
#[tokio::test]
async fn a_restored_project_outlives_its_deletion_record() {
    let (mut server, project) = with_history().await;
    let before = kept(&server, &project);
    server.terminate().await;
    let store = |server: &Server, name: &str| server.data_dir().join(name);
    let backup = tempfile::NamedTempFile::new().unwrap();
    fs::copy(store(&server, "wxcode.db"), backup.path()).unwrap();
    server.up().await;
    kill_amid_the_deletion(&mut server, &project).await;
    for beside in ["wxcode.db-wal", "wxcode.db-shm"] {
        let _ = fs::remove_file(store(&server, beside));
    }
    fs::copy(backup.path(), store(&server, "wxcode.db")).unwrap();

    server.up().await;
    let path = format!("/output-projects/{project}");
    server.get(&path).await.expect(200);
    assert!(!note(&server, &project).exists());
    assert_eq!(kept(&server, &project), before);
    let log = server.log();
    assert!(log.contains("dropped the note of a deletion"), "{log}");
    server.terminate().await;
    server.up().await;
    assert_eq!(kept(&server, &project), before);
}
