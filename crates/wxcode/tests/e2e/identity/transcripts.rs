//! A missing folder of transcripts: wxcode gives no conversation up for a missing folder.

use super::*;

/// A server with a conversation of a single message and no session.
async fn spoken(agent: Agent) -> (Server, String, Value) {
    let server = Server::start(agent).await;
    let project = server.project("p").await;
    server.start_session(&project).await;
    server.idle(&project).await;
    say(&server, &project, "hello").await;
    let session = server.session(&project).await;
    let path = format!("/output-projects/{project}/session");
    server.delete(&path).await.expect(204);
    (server, project, session)
}

/// Asserts that a start is refused with the folder named, and that the id stays.
async fn refused(server: &Server, project: &str, before: &Value, words: &[&str]) {
    let path = format!("/output-projects/{project}/session");
    let answer = server.post(&path, json!({})).await;
    assert_eq!(answer.body["code"], "transcripts_unavailable", "{answer:?}");
    let said = answer.problem(503);
    for word in words {
        assert!(said.contains(word), "{word}: {said}");
    }
    let after = server.session(project).await;
    assert_eq!(identity(&after), identity(before), "the id stays");
}

#[tokio::test]
async fn a_missing_folder_of_transcripts_keeps_the_id() {
    let (server, project, before) = spoken(Agent::fake("")).await;
    server.without_copy(&project).await;
    let folder = server.agent.home.config_dir().join("projects");
    let aside = server.agent.home.config_dir().join("aside");
    let named = folder.to_str().unwrap();
    fs::rename(&folder, &aside).unwrap();
    refused(&server, &project, &before, &[named, "missing"]).await;
    let run = json!({ "prompt": "hello" });
    let path = format!("/output-projects/{project}/runs");
    server.post(&path, run).await.problem(503);
    // A file in the folder's place.
    fs::write(&folder, "").unwrap();
    refused(&server, &project, &before, &[named, "cannot be read"]).await;
    fs::remove_file(&folder).unwrap();
    fs::rename(&aside, &folder).unwrap();
    let after = server.start_session(&project).await;
    assert_eq!(after["claude_session_id"], before["claude_session_id"]);
    assert_eq!(identity(&after), identity(&before));
}

#[tokio::test]
async fn an_emptied_folder_gives_the_conversation_up() {
    let (server, project, before) = spoken(Agent::fake("")).await;
    server.without_copy(&project).await;
    let folder = server.agent.home.config_dir().join("projects");
    fs::remove_dir_all(&folder).unwrap();
    fs::create_dir(&folder).unwrap();
    let after = server.start_session(&project).await;
    assert_ne!(after["claude_session_id"], before["claude_session_id"]);
}

#[tokio::test]
async fn a_changed_configuration_folder_is_named() {
    let (mut server, project, before) = spoken(Agent::fake("")).await;
    server.terminate().await;
    let was = server.agent.home.config_dir();
    let other = server.data_dir().join("other");
    fs::create_dir_all(other.join("projects")).unwrap();
    let config = server.data_dir().join("wxcode.toml");
    let lines = fs::read_to_string(&config).unwrap();
    let moved = format!(
        "{lines}\n[agent.env]\nCLAUDE_CONFIG_DIR = '{}'\n",
        other.display()
    );
    fs::write(&config, moved).unwrap();
    server.up().await;
    let words = [
        "CLAUDE_CONFIG_DIR",
        was.to_str().unwrap(),
        other.to_str().unwrap(),
    ];
    refused(&server, &project, &before, &words).await;
    fs::write(&config, lines).unwrap();
    server.terminate().await;
    server.up().await;
    let after = server.start_session(&project).await;
    assert_eq!(after["claude_session_id"], before["claude_session_id"]);
}
