//! The conversation of a moved project, on the real Claude Code.

use super::*;

#[tokio::test]
async fn the_conversation_moves_with_its_project() {
    let Some((server, project)) = start().await else {
        return;
    };
    server.start_session(&project).await;
    say(&server, &project, "said in the first folder").await;
    let before = server.session(&project).await;
    let path = format!("/output-projects/{project}");
    server.delete(&format!("{path}/session")).await.expect(204);

    let root = tempfile::tempdir().unwrap();
    let folder = fs::canonicalize(root.path()).unwrap().join("moved");
    // The workspace itself moves, as by `mv`.
    fs::rename(server.workspace(&project).await, &folder).unwrap();
    server.agent.trust(&folder);
    let body = json!({ "workspace_path": folder });
    server.patch(&path, body).await.expect(200);

    let after = server.start_session(&project).await;
    assert_eq!(after["claude_session_id"], before["claude_session_id"]);
    let cwd = fs::read_link(format!("/proc/{}/cwd", pid(&after))).unwrap();
    assert_eq!(cwd, folder);
    say(&server, &project, "said in the second folder").await;
    let texts = last_turn(&server).join("\n");
    assert!(texts.contains("said in the first folder"), "{texts}");
    let session = server.session(&project).await;
    assert_eq!(session["claude_session_id"], before["claude_session_id"]);
}
