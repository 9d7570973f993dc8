//! Dialogs of a session: reading and answering them through the API, confirmed by the agent.

mod real;

use serde_json::{Value, json};

use crate::support::{Agent, Events, Server};

/// Starts a fake agent and sends it a prompt; returns the project.
async fn asked(modes: &str, prompt: &str) -> (Server, String) {
    let server = Server::start(Agent::fake(modes)).await;
    let project = server.project("p").await;
    server.start_session(&project).await;
    if !prompt.is_empty() {
        let delivery = server.deliver(&project, prompt).await;
        server
            .delivery_until(&project, &delivery, "submitted")
            .await;
    }
    (server, project)
}

fn answer(project: &str) -> String {
    format!("/output-projects/{project}/answer")
}

#[tokio::test]
async fn a_permission_is_read_and_granted() {
    let (server, project) = asked("", "fake:permission").await;
    let mut events = Events::follow(&server, &project).await;
    let ask = server.options(&project).await;
    assert_eq!(
        (&ask["kind"], &ask["dialog"], &ask["tool_name"]),
        (&json!("permission"), &json!("permission"), &json!("Bash"))
    );
    assert_eq!(ask["tool_input"], json!({ "command": "echo hi" }));
    assert_eq!(ask["options"], json!(["Yes", "No"]));
    assert_eq!(
        (&ask["selected"], &ask["questions"]),
        (&json!(0), &json!([]))
    );
    let session = server
        .post(
            &answer(&project),
            json!({ "id": ask["id"], "option": "Yes" }),
        )
        .await
        .expect(200);
    assert_eq!(session["asks"], Value::Null);
    assert_ne!(session["agent_state"], "waiting_permission");
    let ran = events.named("tool.finished").await.data;
    assert_eq!(ran["command"], "echo hi");
    events.state("idle").await;
}

#[tokio::test]
async fn a_permission_is_refused() {
    let (server, project) = asked("", "fake:permission").await;
    let ask = server.options(&project).await;
    let session = server
        .post(
            &answer(&project),
            json!({ "id": ask["id"], "option": "No" }),
        )
        .await
        .expect(200);
    assert_eq!(session["asks"], Value::Null);
    let mut events = Events::since(&server, &project, 0).await;
    events.state("waiting_permission").await;
    events.state("idle").await;
    assert!(
        events.seen.iter().all(|told| told.name != "tool.finished"),
        "the tool did not run"
    );
}

#[tokio::test]
async fn a_question_is_answered() {
    let (server, project) = asked("", "fake:question").await;
    let ask = server.options(&project).await;
    assert_eq!(ask["kind"], "question");
    assert_eq!(ask["questions"][0]["question"], "Which colour?");
    assert_eq!(ask["questions"][0]["options"][1]["label"], "Blue");
    assert_eq!(ask["questions"][0]["multi_select"], false);
    let wrong = json!({ "answers": [{ "options": ["Green"] }] });
    let detail = server.post(&answer(&project), wrong).await.problem(422);
    assert!(detail.contains("`Red`, `Blue`"), "{detail}");
    let wrong = json!({ "option": "Blue" });
    server.post(&answer(&project), wrong).await.problem(422);
    let right = json!({ "id": ask["id"], "answers": [{ "options": ["Blue"] }] });
    server.post(&answer(&project), right).await.expect(200);
    server.idle(&project).await;
}

#[tokio::test]
async fn only_an_explicit_answer_trusts_a_folder() {
    let (server, project) = asked("trust", "").await;
    let ask = server.options(&project).await;
    assert_eq!(
        (&ask["kind"], &ask["dialog"], &ask["tool_name"]),
        (&json!("dialog"), &json!("trust_folder"), &Value::Null)
    );
    assert_eq!(
        ask["options"],
        json!(["No, exit", "Yes, I trust this folder"])
    );
    let detail = server
        .post(&answer(&project), json!({ "option": "Yes" }))
        .await
        .problem(422);
    assert!(detail.contains("`Yes, I trust this folder`"), "{detail}");
    let body = json!({ "id": ask["id"], "option": "Yes, I trust this folder" });
    server.post(&answer(&project), body).await.expect(200);
    server.idle(&project).await;
}

