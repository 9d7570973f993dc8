//! The usage of projects in the metrics, where their settings ask for it.

use serde_json::json;

use crate::{
    metrics::scrape,
    mirror::{Copied, append},
    support::Server,
};

async fn metrics(server: &Server) -> String {
    let samples = scrape(server).await.into_iter();
    let lines = samples.map(|(name, value)| format!("{name} {value}\n"));
    lines.collect()
}

#[tokio::test]
async fn usage_is_shown_on_request_alone() {
    let copied = Copied::new().await;
    let (server, project) = (&copied.server, &copied.project);
    let line = json!({
        "type": "assistant", "uuid": "u", "timestamp": "2026-01-31T00:00:00Z",
        "message": { "id": "m", "model": "big", "usage": { "input_tokens": 7, "output_tokens": 5 } },
    });
    append(&copied.transcript, &format!("{line}\n"));
    let path = format!("/output-projects/{project}");
    let listings = "wxcode_store_operation_seconds_count{operation=\"projects\"}";
    let before = scrape(server).await.get(listings).copied();
    assert!(!metrics(server).await.contains(project));
    let after = scrape(server).await.get(listings).copied();
    assert_eq!(before, after, "a scrape lists no projects");
    let on = json!({ "settings": { "usage_metrics": true } });
    let shown = server.patch(&path, on).await.expect(200);
    assert_eq!(shown["settings"]["usage_metrics"], json!(true));
    let text = metrics(server).await;
    let tokens =
        |kind: &str| format!("wxcode_project_tokens{{project=\"{project}\",kind=\"{kind}\"}} ");
    for (kind, count) in [("input", "7"), ("output", "5"), ("cache_read", "0")] {
        let line = format!("{}{count}", tokens(kind));
        assert!(text.contains(&line), "{line}: {text}");
    }
    let percent = format!("wxcode_project_percent{{project=\"{project}\",kind=\"context\"}} ");
    assert!(text.contains(&percent), "{text}");
    let off = json!({ "settings": { "usage_metrics": null } });
    server.patch(&path, off).await.expect(200);
    assert!(!metrics(server).await.contains(project));
}
