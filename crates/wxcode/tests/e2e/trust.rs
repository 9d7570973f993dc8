//! The server's own process: closed to the other processes of its user, agents included.

use std::{fs, process::Command};

use rustix::process::geteuid;
use serde_json::json;

use crate::support::{Agent, Server, USER};

/// A server of a user without special rights.
async fn unprivileged() -> Server {
    match geteuid().is_root() {
        true => Server::start_as(Agent::fake(""), USER).await,
        false => Server::start(Agent::fake("")).await,
    }
}

/// Whether a process of the server's user can read this file.
fn is_readable(path: &str) -> bool {
    if !geteuid().is_root() {
        return fs::read(path).is_ok();
    }
    let user = USER.to_string();
    let read = Command::new("setpriv")
        .args([
            "--reuid",
            &user,
            "--regid",
            &user,
            "--clear-groups",
            "cat",
            path,
        ])
        .output()
        .unwrap();
    read.status.success()
}

#[tokio::test]
async fn the_servers_token_is_closed_to_its_agents() {
    let server = unprivileged().await;
    let proc = format!("/proc/{}", server.pid());
    assert!(is_readable(&format!("{proc}/status")), "the pid is wrong");
    for file in ["environ", "maps", "auxv"] {
        assert!(!is_readable(&format!("{proc}/{file}")), "{file} is open");
    }
    // The server's own work on files and processes goes on.
    let project = server.project("p").await;
    server.start_session(&project).await;
    server.idle(&project).await;
    server.deliver(&project, "hello").await;
    let path = format!("/output-projects/{project}");
    server.get(&format!("{path}/planning")).await.expect(200);
    let upload = format!("{path}/uploads?name=a.txt");
    server.post(&upload, json!("x")).await.expect(201);
    let milestone = server.milestone(&project, "one").await;
    let prepare = format!("/milestones/{milestone}/prepare");
    server.post(&prepare, json!({})).await.expect(200);
    let ls = server.command(&["ls"]).output().await.unwrap();
    assert!(
        ls.status.success(),
        "{}",
        String::from_utf8_lossy(&ls.stderr)
    );
    let doctor = server.command(&["doctor"]).output().await.unwrap();
    let text = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert!(text.contains("memory and environment are closed"), "{text}");
    assert!(text.contains("listen address: "), "{text}");
    server.delete(&format!("{path}/session")).await.expect(204);
}
