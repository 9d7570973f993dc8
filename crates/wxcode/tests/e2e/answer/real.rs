//! Dialogs of the real Claude Code, with each answer confirmed by its hooks and record.

use std::fs;

use serde_json::{Value, json};

use super::answer;
use crate::support::{Events, Server, real};

/// A real session that asks before it runs a command or writes a file.
async fn start() -> Option<(Server, String)> {
    let agent = real()?;
    agent
        .home
        .settings(&json!({ "permissions": { "ask": ["Bash", "Write"] } }))
        .unwrap();
    let server = Server::start(agent).await;
    let project = server.project("p").await;
    Some((server, project))
}

async fn asked(prompt: &str) -> Option<(Server, String, Value)> {
    let (server, project) = start().await?;
    server.deliver(&project, prompt).await;
    let ask = server.options(&project).await;
    Some((server, project, ask))
}

async fn give(server: &Server, project: &str, body: Value) -> Value {
    server.post(&answer(project), body).await.expect(200)
}

async fn until_state(server: &Server, project: &str, state: &str) -> Value {
    server
        .session_until(project, state, |session| session["agent_state"] == state)
        .await
}

/// The tool's result for the agent, as the stub repeats it.
async fn told(server: &Server, words: &[&str]) {
    let stub = server.agent.stub.as_ref().unwrap();
    stub.wait_for(|request| {
        let body = request.body.to_string();
        request.is_turn() && words.iter().all(|word| body.contains(word))
    })
    .await;
}

#[tokio::test]
async fn a_command_is_allowed() {
    let Some((server, project, ask)) = asked("stub:bash echo al''lowed").await else {
        return;
    };
    assert_eq!(
        (&ask["kind"], &ask["tool_name"]),
        (&json!("permission"), &json!("Bash"))
    );
    assert_eq!(ask["tool_input"]["command"], "echo al''lowed");
    assert_eq!(ask["options"][0], "Yes");
    let session = give(
        &server,
        &project,
        json!({ "id": ask["id"], "option": "Yes" }),
    )
    .await;
    assert_eq!(session["asks"], Value::Null);
    told(&server, &["tool_result", "\"allowed\""]).await;
    until_state(&server, &project, "idle").await;
    let mut events = Events::since(&server, &project, 0).await;
    let ran = events.named("tool.finished").await.data;
    assert_eq!(ran["command"], "echo al''lowed");
}

