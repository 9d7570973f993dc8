//! Failing, refused, oversized and pruned runs.

use std::fs;

use serde_json::{Value, json};

use super::{begin, over, path};
use crate::support::{Agent, Server, eventually, is_alive};

#[tokio::test]
async fn failed_runs_name_their_reason() {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let wrong = over(
        &server,
        &begin(&server, &project, "fake:error no money").await,
    )
    .await;
    assert_eq!(
        (&wrong["state"], &wrong["result"], &wrong["exit"]["code"]),
        (&json!("failed"), &json!("no money"), &json!(1))
    );
    assert!(wrong["error"].as_str().unwrap().contains("no money"));
    let broken = over(&server, &begin(&server, &project, "fake:exit 7").await).await;
    assert_eq!(
        (&broken["state"], &broken["result"], &broken["exit"]["code"]),
        (&json!("failed"), &Value::Null, &json!(7))
    );
    let error = broken["error"].as_str().unwrap();
    assert!(
        error.contains("code 7") && error.contains("fake: broken off"),
        "{error}"
    );

    // The agent itself refuses an id in use, in colours and without JSON.
    let id = server.session(&project).await["claude_session_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let script = Agent::script(&format!(
        "printf '\\033[31mError: Session ID {id} is already in use.\\033[39m\\r\\n' >&2; exit 1"
    ));
    let other = Server::start(script).await;
    let project = other.project("p").await;
    let refused = over(&other, &begin(&other, &project, "x").await).await;
    let error = refused["error"].as_str().unwrap();
    assert!(
        error.contains(&format!("said: Error: Session ID {id} is already in use.")),
        "{error}"
    );
    // The conversation never had a message, so the conversation's id is still usable.
    let again = begin(&other, &project, "x").await;
    assert_eq!(again["claude_session_id"], refused["claude_session_id"]);
    over(&other, &again).await;
}

#[tokio::test]
async fn a_refused_run_leaves_nothing_behind() {
    let mut agent = Agent::fake("");
    agent.claude = "/does/not/exist/claude".into();
    let server = Server::start(agent).await;
    let project = server.project("p").await;
    let runs = path(&project);
    let detail = server
        .post(&runs, json!({ "prompt": "x" }))
        .await
        .problem(503);
    assert!(detail.contains("/does/not/exist/claude"), "{detail}");
    for prompt in ["", " \n", "a\0b", &"x".repeat(100 * 1024 + 1)] {
        server
            .post(&runs, json!({ "prompt": prompt }))
            .await
            .problem(422);
    }
    server.post(&runs, json!({})).await.problem(422);
    let nowhere = "/output-projects/0123456789abcdef01234567/runs";
    server
        .post(nowhere, json!({ "prompt": "x" }))
        .await
        .problem(404);
    server.get(nowhere).await.problem(404);
    let unknown = format!("{runs}/0123456789abcdef01234567");
    server.get(&unknown).await.problem(404);
    server.delete(&unknown).await.problem(404);
    server.get(&format!("{runs}/x")).await.problem(400);
    assert_eq!(
        server.get(&runs).await.expect(200),
        json!({ "runs": [], "total": 0 })
    );
    let workspace = server.workspace(&project).await;
    fs::remove_dir_all(&workspace).unwrap();
    assert!(server.run_dirs().is_empty());

    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let workspace = server.workspace(&project).await;
    fs::remove_dir_all(&workspace).unwrap();
    let detail = server
        .post(&path(&project), json!({ "prompt": "x" }))
        .await
        .problem(409);
    assert!(detail.contains(workspace.to_str().unwrap()), "{detail}");
    assert!(server.run_dirs().is_empty());
}

#[tokio::test]
async fn option_like_prompts_stay_prompts() {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let bound = "é".repeat(50 * 1024);
    for prompt in ["--resume", "update", &bound] {
        let run = over(&server, &begin(&server, &project, prompt).await).await;
        let (result, prompt) = (run["result"].as_str().unwrap(), prompt.trim());
        assert!(
            result.ends_with(&format!("last: {prompt}")),
            "{} {}",
            run["state"],
            run["error"]
        );
        assert_eq!(run["prompt"], prompt);
    }
}

#[tokio::test]
async fn old_runs_are_pruned() {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let first = over(&server, &begin(&server, &project, "0").await).await;
    for n in 1..=20 {
        over(&server, &begin(&server, &project, &n.to_string()).await).await;
    }
    let last = begin(&server, &project, "fake:forever").await;
    eventually("the oldest folder is gone", || {
        server.run_dirs().len() == 21
    })
    .await;
    let one = format!("{}/{}", path(&project), first["id"].as_str().unwrap());
    server.get(&one).await.problem(404);
    let list = server.get(&path(&project)).await.expect(200);
    assert_eq!(
        (&list["total"], &list["runs"][20]["id"]),
        (&json!(21), &last["id"])
    );
    let newest = server.run_dirs().into_iter().max().unwrap();
    let agent = Server::pids(&newest).unwrap().1;
    assert!(is_alive(agent));
    server
        .delete(&format!("/output-projects/{project}?force=true"))
        .await
        .expect(204);
    assert!(!is_alive(agent));
    eventually("the folders are gone", || server.run_dirs().is_empty()).await;
}

#[tokio::test]
async fn a_run_tells_of_lost_lines() {
    let script = r#"
        while [ "$1" != --session-id ]; do shift; done
        printf '{"type":"system","subtype":"init","session_id":"%s","tools":[]}\n' "$2"
        printf '{"type":"result","is_error":false,"result":"done","session_id":"%s"}\n' "$2"
        printf '{"type":"system","subtype":"session_writes_lost","error_code":"ENOSPC","lost":["transcript"],"session_id":"%s"}\n' "$2"
    "#;
    let server = Server::start(Agent::script(script)).await;
    let project = server.project("p").await;
    let run = over(&server, &begin(&server, &project, "x").await).await;
    assert_eq!(
        (&run["state"], &run["result"]),
        (&json!("succeeded"), &json!("done"))
    );
    let warning = run["warning"].as_str().unwrap();
    assert!(
        warning.contains("transcript (ENOSPC)") && warning.contains("make room"),
        "{warning}"
    );
}
