//! A missing folder of transcripts, on the real Claude Code.

use super::*;

#[tokio::test]
async fn real_transcripts_that_are_away_keep_the_id() {
    let Some((server, project)) = start().await else {
        return;
    };
    server.without_copy(&project).await;
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

#[tokio::test]
async fn a_real_deleted_conversation_is_restored() {
    let Some((server, project)) = start().await else {
        return;
    };
    server.start_session(&project).await;
    say(&server, &project, "said before").await;
    let before = server.session(&project).await;
    let history = &before["claude_session_history"][0];
    let transcript = PathBuf::from(history["transcript_path"].as_str().unwrap());
    let id = before["claude_session_id"].as_str().unwrap();
    let copy = format!("conversations/{project}/{id}/{id}.jsonl");
    let copy = server.data_dir().join(copy);
    let path = format!("/output-projects/{project}/session");
    server.delete(&path).await.expect(204);
    let whole = fs::read(&transcript).unwrap();
    eventually("the copy is whole", || {
        fs::read(&copy).is_ok_and(|copy| copy == whole)
    })
    .await;

    // First the folder with all transcripts is gone, then the end of one transcript.
    let projects = server.agent.home.config_dir().join("projects");
    fs::remove_dir_all(&projects).unwrap();
    let after = server.start_session(&project).await;
    assert_eq!(after["claude_session_id"], before["claude_session_id"]);
    say(&server, &project, "said after").await;
    let texts = last_turn(&server).join("\n");
    assert!(texts.contains("said before"), "{texts}");
    let grown = fs::read(&transcript).unwrap();
    assert!(grown.starts_with(&whole), "Claude Code appends to it");
    eventually("the copy has grown too", || {
        fs::read_to_string(&copy).is_ok_and(|copy| copy.contains("said after"))
    })
    .await;

    server.delete(&path).await.expect(204);
    let whole = fs::read(&transcript).unwrap();
    eventually("the copy is whole again", || {
        fs::read(&copy).is_ok_and(|copy| copy == whole)
    })
    .await;
    let text = String::from_utf8(whole).unwrap();
    let cut = text.find("said after").unwrap();
    fs::write(&transcript, &text[..cut]).unwrap();
    server.start_session(&project).await;
    say(&server, &project, "said at last").await;
    let texts = last_turn(&server).join("\n");
    assert!(
        texts.contains("said before") && texts.contains("said after"),
        "{texts}"
    );
}
