//! The page in a real Chromium, on the real server.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::Command,
    time::timeout,
};
use wxcode_testbed::{
    proxy::{Proxy, Weather},
    skip, skip_extra,
};

use crate::support::{Agent, Server, real};

/// Longest time of a script for a line.
const PATIENCE: Duration = Duration::from_secs(240);

fn browser() -> Option<PathBuf> {
    let web = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web");
    if !web.join("node_modules/playwright-core").is_dir() || !web.join("dist/index.html").is_file()
    {
        skip("the page or its packages are not there: run `make test`");
        return None;
    }
    let browser = std::env::var_os("CHROMIUM")
        .map_or_else(|| PathBuf::from("/usr/bin/chromium"), PathBuf::from);
    if !browser.is_file() {
        skip("there is no Chromium: run scripts/chromium, or set CHROMIUM");
        return None;
    }
    Some(browser)
}

/// Runs a script of the page; kills and restarts the server on the script's request.
async fn run(server: &mut Server, browser: &Path, script: &str, workspace: &Path) {
    let base = server.base.clone();
    run_at(server, &base, None, browser, script, workspace).await;
}

/// Runs a script of the page at an address, possibly a proxy's address with the proxy's weather.
async fn run_at(
    server: &mut Server,
    base: &str,
    proxy: Option<&Proxy>,
    browser: &Path,
    script: &str,
    workspace: &Path,
) {
    let web = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web");
    let (script, arguments) = script.split_once(' ').unwrap_or((script, ""));
    let mut child = Command::new("node")
        .arg(web.join("e2e").join(script))
        .args(arguments.split_whitespace())
        .env("WXCODE_URL", base)
        .env("WXCODE_TOKEN", &server.token)
        .env("WXCODE_WORKSPACE", workspace)
        .env("CHROMIUM", browser)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut said = Vec::new();
    while let Some(line) = timeout(PATIENCE, lines.next_line())
        .await
        .expect("the script goes on")
        .unwrap()
    {
        if line == "restart the server" {
            server.crash().await;
            server.up().await;
            stdin.write_all(b"done\n").await.unwrap();
        }
        if let (Some(proxy), Some(weather)) = (proxy, line.strip_prefix("weather: ")) {
            proxy.be(match weather {
                "silent" => Weather::Silent,
                _ => Weather::Fair(Duration::ZERO),
            });
            stdin.write_all(b"done\n").await.unwrap();
        }
        said.push(line);
    }
    let status = child.wait().await.unwrap();
    assert!(
        status.success(),
        "{script}:\n{}\n{}",
        said.join("\n"),
        server.log()
    );
}

/// The page's types are made from the OpenAPI document, and are those of this server.
#[tokio::test]
async fn the_types_of_the_page_follow_the_document() {
    let web = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web");
    if !web.join("node_modules/openapi-typescript").is_dir() {
        skip("the packages of the page are not there: run `make test`");
        return;
    }
    let document = Command::new(env!("CARGO_BIN_EXE_wxcode"))
        .arg("openapi")
        .output()
        .await
        .unwrap();
    let mut check = Command::new("node")
        .arg(web.join("dev/schema.mjs"))
        .arg("--check")
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut stdin = check.stdin.take().unwrap();
    stdin.write_all(&document.stdout).await.unwrap();
    drop(stdin);
    let checked = timeout(PATIENCE, check.wait_with_output())
        .await
        .expect("the check ends")
        .unwrap();
    let told = String::from_utf8_lossy(&checked.stderr);
    assert!(checked.status.success(), "{told}");
}

/// These commands work without GSD.
const COMMANDS: &str = "[commands]\nnew_project = 'Begin with {context_path}'\nnew_milestone = 'Go on with {context_path}'\n";

#[tokio::test]
async fn the_main_story_in_a_browser() {
    let Some(browser) = browser() else { return };
    let mut server = Server::start(Agent::fake("").with_config(COMMANDS)).await;
    let workspace = tempfile::tempdir().unwrap();
    run(&mut server, &browser, "run.mjs", workspace.path()).await;
}

#[tokio::test]
async fn the_main_story_on_the_real_claude() {
    let (Some(browser), Some(agent)) = (browser(), real()) else {
        return;
    };
    let mut server = Server::start(agent.with_config(COMMANDS)).await;
    let workspace = tempfile::tempdir().unwrap();
    run(&mut server, &browser, "run.mjs", workspace.path()).await;
}

#[tokio::test]
async fn closing_a_tab_or_server_loses_nothing() {
    let (Some(browser), Some(agent)) = (browser(), real()) else {
        return;
    };
    let workspace = tempfile::tempdir().unwrap();
    agent.trust(workspace.path());
    let mut server = Server::start(agent.with_config(COMMANDS)).await;
    run(&mut server, &browser, "survive.mjs", workspace.path()).await;
}

