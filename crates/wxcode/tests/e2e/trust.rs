//! The server, the holders and the data folder: closed to the other processes of the server's user,
//! agents included.

use std::{fs, path::Path, process::Command};

use rustix::process::geteuid;
use serde_json::json;

use wxcode_testbed::skip;

use crate::support::{Agent, Namespaces, Server, USER, eventually, real};

/// A server of a user without special rights.
async fn unprivileged() -> Server {
    match geteuid().is_root() {
        true => Server::start_as(Agent::fake(""), USER).await,
        false => Server::start(Agent::fake("")).await,
    }
}

/// Whether a process of the server's user can read this file.
fn is_readable(path: &str) -> bool {
    if !geteuid().is_root() {
        return fs::read(path).is_ok();
    }
    let user = USER.to_string();
    let read = Command::new("setpriv")
        .args([
            "--reuid",
            &user,
            "--regid",
            &user,
            "--clear-groups",
            "cat",
            path,
        ])
        .output()
        .unwrap();
    read.status.success()
}

#[tokio::test]
async fn the_servers_token_is_closed_to_its_agents() {
    let server = unprivileged().await;
    let proc = format!("/proc/{}", server.pid());
    assert!(is_readable(&format!("{proc}/status")), "the pid is wrong");
    for file in ["environ", "maps", "auxv"] {
        assert!(!is_readable(&format!("{proc}/{file}")), "{file} is open");
    }
    // The server's own work on files and processes goes on.
    let project = server.project("p").await;
    server.start_session(&project).await;
    server.idle(&project).await;
    let (holder, agent) = Server::pids(&server.session_dirs()[0]).unwrap();
    assert!(is_readable(&format!("/proc/{agent}/environ")));
    for file in ["environ", "maps", "auxv"] {
        let path = format!("/proc/{holder}/{file}");
        assert!(!is_readable(&path), "{path} is open");
    }
    server.deliver(&project, "hello").await;
    let path = format!("/output-projects/{project}");
    server.get(&format!("{path}/planning")).await.expect(200);
    let upload = format!("{path}/uploads?name=a.txt");
    server.post(&upload, json!("x")).await.expect(201);
    let milestone = server.milestone(&project, "one").await;
    let prepare = format!("/milestones/{milestone}/prepare");
    server.post(&prepare, json!({})).await.expect(200);
    let ls = server.command(&["ls"]).output().await.unwrap();
    assert!(
        ls.status.success(),
        "{}",
        String::from_utf8_lossy(&ls.stderr)
    );
    let doctor = server.command(&["doctor"]).output().await.unwrap();
    let text = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert!(
        text.contains("agents' memory access: memory and environment of the server"),
        "{text}"
    );
    assert!(text.contains("listen address: "), "{text}");
    server.delete(&format!("{path}/session")).await.expect(204);
}

/// A server with `[agent] protect_data`, and a data folder beside the agents' own folders.
async fn protected(mut agent: Agent) -> Option<Server> {
    if wxcode_holder::confine::check().is_err() {
        skip("the kernel has no Landlock");
        return None;
    }
    agent.config = match agent.config.contains("[agent]\n") {
        true => agent
            .config
            .replace("[agent]\n", "[agent]\nprotect_data = true\n"),
        false => format!("{}\n[agent]\nprotect_data = true\n", agent.config),
    };
    let mut server = Server::elsewhere(agent);
    server.dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    fs::write(server.data_dir().join("wxcode.toml"), &server.agent.config).unwrap();
    server.up().await;
    Some(server)
}

