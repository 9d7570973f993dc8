//! `wxcode doctor`: the report on a server, its sessions and the system.

use std::fs;

use crate::support::{Agent, Server};

/// Runs `wxcode doctor`; returns its report, and whether the command succeeded.
async fn doctor(server: &Server) -> (String, bool) {
    doctor_with(server, &[]).await
}

/// [`doctor`] with further variables.
async fn doctor_with(server: &Server, env: &[(&str, &str)]) -> (String, bool) {
    let mut command = server.command(&["doctor"]);
    let output = command.envs(env.iter().copied()).output().await.unwrap();
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
        "agents' sockets: the server and the holders",
        "agents' memory access: ",
        "agents' data access: ",
        "agents' terminals: ",
        // The address of the server's own environment, not the default one.
        &format!("listen address: {}", server.base),
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

/// A certificate for `localhost` that ends in some days, and its key.
fn certificate(folder: &std::path::Path, days: i64) -> [String; 2] {
    let pair = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let now = std::time::SystemTime::now();
    let day = std::time::Duration::from_secs(24 * 60 * 60);
    params.not_before = (now - 100 * day).into();
    let whole = u32::try_from(days.abs()).unwrap();
    params.not_after = match days < 0 {
        true => (now - whole * day).into(),
        false => (now + whole * day + day / 2).into(),
    };
    let cert = params.self_signed(&pair).unwrap();
    [("cert", cert.pem()), ("key", pair.serialize_pem())].map(|(name, text)| {
        let path = folder.join(format!("{name}-{days}.pem"));
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    })
}

#[tokio::test]
async fn doctor_names_the_end_of_a_certificate() {
    let server = Server::elsewhere(Agent::fake(""));
    for (days, words) in [
        (90, "ok      certificate: "),
        (5, "warning certificate: "),
        (-3, "FAILED  certificate: "),
    ] {
        let [cert, key] = certificate(server.data_dir(), days);
        let env = [("WXCODE_TLS_CERT", &*cert), ("WXCODE_TLS_KEY", &*key)];
        let (text, is_healthy) = doctor_with(&server, &env).await;
        let line = text.lines().find(|line| line.contains("certificate: "));
        let line = line.unwrap_or_else(|| panic!("{text}"));
        assert!(line.starts_with(words) && line.contains(&cert), "{line}");
        let said = match days {
            90 => "valid until 20",
            5 => "it ends in 5 days",
            _ => "clients refuse it",
        };
        assert!(line.contains(said), "{line}");
        assert_eq!(is_healthy, days > 0, "{text}");
    }
}
