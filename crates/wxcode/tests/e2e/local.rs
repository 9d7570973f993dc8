//! The socket of the data folder: commands without a token, agents refused, dead sockets replaced.

use std::{
    fs,
    io::{Read, Write},
    os::unix::{
        fs::PermissionsExt,
        net::{UnixListener, UnixStream},
    },
    path::Path,
};

use serde_json::json;
use walk::files;

use crate::support::{Agent, Attached, Server, eventually};

/// All regular files below a folder.
mod walk {
    use std::{fs, path::PathBuf};

    pub(super) fn files(folder: &std::path::Path) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![folder.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let entry = entry.unwrap();
                let kind = entry.file_type().unwrap();
                if kind.is_dir() {
                    folders.push(entry.path());
                } else if kind.is_file() {
                    found.push(entry.path());
                }
            }
        }
        found
    }
}

/// The answer of the socket to a request with these additional lines in its head.
fn ask(server: &Server, path: &str, lines: &str) -> String {
    let mut stream = UnixStream::connect(server.data_dir().join("wxcode.sock")).unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{lines}\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[tokio::test]
async fn commands_need_no_token_here() {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("shop").await;
    server.start_session(&project).await;
    let socket = fs::symlink_metadata(server.data_dir().join("wxcode.sock")).unwrap();
    assert_eq!(socket.permissions().mode() & 0o7777, 0o600);
    let output = server.command(&["ls"]).output().await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && text.contains("shop"), "{text}");
    let attached = Attached::start(&server, &["shop"], (100, 30));
    attached.until_shows("❯");
    attached.keys("\x1d");
    assert_eq!(attached.ended().code, 0);
    assert!(!server.data_dir().join("token").exists());
    for path in files(server.data_dir()) {
        let bytes = fs::read(&path).unwrap_or_default();
        let token = server.token.as_bytes();
        let found = bytes.windows(token.len()).any(|part| part == token);
        assert!(!found, "{} holds the token", path.display());
    }
    let audit = server.get("/audit").await.expect(200);
    let entries = audit["entries"].as_array().unwrap();
    let attach = entries.iter().find(|entry| entry["action"] == "attach");
    let attach = attach.unwrap();
    assert_eq!(attach["actor"], "the server's user");
    assert_eq!(
        attach["address"],
        json!(format!("process {}", attached_pid(attach)))
    );
}

fn attached_pid(entry: &serde_json::Value) -> u32 {
    let text = entry["address"].as_str().unwrap();
    text.strip_prefix("process ").unwrap().parse().unwrap()
}

#[tokio::test]
async fn the_socket_is_for_programs_only() {
    let server = Server::start(Agent::fake("")).await;
    let path = "/api/v1/tokens";
    assert!(ask(&server, path, "").starts_with("HTTP/1.1 200 "));
    for header in [
        "Origin: http://x",
        "X-Forwarded-For: 10.0.0.1",
        "Forwarded: for=10.0.0.1",
        "X-Real-IP: 10.0.0.1",
    ] {
        let answer = ask(&server, path, &format!("{header}\r\n"));
        assert!(answer.starts_with("HTTP/1.1 403 "), "{header}: {answer}");
    }
    let wrong = ask(&server, path, "Authorization: Bearer wrong\r\n");
    assert!(wrong.starts_with("HTTP/1.1 401 "), "{wrong}");
}

/// An agent with two callers of the API: the agent itself, and an orphan of the agent.
fn meddler() -> Agent {
    let program = env!("CARGO_BIN_EXE_wxcode");
    let ls = |to: &str| {
        format!(
            "{{ '{program}' ls --data-dir ../../.. > {to}.tmp 2>&1; echo \"code $?\" >> {to}.tmp; mv {to}.tmp {to}; }}"
        )
    };
    let (own, lost) = (ls("own"), ls("lost"));
    Agent::script(&format!("( ( {lost} ) & ) & wait\n{own}\nexec cat"))
}

async fn meddled(server: &Server) -> [String; 2] {
    let project = server.project("p").await;
    let workspace = server.workspace(&project).await;
    server.start_session(&project).await;
    let paths = ["own", "lost"].map(|name| workspace.join(name));
    eventually("the agent tried", || paths.iter().all(|path| path.exists())).await;
    paths.map(|path| fs::read_to_string(path).unwrap())
}

#[tokio::test]
async fn an_agent_may_not_use_the_socket() {
    let server = Server::start(meddler()).await;
    for text in meddled(&server).await {
        assert!(text.contains("may_use_api = true"), "{text}");
        assert!(text.ends_with("code 1\n"), "{text}");
    }
}

#[tokio::test]
async fn an_agent_may_use_the_socket_on_request() {
    let mut agent = meddler();
    agent.config = "[agent]\nmay_use_api = true\n".to_owned();
    let server = Server::start(agent).await;
    for text in meddled(&server).await {
        assert!(text.ends_with("code 0\n"), "{text}");
    }
}

#[tokio::test]
async fn a_dead_servers_socket_is_replaced() {
    let mut server = Server::start(Agent::fake("")).await;
    let path = server.data_dir().join("wxcode.sock");
    server.crash().await;
    assert!(path.exists());
    server.up().await;
    assert!(ask(&server, "/healthz", "").starts_with("HTTP/1.1 200 "));
    server.terminate().await;
    assert!(!path.exists());
    let refused = async |server: &Server, text: &str| {
        let serve = server.command(&["serve", "--listen", "127.0.0.1:0"]);
        let output = { serve }.output().await.unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(
            said.contains("wxcode.sock") && said.contains(text),
            "{said}"
        );
    };
    let other = UnixListener::bind(&path).unwrap();
    refused(&server, "another program listens there").await;
    drop(other);
    fs::remove_file(&path).unwrap();
    fs::write(&path, "mine").unwrap();
    refused(&server, "something else has the name").await;
    assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
}

#[tokio::test]
async fn a_long_data_folder_has_a_socket_too() {
    let mut server = Server::elsewhere(Agent::fake(""));
    let long = "long-".repeat(40);
    server.dir = tempfile::Builder::new().prefix(&long).tempdir().unwrap();
    server.up().await;
    assert!(Path::new(&server.data_dir().join("wxcode.sock")).exists());
    server.project("shop").await;
    let output = server.command(&["ls"]).output().await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && text.contains("shop"), "{text}");
}
