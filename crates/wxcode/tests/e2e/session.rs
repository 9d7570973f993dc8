//! A session per project: start, end, and the agent's environment.

use std::fs;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{Agent, Server, eventually, is_alive, parent_of};

#[tokio::test]
async fn a_session_is_started_fetched_and_ended() {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let path = format!("/output-projects/{project}/session");
    assert_eq!(server.session(&project).await["status"], "none");
    server.delete(&path).await.expect(204);

    let started = server.post(&path, json!({})).await.expect(201);
    assert_eq!(
        (&started["status"], &started["cols"], &started["rows"]),
        (&json!("running"), &json!(120), &json!(40))
    );
    let again = server.post(&path, json!({})).await.expect(200);
    assert_eq!(
        (&again["session_id"], &again["pid"]),
        (&started["session_id"], &started["pid"])
    );
    let idle = server.idle(&project).await;
    let id = idle["claude_session_id"].as_str().unwrap();
    let history = idle["claude_session_history"].as_array().unwrap();
    assert_eq!(
        (history.len(), &history[0]["id"], &history[0]["source"]),
        (1, &json!(id), &json!("startup"))
    );
    assert!(
        history[0]["until"].is_null()
            && history[0]["transcript_path"].as_str().unwrap().contains(id)
    );

    server
        .delete(&format!("/output-projects/{project}"))
        .await
        .problem(409);
    let pid = i32::try_from(started["pid"].as_i64().unwrap()).unwrap();
    server.delete(&path).await.expect(204);
    assert!(!is_alive(pid), "204 means that it is gone");
    let ended = server.session(&project).await;
    assert_eq!(
        (&ended["status"], &ended["pid"], &ended["claude_session_id"]),
        (&json!("exited"), &Value::Null, &json!(id))
    );
    assert!(ended["exit"]["at"].is_string() && ended["exit"]["reason"].is_string());
    server.delete(&path).await.expect(204);
}

#[tokio::test]
async fn twenty_concurrent_starts_make_one_agent() {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let path = format!("/output-projects/{project}/session");
    let answers = join_all((0..20).map(|_| server.post(&path, json!({})))).await;
    let created = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(created, 1, "{answers:?}");
    assert!(
        answers
            .iter()
            .all(|answer| answer.body["pid"] == answers[0].body["pid"])
    );
    assert_eq!(server.session_dirs().len(), 1);
}

#[tokio::test]
async fn the_agent_gets_an_allow_list_and_the_workspace() {
    let mut agent = Agent::script(
        "env > env.txt; pwd > pwd.txt; tty > tty.txt; ls /proc/self/fd > fds.tmp; mv fds.tmp fds.txt; exec sleep 1000",
    );
    agent.env = vec![
        ("WXCODE_TOKEN".into(), "a-very-secret-token".into()),
        ("CLAUDECODE".into(), "1".into()),
        ("CLAUDE_CODE_ENTRYPOINT".into(), "x".into()),
        ("TMUX".into(), "x".into()),
        ("MY_OWN".into(), "kept".into()),
        ("OTHER_SECRET".into(), "x".into()),
    ];
    let agent = agent.with_config("[agent]\npass_env = ['MY_*']\n[agent.env]\nGIVEN = 'yes'\n");
    let server = Server::start(agent).await;
    let project = server.project("p").await;
    server.start_session(&project).await;
    let workspace = server.workspace(&project).await;
    eventually("the script ran", || workspace.join("fds.txt").exists()).await;
    let read = |name: &str| fs::read_to_string(workspace.join(name)).unwrap();
    let env = read("env.txt");
    for line in [
        "TERM=xterm-256color",
        "COLORTERM=truecolor",
        "CLAUDE_CODE_DISABLE_AGENT_VIEW=1",
        "MY_OWN=kept",
        "GIVEN=yes",
        "DISABLE_TELEMETRY=1",
    ] {
        assert!(
            env.lines().any(|found| found == line),
            "{line} is missing in\n{env}"
        );
    }
    for name in [
        "WXCODE_",
        "CLAUDECODE=",
        "CLAUDE_CODE_ENTRYPOINT=",
        "TMUX=",
        "OTHER_SECRET=",
    ] {
        assert!(
            !env.lines().any(|found| found.starts_with(name)),
            "{name} is in\n{env}"
        );
    }
    assert!(!env.contains("a-very-secret-token"));
    assert_eq!(read("pwd.txt").trim(), workspace.to_str().unwrap());
    assert!(
        read("tty.txt").starts_with("/dev/pts/"),
        "it has a controlling terminal"
    );
    // Descriptor 3 is the folder read by `ls` itself.
    assert_eq!(
        read("fds.txt").split_whitespace().collect::<Vec<_>>(),
        ["0", "1", "2", "3"]
    );
}

#[tokio::test]
async fn ending_a_session_ends_its_processes() {
    let pids = tempfile::tempdir().unwrap();
    let file = pids.path().join("daemon");
    let server = Server::start(Agent::fake(&format!(
        "ignore-term,daemon={}",
        file.display()
    )))
    .await;
    let project = server.project("p").await;
    let path = format!("/output-projects/{project}/session");
    let session = server.post(&path, json!({})).await.expect(201);
    let pid = i32::try_from(session["pid"].as_i64().unwrap()).unwrap();
    eventually("the daemon runs", || {
        fs::read_to_string(&file).is_ok_and(|text| text.trim().parse::<i32>().is_ok())
    })
    .await;
    let daemon: i32 = fs::read_to_string(&file).unwrap().trim().parse().unwrap();
    assert!(is_alive(daemon));
    server.delete(&path).await.expect(204);
    assert!(!is_alive(pid) && !is_alive(daemon));
}

#[tokio::test]
async fn the_agent_is_the_holders_child() {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    server.start_session(&project).await;
    let (holder, agent) = Server::pids(&server.session_dirs()[0]).unwrap();
    assert_eq!(parent_of(agent), holder);
    let guardian = parent_of(holder);
    assert_eq!(parent_of(guardian), 1, "nobody's signals reach the holder");
}

#[tokio::test]
async fn deleting_a_project_by_force_ends_its_session() {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let session = server.start_session(&project).await;
    server
        .delete(&format!("/output-projects/{project}?force=true"))
        .await
        .expect(204);
    assert!(!is_alive(
        i32::try_from(session["pid"].as_i64().unwrap()).unwrap()
    ));
    server
        .get(&format!("/output-projects/{project}/session"))
        .await
        .problem(404);
    eventually("the folder of its session is gone", || {
        server.session_dirs().is_empty()
    })
    .await;
}
