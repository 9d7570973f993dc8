//! The copy of a conversation on the shared store: for another node, and migrated.

use std::{fs, path::PathBuf, time::SystemTime};

use wxcode_core::id::Id;
use wxcode_store::{CopyFile, CopyStore as _};
use wxcode_store_mongodb::MongoStore;

use super::{
    lease::{agent, take_over},
    *,
};
use crate::{
    damaged_copy::flip,
    support::{eventually, is_alive, kill},
};

/// Says something, and waits for the answer; returns the transcript's path.
pub(super) async fn say(server: &Server, project: &str, text: &str) -> PathBuf {
    let delivery = server.deliver(project, text).await;
    server.delivery_until(project, &delivery, "submitted").await;
    let session = server.idle(project).await;
    let history = session["claude_session_history"].as_array().unwrap();
    let path = history.last().unwrap()["transcript_path"].as_str();
    path.unwrap().into()
}

/// Waits until the published copy is as long as the transcript.
pub(super) async fn published(
    address: &str,
    project: &str,
    transcript: &std::path::Path,
) -> CopyFile {
    let store = MongoStore::open(&address.parse().unwrap()).await.unwrap();
    let id: Id = project.parse().unwrap();
    let deadline = Instant::now() + PATIENCE;
    loop {
        let len = fs::metadata(transcript).unwrap().len();
        let copies = store.copies(id).await.unwrap();
        if let Some(file) = copies.iter().find(|file| file.len == len) {
            return file.clone();
        }
        assert!(Instant::now() < deadline, "not published: {copies:?}");
        sleep(crate::support::LOOK).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conversation_goes_on_at_another_node() {
    let Some(mongo) = shared().await else { return };
    let address = mongo.address(&database());
    let mut first = Server::start_on(agent("first", 2), Some(address.clone())).await;
    // Another machine: its own home and data folder.
    let mut second = Server::start_on(agent("second", 300), Some(address.clone())).await;
    let project = first.project("p").await;
    let session = first.start_session(&project).await;
    let transcript = say(&first, &project, "first words").await;
    published(&address, &project, &transcript).await;
    let transcript = say(&first, &project, "more words").await;
    let one = published(&address, &project, &transcript).await;
    let whole = fs::read(&transcript).unwrap();
    first.crash().await;
    let dir = first.session_dirs().remove(0);
    let (holder, agent) = Server::pids(&dir).unwrap();
    kill(holder);
    eventually("the agent is gone too", || !is_alive(agent)).await;
    // The other machine is out of reach.
    fs::remove_dir_all(transcript.parent().unwrap()).unwrap();

    let path = format!("/output-projects/{project}/conversation");
    let page = second.get(&path).await.expect(200);
    assert_eq!(page["turns"][0]["blocks"][0]["text"], "first words");
    let mut events = Events::follow(&second, &project).await;
    let after = take_over(&second, &project, "first").await;
    assert_eq!(after["claude_session_id"], session["claude_session_id"]);
    let restored = events.named("session.restored").await.data;
    assert_eq!(restored["bytes"], whole.len());
    let restored = PathBuf::from(restored["transcript_path"].as_str().unwrap());
    assert!(restored.starts_with(second.agent.home.path()));
    let again = say(&second, &project, "last words").await;
    assert!(fs::read(&again).unwrap().starts_with(&whole));
    let two = published(&address, &project, &again).await;
    assert!(two.epoch > one.epoch, "{two:?}");

    // A deletion takes the copy along, after a day.
    let path = format!("/output-projects/{project}?force=true");
    second.delete(&path).await.expect(204);
    let kept = second.data_dir().join("deleted-conversations");
    let kept = kept.join(&project);
    eventually("the copy is aside", || kept.exists()).await;
    let store = MongoStore::open(&address.parse().unwrap()).await.unwrap();
    let id: Id = project.parse().unwrap();
    assert!(!store.copies(id).await.unwrap().is_empty());
    let a_day_ago = SystemTime::now() - Duration::from_secs(24 * 60 * 60 + 1);
    fs::File::open(&kept)
        .unwrap()
        .set_modified(a_day_ago)
        .unwrap();
    second.terminate().await;
    second.up().await;
    eventually("nothing is left", || !kept.exists()).await;
    assert_eq!(store.copies(id).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conversations_migrate_with_their_projects() {
    let Some(mongo) = shared().await else { return };
    let address = mongo.address(&database());
    let mut server = Server::start_on(Agent::fake(""), None).await;
    let project = server.project("p").await;
    server.start_session(&project).await;
    let transcript = say(&server, &project, "first words").await;
    let path = format!("/output-projects/{project}/session");
    server.delete(&path).await.expect(204);
    let whole = fs::read(&transcript).unwrap();
    let folder = server.data_dir().join("conversations");
    let id = transcript.file_name().unwrap();
    let copy = folder.join(&project).join(transcript.file_stem().unwrap());
    let copy = copy.join(id);
    eventually("the copy is whole", || {
        fs::read(&copy).is_ok_and(|copy| copy == whole)
    })
    .await;
    server.terminate().await;
    let migrate = async |from: &str, to: &str| {
        let arguments = ["store", "migrate", "--from", from, "--to", to];
        let copied = output(&server, &arguments).await;
        assert_eq!(copied.status.code(), Some(0), "{copied:?}");
        let said = String::from_utf8_lossy(&copied.stdout).into_owned();
        assert!(said.contains("1 files of conversations"), "{said}");
    };
    migrate("sqlite", &address).await;
    let there = published(&address, &project, &transcript).await;
    assert_eq!(there.len, whole.len() as u64);
    // And back, into an empty folder.
    fs::remove_dir_all(&folder).unwrap();
    let back = format!("sqlite:{}", server.data_dir().join("back.db").display());
    migrate(&address, &back).await;
    assert_eq!(fs::read(&copy).unwrap(), whole);
    fs::remove_file(&transcript).unwrap();
    server.keep_in(Some(back));
    server.up().await;
    let path = format!("/output-projects/{project}/conversation");
    let page = server.get(&path).await.expect(200);
    assert_eq!(page["turns"][0]["blocks"][0]["text"], "first words");
    let session = server.start_session(&project).await;
    assert_eq!(
        session["claude_session_history"].as_array().unwrap().len(),
        1
    );
}

/// The copy of a conversation on this node.
fn copy_of(server: &Server, project: &str, transcript: &std::path::Path) -> PathBuf {
    let folder = server.data_dir().join("conversations").join(project);
    let folder = folder.join(transcript.file_stem().unwrap());
    folder.join(transcript.file_name().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_entry_comes_from_the_store() {
    let Some(mongo) = shared().await else { return };
    let address = mongo.address(&database());
    let server = Server::start_on(agent("first", 300), Some(address.clone())).await;
    let project = server.project("p").await;
    server.start_session(&project).await;
    say(&server, &project, "first words").await;
    let transcript = say(&server, &project, "second words").await;
    let path = format!("/output-projects/{project}/session");
    server.delete(&path).await.expect(204);
    let copy = copy_of(&server, &project, &transcript);
    eventually("the copy is whole", || {
        fs::read(&copy).is_ok_and(|copy| copy == fs::read(&transcript).unwrap())
    })
    .await;
    published(&address, &project, &transcript).await;
    let whole = fs::read(&transcript).unwrap();
    fs::remove_file(&transcript).unwrap();

    flip(&copy, "first words");
    let read = format!("/output-projects/{project}/conversation");
    let page = server.get(&read).await.expect(200);
    assert_eq!(page["turns"][0]["blocks"][0]["text"], "first words");
    assert_eq!(fs::read(&copy).unwrap(), whole);
    // Before a start too.
    flip(&copy, "second words");
    server.start_session(&project).await;
    assert!(fs::read(&transcript).unwrap().starts_with(&whole));
    let session = server.session(&project).await;
    assert_eq!(session["kept"]["damaged_entries"], 0);
    assert_eq!(session["warning"], serde_json::Value::Null);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_conversation_migrates_whole() {
    /// Bytes of the copy, many pieces of the shared store.
    const LEN: usize = 120 << 20;
    let Some(mongo) = shared().await else { return };
    let address = mongo.address(&database());
    let mut server = Server::start_on(Agent::fake(""), None).await;
    let project = server.project("p").await;
    server.terminate().await;
    let all = server.data_dir().join("conversations");
    let id = "00000000-0000-4000-8000-000000000001";
    let folder = all.join(&project).join(id);
    let (copy, side) = (
        folder.join(format!("{id}.jsonl")),
        folder.join("subagents/agent-1.jsonl"),
    );
    fs::create_dir_all(side.parent().unwrap()).unwrap();
    let mut whole = String::new();
    while whole.len() < LEN {
        let number = whole.len();
        let text = "x".repeat(number % 100_000);
        let line = format!("{{\"type\":\"user\",\"number\":{number},\"text\":\"{text}\"}}\n");
        whole.push_str(&line);
    }
    fs::write(&copy, &whole).unwrap();
    fs::write(&side, "{}\n").unwrap();
    let back = format!("sqlite:{}", server.data_dir().join("back.db").display());
    for (from, to) in [("sqlite", &address), (address.as_str(), &back)] {
        let arguments = ["store", "migrate", "--from", from, "--to", to];
        let copied = output(&server, &arguments).await;
        assert_eq!(copied.status.code(), Some(0), "{copied:?}");
        let said = String::from_utf8_lossy(&copied.stdout).into_owned();
        assert!(said.contains("2 files of conversations"), "{said}");
        if from == "sqlite" {
            fs::remove_dir_all(&all).unwrap();
        }
    }
    assert!(fs::read(&copy).unwrap() == whole.as_bytes(), "every byte");
    assert_eq!(fs::read(&side).unwrap(), b"{}\n");
}
