//! Transcripts survive Claude Code's clean-up by age.

use std::{
    fs::{self, File},
    path::PathBuf,
    time::{Duration, SystemTime},
};

use crate::support::{Agent, Server, eventually};

const DAY: Duration = Duration::from_secs(86_400);

#[tokio::test]
async fn an_old_transcript_is_kept_fresh() {
    let mut server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    server.start_session(&project).await;
    let delivery = server.deliver(&project, "words").await;
    server
        .delivery_until(&project, &delivery, "submitted")
        .await;
    let session = server.idle(&project).await;
    let transcript = session["claude_session_history"][0]["transcript_path"].as_str();
    let transcript = PathBuf::from(transcript.unwrap());
    let path = format!("/output-projects/{project}/session");
    server.delete(&path).await.expect(204);
    server.terminate().await;
    let old = SystemTime::now() - 40 * DAY;
    let other = transcript.with_file_name("11111111-1111-4111-8111-111111111111.jsonl");
    fs::write(&other, "{}\n").unwrap();
    for path in [&transcript, &other] {
        let file = File::options().append(true).open(path).unwrap();
        file.set_modified(old).unwrap();
    }
    server.up().await;
    let age = |path| {
        let modified = fs::metadata(path).unwrap().modified().unwrap();
        SystemTime::now()
            .duration_since(modified)
            .unwrap_or_default()
    };
    eventually("the transcript is fresh", || age(&transcript) < DAY).await;
    assert!(age(&other) > 39 * DAY, "one of no project is left alone");
}
