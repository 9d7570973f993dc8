//! A missing folder of transcripts, on the real Claude Code.

use super::*;

#[tokio::test]
async fn real_transcripts_that_are_away_keep_the_id() {
    let Some((server, project)) = start().await else {
        return;
    };
    server.start_session(&project).await;
    say(&server, &project, "said before").await;
    let before = server.session(&project).await;
    let path = format!("/output-projects/{project}/session");
    server.delete(&path).await.expect(204);
    let folder = server.agent.home.config_dir().join("projects");
    let aside = server.agent.home.config_dir().join("aside");
    fs::rename(&folder, &aside).unwrap();
    let said = server.post(&path, json!({})).await.problem(503);
    assert!(said.contains(folder.to_str().unwrap()), "{said}");
    fs::rename(&aside, &folder).unwrap();
    let after = server.start_session(&project).await;
    for field in ["claude_session_id", "claude_session_history"] {
        assert_eq!(after[field], before[field], "{field}");
    }
    say(&server, &project, "said after").await;
    let texts = last_turn(&server).join("\n");
    assert!(texts.contains("said before"), "{texts}");
}
