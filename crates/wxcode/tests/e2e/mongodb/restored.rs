//! A deleted project whose documents come back stays, with all its data.

use futures_util::TryStreamExt;
use mongodb::{
    Client,
    bson::{Document, doc},
};

use super::*;

const COLLECTIONS: [&str; 3] = ["output_projects", "milestones", "wxcode_deliveries"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_project_restored_from_backup_stays() {
    let Some(mongo) = shared().await else { return };
    let name = database();
    let address = mongo.address(&name);
    let documents = Client::with_uri_str(&address)
        .await
        .unwrap()
        .database(&name);
    let commands = "[commands]\nnew_project = 'begin {context_path}'\n";
    let agent = Agent::fake("").with_config(commands);
    let mut server = Server::start_on(agent, Some(address)).await;
    let project = server.project("p").await;
    let milestone = server.milestone(&project, "PAGE_Login").await;
    let started = server
        .post(&format!("/milestones/{milestone}/start"), json!({}))
        .await
        .expect(202);
    server.delivery_until(&project, &started, "submitted").await;
    let path = format!("/output-projects/{project}");
    server.delete(&format!("{path}/session")).await.expect(204);
    let before = told(&server).await;

    let mut backup = Vec::new();
    for collection in COLLECTIONS {
        let found = documents
            .collection::<Document>(collection)
            .find(doc! {})
            .await;
        let all: Vec<_> = found.unwrap().try_collect().await.unwrap();
        assert_eq!(all.len(), 1, "{collection}: {all:?}");
        backup.push((collection, all));
    }
    server.delete(&path).await.expect(204);
    server.terminate().await;
    for (collection, all) in backup {
        documents
            .collection(collection)
            .insert_many(all)
            .await
            .unwrap();
    }
    for _ in 0..2 {
        server.up().await;
        let after = told(&server).await;
        for record in ["project", "milestones", "deliveries"] {
            assert_eq!(after[0][record], before[0][record], "{record}");
        }
        server.terminate().await;
    }
}
