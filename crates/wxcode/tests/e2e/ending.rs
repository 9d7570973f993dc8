//! Ends of sessions: no process of the agent's tree remains.

use std::{fs, path::Path};

use serde_json::json;

use crate::support::{Agent, Namespaces, Server, eventually, is_alive, kill};

/// A folder for a daemon's pid, and a fake agent that starts the daemon.
fn with_daemon(modes: &str) -> (tempfile::TempDir, Agent) {
    let folder = tempfile::tempdir().unwrap();
    let agent = Agent::fake(&format!(
        "{modes}daemon={}",
        folder.path().join("daemon").display()
    ));
    (folder, agent)
}

fn daemon_of(folder: &Path) -> i32 {
    let text = fs::read_to_string(folder.join("daemon")).unwrap();
    text.trim().parse().unwrap()
}

#[tokio::test]
async fn orphans_end_with_their_session() {
    let (folder, agent) = with_daemon("");
    let mut server = Server::start(agent).await;
    let project = server.project("p").await;
    let path = format!("/output-projects/{project}/session");
    server.start_session(&project).await;
    let delivery = server.deliver(&project, "fake:exit 3").await;
    server
        .delivery_until(&project, &delivery, "submitted")
        .await;
    let ended = server
        .session_until(&project, "exited", |session| session["status"] == "exited")
        .await;
    assert_eq!(ended["exit"]["code"], 3);
    let daemon = daemon_of(folder.path());
    assert!(is_alive(daemon), "an agent that ends takes no one with it");

    // Another server finds the orphan too.
    server.crash().await;
    server.up().await;
    assert!(is_alive(daemon));
    server.delete(&path).await.expect(204);
    assert!(!is_alive(daemon), "a session that is ended does");
    server.delete(&path).await.expect(204);
}

#[tokio::test]
async fn removing_a_project_ends_its_orphans() {
    let (folder, agent) = with_daemon("");
    let server = Server::start(agent).await;
    let project = server.project("p").await;
    server.start_session(&project).await;
    let delivery = server.deliver(&project, "fake:exit 0").await;
    server
        .delivery_until(&project, &delivery, "submitted")
        .await;
    server
        .session_until(&project, "exited", |session| session["status"] == "exited")
        .await;
    let daemon = daemon_of(folder.path());
    assert!(is_alive(daemon));
    server
        .delete(&format!("/output-projects/{project}"))
        .await
        .expect(204);
    assert!(!is_alive(daemon));
}

#[tokio::test]
async fn a_killed_holder_ends_daemons_without_server() {
    let (folder, agent) = with_daemon("ignore-term,");
    let mut server = Server::start(agent).await;
    let project = server.project("p").await;
    server.start_session(&project).await;
    server.idle(&project).await;
    let daemon = daemon_of(folder.path());
    server.crash().await;
    let (holder, agent) = Server::pids(&server.session_dirs()[0]).unwrap();
    kill(holder);
    eventually("nothing is left", || !is_alive(agent) && !is_alive(daemon)).await;
    server.up().await;
    let ended = server.session(&project).await;
    assert_eq!(
        (&ended["status"], &ended["exit"]["reason"]),
        (&json!("exited"), &json!("holder_lost"))
    );
}

#[tokio::test]
async fn fifty_sessions_leak_no_process_or_descriptor() {
    let mut agent = Agent::script("exit 0");
    // The server's descriptors are counted below.
    agent.env.push(("WXCODE_DUMPABLE".into(), "1".into()));
    let server = Server::start(agent).await;
    let project = server.project("p").await;
    let path = format!("/output-projects/{project}/session");
    let open = || {
        fs::read_dir(format!("/proc/{}/fd", server.pid()))
            .unwrap()
            .count()
    };
    let children = || {
        let pid = server.pid();
        // Holders are no children of the server, dead or alive.
        fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap()
    };
    let mut before = 0;
    for round in 0..50 {
        server.post(&path, json!({})).await.expect(201);
        server
            .session_until(&project, "exited", |session| session["status"] == "exited")
            .await;
        if round == 10 {
            before = open();
        }
    }
    // The client opens and closes a connection or two; the search index opens three files late.
    assert!(open() <= before + 8, "{} after {before}", open());
    assert_eq!(children(), "");
}

#[tokio::test]
async fn a_server_as_pid_one_reaps_orphans() {
    let Some(container) = Namespaces::start(Agent::fake(""), "true").await else {
        return;
    };
    let server = &container.server;
    let project = server
        .post("/output-projects", json!({ "name": "p" }))
        .await
        .expect(201);
    let path = format!(
        "/output-projects/{}/session",
        project["id"].as_str().unwrap()
    );
    for _ in 0..3 {
        server.post(&path, json!({})).await.expect(201);
        assert!(!container.children().is_empty(), "a guardian is its child");
        server.delete(&path).await.expect(204);
    }
    eventually("nothing is left", || container.children().is_empty()).await;
}
