//! The usage limit of the account: the queue waits for its reset and goes on by itself.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::support::{Agent, Events, Server, real};

async fn running(agent: Agent, grace_s: u32) -> (Server, String) {
    let config = format!("[delivery]\nlimit_grace_s = {grace_s}\n");
    let server = Server::start(agent.with_config(&config)).await;
    let project = server.project("p").await;
    server.start_session(&project).await;
    server.idle(&project).await;
    (server, project)
}

async fn limited(server: &Server, project: &str) -> Value {
    let is_limited = |session: &Value| {
        session["agent_state"] == "waiting_limit" && !session["limit"]["resets_at"].is_null()
    };
    server
        .session_until(project, "the limit is met", is_limited)
        .await
}

/// All texts of the project's deliveries in this state.
async fn texts(server: &Server, project: &str, state: &str) -> Vec<String> {
    let path = format!("/output-projects/{project}/deliveries");
    let listed = server.get(&path).await.expect(200);
    let deliveries = listed["deliveries"].as_array().unwrap().iter();
    deliveries
        .filter(|delivery| delivery["state"] == state)
        .map(|delivery| delivery["text"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn limit_holds_the_queue_until_its_reset() {
    let (server, project) = running(Agent::fake("record=took"), 1).await;
    let mut events = Events::follow(&server, &project).await;
    let met = server.deliver(&project, "fake:limit 8").await;
    let next = server.deliver(&project, "the next command").await;
    let session = limited(&server, &project).await;
    assert!(
        session["limit"]["reason"]
            .as_str()
            .unwrap()
            .contains("5-hour")
    );
    let listed = server.get("/output-projects").await.expect(200);
    assert_eq!(listed["projects"][0]["session"]["limit"], session["limit"]);
    server.delivery_until(&project, &met, "submitted").await;
    let path = format!(
        "/output-projects/{project}/deliveries/{}",
        next["id"].as_str().unwrap()
    );
    let resets_at = session["limit"]["resets_at"].as_str().unwrap();
    server
        .until(&path, "the obstacle is named", |next| {
            let error = next["error"].as_str().unwrap_or_default();
            next["state"] == "queued" && error.contains("usage limit") && error.contains(resets_at)
        })
        .await;
    let reached = events.named("limit.reached").await;
    assert_eq!(reached.data["resets_at"], resets_at);
    server.delivery_until(&project, &next, "submitted").await;
    events.named("limit.cleared").await;
    let session = server.idle(&project).await;
    assert!(session["limit"].is_null());
    let took = std::fs::read_to_string(server.workspace(&project).await.join("took")).unwrap();
    let took: Vec<Value> = took
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|line: &Value| line["took"].is_string())
        .collect();
    let took: Vec<&str> = took
        .iter()
        .map(|line| line["took"].as_str().unwrap())
        .collect();
    assert_eq!((took[0], took[2]), ("fake:limit 8", "the next command"));
    assert!(took[1].contains("usage limit has reset"), "{took:?}");
    assert_eq!(texts(&server, &project, "submitted").await.len(), 3);
}

#[tokio::test]
async fn limit_survives_a_restart() {
    let (mut server, project) = running(Agent::fake(""), 600).await;
    let mut events = Events::follow(&server, &project).await;
    let met = server.deliver(&project, "fake:limit 3600").await;
    let next = server.deliver(&project, "the next command").await;
    server.delivery_until(&project, &met, "submitted").await;
    let before = limited(&server, &project).await;
    let reached = events.named("limit.reached").await;
    server.crash().await;
    server.up().await;
    let after = limited(&server, &project).await;
    assert_eq!(after["limit"], before["limit"]);
    let id = next["id"].as_str().unwrap();
    let path = format!("/output-projects/{project}/deliveries/{id}");
    server
        .until(&path, "the command waits", |next| {
            next["state"] == "queued"
                && next["error"]
                    .as_str()
                    .is_some_and(|error| error.contains("usage limit"))
        })
        .await;
    // The agent goes on by itself, as after the reset.
    let mut socket = server
        .socket(&format!("/output-projects/{project}/terminal"))
        .await;
    for data in ["go on", "\r"] {
        socket.send(json!({ "type": "input", "data": data })).await;
        let screen = format!("/output-projects/{project}/screen");
        server
            .until(&screen, "the text is typed", |screen| {
                screen
                    .as_str()
                    .is_some_and(|screen| screen.contains("go on"))
            })
            .await;
    }
    server.delivery_until(&project, &next, "submitted").await;
    let mut events = Events::since(&server, &project, reached.id.unwrap()).await;
    let cleared = loop {
        let told = events.next().await.expect("the stream goes on");
        assert_ne!(told.name, "limit.reached", "told once");
        if told.name == "limit.cleared" {
            break told;
        }
    };
    assert_eq!(cleared.data["hook"], reached.data["hook"]);
}

/// Waits until a failed turn's error is the session's warning, and no limit.
async fn warned(server: &Server, project: &str, failed: &Value, error: &str) {
    server.delivery_until(project, failed, "submitted").await;
    let session = server
        .session_until(project, "the warning", |session| {
            !session["warning"].is_null()
        })
        .await;
    let warning = session["warning"].as_str().unwrap();
    assert!(warning.contains(error), "{warning}");
    assert!(session["limit"].is_null());
}

#[tokio::test]
async fn overload_is_a_warning_and_no_limit() {
    let (server, project) = running(Agent::fake(""), 600).await;
    let failed = server
        .deliver(&project, "fake:fail server_error API Error: 529 overloaded")
        .await;
    warned(&server, &project, &failed, "529 overloaded").await;
    let next = server.deliver(&project, "hello").await;
    server.delivery_until(&project, &next, "submitted").await;
    server
        .session_until(&project, "no warning", |session| {
            session["warning"].is_null()
        })
        .await;
}

#[tokio::test]
async fn real_limit_holds_the_queue_until_its_reset() {
    let Some(agent) = real() else { return };
    let (server, project) = running(agent.with_account(), 2).await;
    let stub = server.agent.stub.as_ref().unwrap();
    stub.limit_until(SystemTime::now() + Duration::from_secs(25));
    let met = server.deliver(&project, "the first command").await;
    let next = server.deliver(&project, "the second command").await;
    server.delivery_until(&project, &met, "submitted").await;
    let session = limited(&server, &project).await;
    assert!(session["warning"].is_null(), "{session:#}");
    assert_eq!(
        texts(&server, &project, "queued").await,
        ["the second command"]
    );
    server.delivery_until(&project, &next, "submitted").await;
    server
        .session_until(&project, "the limit is over", |session| {
            session["limit"].is_null()
        })
        .await;
    let requests = stub.requests();
    let turns: Vec<String> = requests
        .iter()
        .filter(|request| request.is_turn())
        .filter_map(|request| request.user_texts().last().cloned())
        .collect();
    let position = |text: &str| turns.iter().rposition(|said| said.contains(text));
    let (goes_on, second) = (
        position("usage limit has reset"),
        position("second command"),
    );
    assert!(goes_on.is_some() && goes_on < second, "{turns:#?}");
}

#[tokio::test]
async fn real_overload_is_a_warning() {
    let Some(agent) = real() else { return };
    let (server, project) = running(agent, 600).await;
    let failed = server.deliver(&project, "stub:error 529").await;
    warned(&server, &project, &failed, "529").await;
}