#[tokio::test]
async fn refusing_trust_ends_the_session() {
    let (server, project) = asked("trust", "").await;
    server.options(&project).await;
    let session = server
        .post(&answer(&project), json!({ "option": "No, exit" }))
        .await
        .expect(200);
    assert_eq!(session["asks"], Value::Null);
    let ended = server
        .session_until(&project, "exited", |session| session["status"] == "exited")
        .await;
    assert_eq!(ended["agent_state"], "unknown");
}

#[tokio::test]
async fn a_follow_up_dialog_confirms_the_answer() {
    let (server, project) = asked("trust,auto-offer", "").await;
    let trust = server.options(&project).await;
    let body = json!({ "id": trust["id"], "option": "Yes, I trust this folder" });
    server
        .post(&answer(&project), body.clone())
        .await
        .expect(200);
    let offer = server
        .session_until(&project, "the offer", |session| {
            session["asks"]["dialog"] == "auto_mode_offer"
        })
        .await;
    server.post(&answer(&project), body).await.problem(409);
    let option = offer["asks"]["options"][1].clone();
    server
        .post(&answer(&project), json!({ "option": option }))
        .await
        .expect(200);
    server.idle(&project).await;
}

#[tokio::test]
async fn ignored_keys_are_pressed_again() {
    // The key that moves the mark, and the key that decides.
    for (deaf, option) in [(1, "No"), (2, "Yes")] {
        let (server, project) = asked(&format!("deaf={deaf}"), "fake:permission").await;
        server.options(&project).await;
        server
            .post(&answer(&project), json!({ "option": option }))
            .await
            .expect(200);
        let mut events = Events::since(&server, &project, 0).await;
        events.state("idle").await;
        events.state("waiting_permission").await;
        events.state("idle").await;
        let ran = events.seen.iter().any(|told| told.name == "tool.finished");
        assert_eq!(ran, option == "Yes");
    }
}

#[tokio::test]
async fn an_unresponsive_dialog_is_reported_as_stuck() {
    let (server, project) = asked("deaf=1000", "fake:permission").await;
    let ask = server.options(&project).await;
    let detail = server
        .post(&answer(&project), json!({ "option": "Yes" }))
        .await
        .problem(409);
    assert!(detail.contains("terminal"), "{detail}");
    assert_eq!(server.options(&project).await["id"], ask["id"]);
}

#[tokio::test]
async fn two_simultaneous_dialogs_get_separate_answers() {
    let (server, project) = asked("", "fake:permissions").await;
    let first = server
        .session_until(&project, "the first one shows", |session| {
            session["asks"]["tool_input"]["command"] == "echo one"
                && session["asks"]["options"] == json!(["Yes", "No"])
        })
        .await["asks"]
        .clone();
    let yes = json!({ "id": first["id"], "option": "Yes" });
    let after = server
        .post(&answer(&project), yes.clone())
        .await
        .expect(200);
    assert_ne!(after["asks"]["id"], first["id"]);
    let second = server
        .session_until(&project, "the second one shows", |session| {
            session["asks"]["tool_input"]["command"] == "echo two"
                && session["asks"]["options"] == json!(["Yes", "No"])
        })
        .await["asks"]
        .clone();
    assert_ne!(second["id"], first["id"]);
    // An answer to the first dialog is not accepted for the second.
    server.post(&answer(&project), yes).await.problem(409);
    let no = json!({ "id": second["id"], "option": "No" });
    server.post(&answer(&project), no).await.expect(200);
    let mut events = Events::since(&server, &project, 0).await;
    events.named("tool.finished").await;
    events.state("idle").await;
    let ran = events
        .seen
        .iter()
        .filter(|told| told.name == "tool.finished");
    let ran: Vec<&Value> = ran.map(|told| &told.data["command"]).collect();
    assert_eq!(ran, ["echo one"]);
}

