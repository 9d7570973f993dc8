//! Attacks from inside: agents and their tools against sessions, prompts and other programs.

use std::{fs, process::Command};

use serde_json::{Value, json};
use wxcode_testbed::fake_agent;

use crate::support::{Agent, Server, eventually, make_fifo, real};

/// The tool that types into a session through its holder's socket.
fn intruder(sockets: &str, text: &str) -> String {
    let fake = fake_agent::path();
    let fake = fake.display();
    format!("for s in {sockets}; do '{fake}' --fake-intruder \"$s\" '{text}'; done")
}

/// The data folder as an agent sees it from its workspace.
const DATA: &str = "../../..";

#[tokio::test]
async fn an_agent_types_into_no_session() {
    let tool = intruder(&format!("{DATA}/sessions/*/holder.sock"), "intruded");
    let tries = |to: &str| format!("{{ {tool}; }} > {to}.tmp 2>&1; mv {to}.tmp {to}");
    let (own, orphan) = (tries("own"), tries("orphan"));
    // A victim records its input; the other one attacks, also by a tool without a parent.
    let server = Server::start(Agent::script(&format!(
        "if [ -e victim ]; then stty raw -echo; exec cat > typed; fi\n\
         while [ ! -e go ]; do sleep 0.1; done\n( ( {orphan} ) & ) & wait\n{own}\nexec cat"
    )))
    .await;
    let (attacker, victim) = (server.project("a").await, server.project("b").await);
    let folder = server.workspace(&victim).await;
    fs::write(folder.join("victim"), "").unwrap();
    server.start_session(&victim).await;
    let typed = folder.join("typed");
    eventually("the victim reads", || typed.exists()).await;
    let sockets = server.session_dirs().pop().unwrap().join("holder.sock");
    server.start_session(&attacker).await;
    let folder = server.workspace(&attacker).await;
    fs::write(folder.join("go"), "").unwrap();
    for name in ["own", "orphan"] {
        let path = folder.join(name);
        eventually("the agent tried", || path.exists()).await;
        let text = fs::read_to_string(path).unwrap();
        assert_eq!(
            text.matches("runs in the session of an agent").count(),
            2,
            "{text}"
        );
        assert!(!text.contains("taken"), "{text}");
    }
    // The same tool outside of a session of an agent is a client like the server.
    let own = Command::new("sh")
        .args([
            "-c",
            &intruder(sockets.to_str().unwrap(), "typed by the user"),
        ])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&own.stdout), "taken\n");
    eventually("the keys arrive", || {
        fs::read(&typed).unwrap() == b"typed by the user"
    })
    .await;
}

#[tokio::test]
async fn an_agent_cannot_answer_its_own_prompt() {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let folder = server.workspace(&project).await;
    let (gate, tried) = (folder.join("gate"), folder.join("tried"));
    make_fifo(&gate);
    let wxcode = env!("CARGO_BIN_EXE_wxcode");
    let keys = intruder(&format!("{DATA}/sessions/*/holder.sock"), "1\r");
    let script = format!(
        "read -r _ < gate\n{{ '{wxcode}' answer p Yes --data-dir {DATA}; \
         '{wxcode}' send p '1' --data-dir {DATA}; {keys}; }} > tried.tmp 2>&1\nmv tried.tmp tried\n"
    );
    fs::write(folder.join("attack"), script).unwrap();
    server.start_session(&project).await;
    let tool = "fake:run setsid sh attack > /dev/null 2>&1 < /dev/null &";
    for prompt in [tool, "fake:permission"] {
        let delivery = server.deliver(&project, prompt).await;
        server
            .delivery_until(&project, &delivery, "submitted")
            .await;
    }
    let ask = server.options(&project).await;
    fs::write(&gate, "go\n").unwrap();
    eventually("the agent tried", || tried.exists()).await;
    let text = fs::read_to_string(tried).unwrap();
    assert_eq!(text.matches("may_use_api = true").count(), 2, "{text}");
    let refused = "runs in the session of an agent, and an agent reports";
    assert_eq!(text.matches(refused).count(), 1, "{text}");
    let session = server.session(&project).await;
    assert_eq!(session["asks"]["id"], ask["id"], "{session}");
    let answer = json!({ "id": ask["id"], "option": "Yes" });
    let path = format!("/output-projects/{project}/answer");
    let session = server.post(&path, answer).await.expect(200);
    assert_eq!(session["asks"], Value::Null);
}

#[tokio::test]
async fn a_runs_prompt_is_in_no_process_list() {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let gate = server.data_dir().join("a-private-word");
    make_fifo(&gate);
    let runs = format!("/output-projects/{project}/runs");
    let prompt = json!({ "prompt": format!("fake:hold {}", gate.display()) });
    let run = server.post(&runs, prompt).await.expect(202);
    let path = format!("{runs}/{}", run["id"].as_str().unwrap());
    let mut processes = 0;
    let agent = Server::pids(&server.run_dirs()[0]).unwrap().1;
    for entry in fs::read_dir("/proc").unwrap() {
        let path = entry.unwrap().path();
        let Ok(words) = fs::read(path.join("cmdline")) else {
            continue;
        };
        processes += usize::from(path.ends_with(agent.to_string()));
        let words = String::from_utf8_lossy(&words);
        assert!(!words.contains("a-private-word"), "{words}");
    }
    assert_eq!(processes, 1, "the agent of the run is in the list");
    // The run holds until somebody opens the FIFO for writing.
    tokio::task::spawn_blocking(move || fs::File::create(gate).unwrap())
        .await
        .unwrap();
    let over = |run: &Value| run["state"] == "succeeded";
    server.until(&path, "the run ends", over).await;
}

#[tokio::test]
async fn an_invisible_mark_starts_no_shell() {
    let Some(claude) = real() else { return };
    let server = Server::start(claude).await;
    let project = server.project("p").await;
    let folder = server.workspace(&project).await;
    server.start_session(&project).await;
    for (n, mark) in ["\u{200b}", "\u{feff}\u{2060}", "\u{202e}"]
        .iter()
        .enumerate()
    {
        let text = format!("{mark}!touch ran-{n}");
        let delivery = server.deliver(&project, &text).await;
        server
            .delivery_until(&project, &delivery, "submitted")
            .await;
        server.idle(&project).await;
        assert!(!folder.join(format!("ran-{n}")).exists(), "{text:?}");
    }
}