#[tokio::test]
async fn protected_data_is_closed_to_agents() {
    let Some(server) = protected(Agent::fake("")).await else {
        return;
    };
    let project = server.project("p").await;
    let folder = server.workspace(&project).await;
    let data = server.data_dir().display();
    // Each line is an attempt, and its name is written when the attempt succeeds.
    let closed = [
        "cat wxcode.db",
        "cat wxcode.toml",
        "cat server.json",
        "cat sessions/*/spec.json",
        "cat sessions/*/log/*",
        "cp wxcode.db /tmp/x",
        "ln wxcode.db /tmp/y",
        "mv wxcode.db z",
        "rm wxcode.db",
        "touch new",
        "truncate -s 0 wxcode.db",
        "mkdir sessions/new",
        "cat /proc/self/cwd/wxcode.db",
    ];
    let open = [
        "cat sessions/*/hook.json",
        "touch workspaces/x",
        "cd ~ && touch x && mv x /tmp/wxcode-$$ && rm /tmp/wxcode-$$",
        "ls /",
        "cat /etc/passwd",
        "true > /dev/null",
    ];
    let all = closed.iter().chain(&open).enumerate();
    let attempt =
        |(n, line): (usize, &&str)| format!("(cd '{data}' && {line} && echo {n} >> \"$D\")\n");
    let script: String = all.map(attempt).collect();
    let script = format!("D=$PWD/done\n{script}mv done tried\n");
    fs::write(folder.join("attack"), script).unwrap();
    server.start_session(&project).await;
    let delivery = server.deliver(&project, "fake:run sh attack").await;
    // Hooks confirm the delivery from inside.
    server
        .delivery_until(&project, &delivery, "submitted")
        .await;
    let tried = folder.join("tried");
    eventually("the agent tried", || tried.exists()).await;
    let succeeded = fs::read_to_string(tried).unwrap();
    let succeeded: Vec<&str> = succeeded.lines().collect();
    let expected: Vec<String> = (closed.len()..closed.len() + open.len())
        .map(|n| n.to_string())
        .collect();
    assert_eq!(succeeded, expected, "{closed:?} {open:?}");
    let doctor = server.command(&["doctor"]).output().await.unwrap();
    let text = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert!(text.contains("is closed to agents by Landlock"), "{text}");
}

#[tokio::test]
async fn the_real_claude_works_in_protection() {
    let Some(claude) = real() else { return };
    let Some(server) = protected(claude).await else {
        return;
    };
    let project = server.project("p").await;
    server.start_session(&project).await;
    server.idle(&project).await;
    let delivery = server.deliver(&project, "a word").await;
    server
        .delivery_until(&project, &delivery, "submitted")
        .await;
    server.idle(&project).await;
    let id = server.session(&project).await["claude_session_id"].clone();
    let session = format!("/output-projects/{project}/session");
    server.delete(&session).await.expect(204);
    server.start_session(&project).await;
    server.idle(&project).await;
    assert_eq!(server.session(&project).await["claude_session_id"], id);
    server.delete(&session).await.expect(204);
    let runs = format!("/output-projects/{project}/runs");
    let run = server
        .post(&runs, json!({ "prompt": "another word" }))
        .await;
    let run = format!("{runs}/{}", run.expect(202)["id"].as_str().unwrap());
    let over = |run: &serde_json::Value| run["state"] == "succeeded";
    server.until(&run, "the run succeeds", over).await;
}

#[tokio::test]
async fn protection_needs_a_place_of_its_own() {
    let agent = Agent::fake("");
    let home = agent.home.path().to_owned();
    let mut server = Server::elsewhere(agent);
    server.dir = tempfile::tempdir_in(&home).unwrap();
    let config = "[agent]\nprotect_data = true\n";
    let serve = async |server: &Server| {
        let path = server.data_dir().join("protect.toml");
        fs::write(&path, config).unwrap();
        let path = path.to_str().unwrap();
        let command = server.command(&["serve", "--listen", "127.0.0.1:0", "--config", path]);
        let output = { command }.output().await.unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{text}");
        text
    };
    let text = serve(&server).await;
    assert!(text.contains("protect_data"), "{text}");
    let supported = wxcode_holder::confine::check().is_ok();
    assert_eq!(
        text.contains("--data-dir /var/lib/wxcode"),
        supported,
        "{text}"
    );
    assert!(Path::new(&home).exists());
}

/// Without capabilities, `/proc` hides processes that are closed to their user.
#[tokio::test]
async fn sessions_run_where_proc_hides_processes() {
    let hiding = "mount -o remount,hidepid=4 /proc && set -- setpriv --bounding-set=-all --inh-caps=-all \"$@\"";
    let Some(hidden) = Namespaces::start(Agent::fake(""), hiding).await else {
        return;
    };
    let server = &hidden.server;
    let project = hidden.project("p").await;
    server.start_session(&project).await;
    server.idle(&project).await;
    let delivery = server.deliver(&project, "said in hiding").await;
    server
        .delivery_until(&project, &delivery, "submitted")
        .await;
}
