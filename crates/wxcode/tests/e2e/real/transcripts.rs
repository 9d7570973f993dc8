//! A missing folder of transcripts, on the real Claude Code.

use wxcode_testbed::Home;

use super::*;
use crate::{mirror::say as said, support::Events};

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

#[tokio::test]
async fn a_real_conversation_resumes_without_dropped_results() {
    /// A result that Claude Code keeps in the transcript.
    const LINES: usize = 1_000;
    let Some(agent) = real() else { return };
    let server = Server::start(agent.with_config("[mirror]\nmax_mib = 1\n")).await;
    let project = server.project("p").await;
    let workspace = server.workspace(&project).await;
    let lines: String = (0..LINES)
        .map(|number| format!("line {number} of a long file\n"))
        .collect();
    fs::write(workspace.join("long.txt"), &lines).unwrap();
    server.start_session(&project).await;
    say(&server, &project, "said before").await;
    let results = |session: &Value| session["kept"]["dropped_bytes"].as_u64() > Some(0);
    // Each result is there twice: for the model, and for Claude Code's own screen.
    for _ in 0..(1 << 20) / lines.len() {
        if results(&server.session(&project).await) {
            break;
        }
        said(&server, &project, "stub:bash cat long.txt").await;
    }
    let before = server
        .session_until(&project, "results are dropped", results)
        .await;
    let (transcript, copy) = files(&server, &project, &before);
    let path = format!("/output-projects/{project}/session");
    server.delete(&path).await.expect(204);
    let last = fs::read_to_string(&transcript).unwrap();
    let last = last.lines().last().unwrap().to_owned();
    eventually("the copy has the last entry", || {
        fs::read_to_string(&copy).is_ok_and(|copy| copy.trim_end().ends_with(&last))
    })
    .await;
    let kept = fs::read(&copy).unwrap();
    assert!(kept.len() < fs::metadata(&transcript).unwrap().len() as usize);
    fs::remove_dir_all(transcript.parent().unwrap()).unwrap();

    let mut events = Events::follow(&server, &project).await;
    let after = server.start_session(&project).await;
    assert_eq!(after["claude_session_id"], before["claude_session_id"]);
    events.named("session.restored").await;
    say(&server, &project, "said after").await;
    let requests = stub(&server).requests();
    let turn = requests.iter().rev().find(|request| request.is_turn());
    let turn = turn.unwrap().body.to_string();
    for text in [
        "said before",
        "[wxcode dropped ",
        "line 999 of a long file",
        "said after",
    ] {
        assert!(turn.contains(text), "{text} is in the request");
    }
    let grown = fs::read(&transcript).unwrap();
    assert!(grown.starts_with(&kept), "Claude Code appends to it");
}

#[tokio::test]
async fn a_real_transcript_deleted_under_its_agent_is_whole_again() {
    let Some((server, project)) = start().await else {
        return;
    };
    server.start_session(&project).await;
    say(&server, &project, "said before").await;
    let before = server.session(&project).await;
    let (transcript, copy) = files(&server, &project, &before);
    eventually("the copy is whole", || {
        fs::read(&copy).is_ok_and(|copy| copy == fs::read(&transcript).unwrap())
    })
    .await;
    fs::remove_file(&transcript).unwrap();
    said(&server, &project, "said meanwhile").await;
    let path = format!("/output-projects/{project}/session");
    server.delete(&path).await.expect(204);
    eventually("the copy has both", || {
        fs::read_to_string(&copy)
            .is_ok_and(|copy| copy.contains("said before") && copy.contains("said meanwhile"))
    })
    .await;
    let after = server.start_session(&project).await;
    assert_eq!(after["claude_session_id"], before["claude_session_id"]);
    say(&server, &project, "said after").await;
    let texts = last_turn(&server).join("\n");
    for text in ["said before", "said meanwhile", "said after"] {
        assert!(texts.contains(text), "{text}: {texts}");
    }
}
