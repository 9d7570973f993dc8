//! Clients that join a running session and start nothing: `read_only=true` and `start=false`.

use serde_json::{Value, json};
use wxcode_protocol::Output;
use wxcode_protocol::websocket::ServerFrame;

use crate::support::{Agent, Server, Socket, Wire};

/// The two queries of such clients.
const QUERIES: [&str; 2] = ["read_only=true", "start=false"];

fn of_project(project: &str, query: &str) -> String {
    format!("/output-projects/{project}/terminal?{query}")
}

fn of_milestone(milestone: &str, query: &str) -> String {
    format!("/milestones/{milestone}/terminal?{query}")
}

/// A project with a pending milestone, and both ids.
async fn with_milestone(server: &Server) -> (String, String) {
    let project = server.project("p").await;
    let milestone = server.milestone(&project, "one").await;
    (project, milestone)
}

async fn milestone_status(server: &Server, milestone: &str) -> Value {
    let milestone = server.get(&format!("/milestones/{milestone}")).await;
    milestone.expect(200)["status"].clone()
}

/// Waits for the close code of a missing session.
async fn closes(socket: &mut Socket) -> String {
    assert_eq!(socket.close_code().await, 1000);
    socket.closed.take().unwrap().1
}

#[tokio::test]
async fn viewing_starts_no_agent() {
    let server = Server::start(Agent::fake("")).await;
    let (project, milestone) = with_milestone(&server).await;
    for query in QUERIES {
        for path in [of_project(&project, query), of_milestone(&milestone, query)] {
            let mut socket = server.socket(&path).await;
            let status = socket.message("status").await;
            assert_eq!(status["connected"], false, "{path}");
            assert_eq!(status["session_id"], Value::Null);
            assert_eq!(status["resumed"], false);
            let reason = closes(&mut socket).await;
            assert!(reason.contains("no session runs"), "{reason}");
        }
        let mut wire = Wire::attach(&server, &project, query).await;
        assert!(!wire.status.connected);
        assert_eq!(wire.status.session_id, "");
        assert_eq!(wire.status.read_only, query == QUERIES[0]);
        assert_eq!(wire.until_closed().await, 1000);
        assert_eq!(wire.snapshots, 0, "there is no screen");
    }
    assert_eq!(server.session(&project).await["status"], "none");
    assert!(server.session_dirs().is_empty());
    assert_eq!(milestone_status(&server, &milestone).await, "pending");
    let path = format!("/output-projects/{project}/deliveries");
    assert_eq!(server.get(&path).await.expect(200)["total"], 0);
}

#[tokio::test]
async fn viewing_an_ended_session_shows_its_screen() {
    let server = Server::start(Agent::script("echo the last words; exit 3")).await;
    let (project, milestone) = with_milestone(&server).await;
    server.start_session(&project).await;
    let ended = server
        .session_until(&project, "exited", |session| session["status"] == "exited")
        .await;
    for query in QUERIES {
        for path in [of_project(&project, query), of_milestone(&milestone, query)] {
            let mut socket = server.socket(&path).await;
            let status = socket.message("status").await;
            assert_eq!(status["connected"], false, "{path}");
            assert_eq!(status["session_id"], ended["session_id"]);
            let closed = socket.message("closed").await;
            assert_eq!(closed["exit_code"], 3);
            assert!(socket.output.contains("the last words"), "{path}");
            closes(&mut socket).await;
        }
        let mut wire = Wire::attach(&server, &project, query).await;
        assert!(!wire.status.connected);
        assert_eq!(wire.until_closed().await, 1000);
        assert!(wire.text().contains("the last words"), "{}", wire.text());
        let exit = wire.frames.iter().find_map(|frame| match frame {
            ServerFrame::Output(Output::Exited(exit)) => exit.code,
            _ => None,
        });
        assert_eq!(exit, Some(3));
    }
    let after = server.session(&project).await;
    assert_eq!(after, ended, "nothing has changed");
    assert_eq!(server.session_dirs().len(), 1);
    assert_eq!(milestone_status(&server, &milestone).await, "pending");
}

#[tokio::test]
async fn viewing_joins_the_running_session() {
    let server = Server::start(Agent::fake("")).await;
    let (project, milestone) = with_milestone(&server).await;
    server.start_session(&project).await;
    let idle = server.idle(&project).await;
    let mut project_look = server.socket(&of_project(&project, QUERIES[0])).await;
    let mut milestone_look = server.socket(&of_milestone(&milestone, QUERIES[0])).await;
    for look in [&mut project_look, &mut milestone_look] {
        let status = look.message("status").await;
        assert_eq!(status["connected"], true);
        assert_eq!(status["session_id"], idle["session_id"]);
    }
    // A joining client may type; a viewer may not.
    let mut joined = server.socket(&of_project(&project, QUERIES[1])).await;
    project_look.input("x").await;
    assert_eq!(project_look.message("error").await["code"], "READ_ONLY");
    joined.submit("hello there").await;
    project_look.until("last: hello there").await;
    milestone_look.until("last: hello there").await;
    assert_eq!(milestone_status(&server, &milestone).await, "pending");
}

#[tokio::test]
async fn viewing_an_unknown_project_is_an_error() {
    let server = Server::start(Agent::fake("")).await;
    let unknown = "0123456789abcdef01234567";
    for query in QUERIES {
        for path in [of_project(unknown, query), of_milestone(unknown, query)] {
            let mut socket = server.socket(&path).await;
            assert_eq!(socket.message("error").await["code"], "NOT_FOUND");
            assert_eq!(socket.close_code().await, 4004, "{path}");
        }
        let mut socket = server.socket(&of_project("x", query)).await;
        assert_eq!(socket.close_code().await, 4000);
    }
    let project = server.project("p").await;
    let mut socket = server.socket(&of_project(&project, "start=perhaps")).await;
    assert_eq!(socket.close_code().await, 1008);
    let mut socket = server.socket(&of_project(&project, "start=true")).await;
    assert_eq!(socket.message("status").await["connected"], json!(true));
}
