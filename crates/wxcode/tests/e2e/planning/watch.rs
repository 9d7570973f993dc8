//! Changes of the planning files without a hook.

use std::{fs, path::PathBuf, time::Instant};

use serde_json::Value;

use super::write;
use crate::support::{Agent, Events, Server, eventually};

/// Waits for this number of entries.
async fn entries(events: &mut Events, count: usize) -> Value {
    let wanted = |told: &crate::support::Told| {
        told.name == "planning.changed" && told.data["entries"] == count
    };
    let what = format!("{count} entries");
    events.until(&what, wanted).await.data
}

/// A project, the project's workspace, and a follower with all events so far.
async fn followed(server: &Server) -> (String, PathBuf, Events) {
    let project = server.project("p").await;
    let workspace = server.workspace(&project).await;
    let mut events = Events::follow(server, &project).await;
    events.named("state").await;
    (project, workspace, events)
}

/// Counts the planning changes in a project's log. Unlike a follower, reading the file starts no
/// watch.
fn logged(server: &Server, project: &str) -> usize {
    let segments = fs::read_dir(server.data_dir().join("events").join(project)).unwrap();
    let count = |path: PathBuf| {
        let text = fs::read(path).unwrap();
        String::from_utf8_lossy(&text)
            .matches("\"type\":\"planning.changed\"")
            .count()
    };
    segments.map(|entry| count(entry.unwrap().path())).sum()
}

#[tokio::test]
async fn changes_by_the_user_are_published() {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let workspace = server.workspace(&project).await;
    server.start_session(&project).await;
    server.idle(&project).await;
    for (n, text) in ["# Roadmap\n", "# Another one\n", ""].iter().enumerate() {
        let before = logged(&server, &project);
        assert!(before >= n);
        write(&workspace, "ROADMAP.md", text);
        eventually("the change is told", || logged(&server, &project) > before).await;
    }
}

#[tokio::test]
async fn changes_are_published_without_a_session() {
    let server = Server::start(Agent::fake("")).await;
    let (_, workspace, mut events) = followed(&server).await;
    let planning = workspace.join(".planning");
    if planning.exists() {
        fs::remove_dir_all(&planning).unwrap();
    }
    // The folder appears, with nested folders.
    write(&workspace, "phases/01-a/plans/PLAN-01-x.md", "# X\n");
    entries(&mut events, 4).await;
    // A change deep in folders created later.
    write(&workspace, "phases/01-a/plans/PLAN-02-y.md", "# Y\n");
    entries(&mut events, 5).await;
    // The folder is removed and created again.
    fs::remove_dir_all(&planning).unwrap();
    entries(&mut events, 0).await;
    write(&workspace, "STATE.md", "Phase: 1 of 2\n");
    entries(&mut events, 1).await;
    // The folder is moved away and replaced.
    fs::rename(&planning, workspace.join("old")).unwrap();
    fs::create_dir_all(workspace.join("new/phases")).unwrap();
    fs::write(workspace.join("new/STATE.md"), "").unwrap();
    fs::rename(workspace.join("new"), &planning).unwrap();
    entries(&mut events, 2).await;
    write(&workspace, "phases/02-b/02-CONTEXT.md", "");
    entries(&mut events, 4).await;
    // Even the workspace itself.
    let aside = workspace.with_extension("aside");
    fs::rename(&workspace, &aside).unwrap();
    fs::create_dir_all(planning.join("phases/01-a")).unwrap();
    entries(&mut events, 2).await;
    fs::remove_dir_all(aside).unwrap();
}

#[tokio::test]
async fn many_changes_make_few_events() {
    let server = Server::start(Agent::fake("")).await;
    let (_, workspace, mut events) = followed(&server).await;
    write(&workspace, "a.md", "");
    let (a, b) = (
        workspace.join(".planning/a.md"),
        workspace.join(".planning/b.md"),
    );
    entries(&mut events, 1).await;
    let before = events.seen.len();
    let began = Instant::now();
    for _ in 0..1_000 {
        fs::rename(&a, &b).unwrap();
        fs::rename(&b, &a).unwrap();
    }
    write(&workspace, "last.md", "");
    entries(&mut events, 2).await;
    let told = events.seen[before..]
        .iter()
        .filter(|told| told.name == "planning.changed")
        .count();
    // A scan takes at least a tenth of a second.
    let most = began.elapsed().as_millis() / 100 + 1;
    assert!(told as u128 <= most, "{told} events, at most {most}");
}

#[tokio::test]
async fn the_next_client_restarts_the_watch() {
    let server = Server::start(Agent::fake("")).await;
    let (project, workspace, events) = followed(&server).await;
    drop(events);
    for n in 1..=5 {
        let mut events = Events::follow(&server, &project).await;
        events.named("state").await;
        write(&workspace, &format!("{n}.md"), "");
        entries(&mut events, n).await;
    }
}
