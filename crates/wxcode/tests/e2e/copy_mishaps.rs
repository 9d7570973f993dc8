//! Mishaps of a conversation's files: the copy keeps what was said, and the user is told.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::time::sleep;

use crate::{
    mirror::{Copied, append, entry, is, result, say},
    support::{Agent, Events, Namespaces, Server, eventually, make_fifo},
};

/// A conversation of a server in namespaces of its own, whose copies lie on a file system of their
/// own.
struct Apart {
    inside: Namespaces,
    project: String,
    transcript: PathBuf,
    /// As seen from outside.
    copy: PathBuf,
}

impl Apart {
    /// `None` where there are no such namespaces. The file system has these options.
    async fn new(options: &str) -> Option<Self> {
        let prepare = format!(
            "mkdir -p \"$0/conversations\" && mount -t tmpfs -o {options} tmpfs \"$0/conversations\""
        );
        let inside = Namespaces::start(Agent::fake(""), &prepare).await?;
        let project = inside.project("p").await;
        inside.server.start_session(&project).await;
        say(&inside.server, &project, "first words").await;
        let session = inside.server.session(&project).await;
        let history = &session["claude_session_history"][0];
        let id = session["claude_session_id"].as_str().unwrap();
        Some(Self {
            transcript: history["transcript_path"].as_str().unwrap().into(),
            copy: inside.path(&format!("conversations/{project}/{id}/{id}.jsonl")),
            project,
            inside,
        })
    }

    /// Waits for a warning with these words.
    async fn warns(&self, words: &str) {
        let warned = |session: &Value| {
            let warning = session["warning"].as_str().unwrap_or_default();
            warning.contains("is not copied") && warning.contains(words)
        };
        let server = &self.inside.server;
        server.session_until(&self.project, words, warned).await;
    }
}

#[tokio::test]
async fn a_full_disk_costs_the_copy_nothing_for_good() {
    let Some(apart) = Apart::new("size=6m").await else {
        return;
    };
    let server = &apart.inside.server;
    is(&apart.copy, &fs::read(&apart.transcript).unwrap()).await;
    let ballast = apart.inside.path("conversations/ballast");
    // As full as it gets.
    let filled = fs::write(&ballast, vec![b'x'; 8 << 20]);
    assert!(filled.is_err());
    for number in 0..40 {
        append(&apart.transcript, &entry(number, &"w".repeat(50_000)));
    }
    apart.warns("No space left on device").await;
    let text = fs::read_to_string(&apart.copy).unwrap();
    let whole = fs::read_to_string(&apart.transcript).unwrap();
    assert!(
        text.ends_with('\n') && whole.starts_with(&text),
        "no half lines"
    );
    // The agent, the page and the search go on.
    say(server, &apart.project, "words beside a full disk").await;
    let path = format!("/output-projects/{}/conversation?limit=2", apart.project);
    let page = server.get(&path).await.expect(200).to_string();
    assert!(page.contains("words beside a full disk"), "{page}");
    fs::remove_file(&ballast).unwrap();
    is(&apart.copy, &fs::read(&apart.transcript).unwrap()).await;
    let is_silent = |session: &Value| session["warning"] == Value::Null;
    server
        .session_until(&apart.project, "no warning is left", is_silent)
        .await;
    let log = server.log();
    assert_eq!(
        log.matches("cannot copy the conversation").count(),
        1,
        "{log}"
    );
}

#[tokio::test]
async fn a_read_only_folder_of_copies_is_told() {
    let Some(apart) = Apart::new("ro").await else {
        return;
    };
    apart.warns("Read-only file system").await;
    let server = &apart.inside.server;
    say(server, &apart.project, "second words").await;
    let path = format!("/output-projects/{}/session", apart.project);
    server.delete(&path).await.expect(204);
    let session = server.start_session(&apart.project).await;
    assert_eq!(
        session["claude_session_history"].as_array().unwrap().len(),
        1,
        "it resumes"
    );
    say(server, &apart.project, "third words").await;
}