#[tokio::test]
async fn a_file_write_needs_permission() {
    let Some((server, project)) = start().await else {
        return;
    };
    let file = server.workspace(&project).await.join("new.txt");
    let prompt = format!("stub:write {}", file.display());
    server.deliver(&project, &prompt).await;
    let ask = server.options(&project).await;
    assert_eq!(ask["tool_input"]["file_path"], json!(file));
    let no = ask["options"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(no, "No");
    give(&server, &project, json!({ "option": no })).await;
    until_state(&server, &project, "idle").await;
    assert!(!file.exists());
    // The next dialog works as usual.
    server.deliver(&project, &prompt).await;
    let again = server.options(&project).await;
    assert_ne!(again["id"], ask["id"]);
    give(
        &server,
        &project,
        json!({ "id": again["id"], "option": "Yes" }),
    )
    .await;
    until_state(&server, &project, "idle").await;
    assert_eq!(fs::read_to_string(file).unwrap(), "written by the stub\n");
}

#[tokio::test]
async fn a_long_allowed_command_is_work() {
    let Some((server, project)) = start().await else {
        return;
    };
    let go = server.workspace(&project).await.join("go");
    let prompt = format!(
        "stub:bash until [ -e {} ]; do sleep 0.1; done",
        go.display()
    );
    server.deliver(&project, &prompt).await;
    server.options(&project).await;
    give(&server, &project, json!({ "option": "Yes" })).await;
    let session = until_state(&server, &project, "working").await;
    assert_eq!(session["asks"], Value::Null);
    fs::write(go, "").unwrap();
    until_state(&server, &project, "idle").await;
}

#[tokio::test]
async fn a_question_takes_option_or_text() {
    let Some((server, project, ask)) = asked("stub:ask").await else {
        return;
    };
    assert_eq!(ask["kind"], "question");
    assert_eq!(
        ask["questions"][0]["options"][1]["description"],
        "The colour of the sea"
    );
    let body = json!({ "id": ask["id"], "answers": [{ "options": ["Blue"] }] });
    give(&server, &project, body).await;
    told(&server, &["tool_result", "Which colour?", "Blue"]).await;
    until_state(&server, &project, "idle").await;

    server.deliver(&project, "stub:ask").await;
    server.options(&project).await;
    let text = "Green, like the \"leaves\" of a tree that stands in the garden behind the house of my grandparents";
    give(&server, &project, json!({ "answers": [{ "text": text }] })).await;
    told(&server, &["tool_result", "grandparents"]).await;
    until_state(&server, &project, "idle").await;
}

#[tokio::test]
async fn a_form_of_questions_is_submitted() {
    let questions = json!({ "questions": [
        { "question": "Which colour?", "header": "Colour", "multiSelect": false, "options": [
            { "label": "Red", "description": "A rose" }, { "label": "Blue", "description": "The sea" }] },
        { "question": "Which sizes?", "header": "Sizes", "multiSelect": true, "options": [
            { "label": "Small (Recommended)", "description": "S" },
            { "label": "Medium", "description": "M" },
            { "label": "A large one, with a name that does not fit on one line of the screen and goes on on the next one", "description": "L" }] },
        { "question": "Which name?", "header": "Name", "multiSelect": false, "options": [
            { "label": "Ada", "description": "" }, { "label": "Grace", "description": "" }] },
    ] });
    let Some((server, project, ask)) =
        asked(&format!("stub:tool AskUserQuestion {questions}")).await
    else {
        return;
    };
    assert_eq!(ask["questions"].as_array().unwrap().len(), 3);
    assert_eq!(ask["questions"][1]["multi_select"], true);
    // A user has begun to answer: the form shows its second page, with a ticked box.
    let mut socket = server
        .socket(&format!("/output-projects/{project}/terminal"))
        .await;
    socket.message("status").await;
    socket.input("\u{1b}[C").await;
    server
        .session_until(&project, "the second page", |session| {
            session["asks"]["options"][1] == "Medium"
        })
        .await;
    socket.input("\u{1b}[B").await;
    server
        .session_until(&project, "the second option", |session| {
            session["asks"]["selected"] == 1
        })
        .await;
    socket.input("\r").await;
    let large = ask["questions"][1]["options"][2]["label"].clone();
    let body = json!({ "id": ask["id"], "answers": [
        { "options": ["Blue"] },
        { "options": ["Small (Recommended)", large], "text": "Huge, as no other" },
        { "text": "Hedy" },
    ] });
    give(&server, &project, body).await;
    told(
        &server,
        &[
            "tool_result",
            "Blue",
            "Small (Recommended)",
            "goes on on the next one",
            "Huge, as no other",
            "Hedy",
        ],
    )
    .await;
    let idle = until_state(&server, &project, "idle").await;
    assert_eq!(idle["asks"], Value::Null);
    let stub = server.agent.stub.as_ref().unwrap();
    let requests = stub.requests();
    let turn = requests.iter().rev().find(|request| request.is_turn());
    let last = turn.unwrap().body["messages"]
        .as_array()
        .unwrap()
        .last()
        .unwrap()
        .to_string();
    assert!(last.contains("Hedy") && !last.contains("Medium"), "{last}");
}

#[tokio::test]
async fn two_commands_get_separate_answers() {
    let calls = json!([
        ["Bash", { "command": "echo on''e", "description": "first" }],
        ["Bash", { "command": "echo tw''o", "description": "second" }],
    ]);
    let Some((server, project, first)) = asked(&format!("stub:tools {calls}")).await else {
        return;
    };
    // The agent chooses the order; the API names the visible dialog.
    let command = |ask: &Value| ask["tool_input"]["command"].as_str().unwrap().to_owned();
    let path = format!("/output-projects/{project}/screen");
    let screen = server.get(&path).await.expect(200);
    let (_, shown) = screen.as_str().unwrap().split_once("1 of 2").unwrap();
    assert!(
        shown.contains(&command(&first)),
        "{first} is not on {shown}"
    );
    give(
        &server,
        &project,
        json!({ "id": first["id"], "option": "Yes" }),
    )
    .await;
    let second = server
        .session_until(&project, "the second one shows", |session| {
            let ask = &session["asks"];
            ask["tool_name"] == "Bash"
                && ask["tool_input"] != first["tool_input"]
                && ask["options"][1] == "No"
        })
        .await["asks"]
        .clone();
    assert_ne!(second["id"], first["id"]);
    give(
        &server,
        &project,
        json!({ "id": second["id"], "option": "No" }),
    )
    .await;
    until_state(&server, &project, "idle").await;
    let mut events = Events::since(&server, &project, 0).await;
    let ran = events.named("tool.finished").await.data;
    assert_eq!(ran["command"], json!(command(&first)));
}

#[tokio::test]
async fn a_background_subagent_is_answered() {
    let call = json!({ "description": "sub work", "prompt": "stub:bash echo be''low", "subagent_type": "general-purpose" });
    let Some((server, project)) = start().await else {
        return;
    };
    // In this mode subagents need no permission themselves.
    server
        .agent
        .home
        .settings(&json!({ "permissions": { "ask": ["Bash"], "allow": ["Agent"], "defaultMode": "acceptEdits" } }))
        .unwrap();
    server.start_session(&project).await;
    let offer = server.options(&project).await;
    assert_eq!(offer["dialog"], "auto_mode_offer");
    give(&server, &project, json!({ "option": offer["options"][1] })).await;
    server
        .deliver(&project, &format!("stub:tool Agent {call}"))
        .await;
    let ask = server
        .session_until(&project, "the subagent asks", |session| {
            session["asks"]["tool_name"] == "Bash" && session["asks"]["options"][0] == "Yes"
        })
        .await["asks"]
        .clone();
    give(
        &server,
        &project,
        json!({ "id": ask["id"], "option": "Yes" }),
    )
    .await;
    told(&server, &["tool_result", "\"below\""]).await;
    until_state(&server, &project, "idle").await;
}

#[tokio::test]
async fn a_new_folder_is_trusted_through_the_api() {
    let Some(agent) = real() else { return };
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(agent).await;
    let project = server
        .post(
            "/output-projects",
            json!({ "name": "p", "workspace_path": folder.path() }),
        )
        .await
        .expect(201);
    let project = project["id"].as_str().unwrap();
    let delivery = server.deliver(project, "hello").await;
    let ask = server.options(project).await;
    assert_eq!(
        (&ask["kind"], &ask["dialog"], &ask["selected"]),
        (&json!("dialog"), &json!("trust_folder"), &json!(0))
    );
    assert_eq!(ask["options"][0], "No, exit");
    let body = json!({ "id": ask["id"], "option": "Yes, I trust this folder" });
    give(&server, project, body).await;
    server.delivery_until(project, &delivery, "submitted").await;
    until_state(&server, project, "idle").await;
}

#[tokio::test]
async fn a_real_permission_survives_the_server() {
    let Some((mut server, project, before)) = asked("stub:bash echo af''ter").await else {
        return;
    };
    server.crash().await;
    server.up().await;
    let after = server.options(&project).await;
    assert_eq!(after, before);
    give(
        &server,
        &project,
        json!({ "id": before["id"], "option": "Yes" }),
    )
    .await;
    told(&server, &["tool_result", "\"after\""]).await;
    until_state(&server, &project, "idle").await;
}

#[tokio::test]
async fn cancelling_in_the_terminal_clears_the_dialog() {
    let Some((server, project, _)) = asked("stub:ask").await else {
        return;
    };
    let mut socket = server
        .socket(&format!("/output-projects/{project}/terminal"))
        .await;
    socket.message("status").await;
    socket.input("\u{1b}").await;
    let idle = until_state(&server, &project, "idle").await;
    assert_eq!(idle["asks"], Value::Null);
    server.deliver(&project, "stub:bash true").await;
    server.options(&project).await;
    socket.input("\u{1b}").await;
    until_state(&server, &project, "idle").await;
    // Closing a panel shows the turn again.
    server.deliver(&project, "stub:slow").await;
    until_state(&server, &project, "working").await;
    let stub = server.agent.stub.as_ref().unwrap();
    stub.wait_held(1).await;
    socket.input("/config").await;
    socket.until("config").await;
    socket.input("\r").await;
    let panel = until_state(&server, &project, "blocked_dialog").await;
    assert_eq!(
        (&panel["dialog"], &panel["asks"]["kind"]),
        (&json!("other"), &json!("dialog"))
    );
    let body = json!({ "option": "on" });
    let detail = server.post(&answer(&project), body).await.problem(409);
    assert!(detail.contains("terminal"), "{detail}");
    for _ in 0..2 {
        socket.input("\u{1b}").await;
        let out = server
            .session_until(&project, "the key was taken", |session| {
                session["seq"].as_u64() > panel["seq"].as_u64()
            })
            .await;
        if out["agent_state"] == "working" {
            break;
        }
    }
    until_state(&server, &project, "working").await;
    stub.release();
    until_state(&server, &project, "idle").await;
}
