//! The status line: our command reports the account's limits, the user's own command goes on.

use std::{fs, path::PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;
use wxcode_testbed::HookLog;

use crate::support::{Agent, Server, eventually, real};

/// Far away, in seconds since the Unix epoch.
const LATER: u64 = 10_000_000_000;

fn report(five_hour: &Value) -> Value {
    json!({
        "model": { "id": "m" },
        "cost": { "total_cost_usd": 1.25 },
        "context_window": { "used_percentage": 8 },
        "rate_limits": {
            "five_hour": five_hour,
            "seven_day": { "used_percentage": 41.2, "resets_at": LATER },
        },
    })
}

/// A fake agent with this report for its status line.
struct Reporting {
    server: Server,
    project: String,
    workspace: PathBuf,
    folder: TempDir,
}

impl Reporting {
    async fn new(report: &Value, config: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("line.json");
        fs::write(&file, report.to_string()).unwrap();
        let mut agent = Agent::fake(&format!("line={}", file.display()));
        // Into the table `[agent]`.
        agent.config.push_str(config);
        let server = Server::start(agent).await;
        let project = server.project("p").await;
        let workspace = server.workspace(&project).await;
        fs::create_dir_all(workspace.join(".claude")).unwrap();
        Self {
            server,
            project,
            workspace,
            folder,
        }
    }

    /// Writes a layer whose command stores its input under this name and shows `words`.
    fn command(&self, layer: &str, name: &str, words: &str) {
        let to = self.folder.path().join(name);
        let command = format!("cat > '{}'; echo '{words}'", to.display());
        let line = json!({ "type": "command", "command": command });
        let document = json!({ "statusLine": line });
        match layer {
            "user" => self.server.agent.home.settings(&document).unwrap(),
            layer => {
                let path = self.workspace.join(".claude").join(layer);
                fs::write(path, document.to_string()).unwrap();
            }
        }
    }

    fn input(&self, name: &str) -> Option<Value> {
        serde_json::from_slice(&fs::read(self.folder.path().join(name)).ok()?).ok()
    }

    async fn shows(&self, words: &str) {
        let screen = format!("/output-projects/{}/screen", self.project);
        self.server
            .until(&screen, words, |text| {
                text.as_str().is_some_and(|text| text.contains(words))
            })
            .await;
    }
}

#[tokio::test]
async fn limits_come_from_the_status_line() {
    let five_hour = json!({ "used_percentage": 23.5, "resets_at": LATER });
    let agent = Reporting::new(&report(&five_hour), "").await;
    let (server, project) = (&agent.server, &agent.project);
    server.start_session(project).await;
    let session = server
        .session_until(project, "the report is read", |session| {
            !session["usage"].is_null()
        })
        .await;
    let usage = json!({
        "context_percent": 8.0, "input_tokens": null, "output_tokens": null, "cost_usd": 1.25,
        "five_hour_percent": 23.5, "seven_day_percent": 41.2,
    });
    assert_eq!(session["usage"], usage);
    // A conversation without a report has only what counts for the account.
    server.deliver(project, "/clear").await;
    let before = session["claude_session_id"].clone();
    let session = server
        .session_until(project, "the conversation is new", |session| {
            session["claude_session_id"] != before
        })
        .await;
    assert_eq!(session["usage"]["cost_usd"], Value::Null);
    assert_eq!(session["usage"]["seven_day_percent"], 41.2);
}

#[tokio::test]
async fn limits_after_their_reset_are_unknown() {
    let five_hour = json!({ "used_percentage": 99, "resets_at": 1 });
    let agent = Reporting::new(&report(&five_hour), "").await;
    agent.server.start_session(&agent.project).await;
    let session = agent
        .server
        .session_until(&agent.project, "the report is read", |session| {
            !session["usage"].is_null()
        })
        .await;
    assert_eq!(session["usage"]["five_hour_percent"], Value::Null);
    assert_eq!(session["usage"]["seven_day_percent"], 41.2);
}

#[tokio::test]
async fn the_strongest_layers_command_goes_on() {
    let written = report(&Value::Null);
    let agent = Reporting::new(&written, "").await;
    let (server, project) = (&agent.server, &agent.project);
    agent.command("user", "user", "the users line");
    server.start_session(project).await;
    agent.shows("the users line").await;
    let id = server.session(project).await["claude_session_id"].clone();
    let mut expected = written.clone();
    expected["session_id"] = id;
    assert_eq!(agent.input("user"), Some(expected), "the same input");
    // Changed while the session runs, as by `/statusline`.
    agent.command("settings.json", "project", "a line of the project");
    server.deliver(project, "one").await;
    agent.shows("a line of the project").await;
    agent.command("settings.local.json", "local", "a local line");
    server.deliver(project, "two").await;
    agent.shows("a local line").await;
}

#[tokio::test]
async fn a_failing_line_costs_no_report() {
    let agent = Reporting::new(&report(&Value::Null), "").await;
    let line = json!({ "type": "command", "command": "echo not shown; exit 3" });
    let settings = json!({ "statusLine": line });
    agent.server.agent.home.settings(&settings).unwrap();
    agent.server.start_session(&agent.project).await;
    agent
        .server
        .session_until(&agent.project, "the report is read", |session| {
            session["usage"]["cost_usd"] == 1.25
        })
        .await;
    let screen = format!("/output-projects/{}/screen", agent.project);
    let screen = agent.server.get(&screen).await.expect(200);
    assert!(!screen.to_string().contains("not shown"), "{screen}");
}

#[tokio::test]
async fn hostile_settings_show_no_line() {
    let agent = Reporting::new(&report(&Value::Null), "").await;
    let layer = |name: &str| agent.workspace.join(".claude").join(name);
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    let fifo = rustix::fs::FileType::Fifo;
    rustix::fs::mknodat(rustix::fs::CWD, layer("settings.local.json"), fifo, mode, 0).unwrap();
    fs::write(layer("settings.json"), "{\"statusLine\": [").unwrap();
    agent.command("user", "user", "the line behind them");
    agent.server.start_session(&agent.project).await;
    agent.shows("the line behind them").await;
}

#[tokio::test]
async fn a_switch_turns_the_report_off() {
    let config = "status_line = false\n";
    let agent = Reporting::new(&report(&Value::Null), config).await;
    let (server, project) = (&agent.server, &agent.project);
    server.start_session(project).await;
    let delivery = server.deliver(project, "one").await;
    server.delivery_until(project, &delivery, "submitted").await;
    server.idle(project).await;
    let usage = &server.session(project).await["usage"];
    assert_eq!(usage["seven_day_percent"], Value::Null, "{usage}");
}

#[tokio::test]
async fn a_real_users_line_goes_on() {
    let Some(agent) = real() else {
        return;
    };
    let log = HookLog::new().unwrap();
    let server = Server::start(agent).await;
    let to = log.path().join("input.json");
    let command = format!("cat > '{}'; echo LINE-$((6*7))", to.display());
    let line = json!({ "type": "command", "command": command, "padding": 0 });
    let settings = json!({ "statusLine": line });
    server.agent.home.settings(&settings).unwrap();
    let project = server.project("p").await;
    server.start_session(&project).await;
    let delivery = server.deliver(&project, "show me the line").await;
    server
        .delivery_until(&project, &delivery, "submitted")
        .await;
    server
        .session_until(&project, "the status line reports the cost", |session| {
            session["usage"]["cost_usd"]
                .as_f64()
                .is_some_and(|cost| cost > 0.0)
        })
        .await;
    let screen = format!("/output-projects/{project}/screen");
    server
        .until(&screen, "the user's line", |text| {
            text.as_str().is_some_and(|text| text.contains("LINE-42"))
        })
        .await;
    eventually("the user's command gets the report", || {
        let input = fs::read(&to).unwrap_or_default();
        let input: Value = serde_json::from_slice(&input).unwrap_or_default();
        input["workspace"]["project_dir"].is_string()
    })
    .await;
}
