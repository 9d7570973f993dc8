//! A project's own settings: stored, shown without secrets, and used at each start.

use std::{fs, path::Path};

use serde_json::{Value, json};

use crate::support::{Agent, Server};

const SECRET: &str = "correct-horse-battery";

/// The words of a file below `/proc`.
fn words(pid: i32, file: &str) -> Vec<String> {
    let text = fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap();
    text.split_terminator('\0').map(str::to_owned).collect()
}

/// Whether a command line has these words in a row.
fn has(argv: &[String], wanted: &[&str]) -> bool {
    argv.windows(wanted.len()).any(|words| words == wanted)
}

fn arguments(dir: &Path) -> Vec<String> {
    let spec: Value = serde_json::from_slice(&fs::read(dir.join("spec.json")).unwrap()).unwrap();
    serde_json::from_value(spec["argv"].clone()).unwrap()
}

#[tokio::test]
async fn settings_are_kept_and_show_no_values() {
    let mut server = Server::start(Agent::fake("")).await;
    let none = json!({
        "permission_mode": null, "model": null, "args": null, "env": null,
        "claude_config_dir": null, "hibernate_after_s": null, "mirror": null,
        "usage_metrics": null,
    });
    let made = server.post("/output-projects", json!({ "name": "plain" }));
    assert_eq!(made.await.expect(201)["settings"], none);
    let settings = json!({
        "permission_mode": "plan", "model": "opus", "args": ["--add-dir", "/tmp"],
        "env": { "KEY": SECRET, "B": "b" }, "claude_config_dir": "/c", "hibernate_after_s": 600, "mirror": false,
        "usage_metrics": true,
    });
    let new = json!({ "name": "p", "settings": settings });
    let made = server.post("/output-projects", new).await.expect(201);
    let path = format!("/output-projects/{}", made["id"].as_str().unwrap());
    let mut shown = settings;
    shown["env"] = json!(["B", "KEY"]);
    assert_eq!(made["settings"], shown);
    assert_eq!(server.get(&path).await.expect(200)["settings"], shown);

    let change = json!({ "settings": { "model": null, "env": { "B": null, "C": SECRET } } });
    let changed = server.patch(&path, change).await.expect(200);
    shown["model"] = Value::Null;
    shown["env"] = json!(["C", "KEY"]);
    assert_eq!(changed["settings"], shown);
    assert_eq!(server.terminate().await, Some(0));
    server.up().await;
    let listed = server.get("/output-projects").await.expect(200);
    assert_eq!(listed["projects"][1]["settings"], shown);
    for answer in [&made, &changed, &listed] {
        assert!(!answer.to_string().contains(SECRET), "{answer}");
    }
    assert!(!server.log().contains(SECRET), "{}", server.log());
    let renamed = server.patch(&path, json!({ "name": "q" })).await;
    assert_eq!(renamed.expect(200)["settings"], shown);
    let cleared = server.patch(&path, json!({ "settings": null })).await;
    assert_eq!(cleared.expect(200)["settings"], none);
}

#[tokio::test]
async fn each_start_uses_the_settings() {
    let agent = Agent::fake("").with_config(
        "[claude]\nargs = ['--verbose']\npermission_mode = 'acceptEdits'\nmodel = 'sonnet'\n",
    );
    let server = Server::start(agent).await;
    let project = server.project("p").await;
    let path = format!("/output-projects/{project}");
    server.start_session(&project).await;
    let argv = arguments(&server.session_dirs()[0]);
    let servers = [
        "--permission-mode",
        "acceptEdits",
        "--model",
        "sonnet",
        "--verbose",
    ];
    assert!(has(&argv, &servers), "{argv:?}");
    server.delete(&format!("{path}/session")).await.expect(204);

    let config_dir = server.data_dir().join("claude-config");
    let settings = json!({
        "permission_mode": "plan", "model": "opus", "args": ["--add-dir", "/tmp"],
        "env": { "KEY": "value" }, "claude_config_dir": config_dir,
    });
    let change = json!({ "settings": settings });
    server.patch(&path, change).await.expect(200);
    let own = [
        "--permission-mode",
        "plan",
        "--model",
        "opus",
        "--add-dir",
        "/tmp",
    ];
    let session = server.start_session(&project).await;
    let pid = i32::try_from(session["pid"].as_i64().unwrap()).unwrap();
    let argv = words(pid, "cmdline");
    assert!(has(&argv, &own) && !has(&argv, &["--verbose"]), "{argv:?}");
    let environment = words(pid, "environ");
    let folder = format!("CLAUDE_CONFIG_DIR={}", config_dir.display());
    for variable in ["KEY=value", &folder] {
        assert!(
            environment.iter().any(|set| set == variable),
            "{environment:?}"
        );
    }
    let delivery = server.deliver(&project, "hello").await;
    server
        .delivery_until(&project, &delivery, "submitted")
        .await;
    server.idle(&project).await;
    assert!(
        config_dir.join("projects").is_dir(),
        "the transcripts are there"
    );
    server.delete(&format!("{path}/session")).await.expect(204);
    let resumed = server.start_session(&project).await;
    assert_eq!(resumed["claude_session_id"], session["claude_session_id"]);
    server.delete(&format!("{path}/session")).await.expect(204);

    let runs = format!("{path}/runs");
    let run = server.post(&runs, json!({ "prompt": "hello again" })).await;
    let run = run.expect(202);
    let run = format!("{path}/runs/{}", run["id"].as_str().unwrap());
    server
        .until(&run, "the run ended", |run| run["state"] != "running")
        .await;
    let argv = arguments(&server.run_dirs()[0]);
    assert!(has(&argv, &own), "{argv:?}");
}

#[tokio::test]
async fn impossible_settings_are_refused() {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let path = format!("/output-projects/{project}");
    for (settings, given, remedy) in [
        (
            json!({ "permission_mode": "careless" }),
            "careless",
            "acceptEdits",
        ),
        (json!({ "model": "-p" }), "\"-p\"", "null"),
        (json!({ "args": ["--resume=x"] }), "--resume=x", "remove"),
        (
            json!({ "args": ["--model", "opus"] }),
            "--model",
            "setting model",
        ),
        (json!({ "args": ["update"] }), "update", "begin with a flag"),
        (
            json!({ "env": { "WXCODE_TOKEN": "x" } }),
            "WXCODE_TOKEN",
            "remove",
        ),
        (json!({ "env": { "A.B": "x" } }), "A.B", "letters"),
        (json!({ "claude_config_dir": "here" }), "here", "absolute"),
        (
            json!({ "hibernate_after_s": 31_536_001 }),
            "31536001",
            "0 to",
        ),
        (json!({ "modle": "x" }), "modle", "permission_mode"),
    ] {
        let change = json!({ "name": "other", "settings": settings });
        let detail = server.patch(&path, change.clone()).await.problem(422);
        assert!(
            detail.contains(given) && detail.contains(remedy),
            "{detail}"
        );
        let detail = server.post("/output-projects", change).await.problem(422);
        assert!(detail.contains(given), "{detail}");
    }
    let large: serde_json::Map<_, _> = (0..201).map(|n| (format!("V{n}"), "x".into())).collect();
    let change = json!({ "settings": { "env": large } });
    let detail = server.patch(&path, change).await.problem(422);
    assert!(detail.contains("201"), "{detail}");
    let unchanged = server.get(&path).await.expect(200);
    assert_eq!(
        (&unchanged["name"], &unchanged["settings"]["env"]),
        (&json!("p"), &Value::Null)
    );
    let listed = server.get("/output-projects").await.expect(200);
    assert_eq!(listed["total"], 1, "nothing was made");
}
