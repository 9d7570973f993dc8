//! The search on several nodes: each finds the words of all.

use serde_json::{Value, json};

use super::{conversation::say, lease::agent, *};

/// The snippets of the hits at a node, once there are `count`.
async fn snippets(server: &Server, path: &str, count: usize) -> Vec<String> {
    let of = |found: &Value| -> Vec<String> {
        let hits = found["hits"].as_array().into_iter().flatten();
        hits.map(|hit| hit["snippet"].as_str().unwrap().to_owned())
            .collect()
    };
    let found = server
        .until(path, "the words are found", |found| {
            of(found).len() == count
        })
        .await;
    assert_eq!(found["unread"], json!(0), "{found}");
    of(&found)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_node_finds_the_words_of_all() {
    let Some(mongo) = shared().await else { return };
    let address = mongo.address(&database());
    let first = Server::start_on(agent("first", 300), Some(address.clone())).await;
    // Another machine: its own home and data folder.
    let second = Server::start_on(agent("second", 300), Some(address)).await;
    let (one, two) = (first.project("one").await, second.project("two").await);
    first.start_session(&one).await;
    second.start_session(&two).await;
    say(&first, &one, "a lighthouse at the cape").await;
    say(&second, &two, "a lighthouse in the bay").await;
    for server in [&first, &second] {
        let mut found = snippets(server, "/search?q=lightho", 2).await;
        found.sort();
        assert_eq!(
            found,
            ["a lighthouse at the cape", "a lighthouse in the bay"]
        );
        let path = format!("/output-projects/{one}/search?q=lighthouse");
        assert_eq!(
            snippets(server, &path, 1).await,
            ["a lighthouse at the cape"]
        );
    }
    // The copy at the other node follows.
    say(&first, &one, "an albatross above it").await;
    let found = snippets(&second, "/search?q=albatross", 1).await;
    assert_eq!(found, ["an albatross above it"]);
    say(&first, &one, "a second albatross").await;
    snippets(&second, "/search?q=albatross", 2).await;
}
