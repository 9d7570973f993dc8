//! The environment of agents: the allow-list, the SSH agent of the newest login, and checks of the
//! environment by `wxcode doctor`.

use std::{
    ffi::OsStr,
    fs,
    os::unix::net::{UnixListener, UnixStream},
    path::Path,
};

use crate::support::{Agent, Attached, Server, eventually};

async fn variables(server: &Server, project: &str) -> Vec<String> {
    let session = server.start_session(project).await;
    let pid = session["pid"].as_i64().unwrap();
    let text = fs::read_to_string(format!("/proc/{pid}/environ")).unwrap();
    let all = text.split_terminator('\0');
    all.map(str::to_owned).collect()
}

async fn doctor(server: &Server) -> String {
    let output = server.command(&["doctor"]).output().await.unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn set(server: &mut Server, name: &str, value: impl AsRef<OsStr>) {
    unset(server, name);
    let variable = (name.into(), value.as_ref().to_owned());
    server.agent.env.push(variable);
}

fn unset(server: &mut Server, name: &str) {
    server.agent.env.retain(|(known, _)| known != name);
}

#[tokio::test]
async fn agents_get_the_allowed_variables() {
    let mut agent = Agent::fake("");
    let allowed = [
        "AWS_PROFILE",
        "AZURE_CLIENT_ID",
        "CLAUDE_CODE_DISABLE_MOUSE",
        "CLAUDE_CODE_OAUTH_TOKEN",
        "CLAUDE_CODE_USE_BEDROCK",
        "CLOUD_ML_REGION",
        "DISABLE_AUTOUPDATER",
        "GOOGLE_APPLICATION_CREDENTIALS",
        "LC_TIME",
        "VERTEX_REGION_CLAUDE",
        "XDG_DATA_HOME",
        "https_proxy",
    ];
    let refused = [
        "CLAUDECODE",
        "CLAUDE_CODE_SSE_PORT",
        "INVOCATION_ID",
        "TMUX",
        "STY",
        "WXCODE_SOMETHING",
        "AWSOME",
    ];
    for name in allowed.iter().chain(&refused) {
        agent.env.push((name.into(), "given".into()));
    }
    let server = Server::start(agent).await;
    let project = server.project("p").await;
    let found = variables(&server, &project).await;
    let has = |name: &str| found.iter().any(|set| set == &format!("{name}=given"));
    for name in allowed {
        assert!(has(name), "{name}: {found:?}");
    }
    for name in refused {
        assert!(!has(name), "{name}: {found:?}");
    }
}

/// Whether a connection to `path` reaches `listener`.
fn reaches(path: &Path, listener: &UnixListener) -> bool {
    listener.set_nonblocking(true).unwrap();
    let connected = UnixStream::connect(path);
    connected.is_ok() && listener.accept().is_ok()
}

#[tokio::test]
async fn the_ssh_agent_follows_the_newest_login() {
    let folder = tempfile::tempdir().unwrap();
    let sockets = ["first", "second", "third"].map(|name| folder.path().join(name));
    let listeners = sockets
        .each_ref()
        .map(|path| UnixListener::bind(path).unwrap());
    let mut agent = Agent::fake("");
    agent
        .env
        .push(("SSH_AUTH_SOCK".into(), (&sockets[0]).into()));
    let mut server = Server::start(agent).await;
    let project = server.project("p").await;
    let stable = server.data_dir().join("ssh-agent.sock");
    let found = variables(&server, &project).await;
    let wanted = format!("SSH_AUTH_SOCK={}", stable.display());
    assert!(found.contains(&wanted), "{found:?}");
    assert!(reaches(&stable, &listeners[0]));

    // A login without an agent, and a login from within the session, change nothing.
    for socket in [OsStr::new("/nowhere"), stable.as_os_str()] {
        set(&mut server, "SSH_AUTH_SOCK", socket);
        let attached = Attached::start(&server, &["p"], (80, 24));
        attached.until_shows("❯");
        assert!(reaches(&stable, &listeners[0]), "{socket:?}");
    }
    set(&mut server, "SSH_AUTH_SOCK", &sockets[1]);
    let attached = Attached::start(&server, &["p"], (80, 24));
    attached.until_shows("❯");
    assert!(reaches(&stable, &listeners[1]));
    drop(attached);

    set(&mut server, "SSH_AUTH_SOCK", &sockets[2]);
    assert_eq!(server.terminate().await, Some(0));
    server.up().await;
    eventually("the link leads to the server's own", || {
        fs::read_link(&stable).is_ok_and(|target| target == sockets[2])
    })
    .await;
    assert!(reaches(&stable, &listeners[2]));
}

#[tokio::test]
async fn doctor_judges_the_environment_of_the_server() {
    let mut agent = Agent::fake("");
    let name = "CLAUDE_CODE_MAX_OUTPUT_TOKENS";
    agent.env.push((name.into(), "32000".into()));
    agent.env.push(("CLAUDE_CODE_SSE_PORT".into(), "1".into()));
    let mut server = Server::start(agent).await;
    unset(&mut server, name);
    let text = doctor(&server).await;
    let line = text.lines().find(|line| line.contains(name));
    let line = line.unwrap_or_else(|| panic!("{text}"));
    assert!(
        line.contains("warning environment") && line.contains("pass_env"),
        "{text}"
    );
    assert!(
        !text.contains("CLAUDE_CODE_SSE_PORT") && !text.contains("32000"),
        "{text}"
    );

    // Without the server, the doctor's own environment counts.
    server.terminate().await;
    let text = doctor(&server).await;
    assert!(!text.contains(name), "{text}");
    assert!(text.contains("no server runs"), "{text}");
}

#[tokio::test]
async fn doctor_finds_the_claude_of_a_login_shell() {
    let mut agent = Agent::fake("");
    let tools = agent.home.path().join("tools");
    fs::create_dir(&tools).unwrap();
    std::os::unix::fs::symlink(&agent.claude, tools.join("claude")).unwrap();
    let profile = "echo 'a greeting'\nPATH=\"$HOME/tools:$PATH\"\n";
    fs::write(agent.home.path().join(".profile"), profile).unwrap();
    agent.claude = "claude".into();
    agent.env.push(("PATH".into(), "/usr/bin:/bin".into()));
    agent.env.push(("SHELL".into(), "/bin/sh".into()));
    let mut server = Server::start(agent).await;
    // The doctor's own PATH has the program; the server's PATH does not.
    set(
        &mut server,
        "PATH",
        format!("{}:/usr/bin:/bin", tools.display()),
    );
    let text = doctor(&server).await;
    let found = format!("WXCODE_CLAUDE={}", tools.join("claude").display());
    assert!(
        text.contains("FAILED  claude: ") && text.contains(&found),
        "{text}"
    );
    assert!(text.contains("/usr/bin:/bin"), "{text}");

    set(&mut server, "SHELL", "/bin/false");
    server.terminate().await;
    set(&mut server, "PATH", "/usr/bin:/bin");
    let text = doctor(&server).await;
    assert!(
        text.contains("FAILED  claude: ") && text.contains("npm install"),
        "{text}"
    );
}
