//! Deleting a project: what one server began the next one finishes, and nothing is removed for any other reason.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::json;

use crate::{
    damage::copy,
    support::{Agent, Events, Server, eventually},
};

/// A server with a project that has an ended session, a run that is over, events and a record of its planning.
async fn with_history() -> (Server, String) {
    // Another test's store cannot be locked from outside.
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
    server
        .session_until(&project, "idle", |session| session["agent_state"] == "idle")
        .await;
    let planning = server.workspace(&project).await.join(".planning");
    fs::create_dir_all(&planning).unwrap();
    fs::write(planning.join("PROJECT.md"), "# P\n").unwrap();
    server.get(&format!("{path}/planning")).await.expect(200);
    server.delete(&format!("{path}/session")).await.expect(204);
    (server, project)
}

/// Everything in the data folder that is the project's.
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

/// Has a deletion fail when it is noted and the store has not forgotten the project.
async fn fail_to_delete(server: &Server, project: &str) {
    let other = rusqlite::Connection::open(server.data_dir().join("wxcode.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let path = format!("/output-projects/{project}");
    server.delete(&path).await.problem(503);
    other.execute_batch("ROLLBACK").unwrap();
    assert!(note(server, project).exists());
}

/// The server is killed when the store has forgotten the project, and before anything of it is removed; what is there then.
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
async fn what_a_killed_server_left_of_it_the_next_one_removes() {
    let (mut server, project) = with_history().await;
    let other = server.project("other").await;
    let there = kill_amid_the_deletion(&mut server, &project).await;
    // Others came to the point of removing this one.
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
async fn one_that_did_not_come_about_costs_nothing() {
    let (mut server, project) = with_history().await;
    let before = kept(&server, &project);
    fail_to_delete(&server, &project).await;
    server.crash().await;
    server.up().await;
    assert!(!note(&server, &project).exists());
    assert_eq!(kept(&server, &project), before);
    let session = server.session(&project).await;
    assert_eq!(session["status"], "exited");

    // Nor does one that fails and is done later, without a restart.
    fail_to_delete(&server, &project).await;
    let path = format!("/output-projects/{project}");
    server.delete(&path).await.expect(204);
    eventually("nothing is left", || {
        kept(&server, &project).is_empty() && is_empty(&deleting(&server))
    })
    .await;
}

#[tokio::test]
async fn another_store_by_mistake_costs_no_history() {
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
    // Neither does asking this one to delete what it does not know.
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

/// The store's file is restored from a backup, and the note of the deletion is still there.
#[tokio::test]
async fn a_restored_project_outlives_the_note_of_its_deletion() {
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