#[tokio::test]
async fn real_dialogs_are_answered_in_a_browser() {
    let (Some(browser), Some(agent)) = (browser(), real()) else {
        return;
    };
    let asking = json!({ "permissions": { "ask": ["Bash"] } });
    agent.home.settings(&asking).unwrap();
    let mut server = Server::start(agent).await;
    let workspace = tempfile::tempdir().unwrap();
    run(&mut server, &browser, "answers.mjs", workspace.path()).await;
}

#[tokio::test]
async fn conversations_and_runs_in_a_browser() {
    let (Some(browser), Some(agent)) = (browser(), real()) else {
        return;
    };
    let workspace = tempfile::tempdir().unwrap();
    agent.trust(workspace.path());
    let mut server = Server::start(agent).await;
    run(&mut server, &browser, "conversations.mjs", workspace.path()).await;
}

#[tokio::test]
async fn the_terminal_in_a_browser() {
    let Some(browser) = browser() else { return };
    let agent = Agent::script("export PS1='$ '\nexec bash --norc --noprofile -i");
    let mut server = Server::start(agent).await;
    let workspace = tempfile::tempdir().unwrap();
    run(&mut server, &browser, "terminal.mjs", workspace.path()).await;
}

#[tokio::test]
async fn browser_pastes_stay_bracketed() {
    let Some(browser) = browser() else { return };
    let script = "stty raw -echo; printf '\\033[?2004hready'; cat > typed";
    let mut server = Server::start(Agent::script(script)).await;
    let workspace = tempfile::tempdir().unwrap();
    run(&mut server, &browser, "paste.mjs", workspace.path()).await;
}

#[tokio::test]
async fn opening_the_page_starts_nothing() {
    let Some(browser) = browser() else { return };
    let agent = Agent::script("export PS1='$ '\nexec bash --norc --noprofile -i");
    let mut server = Server::start(agent).await;
    let workspace = tempfile::tempdir().unwrap();
    run(&mut server, &browser, "looking.mjs", workspace.path()).await;
}

#[tokio::test]
async fn the_overview_in_a_browser() {
    let Some(browser) = browser() else { return };
    let mut server = Server::start(Agent::fake("")).await;
    let workspace = tempfile::tempdir().unwrap();
    run(&mut server, &browser, "overview.mjs", workspace.path()).await;
}

#[tokio::test]
async fn a_deep_link_survives_the_login() {
    let Some(browser) = browser() else { return };
    let mut server = Server::start(Agent::fake("")).await;
    let workspace = tempfile::tempdir().unwrap();
    run(&mut server, &browser, "login.mjs", workspace.path()).await;
}

#[tokio::test]
async fn a_project_page_in_a_browser() {
    let Some(browser) = browser() else { return };
    let mut server = Server::start(Agent::fake("").with_config(COMMANDS)).await;
    let workspace = tempfile::tempdir().unwrap();
    run(&mut server, &browser, "project.mjs", workspace.path()).await;
}

#[tokio::test]
async fn a_viewer_is_offered_what_it_may_do() {
    let Some(browser) = browser() else { return };
    let mut server = Server::start(Agent::fake("").with_config(COMMANDS)).await;
    let workspace = tempfile::tempdir().unwrap();
    run(&mut server, &browser, "viewer.mjs", workspace.path()).await;
}

#[tokio::test]
async fn nothing_overflows_a_narrow_screen() {
    let Some(browser) = browser() else { return };
    let mut server = Server::start(Agent::fake("").with_config(COMMANDS)).await;
    let workspace = tempfile::tempdir().unwrap();
    run(&mut server, &browser, "narrow.mjs", workspace.path()).await;
}

#[tokio::test]
async fn a_notice_opens_its_project() {
    let Some(browser) = browser() else { return };
    let mut server = Server::start(Agent::fake("")).await;
    let workspace = tempfile::tempdir().unwrap();
    run(&mut server, &browser, "notices.mjs", workspace.path()).await;
}

#[tokio::test]
async fn two_people_hand_a_session_over() {
    let Some(browser) = browser() else { return };
    let mut server = Server::start(Agent::fake("")).await;
    let workspace = tempfile::tempdir().unwrap();
    run(&mut server, &browser, "together.mjs", workspace.path()).await;
}

#[tokio::test]
async fn output_is_searched_and_places_are_links() {
    let Some(browser) = browser() else { return };
    let agent = Agent::script("export PS1='$ '\nexec bash --norc --noprofile -i");
    let mut server = Server::start(agent).await;
    let workspace = tempfile::tempdir().unwrap();
    run(&mut server, &browser, "find.mjs", workspace.path()).await;
}