#[tokio::test]
async fn foreign_kinds_of_transcripts_take_nothing() {
    let copied = Copied::new().await;
    let whole = copied.whole().await;
    let aside = copied.transcript.with_extension("aside");
    let elsewhere = copied.server.data_dir().join("elsewhere");
    fs::write(&elsewhere, entry(1, "of somebody else")).unwrap();
    for kind in ["FIFO", "link", "folder"] {
        fs::rename(&copied.transcript, &aside).unwrap();
        match kind {
            "FIFO" => make_fifo(&copied.transcript),
            "link" => std::os::unix::fs::symlink(&elsewhere, &copied.transcript).unwrap(),
            _ => fs::create_dir(&copied.transcript).unwrap(),
        }
        let warned = |session: &Value| {
            let warning = session["warning"].as_str().unwrap_or_default();
            warning.contains("is not copied")
        };
        let server = &copied.server;
        server.session_until(&copied.project, kind, warned).await;
        assert_eq!(fs::read(copied.copy()).unwrap(), whole, "{kind}");
        if kind == "folder" {
            fs::remove_dir(&copied.transcript).unwrap();
        } else {
            fs::remove_file(&copied.transcript).unwrap();
        }
        fs::rename(&aside, &copied.transcript).unwrap();
        let is_silent = |session: &Value| session["warning"] == Value::Null;
        server
            .session_until(&copied.project, "no warning is left", is_silent)
            .await;
    }
    say(&copied.server, &copied.project, "more words").await;
    copied.whole().await;
    // The next start finds a FIFO: it names it, and gives nothing up.
    let whole = copied.ended().await;
    fs::remove_file(&copied.transcript).unwrap();
    make_fifo(&copied.transcript);
    let said = copied
        .server
        .post(&copied.path(), json!({}))
        .await
        .problem(503);
    assert!(said.contains("a FIFO"), "{said}");
    fs::remove_file(&copied.transcript).unwrap();
    copied.goes_on(&whole).await;
}

#[tokio::test]
async fn a_transcript_deleted_under_its_agent_is_whole_again() {
    let copied = Copied::new().await;
    say(&copied.server, &copied.project, "second words").await;
    copied.whole().await;
    // A clean-up by another claude: the agent begins the file anew with its next entry.
    fs::remove_file(&copied.transcript).unwrap();
    say(&copied.server, &copied.project, "third words").await;
    copied.server.delete(&copied.path()).await.expect(204);
    let copy = copied.copy();
    let mut rest = String::new();
    eventually("the copy ends as the transcript", || {
        rest = fs::read_to_string(&copied.transcript).unwrap();
        fs::read_to_string(&copy).is_ok_and(|copy| copy.ends_with(&rest))
    })
    .await;
    assert!(!rest.contains("first words") && rest.contains("third words"));
    let whole = fs::read(&copy).unwrap();
    copied.goes_on(&whole).await;
    copied.server.delete(&copied.path()).await.expect(204);
    let run = copied.server.run(&copied.project, "last words").await;
    assert_eq!(run["result"], "fake: 4 user messages; last: last words");
}

#[tokio::test]
async fn a_deletion_that_no_server_saw_costs_nothing() {
    let mut copied = Copied::new().await;
    say(&copied.server, &copied.project, "second words").await;
    copied.whole().await;
    let words = fs::read_to_string(&copied.transcript).unwrap();
    let last: Value = serde_json::from_str(words.lines().last().unwrap()).unwrap();
    copied.server.delete(&copied.path()).await.expect(204);
    copied.server.terminate().await;
    // Another claude went on with the conversation, after its beginning was deleted.
    fs::remove_file(&copied.transcript).unwrap();
    let more = json!({
        "type": "user", "uuid": "00000000-0000-4000-8000-000000000009",
        "parentUuid": last["uuid"], "message": { "role": "user", "content": "x".repeat(100_000) },
    });
    fs::write(&copied.transcript, format!("{more}\n")).unwrap();
    copied.server.up().await;
    let whole = format!("{words}{more}\n");
    copied.goes_on(whole.as_bytes()).await;
}

/// The names of drafts beside a transcript.
fn drafts(transcript: &Path) -> Vec<String> {
    let entries = fs::read_dir(transcript.parent().unwrap());
    let names = entries
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.ends_with(".tmp")).collect()
}

#[tokio::test]
async fn a_server_killed_while_it_restores_leaves_a_whole_conversation() {
    let mut copied = Copied::new().await;
    copied.whole().await;
    let words = "w".repeat(1 << 20);
    for number in 0..120 {
        append(&copied.transcript, &entry(number, &words));
    }
    let whole = copied.ended().await;
    fs::remove_file(&copied.transcript).unwrap();
    let path = format!("/api/v1{}", copied.path());
    let request = copied
        .server
        .request(reqwest::Method::POST, &path)
        .bearer_auth(&copied.server.token)
        .json(&json!({}));
    // Its answer never comes.
    let start = tokio::spawn(request.send());
    let deadline = Instant::now() + Duration::from_secs(60);
    while drafts(&copied.transcript).is_empty() && !copied.transcript.exists() {
        assert!(Instant::now() < deadline, "{}", copied.server.log());
        sleep(Duration::from_millis(1)).await;
    }
    copied.server.crash().await;
    start.await.unwrap().unwrap_err();
    // Whole, or not there: each reader at each moment sees nothing between.
    if copied.transcript.exists() {
        assert_eq!(fs::read(&copied.transcript).unwrap().len(), whole.len());
        fs::remove_file(&copied.transcript).unwrap();
    }
    copied.server.up().await;
    // The session may have started just before the crash.
    copied.server.delete(&copied.path()).await.expect(204);
    if !copied.transcript.exists() {
        copied.goes_on(&whole).await;
    }
    assert_eq!(drafts(&copied.transcript), [""; 0], "no draft is left");
    assert!(fs::read(&copied.transcript).unwrap().starts_with(&whole));
}

