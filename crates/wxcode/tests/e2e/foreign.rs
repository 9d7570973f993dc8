//! Files under foreign control: FIFOs, devices, links, huge files, hanging file systems.

mod hanging;
mod kinds;
mod links;

use std::time::Duration;

use serde_json::json;
use tokio::time::timeout;

use crate::support::{Agent, PATIENCE, Server, make_fifo};

/// Longest duration of a request that meets an unusable file: 10 s, doubled for a busy machine.
const REFUSED: Duration = Duration::from_secs(20);

/// Checks that the server answers, and ends on SIGTERM.
async fn ends(server: &mut Server) {
    answers(server).await;
    assert_eq!(server.terminate().await, Some(0), "{}", server.log());
}

/// Checks that the server answers requests without foreign files.
async fn answers(server: &Server) {
    let request = server.request(reqwest::Method::GET, "/healthz");
    let answer = timeout(PATIENCE, server.answer(request)).await;
    answer.expect("the server answers").expect(200);
}

#[tokio::test]
async fn a_fifo_as_context_file_is_refused() {
    let mut server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let milestone = server.milestone(&project, "one").await;
    let folder = server
        .workspace(&project)
        .await
        .join(".milestones")
        .join(&milestone);
    std::fs::create_dir_all(&folder).unwrap();
    make_fifo(&folder.join("MILESTONE-CONTEXT.md"));
    let path = format!("/milestones/{milestone}/prepare");
    // More requests than the server has threads.
    let prepares = (0..8).map(|_| server.post(&path, json!({})));
    let refused = timeout(REFUSED, futures_util::future::join_all(prepares)).await;
    for answer in refused.expect("each is answered") {
        assert_eq!(answer.body["code"], "file_wrong_kind");
        let detail = answer.problem(409);
        assert!(
            detail.contains("MILESTONE-CONTEXT.md is a FIFO"),
            "{detail}"
        );
    }
    ends(&mut server).await;
}

#[tokio::test]
async fn a_fifo_among_claude_records_blocks_nothing() {
    let mut server = Server::start(Agent::fake("")).await;
    let sessions = server.agent.home.config_dir().join("sessions");
    std::fs::create_dir_all(&sessions).unwrap();
    make_fifo(&sessions.join("1.json"));
    let (one, two) = (server.project("one").await, server.project("two").await);
    let start = async |project: &str| {
        let path = format!("/output-projects/{project}/session");
        server.post(&path, json!({})).await.expect(201);
    };
    timeout(PATIENCE, async { tokio::join!(start(&one), start(&two)) })
        .await
        .expect("both start");
    ends(&mut server).await;
}

#[tokio::test]
async fn a_fifo_as_configuration_is_named() {
    let server = Server::start(Agent::fake("")).await;
    let fifo = server.data_dir().join("fifo.toml");
    make_fifo(&fifo);
    let name = fifo.to_str().unwrap();
    for (given, words) in [
        (name, "fifo.toml is a FIFO"),
        ("/dev/zero", "/dev/zero is a character device"),
    ] {
        let mut command = server.command(&["doctor", "--config", given]);
        command.kill_on_drop(true);
        let output = timeout(PATIENCE, command.output())
            .await
            .expect("it ends")
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(!output.status.success() && said.contains(words), "{said}");
    }
}
