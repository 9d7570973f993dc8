//! The server dies during a start.

use std::{
    fs,
    io::PipeReader,
    path::{Path, PathBuf},
    process::Stdio,
};

use serde_json::{Value, json};
use wxcode_testbed::full_pipe;

use crate::support::{Agent, Server, eventually, holder_program, is_alive};

fn read(dir: &Path, name: &str) -> Value {
    serde_json::from_slice(&fs::read(dir.join(name)).unwrap()).unwrap()
}

/// The folder of the session that continues after `before`.
fn next_folder(before: &Path) -> PathBuf {
    let mut spec = read(before, "spec.json");
    let id = u128::from_str_radix(spec["session_id"].as_str().unwrap(), 16).unwrap();
    let id = format!("{:024x}", id + (1 << 64)); // created a second later
    let dir = before.with_file_name(&id);
    fs::create_dir(&dir).unwrap();
    spec["session_id"] = json!(id);
    spec["created_at"] = json!(jiff::Timestamp::now().to_string());
    fs::write(dir.join("spec.json"), spec.to_string()).unwrap();
    dir
}

/// An interrupted start: the agent runs, and the holder's answer blocks on a full pipe.
struct Cut {
    server: Server,
    project: String,
    dir: PathBuf,
    agent: i32,
    /// The other end of the pipe; on drop, the holder learns that its caller is gone.
    caller: Option<PipeReader>,
}

impl Cut {
    async fn make() -> Self {
        let mut server = Server::start(Agent::fake("")).await;
        let project = server.project("p").await;
        server.start_session(&project).await;
        let session = format!("/output-projects/{project}/session");
        server.delete(&session).await.expect(204);
        let before = server.session_dirs().remove(0);
        server.crash().await;
        let dir = next_folder(&before);
        let (caller, writer) = full_pipe().unwrap();
        let wxcode = std::mem::replace(&mut server.program, vec![holder_program().into()]);
        let mut launcher = server
            .command(&["hold", dir.to_str().unwrap()])
            .stdin(Stdio::null())
            .stdout(writer)
            .spawn()
            .unwrap();
        server.program = wxcode;
        launcher.wait().await.unwrap();
        eventually("the agent runs", || dir.join("holder.json").exists()).await;
        let agent = read(&dir, "holder.json")["agent_pid"].as_i64().unwrap();
        Self {
            server,
            project,
            dir,
            agent: i32::try_from(agent).unwrap(),
            caller: Some(caller),
        }
    }

    /// No process of the start remains, and the next visit starts a new session.
    async fn is_over(&self) {
        assert!(!is_alive(self.agent));
        let hello = self.server.deliver(&self.project, "hello").await;
        self.server
            .delivery_until(&self.project, &hello, "submitted")
            .await;
    }
}

#[tokio::test]
async fn a_late_rollback_ends_the_session() {
    let mut cut = Cut::make().await;
    // The next server waits for a while and then treats the start as running.
    cut.server.up().await;
    let session = cut.server.session(&cut.project).await;
    assert_eq!(session["agent_state"], "starting");
    let log = cut.server.log();
    assert!(log.contains("the holder of an interrupted start"), "{log}");
    cut.caller = None;
    let ended = cut
        .server
        .session_until(&cut.project, "ended", |session| {
            session["status"] == "exited"
        })
        .await;
    assert_eq!(ended["exit"]["reason"], "not_started");
    cut.is_over().await;
}

#[tokio::test]
async fn a_rollback_during_recovery_leaves_nothing() {
    let mut cut = Cut::make().await;
    // A server scans the sessions right after taking its lock.
    let lock = fs::File::open(cut.server.data_dir().join("server.lock")).unwrap();
    let caller = cut.caller.take();
    let undo = async {
        eventually("the server begins", || {
            lock.try_lock().is_err() || lock.unlock().is_err()
        })
        .await;
        drop(caller);
    };
    tokio::join!(cut.server.up(), undo);
    assert!(!cut.dir.exists());
    assert_eq!(cut.server.session(&cut.project).await["status"], "exited");
    cut.is_over().await;
}

#[tokio::test]
async fn a_start_without_holder_leaves_nothing() {
    let mut server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    server.start_session(&project).await;
    server.crash().await;
    let running = server.session_dirs().remove(0);
    // Stages of a start: nothing, Claude Code's settings, half a spec, the whole spec.
    let sessions = running.parent().unwrap();
    let starts: Vec<_> = ["a", "b", "c", "d"]
        .map(|n| sessions.join(n.repeat(24)))
        .into();
    starts.iter().for_each(|dir| fs::create_dir(dir).unwrap());
    for dir in &starts[1..] {
        fs::write(dir.join("claude-settings.json"), "{}").unwrap();
    }
    let spec = fs::read(running.join("spec.json")).unwrap();
    fs::write(starts[2].join(".spec.json.1.new"), &spec[..spec.len() / 2]).unwrap();
    fs::write(starts[3].join("spec.json"), &spec).unwrap();
    server.up().await;
    assert_eq!(server.session_dirs(), [running]);
    assert!(!server.log().contains("ignoring it"), "{}", server.log());
    assert_eq!(server.session(&project).await["status"], "running");
}
