//! Lists of projects by a record of the knowledge base and by their progress.

use serde_json::{Value, json};

use crate::support::{Agent, Server};

#[tokio::test]
async fn projects_are_listed_by_record_and_progress() {
    let server = Server::start(Agent::fake("")).await;
    let mut ids = Vec::new();
    for (name, kb_id) in [
        ("one", Some("kb-1")),
        ("two", Some("kb-2")),
        ("three", None),
    ] {
        let new = json!({ "name": name, "kb_id": kb_id });
        let made = server.post("/output-projects", new).await.expect(201);
        ids.push(made["id"].as_str().unwrap().to_owned());
    }
    // The first command makes a project `initialized`.
    server.start_session(&ids[1]).await;
    server.idle(&ids[1]).await;
    server.begun(&ids[1]).await;
    let names = async |query: &str| -> (Value, Vec<String>) {
        let listed = server.get(&format!("/output-projects?{query}")).await;
        let listed = listed.expect(200);
        let projects = listed["projects"].as_array().unwrap().iter();
        let names = projects.map(|project| project["name"].as_str().unwrap().to_owned());
        (listed["total"].clone(), names.collect())
    };
    for (query, expected) in [
        ("kb_id=kb-1", &["one"][..]),
        ("kb_id=kb-9", &[]),
        ("status=created", &["one", "three"]),
        ("status=initialized", &["two"]),
        ("status=created&kb_id=kb-2", &[]),
        ("kb_id=kb-2&q=TW&sort=attention", &["two"]),
    ] {
        let (total, found) = names(query).await;
        assert_eq!(found, expected, "{query}");
        assert_eq!(total, expected.len(), "{query}");
    }
    server
        .get("/output-projects?status=done")
        .await
        .problem(422);
}
