//! `wxcode doctor`: the report on a server, its sessions and the system.

use std::fs;

use crate::support::{Agent, Server};

/// Runs `wxcode doctor`; returns its report, and whether the command succeeded.
async fn doctor(server: &Server) -> (String, bool) {
    let output = server.command(&["doctor"]).output().await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (text, output.status.success())
}

#[tokio::test]
async fn doctor_reports_a_healthy_installation() {
    let mut server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    server.start_session(&project).await;
    let (text, is_healthy) = doctor(&server).await;
    assert!(is_healthy, "{text}");
    for part in [
        "claude: ",
        "GSD: commands in",
        "store: answers, through the server",
        "sessions: 1 running, of 1",
        &format!("server: running, pid {}", server.pid()),
        "scopes: ",
        "restart: ",
        "disk: ",
        "open files: ",
        "of the server",
        "terminals: ",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    server.crash().await;
    // The killed server's server.json still exists.
    let (text, is_healthy) = doctor(&server).await;
    assert!(is_healthy, "{text}");
    assert!(text.contains("does not run on this data folder"), "{text}");
    assert!(
        text.contains(&format!("{} answers", server.store_name()))
            && text.contains("1 running, of 1"),
        "{text}"
    );
}

#[tokio::test]
async fn doctor_names_a_remedy_per_problem() {
    let mut server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    server.start_session(&project).await;
    server
        .delete(&format!("/output-projects/{project}/session"))
        .await
        .expect(204);
    server.terminate().await;
    let dir = server.session_dirs().remove(0);
    fs::remove_file(dir.join("exit.json")).unwrap();
    fs::write(dir.join("holder.json"), "{").unwrap();
    server.break_store();
    let (text, is_healthy) = doctor(&server).await;
    assert!(!is_healthy);
    assert!(text.contains("FAILED  store: "), "{text}");
    assert!(
        text.contains("warning sessions: ") && text.contains("holder.json"),
        "{text}"
    );

    let limited = ["sh", "-c", "ulimit -n 100; exec \"$@\"", "sh"].map(Into::into);
    server.program.splice(0..0, limited);
    let (text, _) = doctor(&server).await;
    assert!(
        text.contains("warning open files: 100") && text.contains("LimitNOFILE"),
        "{text}"
    );
}

#[tokio::test]
async fn doctor_names_unenforced_limits() {
    let mut agent = Agent::fake("");
    agent.config = format!("{}scope = false\nmemory_max_mb = 100\n", agent.config);
    let server = Server::start(agent).await;
    let (text, _) = doctor(&server).await;
    assert!(
        text.contains("warning limits: ") && text.contains("memory_max_mb"),
        "{text}"
    );
}

#[tokio::test]
async fn doctor_names_settings_that_disable_hooks() {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let folder = server.workspace(&project).await.join(".claude");
    fs::create_dir_all(&folder).unwrap();
    let local = folder.join("settings.local.json");
    fs::write(&local, "{\"disableAllHooks\":true}").unwrap();
    server.start_session(&project).await;
    let user = server.agent.home.config_dir().join("settings.json");
    fs::write(&user, "{ nope").unwrap();
    let (text, is_healthy) = doctor(&server).await;
    assert!(!is_healthy);
    let line = text
        .lines()
        .find(|line| line.starts_with("FAILED  hooks: "));
    let line = line.unwrap_or_else(|| panic!("{text}"));
    for word in [
        local.to_str().unwrap(),
        "disableAllHooks",
        user.to_str().unwrap(),
    ] {
        assert!(line.contains(word), "{word}: {line}");
    }
}