/// The terminal's story in another engine than the other tests'.
async fn in_engine(name: &str, needed: &[&str]) {
    let Some(browser) = browser() else { return };
    if let Some(missing) = needed.iter().find(|path| !Path::new(path).is_file()) {
        skip_extra(&format!("{missing} is missing: run scripts/{name}"));
        return;
    }
    let agent = Agent::script("export PS1='$ '\nexec bash --norc --noprofile -i");
    let mut server = Server::start(agent).await;
    let workspace = tempfile::tempdir().unwrap();
    let script = format!("engines.mjs {name}");
    run(&mut server, &browser, &script, workspace.path()).await;
}

#[tokio::test]
async fn chromium_tells_the_terminals_story() {
    in_engine("chromium", &[]).await;
}

#[tokio::test]
async fn firefox_tells_the_terminals_story() {
    in_engine("firefox", &["/usr/bin/firefox-esr"]).await;
}

#[tokio::test]
async fn webkit_tells_the_terminals_story() {
    let needed = ["/usr/bin/WebKitWebDriver", "/usr/bin/Xvfb"];
    in_engine("webkit", &needed).await;
}

#[tokio::test]
async fn recordings_play_and_terminals_draw() {
    let Some(browser) = browser() else { return };
    let agent = Agent::script("export PS1='$ '\nexec bash --norc --noprofile -i");
    let mut server = Server::start(agent).await;
    let workspace = tempfile::tempdir().unwrap();
    run(&mut server, &browser, "replay.mjs", workspace.path()).await;
}

#[tokio::test]
async fn the_terminal_on_a_phone() {
    let Some(browser) = browser() else { return };
    let agent = Agent::script("export PS1='$ '\nexec bash --norc --noprofile -i");
    let mut server = Server::start(agent).await;
    let workspace = tempfile::tempdir().unwrap();
    run(&mut server, &browser, "phone.mjs", workspace.path()).await;
}

#[tokio::test]
async fn a_thousand_projects_in_a_browser() {
    let Some(browser) = browser() else { return };
    let mut server = Server::start(Agent::fake("")).await;
    let workspace = tempfile::tempdir().unwrap();
    run(&mut server, &browser, "thousand.mjs", workspace.path()).await;
}

#[tokio::test]
async fn the_page_below_a_path() {
    let Some(browser) = browser() else { return };
    let mut server = Server::start_with_flags(Agent::fake(""), &["--base-path", "/wx"]).await;
    let workspace = tempfile::tempdir().unwrap();
    run(&mut server, &browser, "below.mjs", workspace.path()).await;
}

#[tokio::test]
async fn every_page_is_accessible() {
    let Some(browser) = browser() else { return };
    let mut server = Server::start(Agent::fake("")).await;
    let workspace = tempfile::tempdir().unwrap();
    run(&mut server, &browser, "axe.mjs", workspace.path()).await;
}

#[tokio::test]
async fn a_silent_connection_in_a_browser() {
    let Some(browser) = browser() else { return };
    let agent = Agent::script("export PS1='$ '\nexec bash --norc --noprofile -i");
    let mut server = Server::start(agent).await;
    let workspace = tempfile::tempdir().unwrap();
    let (_, port) = server.base.rsplit_once(':').unwrap();
    let proxy = Proxy::before(port.parse().unwrap()).await.unwrap();
    let base = format!("http://127.0.0.1:{}", proxy.port);
    let proxy = Some(&proxy);
    run_at(
        &mut server,
        &base,
        proxy,
        &browser,
        "silence.mjs",
        workspace.path(),
    )
    .await;
}

#[tokio::test]
async fn copies_reach_the_browser_with_consent() {
    let Some(browser) = browser() else { return };
    let agent = Agent::script("export PS1='$ '\nexec bash --norc --noprofile -i");
    let mut server = Server::start(agent).await;
    let workspace = tempfile::tempdir().unwrap();
    run(&mut server, &browser, "clipboard.mjs", workspace.path()).await;
}

#[tokio::test]
async fn shift_enter_in_a_browser_is_a_new_line() {
    let (Some(browser), Some(agent)) = (browser(), real()) else {
        return;
    };
    let workspace = tempfile::tempdir().unwrap();
    agent.trust(workspace.path());
    let mut server = Server::start(agent).await;
    run(&mut server, &browser, "newline.mjs", workspace.path()).await;
    let requests = server.agent.stub.as_ref().unwrap().requests();
    let mut turns = requests.iter().filter(|request| request.is_turn());
    assert!(turns.any(|turn| {
        let texts = turn.user_texts();
        texts.iter().any(|text| text == "first line\nsecond line")
    }));
}