#[tokio::test]
async fn an_older_conversation_that_goes_on_is_copied() {
    let copied = Copied::new().await;
    copied.whole().await;
    let terminal = format!("/output-projects/{}/terminal", copied.project);
    let mut socket = copied.server.socket(&terminal).await;
    socket.submit("/clear").await;
    let session = copied
        .server
        .session_until(&copied.project, "the id changed", |session| {
            session["claude_session_id"] != copied.id.as_str() && session["agent_state"] == "idle"
        })
        .await;
    say(&copied.server, &copied.project, "in the new one").await;
    let new = session["claude_session_id"].as_str().unwrap().to_owned();
    let new = copied
        .folder()
        .with_file_name(&new)
        .join(format!("{new}.jsonl"));
    for number in 0..3 {
        // Another claude resumed the old one, and both grow.
        append(&copied.transcript, &entry(number, "in the old one"));
        let text = format!("again in the new one, {number}");
        say(&copied.server, &copied.project, &text).await;
        copied.whole().await;
        eventually("the new one is copied", || {
            fs::read_to_string(&new).is_ok_and(|copy| copy.contains(&text))
        })
        .await;
    }
}

#[tokio::test]
async fn configuration_folders_of_projects_stay_apart() {
    let server = Server::start(Agent::fake("")).await;
    let mut all = Vec::new();
    for name in ["one", "two"] {
        let project = server.project(name).await;
        let config_dir = server.data_dir().join(format!("config-{name}"));
        let settings = json!({ "settings": { "claude_config_dir": config_dir } });
        let path = format!("/output-projects/{project}");
        server.patch(&path, settings).await.expect(200);
        server.start_session(&project).await;
        say(&server, &project, &format!("words of {name}")).await;
        let session = server.session(&project).await;
        let path = &session["claude_session_history"][0]["transcript_path"];
        let transcript = PathBuf::from(path.as_str().unwrap());
        assert!(transcript.starts_with(&config_dir), "{transcript:?}");
        let id = session["claude_session_id"].as_str().unwrap().to_owned();
        let copies = server.data_dir().join("conversations").join(&project);
        let copy = copies.join(&id).join(format!("{id}.jsonl"));
        server
            .delete(&format!("/output-projects/{project}/session"))
            .await
            .expect(204);
        let whole = fs::read(&transcript).unwrap();
        is(&copy, &whole).await;
        all.push((project, config_dir, transcript, id, whole));
    }
    // The first folder is cleaned up, the other one stays.
    let (project, config_dir, transcript, id, whole) = &all[0];
    fs::remove_dir_all(config_dir).unwrap();
    let mut events = Events::follow(&server, project).await;
    let session = server.start_session(project).await;
    assert_eq!(session["claude_session_id"], id.as_str());
    let restored = events.named("session.restored").await.data;
    assert_eq!(restored["transcript_path"], transcript.to_str().unwrap());
    assert!(fs::read(transcript).unwrap().starts_with(whole));
    let (project, _, transcript, id, whole) = &all[1];
    assert_eq!(&fs::read(transcript).unwrap(), whole);
    let session = server.start_session(project).await;
    assert_eq!(session["claude_session_id"], id.as_str());
}

#[tokio::test]
async fn the_bound_is_the_servers_setting() {
    let agent = Agent::fake("").with_config("[mirror]\nmax_mib = 1\n");
    let copied = Copied::with(agent).await;
    copied.whole().await;
    let session = copied.server.session(&copied.project).await;
    assert_eq!(session["kept"]["bytes_max"], 1 << 20);
    let text = "r".repeat(50_000);
    for number in 0..30 {
        append(&copied.transcript, &result(number, &text));
    }
    let server = &copied.server;
    server
        .session_until(&copied.project, "results are dropped", |session| {
            session["kept"]["dropped_bytes"].as_u64() > Some(200_000)
        })
        .await;
    // Words are not dropped: the copy fills up, and the session says so.
    for number in 100..130 {
        append(&copied.transcript, &entry(number, &"w".repeat(50_000)));
    }
    let session = server
        .session_until(&copied.project, "the copy is full", |session| {
            let warning = session["warning"].as_str().unwrap_or_default();
            warning.contains("`[mirror] max_mib`")
        })
        .await;
    assert!(session["kept"]["bytes"].as_u64().unwrap() <= 1 << 20);
    let page = format!("/output-projects/{}/conversation?limit=1", copied.project);
    server.get(&page).await.expect(200);
}
