//! What a session asks: read and answered through the API, never blindly, confirmed by the agent.

mod real;

use serde_json::{Value, json};

use crate::support::{Agent, Events, Server};

/// A session of the fake agent that has seen a prompt; its project.
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

/// Waits until something stands on the screen to be answered.
async fn standing(server: &Server, project: &str) -> Value {
    let session = server
        .session_until(project, "something is asked", |session| {
            session["asks"]["options"]
                .as_array()
                .is_some_and(|options| !options.is_empty())
        })
        .await;
    session["asks"].clone()
}

#[tokio::test]
async fn a_permission_is_read_and_given() {
    let (server, project) = asked("", "fake:permission").await;
    let mut events = Events::follow(&server, &project).await;
    let ask = standing(&server, &project).await;
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
    let ask = standing(&server, &project).await;
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
    let ask = standing(&server, &project).await;
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
    server
        .session_until(&project, "idle", |session| session["agent_state"] == "idle")
        .await;
}

#[tokio::test]
async fn a_folder_is_trusted_by_an_explicit_act_alone() {
    let (server, project) = asked("trust", "").await;
    let ask = standing(&server, &project).await;
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
    server
        .session_until(&project, "idle", |session| session["agent_state"] == "idle")
        .await;
}

#[tokio::test]
async fn a_folder_that_is_not_trusted_ends_the_session() {
    let (server, project) = asked("trust", "").await;
    standing(&server, &project).await;
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
async fn a_dialog_that_brings_up_the_next_counts_as_answered() {
    let (server, project) = asked("trust,auto-offer", "").await;
    let trust = standing(&server, &project).await;
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
    server
        .session_until(&project, "idle", |session| session["agent_state"] == "idle")
        .await;
}

#[tokio::test]
async fn keys_that_a_dialog_ignores_are_pressed_again() {
    // The move down, and the key that decides.
    for (deaf, option) in [(1, "No"), (2, "Yes")] {
        let (server, project) = asked(&format!("deaf={deaf}"), "fake:permission").await;
        standing(&server, &project).await;
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
async fn a_dialog_that_takes_nothing_is_said_to_be_stuck() {
    let (server, project) = asked("deaf=1000", "fake:permission").await;
    let ask = standing(&server, &project).await;
    let detail = server
        .post(&answer(&project), json!({ "option": "Yes" }))
        .await
        .problem(409);
    assert!(detail.contains("terminal"), "{detail}");
    assert_eq!(standing(&server, &project).await["id"], ask["id"]);
}

#[tokio::test]
async fn of_two_that_are_asked_at_once_each_is_answered_as_itself() {
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
    // What was meant for the first one is not taken for the second.
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
async fn who_answers_in_a_browser_meanwhile_has_answered() {
    let (server, project) = asked("deaf=1", "fake:permission").await;
    let ask = standing(&server, &project).await;
    let mut socket = server
        .socket(&format!("/output-projects/{project}/terminal"))
        .await;
    socket.until("Do you want to proceed?").await;
    let before = server.session(&project).await["seq"].as_u64();
    let (path, body) = (answer(&project), json!({ "id": ask["id"], "option": "No" }));
    // The dialog ignores the first key, the one that moves the mark, and is only drawn anew.
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
    // Nothing of the other answer was typed into the prompt.
    let next = server.deliver(&project, "and on").await;
    server.delivery_until(&project, &next, "submitted").await;
    events
        .until("the prompt", |told| told.data["prompt"] == "and on")
        .await;
}

#[tokio::test]
async fn what_the_user_answers_meanwhile_is_nobody_elses() {
    let (server, project) = asked("", "fake:permission").await;
    let ask = standing(&server, &project).await;
    let mut socket = server
        .socket(&format!("/output-projects/{project}/terminal"))
        .await;
    socket.until("Do you want to proceed?").await;
    socket.input("\u{1b}").await;
    let idle = server
        .session_until(&project, "idle", |session| session["agent_state"] == "idle")
        .await;
    assert_eq!(idle["asks"], Value::Null);
    let body = json!({ "id": ask["id"], "option": "Yes" });
    server.post(&answer(&project), body).await.problem(409);
}

#[tokio::test]
async fn two_answers_at_once_are_one() {
    let (server, project) = asked("deaf=1", "fake:permission").await;
    standing(&server, &project).await;
    let path = answer(&project);
    let give = |option| server.post(&path, json!({ "option": option }));
    let answers = tokio::join!(give("No"), give("No"), give("Yes"));
    let statuses = [answers.0.status, answers.1.status, answers.2.status];
    let mut statuses = statuses.map(|status| status.as_u16());
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409, 409]);
}

#[tokio::test]
async fn what_cannot_be_answered_is_said_to_be() {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let body = json!({ "option": "Yes" });
    let nobody = answer("0123456789abcdef01234567");
    server.post(&nobody, body.clone()).await.problem(404);
    let path = answer(&project);
    let detail = server.post(&path, body.clone()).await.problem(409);
    assert!(detail.contains("no session"), "{detail}");
    server.start_session(&project).await;
    let idle = server
        .session_until(&project, "idle", |session| session["agent_state"] == "idle")
        .await;
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
async fn what_stands_there_survives_the_server() {
    let (mut server, project) = asked("", "fake:permission").await;
    let before = standing(&server, &project).await;
    server.crash().await;
    server.up().await;
    let after = standing(&server, &project).await;
    assert_eq!(after, before);
    let body = json!({ "id": before["id"], "option": "Yes" });
    server.post(&answer(&project), body).await.expect(200);
    let mut events = Events::since(&server, &project, 0).await;
    events.named("tool.finished").await;
    events.state("idle").await;
}
