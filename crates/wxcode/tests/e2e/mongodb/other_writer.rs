//! The first implementation's process writes into the same database: stale saves, replaced and
//! deleted documents, and unreadable documents.

use std::time::Duration;

use mongodb::{
    Client, Collection, Database,
    bson::{Bson, DateTime, Document, doc, oid::ObjectId},
};
use serde_json::Value;

use super::*;

/// A server on a database of its own, and a plain connection of another program.
async fn beside(agent: Agent) -> Option<(Server, Database)> {
    let mongo = shared().await?;
    let name = database();
    let address = mongo.address(&name);
    let client = Client::with_uri_str(&address).await.unwrap();
    let server = Server::start_on(agent, Some(address)).await;
    Some((server, client.database(&name)))
}

fn key(id: &str) -> Document {
    doc! { "_id": ObjectId::parse_str(id).unwrap() }
}

fn projects(database: &Database) -> Collection<Document> {
    database.collection("output_projects")
}

async fn say(server: &Server, project: &str, text: &str) {
    let delivery = server.deliver(project, text).await;
    server.delivery_until(project, &delivery, "submitted").await;
    server.idle(project).await;
}

async fn end(server: &Server, project: &str) {
    let path = format!("/output-projects/{project}/session");
    server.delete(&path).await.expect(204);
}

