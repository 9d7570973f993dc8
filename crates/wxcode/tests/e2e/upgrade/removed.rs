//! The installed files of the old build are removed while the build's sessions run.

use std::{fs, path::PathBuf};

use super::{BUILDS, holder_of, newer, own_program};
use crate::support::{Agent, Server, eventually, is_alive};

/// Types a text, and waits for the confirmation by a hook of the agent.
async fn say(server: &Server, project: &str, text: &str) {
    let delivery = server.deliver(project, text).await;
    server.delivery_until(project, &delivery, "submitted").await;
    server.idle(project).await;
}

fn copies(server: &Server) -> Vec<PathBuf> {
    let entries = fs::read_dir(server.data_dir().join("bin")).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[tokio::test]
async fn a_session_outlives_its_builds_files() {
    let mut server = Server::start(Agent::fake("")).await;
    let program = own_program(&mut server).await;
    let project = server.project("p").await;
    let session = server.start_session(&project).await;
    server.idle(&project).await;
    let dir = server.session_dirs().remove(0);
    let [old] = &copies(&server)[..] else {
        panic!("one build, one copy")
    };
    let old = old.clone();

    fs::remove_file(program.with_file_name("wxcode-holder")).unwrap();
    fs::remove_file(&program).unwrap();
    // Hooks and deliveries.
    say(&server, &project, "without its files").await;
    // Another conversation.
    let mut socket = server
        .socket(&format!("/output-projects/{project}/terminal"))
        .await;
    socket.submit("/clear").await;
    let cleared = server
        .session_until(&project, "the conversation changed", |now| {
            now["claude_session_id"] != session["claude_session_id"] && now["agent_state"] == "idle"
        })
        .await;
    // Another session begins and ends.
    let other = server.project("other").await;
    let begun = server.start_session(&other).await;
    server.idle(&other).await;
    end(&server, &other, &begun).await;

    // The newer build is installed elsewhere.
    assert_eq!(server.terminate().await, Some(0));
    let next = server.data_dir().join("next/wxcode");
    newer(&next);
    server.program = vec![next.into()];
    server.up().await;
    eventually("the holder is upgraded", || {
        holder_of(&dir)["build"] == BUILDS.1
    })
    .await;
    // The agent's hooks still run the old build's copy.
    assert!(old.exists() && copies(&server).len() == 2);
    say(&server, &project, "after the upgrade").await;
    let after = server.session(&project).await;
    for key in ["session_id", "pid", "claude_session_id"] {
        assert_eq!(after[key], cleared[key], "{key}");
    }
    end(&server, &project, &session).await;
    let exit = fs::read(dir.join("exit.json")).unwrap();
    let exit: serde_json::Value = serde_json::from_slice(&exit).unwrap();
    assert_eq!(exit["reason"], "stopped", "{exit}");

    // No session names the old copy any longer: the next start removes the copy.
    server.terminate().await;
    server.up().await;
    assert!(!old.exists() && copies(&server).len() == 1);
}

async fn end(server: &Server, project: &str, session: &serde_json::Value) {
    server
        .delete(&format!("/output-projects/{project}/session"))
        .await
        .expect(204);
    let pid = i32::try_from(session["pid"].as_i64().unwrap()).unwrap();
    assert!(!is_alive(pid));
}