#[tokio::test]
async fn a_key_in_the_browser_answers_first() {
    let (server, project) = asked("deaf=1", "fake:permission").await;
    let ask = server.options(&project).await;
    let mut socket = server
        .socket(&format!("/output-projects/{project}/terminal"))
        .await;
    socket.until("Do you want to proceed?").await;
    let before = server.session(&project).await["seq"].as_u64();
    let (path, body) = (answer(&project), json!({ "id": ask["id"], "option": "No" }));
    // The dialog ignores the first key, which moves the mark, and only redraws.
    let browser = async {
        server
            .session_until(&project, "the first key was taken", |session| {
                session["seq"].as_u64() > before
            })
            .await;
        socket.input("1").await;
    };
    let (told, ()) = tokio::join!(server.post(&path, body), browser);
    told.problem(409);
    let mut events = Events::since(&server, &project, 0).await;
    let ran = events.named("tool.finished").await.data;
    assert_eq!(ran["command"], "echo hi");
    events.state("idle").await;
    // The losing answer typed nothing into the prompt.
    let next = server.deliver(&project, "and on").await;
    server.delivery_until(&project, &next, "submitted").await;
    events
        .until("the prompt", |told| told.data["prompt"] == "and on")
        .await;
}

#[tokio::test]
async fn an_already_answered_dialog_is_a_conflict() {
    let (server, project) = asked("", "fake:permission").await;
    let ask = server.options(&project).await;
    let mut socket = server
        .socket(&format!("/output-projects/{project}/terminal"))
        .await;
    socket.until("Do you want to proceed?").await;
    socket.input("\u{1b}").await;
    let idle = server.idle(&project).await;
    assert_eq!(idle["asks"], Value::Null);
    let body = json!({ "id": ask["id"], "option": "Yes" });
    server.post(&answer(&project), body).await.problem(409);
}

#[tokio::test]
async fn two_simultaneous_answers_count_once() {
    let (server, project) = asked("deaf=1", "fake:permission").await;
    server.options(&project).await;
    let path = answer(&project);
    let give = |option| server.post(&path, json!({ "option": option }));
    let answers = tokio::join!(give("No"), give("No"), give("Yes"));
    let statuses = [answers.0.status, answers.1.status, answers.2.status];
    let mut statuses = statuses.map(|status| status.as_u16());
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409, 409]);
}

#[tokio::test]
async fn answers_without_a_dialog_are_refused() {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let body = json!({ "option": "Yes" });
    let nobody = answer("0123456789abcdef01234567");
    server.post(&nobody, body.clone()).await.problem(404);
    let path = answer(&project);
    let detail = server.post(&path, body.clone()).await.problem(409);
    assert!(detail.contains("no session"), "{detail}");
    server.start_session(&project).await;
    let idle = server.idle(&project).await;
    assert_eq!(idle["asks"], Value::Null);
    server.post(&path, body).await.problem(409);
    for odd in [
        json!({}),
        json!({ "option": "a", "answers": [] }),
        json!({ "option": 1 }),
    ] {
        server.post(&path, odd).await.problem(422);
    }
}

#[tokio::test]
async fn a_dialog_survives_the_server() {
    let (mut server, project) = asked("", "fake:permission").await;
    let before = server.options(&project).await;
    server.crash().await;
    server.up().await;
    let after = server.options(&project).await;
    assert_eq!(after, before);
    let body = json!({ "id": before["id"], "option": "Yes" });
    server.post(&answer(&project), body).await.expect(200);
    let mut events = Events::since(&server, &project, 0).await;
    events.named("tool.finished").await;
    events.state("idle").await;
}
