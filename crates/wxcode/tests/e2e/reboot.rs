//! A reboot: every process is gone and the boot id is new. The records survive, and sessions
//! resume.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rustix::{
    io::Errno,
    process::{Pid, Signal, kill_process},
};
use serde_json::{Value, json};

use crate::support::{Agent, Server, eventually, is_alive, kill, real};

const OTHER_BOOT: &str = "11111111-2222-4333-8444-555555555555";

/// Kills all processes together, as on a power loss, and makes the session folders name an old
/// boot.
async fn lose_power(server: &mut Server) {
    server.crash().await;
    for dir in server.session_dirs() {
        let holder = holder_of(&dir);
        let guardian = i32::try_from(holder["guardian"]["pid"].as_i64().unwrap()).unwrap();
        let (holder, agent) = Server::pids(&dir).unwrap();
        // The guardian goes first, because a living guardian would end the agent in order.
        for pid in [guardian, holder, agent] {
            if !dir.join("exit.json").exists() {
                kill(pid);
                eventually("it is gone", || !is_alive(pid)).await;
            }
        }
        set_boot(&dir);
    }
}

/// Sends SIGTERM to every process first, as in an orderly shutdown.
async fn shut_down(server: &mut Server) {
    for dir in server.session_dirs() {
        if !dir.join("exit.json").exists() {
            let (holder, agent) = Server::pids(&dir).unwrap();
            for pid in [holder, agent] {
                // The holder may have ended the agent in between.
                match kill_process(Pid::from_raw(pid).unwrap(), Signal::TERM) {
                    Ok(()) | Err(Errno::SRCH) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        }
    }
    for dir in server.session_dirs() {
        eventually("the exit is recorded", || dir.join("exit.json").exists()).await;
        set_boot(&dir);
    }
    server.terminate().await;
}

fn holder_of(dir: &Path) -> Value {
    serde_json::from_slice(&fs::read(dir.join("holder.json")).unwrap()).unwrap()
}

/// After a reboot, a process with the same pid and start time means nothing.
fn set_boot(dir: &Path) {
    let mut holder = holder_of(dir);
    holder["boot_id"] = json!(OTHER_BOOT);
    let own = fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<_> = own.rsplit_once(')').unwrap().1.split_whitespace().collect();
    holder["pid"] = json!(std::process::id());
    holder["agent_pid"] = json!(std::process::id());
    for key in ["start_time", "agent_start_time"] {
        holder[key] = json!(fields[19].parse::<u64>().unwrap());
    }
    fs::write(dir.join("holder.json"), holder.to_string()).unwrap();
}

/// A project with an agent of a single message.
async fn talk(server: &Server, name: &str) -> String {
    let project = server.project(name).await;
    server.start_session(&project).await;
    let hello = server.deliver(&project, &format!("hello {name}")).await;
    server.delivery_until(&project, &hello, "submitted").await;
    server
        .until(
            &format!("/output-projects/{project}/screen"),
            "the answer is on the screen",
            |screen| {
                screen
                    .as_str()
                    .unwrap()
                    .contains(&format!("last: hello {name}"))
            },
        )
        .await;
    // A killed holder loses the unwritten part of the log.
    server
        .until(
            &format!("/output-projects/{project}/recording"),
            "the answer is in the log",
            |recording| {
                let recording = recording.as_str().unwrap();
                recording.contains(&format!("last: hello {name}"))
            },
        )
        .await;
    project
}

#[tokio::test]
async fn the_next_visit_resumes_after_a_reboot() {
    let mut server = Server::start(Agent::fake("")).await;
    let project = talk(&server, "p").await;
    let before = server.session(&project).await;
    let path = format!("/output-projects/{project}");
    let record = server.get(&path).await.expect(200);
    lose_power(&mut server).await;

    server.up().await;
    assert_eq!(server.get(&path).await.expect(200), record);
    let list = server.get("/output-projects").await.expect(200);
    assert_eq!(list["projects"][0]["id"], record["id"]);
    let after = server.session(&project).await;
    assert_eq!(
        (&after["status"], &after["exit"]["reason"]),
        (&json!("exited"), &json!("rebooted"))
    );
    for key in ["session_id", "claude_session_id", "claude_session_history"] {
        assert_eq!(after[key], before[key], "{key}");
    }
    let path = format!("/output-projects/{project}");
    let screen = server.get(&format!("{path}/screen")).await.expect(200);
    assert!(screen.as_str().unwrap().contains("last: hello p"));
    let recording = server.get(&format!("{path}/recording")).await.expect(200);
    assert!(recording.to_string().contains("hello p"));

    let mut socket = server.socket(&format!("{path}/terminal")).await;
    let status = socket.message("status").await;
    assert_eq!(
        (&status["resumed"], &status["claude_session_id"]),
        (&json!(true), &before["claude_session_id"])
    );
    let again = server.deliver(&project, "again").await;
    server.delivery_until(&project, &again, "submitted").await;
    socket.until("fake: 2 user messages; last: again").await;
}

/// Four sessions: running, ended by the user, ended by the agent, and not resumable.
struct Four {
    running: String,
    stopped: String,
    exited: String,
    homeless: String,
    /// The folder of the last session, removed while no server runs.
    home: PathBuf,
}

async fn four(server: &Server) -> Four {
    let homeless = talk(server, "homeless").await;
    let four = Four {
        running: talk(server, "running").await,
        stopped: talk(server, "stopped").await,
        exited: talk(server, "exited").await,
        home: server.workspace(&homeless).await,
        homeless,
    };
    server
        .delete(&format!("/output-projects/{}/session", four.stopped))
        .await
        .expect(204);
    server.deliver(&four.exited, "fake:exit 0").await;
    server
        .session_until(&four.exited, "exited", |session| {
            session["status"] == "exited"
        })
        .await;
    four
}

async fn assert_resumed(server: &Server, four: &Four) {
    server
        .session_until(&four.running, "resumed without a visit", |session| {
            session["agent_state"] == "idle"
        })
        .await;
    let again = server.deliver(&four.running, "again").await;
    server
        .delivery_until(&four.running, &again, "submitted")
        .await;
    server
        .until(
            &format!("/output-projects/{}/screen", four.running),
            "the same conversation",
            |screen| screen.as_str().unwrap().contains("2 user messages"),
        )
        .await;
    let homeless = server
        .session_until(&four.homeless, "the failure is told", |session| {
            !session["resume_error"].is_null()
        })
        .await;
    assert_eq!(homeless["status"], "exited");
    let error = homeless["resume_error"].as_str().unwrap();
    assert!(error.contains("workspace"), "{error}");
    assert!(
        server
            .log()
            .contains("cannot resume an interrupted session")
    );
    for (project, reason) in [(&four.stopped, "stopped"), (&four.exited, "exited")] {
        let session = server.session(project).await;
        assert_eq!(
            (&session["status"], &session["exit"]["reason"]),
            (&json!("exited"), &json!(reason))
        );
    }
}

#[tokio::test]
async fn resume_on_start_resumes_running_sessions() {
    let mut server = Server::start(resuming()).await;
    let four = four(&server).await;
    lose_power(&mut server).await;
    fs::remove_dir_all(&four.home).unwrap();
    server.up().await;
    assert_resumed(&server, &four).await;

    // With the cause repaired, the next start resumes the rest.
    server.terminate().await;
    fs::create_dir(&four.home).unwrap();
    server.up().await;
    server
        .session_until(&four.homeless, "resumed", |session| {
            session["status"] == "running" && session["resume_error"].is_null()
        })
        .await;
}

#[tokio::test]
async fn a_missing_folder_of_transcripts_resumes_nothing() {
    let mut server = Server::start(resuming()).await;
    let project = talk(&server, "p").await;
    server.without_copy(&project).await;
    let before = server.session(&project).await;
    lose_power(&mut server).await;
    let folder = server.agent.home.config_dir().join("projects");
    let aside = server.agent.home.config_dir().join("aside");
    fs::rename(&folder, &aside).unwrap();
    server.up().await;
    let session = server
        .session_until(&project, "the failure is told", |session| {
            !session["resume_error"].is_null()
        })
        .await;
    let error = session["resume_error"].as_str().unwrap();
    assert!(error.contains(folder.to_str().unwrap()), "{error}");
    assert_eq!(session["claude_session_id"], before["claude_session_id"]);

    server.terminate().await;
    fs::rename(&aside, &folder).unwrap();
    server.up().await;
    let session = server
        .session_until(&project, "resumed", |session| {
            session["status"] == "running"
        })
        .await;
    assert_eq!(session["claude_session_id"], before["claude_session_id"]);
}

#[tokio::test]
async fn an_orderly_shutdown_is_not_an_exit() {
    let mut server = Server::start(resuming()).await;
    let four = four(&server).await;
    shut_down(&mut server).await;
    fs::remove_dir_all(&four.home).unwrap();
    server.up().await;
    assert_resumed(&server, &four).await;
}

#[tokio::test]
async fn without_resume_on_start_nothing_resumes() {
    let mut server = Server::start(Agent::fake("")).await;
    let project = talk(&server, "p").await;
    lose_power(&mut server).await;
    server.up().await;
    let other = talk(&server, "other").await;
    assert_eq!(server.session(&other).await["status"], "running");
    let session = server.session(&project).await;
    assert_eq!(
        (&session["status"], &session["resume_error"]),
        (&json!("exited"), &Value::Null)
    );
    assert_eq!(server.session_dirs().len(), 2);
}

#[tokio::test]
async fn the_real_claude_code_resumes_on_start() {
    let Some(mut agent) = real() else { return };
    agent.config = "[agent]\nresume_on_start = true\n".to_owned();
    let mut server = Server::start(agent).await;
    let project = server.project("p").await;
    let before = server.start_session(&project).await;
    let hello = server.deliver(&project, "remember the word quince").await;
    server.delivery_until(&project, &hello, "submitted").await;
    let idle = server
        .session_until(&project, "the turn is over", |session| {
            session["agent_state"] == "idle"
        })
        .await;
    let transcript = idle["claude_session_history"][0]["transcript_path"].clone();
    eventually("the transcript holds the turn", || {
        let lines = fs::read_to_string(transcript.as_str().unwrap()).unwrap_or_default();
        lines.contains("quince") && lines.contains("\"type\":\"assistant\"")
    })
    .await;
    lose_power(&mut server).await;

    server.up().await;
    let after = server
        .session_until(&project, "resumed without a visit", |session| {
            session["agent_state"] == "idle"
        })
        .await;
    assert_ne!(after["session_id"], before["session_id"]);
    assert_eq!(after["claude_session_id"], before["claude_session_id"]);
    let again = server.deliver(&project, "which word was it").await;
    server.delivery_until(&project, &again, "submitted").await;
    let stub = server.agent.stub.as_ref().unwrap();
    eventually("the model is told of both", || {
        let requests = stub.requests();
        let turn = requests.iter().rev().find(|request| request.is_turn());
        turn.is_some_and(|turn| {
            let texts = turn.user_texts().join("\n");
            texts.contains("quince") && texts.contains("which word")
        })
    })
    .await;
}

fn resuming() -> Agent {
    let mut agent = Agent::fake("");
    agent.config = format!("{}resume_on_start = true\n", agent.config);
    agent
}
