//! `wxcode attach --read-only` without a running session.

use super::SIZE;
use crate::support::{Agent, Attached, Server};

#[tokio::test]
async fn a_viewer_starts_no_agent() {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let ended = Attached::start(&server, &["p", "--read-only"], SIZE).ended();
    assert_eq!(ended.code, 0, "{}", ended.text);
    for text in [
        "no session runs in p yet",
        "`wxcode attach p` starts the agent",
    ] {
        assert!(ended.text.contains(text), "{}", ended.text);
    }
    assert_eq!(server.session(&project).await["status"], "none");
    assert!(server.session_dirs().is_empty());
}

#[tokio::test]
async fn a_viewer_gets_the_last_screen() {
    let server = Server::start(Agent::script("echo the last words; exit 3")).await;
    let project = server.project("p").await;
    server.start_session(&project).await;
    let before = server
        .session_until(&project, "exited", |session| session["status"] == "exited")
        .await;
    let ended = Attached::start(&server, &["p", "--read-only"], SIZE).ended();
    assert_eq!(ended.code, 0, "{}", ended.text);
    for text in ["the last words", "the agent ended (code 3)"] {
        assert!(ended.text.contains(text), "{}", ended.text);
    }
    assert_eq!(server.session(&project).await, before);
}