/// The last history entry's index of the session's history, and the current id.
fn conversation(session: &Value) -> (Value, usize) {
    let history = session["claude_session_history"].as_array().unwrap();
    (session["claude_session_id"].clone(), history.len())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stale_save_resumes_the_right_conversation() {
    let Some((server, database)) = beside(Agent::fake("")).await else {
        return;
    };
    let project = server.project("p").await;
    server.start_session(&project).await;
    say(&server, &project, "in the first one").await;
    let old = conversation(&server.session(&project).await).0;
    let terminal = format!("/output-projects/{project}/terminal");
    let mut socket = server.socket(&terminal).await;
    socket.submit("/clear").await;
    server
        .session_until(&project, "the conversation is a new one", |session| {
            session["claude_session_id"] != old
        })
        .await;
    say(&server, &project, "in the second one").await;
    let now = conversation(&server.session(&project).await);
    assert_eq!(now.1, 2);
    let mut events = Events::follow(&server, &project).await;

    for stale in [Bson::Null, Bson::String(old.as_str().unwrap().to_owned())] {
        end(&server, &project).await;
        // The other program's `.save()` of an earlier read.
        let save = doc! { "$set": { "claude_session_id": &stale, "status": "created" } };
        projects(&database)
            .update_one(key(&project), save)
            .await
            .unwrap();
        server.start_session(&project).await;
        let after = conversation(&server.session(&project).await);
        assert_eq!(
            after, now,
            "{stale}: the same conversation, and no other entry"
        );
        let told = events.named("session.reclaimed").await.data;
        assert_eq!(told["claude_session_id"], now.0);
        assert_eq!(told["found"], json!(stale.as_str()), "{stale}");
        let kept = projects(&database).find_one(key(&project)).await.unwrap();
        let kept = kept.unwrap();
        let kept = kept.get_str("claude_session_id").unwrap();
        assert_eq!(kept, now.0, "written back");
        say(&server, &project, "it goes on").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_project_back_in_time_takes_deliveries() {
    let Some((server, database)) = beside(Agent::fake("")).await else {
        return;
    };
    let project = server.project("p").await;
    let early = projects(&database).find_one(key(&project)).await.unwrap();
    let early = early.unwrap();
    let mut replaced = early.clone();
    replaced.remove("wxcode");
    server.start_session(&project).await;
    say(&server, &project, "before").await;
    for earlier in [early, replaced] {
        // A partial restore, then `.replace()`.
        projects(&database)
            .replace_one(key(&project), earlier)
            .await
            .unwrap();
        for text in ["one", "two"] {
            say(&server, &project, text).await;
        }
    }
    let path = format!("/output-projects/{project}/deliveries");
    let all = server.get(&path).await.expect(200);
    assert_eq!(all["total"], 5, "{all}");
    for delivery in all["deliveries"].as_array().unwrap() {
        assert_eq!(delivery["state"], "submitted", "{all}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_milestone_is_not_typed() {
    let commands = "[commands]\nnew_project = 'begin'\nnew_milestone = 'begin'\n";
    let agent = Agent::fake("").with_config(commands);
    let Some((server, database)) = beside(agent).await else {
        return;
    };
    let project = server.project("p").await;
    server.start_session(&project).await;
    let gate = server.data_dir().join("gate");
    let made = std::process::Command::new("mkfifo").arg(&gate).status();
    assert!(made.unwrap().success());
    let hold = format!("fake:hold {}", gate.display());
    let held = server.deliver(&project, &hold).await;
    server.delivery_until(&project, &held, "submitted").await;
    let milestone = server.milestone(&project, "PAGE_Login").await;
    let started = server
        .post(&format!("/milestones/{milestone}/start"), json!({}))
        .await
        .expect(202);
    assert_eq!(started["state"], "queued");
    let milestones = database.collection::<Document>("milestones");
    milestones.delete_one(key(&milestone)).await.unwrap();
    let open = tokio::task::spawn_blocking(move || std::fs::write(gate, ""));
    open.await.unwrap().unwrap();
    let failed = server.delivery_until(&project, &started, "failed").await;
    let error = failed["error"].as_str().unwrap();
    assert!(error.contains("milestone was deleted"), "{failed}");
    say(&server, &project, "after it").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_milestone_saved_back_starts_on_request() {
    let commands = "[commands]\nnew_project = 'begin'\nnew_milestone = 'begin again'\n";
    let agent = Agent::fake("").with_config(commands);
    let Some((server, database)) = beside(agent).await else {
        return;
    };
    let project = server.project("p").await;
    let milestone = server.milestone(&project, "PAGE_Login").await;
    let start = format!("/milestones/{milestone}/start");
    let first = server.post(&start, json!({})).await.expect(202);
    server.delivery_until(&project, &first, "submitted").await;
    server.idle(&project).await;
    let save = doc! { "$set": { "status": "pending", "updated_at": null } };
    database
        .collection::<Document>("milestones")
        .update_one(key(&milestone), save)
        .await
        .unwrap();
    // A visit types nothing again.
    let terminal = format!("/milestones/{milestone}/terminal");
    let mut socket = server.socket(&terminal).await;
    socket.until("last: begin").await;
    let path = format!("/output-projects/{project}/deliveries");
    assert_eq!(server.get(&path).await.expect(200)["total"], 1);
    let second = server.post(&start, json!({})).await.expect(202);
    assert_ne!(second["id"], first["id"]);
    server.delivery_until(&project, &second, "submitted").await;
    socket.until("last: begin again").await;
    let after = server.get(&format!("/milestones/{milestone}")).await;
    assert_eq!(after.expect(200)["status"], "in_progress");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unreadable_project_can_be_deleted() {
    let Some((server, database)) = beside(Agent::fake("")).await else {
        return;
    };
    server.project("p").await;
    let bad = ObjectId::new();
    let document = doc! {
        "_id": bad, "kb_id": ObjectId::new(), "name": "odd", "stack_id": "x",
        "workspace_path": "/nowhere", "status": "archived", "claude_session_id": null,
        "created_at": DateTime::now(), "updated_at": DateTime::now(),
    };
    projects(&database).insert_one(document).await.unwrap();
    let listing = server.get("/output-projects").await.expect(200);
    assert_eq!(listing["total"], 1, "{listing}");
    let path = format!("/output-projects/{bad}");
    let said = server.get(&path).await.problem(409);
    assert!(
        said.contains("archived") && said.contains(&bad.to_hex()),
        "{said}"
    );
    let body = json!({ "output_project_id": bad.to_hex(), "element_name": "PAGE_Login" });
    server.post("/milestones", body).await.problem(409);
    server.delete(&path).await.expect(204);
    assert_eq!(
        projects(&database).count_documents(doc! {}).await.unwrap(),
        1
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_element_gives_its_milestone_the_name() {
    let Some((server, database)) = beside(Agent::fake("")).await else {
        return;
    };
    let project = server.project("p").await;
    let element = ObjectId::new();
    database
        .collection::<Document>("elements")
        .insert_one(doc! { "_id": element, "source_name": "PAGE_Login" })
        .await
        .unwrap();
    for (element, name) in [
        (element.to_hex(), "PAGE_Login"),
        ("PAGE_Home".to_owned(), "PAGE_Home"),
    ] {
        let body = json!({ "output_project_id": project, "element_id": element });
        let made = server.post("/milestones", body).await.expect(201);
        assert_eq!(made["element_name"], name);
    }
    let neither = json!({ "output_project_id": project });
    let said = server.post("/milestones", neither).await.problem(422);
    assert!(
        said.contains("element_name") && said.contains("element_id"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_null_in_our_place_disturbs_nothing() {
    let Some((server, database)) = beside(Agent::fake("")).await else {
        return;
    };
    let project = server.project("p").await;
    let null = doc! { "$set": { "wxcode": null } };
    projects(&database)
        .update_one(key(&project), null)
        .await
        .unwrap();
    tokio::time::timeout(Duration::from_secs(60), server.start_session(&project))
        .await
        .expect("it starts in time");
    say(&server, &project, "hello").await;
}
