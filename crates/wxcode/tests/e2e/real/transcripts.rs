//! A missing folder of transcripts, on the real Claude Code.

use wxcode_testbed::Home;

use super::*;
use crate::support::Events;

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

/// The transcript of a session's conversation, and its copy.
fn files(server: &Server, project: &str, session: &Value) -> (PathBuf, PathBuf) {
    let history = &session["claude_session_history"][0];
    let transcript = PathBuf::from(history["transcript_path"].as_str().unwrap());
    let id = session["claude_session_id"].as_str().unwrap();
    let copy = format!("conversations/{project}/{id}/{id}.jsonl");
    (transcript, server.data_dir().join(copy))
}

#[tokio::test]
async fn a_real_deleted_conversation_is_restored() {
    let Some((server, project)) = start().await else {
        return;
    };
    server.start_session(&project).await;
    say(&server, &project, "said before").await;
    let before = server.session(&project).await;
    let (transcript, copy) = files(&server, &project, &before);
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

#[tokio::test]
async fn a_real_conversation_follows_to_another_home() {
    let Some((mut server, project)) = start().await else {
        return;
    };
    server.start_session(&project).await;
    say(&server, &project, "Olá, said in the old home").await;
    let before = server.session(&project).await;
    let (transcript, copy) = files(&server, &project, &before);
    let path = format!("/output-projects/{project}");
    server.delete(&format!("{path}/session")).await.expect(204);
    eventually("the copy is whole", || {
        fs::read(&copy).is_ok_and(|copy| copy == fs::read(&transcript).unwrap())
    })
    .await;
    let whole = fs::read(&transcript).unwrap();

    // Another user's home, and another place of the workspace: nothing of the old ones is left.
    let old = server.workspace(&project).await;
    server.terminate().await;
    let root = tempfile::tempdir().unwrap();
    let folder = fs::canonicalize(root.path()).unwrap().join("elsewhere");
    fs::rename(old, &folder).unwrap();
    let home = Home::new(&stub(&server).base_url()).unwrap();
    home.lay_gsd().unwrap();
    home.trust(&folder).unwrap();
    server.agent.home = home;
    server.up().await;
    let body = json!({ "workspace_path": folder });
    server.patch(&path, body).await.expect(200);
    assert!(!transcript.exists());
    let mut events = Events::follow(&server, &project).await;
    let after = server.start_session(&project).await;
    assert_eq!(after["claude_session_id"], before["claude_session_id"]);
    let restored = events.named("session.restored").await.data;
    let restored = PathBuf::from(restored["transcript_path"].as_str().unwrap());
    assert!(restored.starts_with(server.agent.home.config_dir()));
    say(&server, &project, "said in the new home").await;
    let requests = stub(&server).requests();
    let turn = requests.iter().rev().find(|request| request.is_turn());
    let turn = turn.unwrap().body.to_string();
    for text in ["said in the old home", "said in the new home"] {
        assert!(turn.contains(text), "{text} is in the request");
    }
    let grown = fs::read(&restored).unwrap();
    assert!(grown.starts_with(&whole), "Claude Code appends to it");
}
