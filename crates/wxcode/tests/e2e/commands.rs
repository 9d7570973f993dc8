//! The command line on one project, from its creation to its end, and its tokens.

use std::process::Output;

use serde_json::Value;

use crate::support::{Agent, Server};

/// The output of a command that succeeds.
fn done(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

async fn run(server: &Server, arguments: &[&str]) -> Output {
    server.command(arguments).output().await.unwrap()
}

#[tokio::test]
async fn a_project_lives_on_the_command_line() {
    let config = "[commands]\nnew_project = 'begin'\nnew_milestone = 'next'\n";
    let server = Server::start(Agent::fake("").with_config(config)).await;
    let project = done(&run(&server, &["new", "shop"]).await);
    assert_eq!(project.len(), 24);
    let started = done(&run(&server, &["start", "shop", "one", "--wait"]).await);
    assert!(started.ends_with(" submitted"), "{started}");
    let send = ["send", "shop", "fake:permission", "--wait"];
    done(&run(&server, &send).await);
    server.options(&project).await;
    let asked = done(&run(&server, &["answer", "shop"]).await);
    assert!(asked.contains("Bash") && asked.contains("  Yes"), "{asked}");
    done(&run(&server, &["answer", "shop", "Yes"]).await);
    assert!(done(&run(&server, &["screen", "shop"]).await).contains("fake"));
    assert!(done(&run(&server, &["logs", "shop"]).await).contains("begin"));
    let state = done(&run(&server, &["events", "shop", "--json"]).await);
    let state: Value = serde_json::from_str(&state).unwrap();
    assert_eq!(state["type"], "state");
    done(&run(&server, &["stop", "shop"]).await);
    let stopped = server.session(&project).await;
    assert_eq!(stopped["status"], "exited");
    let id = stopped["claude_session_id"].as_str().unwrap().to_owned();
    assert!(!done(&run(&server, &["resume", "shop", "--id", &id]).await).is_empty());
    assert_eq!(server.session(&project).await["status"], "running");
    let missing = run(&server, &["stop", "nowhere"]).await;
    assert_eq!(missing.status.code(), Some(1));
}

#[tokio::test]
async fn tokens_live_on_the_command_line() {
    let server = Server::start(Agent::fake("")).await;
    server.project("p").await;
    let create = [
        "token",
        "create",
        "ci",
        "--role",
        "viewer",
        "--project",
        "p",
        "--expires",
        "30d",
    ];
    let token = done(&run(&server, &create).await);
    assert!(token.starts_with("wxc_"), "{token}");
    assert_eq!(run(&server, &create).await.status.code(), Some(1));
    let listed = done(&run(&server, &["token", "list", "--json"]).await);
    let listed: Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(
        (&listed[0]["name"], &listed[0]["role"]),
        (&"ci".into(), &"viewer".into())
    );
    assert!(done(&run(&server, &["token", "list"]).await).contains("ci"));
    let ls = async |token: &str| {
        let mut command = server.command(&["ls", "--server", &server.base]);
        command.env("WXCODE_TOKEN", token).output().await.unwrap()
    };
    assert!(done(&ls(&token).await).contains(" p"));
    done(&run(&server, &["token", "revoke", "ci"]).await);
    assert_eq!(ls(&token).await.status.code(), Some(1));
    let link = done(&run(&server, &["login"]).await);
    assert!(
        link.starts_with(&format!("{}/login?code=", server.base)),
        "{link}"
    );
    // The entry of a request is written after its answer.
    server
        .until("/audit", "the link is recorded", |audit| {
            let mut entries = audit["entries"].as_array().unwrap().iter();
            entries.any(|entry| entry["action"] == "login.link")
        })
        .await;
    let audit = done(&run(&server, &["audit"]).await);
    assert!(
        audit.contains("token.remove") && audit.contains("login.link"),
        "{audit}"
    );
    let link = done(&run(&server, &["login"]).await);
    let (base, path) = link.split_once("/login?code=").unwrap();
    assert!(path.len() >= 32 && base.starts_with("http://"), "{link}");
}
