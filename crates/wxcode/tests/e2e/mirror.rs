//! The copy of the conversation: the copy grows with the transcript, and restores a lost
//! transcript.

use std::{
    fs::{self, File, OpenOptions},
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use serde_json::{Value, json};

use crate::support::{Agent, Events, Server, eventually};

/// A project with a submitted prompt, and the project's files.
pub(crate) struct Copied {
    pub(crate) server: Server,
    pub(crate) project: String,
    pub(crate) id: String,
    pub(crate) transcript: PathBuf,
}

impl Copied {
    pub(crate) async fn new() -> Self {
        Self::with(Agent::fake("")).await
    }

    pub(crate) async fn with(agent: Agent) -> Self {
        let server = Server::start(agent).await;
        let project = server.project("p").await;
        server.start_session(&project).await;
        say(&server, &project, "first words").await;
        let session = server.session(&project).await;
        let path = &session["claude_session_history"][0]["transcript_path"];
        Self {
            transcript: path.as_str().unwrap().into(),
            id: session["claude_session_id"].as_str().unwrap().to_owned(),
            project,
            server,
        }
    }

    pub(crate) fn folder(&self) -> PathBuf {
        let all = self.server.data_dir().join("conversations");
        all.join(&self.project).join(&self.id)
    }

    pub(crate) fn copy(&self) -> PathBuf {
        self.folder().join(format!("{}.jsonl", self.id))
    }

    pub(crate) fn path(&self) -> String {
        format!("/output-projects/{}/session", self.project)
    }

    /// Waits until the copy equals the transcript.
    pub(crate) async fn whole(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // The agent may write its last words after its report.
        eventually("the copy equals the transcript", || {
            bytes = fs::read(&self.transcript).unwrap();
            fs::read(self.copy()).is_ok_and(|copy| copy == bytes)
        })
        .await;
        bytes
    }

    /// Ends the session; the copy is whole.
    pub(crate) async fn ended(&self) -> Vec<u8> {
        self.server.delete(&self.path()).await.expect(204);
        self.whole().await
    }

    /// Starts the session, and checks that the conversation goes on with this transcript.
    pub(crate) async fn goes_on(&self, whole: &[u8]) -> Value {
        let mut events = Events::follow(&self.server, &self.project).await;
        let session = self.server.start_session(&self.project).await;
        assert_eq!(session["claude_session_id"], self.id.as_str());
        let restored = events.named("session.restored").await.data;
        assert_eq!(restored["claude_session_id"], self.id.as_str());
        assert_eq!(restored["bytes"], whole.len());
        let started = events.named("session.started").await.data;
        assert_eq!(started["resumed"], true);
        let path = PathBuf::from(restored["transcript_path"].as_str().unwrap());
        assert!(fs::read(&path).unwrap().starts_with(whole));
        assert_eq!(mode(&path), 0o600);
        restored
    }
}

pub(crate) async fn say(server: &Server, project: &str, text: &str) {
    let delivery = server.deliver(project, text).await;
    server.delivery_until(project, &delivery, "submitted").await;
    server.idle(project).await;
}

pub(crate) async fn is(copy: &Path, bytes: &[u8]) {
    eventually("the copy equals the file", || {
        fs::read(copy).is_ok_and(|copy| copy == bytes)
    })
    .await;
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// Appends to a file that is there.
pub(crate) fn append(path: &Path, text: &str) {
    let mut file = OpenOptions::new().append(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

/// A line of a transcript with a text of the user.
pub(crate) fn entry(number: usize, text: &str) -> String {
    let id = format!("00000000-0000-4000-8000-{number:012}");
    let message = json!({ "role": "user", "content": text });
    let entry = json!({ "type": "user", "uuid": id, "message": message });
    format!("{entry}\n")
}

/// A line of a transcript with the result of a tool.
pub(crate) fn result(number: u128, text: &str) -> String {
    let content = json!([{ "type": "tool_result", "tool_use_id": "t", "content": text }]);
    let line = json!({ "type": "user", "uuid": uuid::Uuid::from_u128(number),
        "message": { "role": "user", "content": content } });
    format!("{line}\n")
}

#[tokio::test]
async fn the_copy_grows_with_the_conversation() {
    let copied = Copied::new().await;
    let whole = copied.whole().await;
    assert_eq!(mode(&copied.copy()), 0o600);
    assert_eq!(mode(&copied.folder()), 0o700);
    assert_eq!(mode(&copied.server.data_dir().join("conversations")), 0o700);
    // A subagent's file, and half of a line.
    let side = copied.transcript.with_extension("").join("subagents");
    fs::create_dir_all(&side).unwrap();
    fs::write(
        side.join("agent-1.jsonl"),
        "{\"type\":\"nobody knows it\"}\n",
    )
    .unwrap();
    std::os::unix::fs::symlink("/etc/hostname", side.join("agent-2.jsonl")).unwrap();
    append(&copied.transcript, "{\"type\":");
    let side_copy = copied.folder().join("subagents/agent-1.jsonl");
    is(&side_copy, b"{\"type\":\"nobody knows it\"}\n").await;
    assert_eq!(fs::read(copied.copy()).unwrap(), whole);
    append(&copied.transcript, "\"new\"}\n");
    copied.whole().await;
    let (server, project) = (&copied.server, &copied.project);
    say(server, project, "more words").await;
    copied.ended().await;
    assert!(
        !side_copy.with_file_name("agent-2.jsonl").exists(),
        "a link"
    );
    let request = server.request(reqwest::Method::GET, "/metrics");
    let answer = server.answer(request.bearer_auth(&server.token)).await;
    let text = answer.expect(200);
    let mut lines = text.as_str().unwrap().lines();
    let line = lines
        .find(|line| line.contains("kind=\"conversations\""))
        .unwrap();
    let kept: u64 = line.rsplit_once(' ').unwrap().1.parse().unwrap();
    assert!(kept >= fs::metadata(copied.copy()).unwrap().len(), "{kept}");
}

#[tokio::test]
async fn a_rewritten_transcript_repeats_nothing() {
    let copied = Copied::new().await;
    let whole = copied.whole().await;
    let entry = |number: u8| {
        format!("{{\"type\":\"user\",\"uuid\":\"00000000-0000-4000-8000-00000000000{number}\"}}\n")
    };
    append(&copied.transcript, &format!("{}{}", entry(1), entry(2)));
    copied.whole().await;
    // Another file in the transcript's place, as a compaction might write it.
    let new = copied.transcript.with_extension("new");
    fs::write(&new, format!("{}{}", entry(2), entry(3))).unwrap();
    fs::rename(&new, &copied.transcript).unwrap();
    let added = [entry(1), entry(2), entry(3)].concat();
    is(&copied.copy(), &[&whole[..], added.as_bytes()].concat()).await;
}

#[tokio::test]
async fn a_deleted_transcript_is_restored() {
    let copied = Copied::new().await;
    let side = copied
        .transcript
        .with_extension("")
        .join("subagents/agent-1.jsonl");
    fs::create_dir_all(side.parent().unwrap()).unwrap();
    fs::write(&side, "{}\n").unwrap();
    is(&copied.folder().join("subagents/agent-1.jsonl"), b"{}\n").await;
    let whole = copied.ended().await;
    fs::remove_dir_all(copied.transcript.parent().unwrap()).unwrap();
    let restored = copied.goes_on(&whole).await;
    assert_eq!(
        restored["transcript_path"],
        copied.transcript.to_str().unwrap()
    );
    assert_eq!(restored["side_files"], 1);
    assert_eq!(fs::read(side).unwrap(), b"{}\n");
    // The next loss too, of all transcripts, and for a run.
    say(&copied.server, &copied.project, "more words").await;
    let whole = copied.ended().await;
    let projects = copied.server.agent.home.config_dir().join("projects");
    fs::remove_dir_all(projects).unwrap();
    let run = copied.server.run(&copied.project, "last words").await;
    assert_eq!(run["result"], "fake: 3 user messages; last: last words");
    assert_eq!(run["claude_session_id"], copied.id.as_str());
    let now = fs::read(&copied.transcript).unwrap();
    assert!(now.starts_with(&whole) && now.len() > whole.len());
    copied.whole().await;
}

#[tokio::test]
async fn a_cut_transcript_is_restored() {
    let copied = Copied::new().await;
    say(&copied.server, &copied.project, "more words").await;
    for end in ["", "\"isSidechain\":false,", "more"] {
        let whole = copied.ended().await;
        let text = String::from_utf8(whole.clone()).unwrap();
        let at = if end.is_empty() {
            0
        } else {
            text.find(end).unwrap() + end.len()
        };
        fs::write(&copied.transcript, &text[..at]).unwrap();
        let readable = fs::Permissions::from_mode(0o644);
        fs::set_permissions(&copied.transcript, readable).unwrap();
        copied.goes_on(&whole).await;
    }
    // A transcript written again with less content is no loss.
    let whole = copied.ended().await;
    let less = String::from_utf8(whole)
        .unwrap()
        .replace("first words", "words");
    fs::write(&copied.transcript, &less).unwrap();
    copied.server.start_session(&copied.project).await;
    assert_eq!(fs::read_to_string(&copied.transcript).unwrap(), less);
}

#[tokio::test]
async fn a_changed_home_gets_the_conversation() {
    let mut copied = Copied::new().await;
    let whole = copied.ended().await;
    copied.server.terminate().await;
    let other = copied.server.data_dir().join("other");
    let config = copied.server.data_dir().join("wxcode.toml");
    let lines = fs::read_to_string(&config).unwrap();
    let place = format!("[agent.env]\nCLAUDE_CONFIG_DIR = '{}'\n", other.display());
    fs::write(&config, format!("{lines}\n{place}")).unwrap();
    copied.server.up().await;
    // The old place still has the conversation: no server knows which copy goes on.
    copied
        .server
        .post(&copied.path(), json!({}))
        .await
        .problem(503);
    fs::remove_dir_all(copied.transcript.parent().unwrap()).unwrap();
    let restored = copied.goes_on(&whole).await;
    let path = PathBuf::from(restored["transcript_path"].as_str().unwrap());
    assert!(path.starts_with(other.join("projects")), "{path:?}");
}

#[tokio::test]
async fn an_older_conversation_is_restored_on_request() {
    let copied = Copied::new().await;
    let whole = copied.whole().await;
    let terminal = format!("/output-projects/{}/terminal", copied.project);
    let mut socket = copied.server.socket(&terminal).await;
    socket.submit("/clear").await;
    copied
        .server
        .session_until(&copied.project, "the id changed", |session| {
            session["claude_session_id"] != copied.id.as_str() && session["agent_state"] == "idle"
        })
        .await;
    fs::remove_file(&copied.transcript).unwrap();
    let wish = json!({ "claude_session_id": copied.id });
    let session = copied.server.post(&copied.path(), wish).await.expect(201);
    assert_eq!(session["claude_session_id"], copied.id.as_str());
    assert!(fs::read(&copied.transcript).unwrap().starts_with(&whole));
}

#[tokio::test]
async fn switched_off_nothing_is_copied() {
    let copied = Copied::new().await;
    copied.whole().await;
    let folder = copied
        .server
        .data_dir()
        .join("conversations")
        .join(&copied.project);
    copied.server.without_copy(&copied.project).await;
    assert!(!folder.exists(), "the copy is removed at once");
    say(&copied.server, &copied.project, "secret words").await;
    copied.server.delete(&copied.path()).await.expect(204);
    fs::remove_file(&copied.transcript).unwrap();
    let session = copied.server.start_session(&copied.project).await;
    assert_ne!(session["claude_session_id"], copied.id.as_str());
    assert!(!folder.exists());
}

#[tokio::test]
async fn the_copy_goes_a_day_after_its_project() {
    let mut copied = Copied::new().await;
    copied.whole().await;
    let path = format!("/output-projects/{}?force=true", copied.project);
    copied.server.delete(&path).await.expect(204);
    let folder = copied
        .server
        .data_dir()
        .join("conversations")
        .join(&copied.project);
    let all = copied.server.data_dir().join("deleted-conversations");
    let kept = all.join(&copied.project);
    let copy = kept.join(&copied.id).join(format!("{}.jsonl", copied.id));
    eventually("the copy is aside", || !folder.exists() && copy.exists()).await;
    // A day later.
    let a_day_ago = SystemTime::now() - Duration::from_secs(24 * 60 * 60 + 1);
    copied.server.terminate().await;
    copied.server.up().await;
    assert!(copy.exists(), "not before");
    File::open(&kept).unwrap().set_modified(a_day_ago).unwrap();
    copied.server.terminate().await;
    copied.server.up().await;
    eventually("nothing is left", || !kept.exists()).await;
}

#[tokio::test]
async fn a_new_server_continues_the_copy() {
    let mut copied = Copied::new().await;
    copied.whole().await;
    copied.server.crash().await;
    append(
        &copied.transcript,
        "{\"type\":\"while the server was away\"}\n",
    );
    let half = format!("{}{{\"ty", fs::read_to_string(copied.copy()).unwrap());
    fs::write(copied.copy(), half).unwrap();
    copied.server.up().await;
    copied.whole().await;
}
