//! Managed settings of the machine keep our hooks from running: the session, the delivery and
//! `wxcode doctor` name the file and the setting.
//!
//! The place of managed settings is fixed, so the server gets a `/etc` of its own.

use crate::support::{Agent, Namespaces, real};

/// A server on a machine with this file of managed settings.
async fn managed(agent: Agent, file: &str, text: &str) -> Option<Namespaces> {
    let agent = agent.with_config("[delivery]\nready_timeout_s = 12\n");
    let prepare = format!(
        "mkdir -p \"$0\"/etc && {{ cp -rP /etc/. \"$0\"/etc 2>/dev/null; \
         mkdir -p \"$0\"/etc/claude-code/managed-settings.d && \
         printf %s '{text}' > \"$0\"/etc/claude-code/{file} && mount --bind \"$0\"/etc /etc; }}"
    );
    Namespaces::start(agent, &prepare).await
}

/// The file and the setting are named while a delivery waits, and in its failure.
async fn named(agent: Agent, file: &str, setting: &str) {
    let text = format!("{{\"{setting}\":true}}");
    let Some(machine) = managed(agent, file, &text).await else {
        return;
    };
    let server = &machine.server;
    let project = server.project("p").await;
    server.start_session(&project).await;
    let delivery = server.deliver(&project, "hello").await;
    let path = format!("/etc/claude-code/{file}");
    let has = |text: &serde_json::Value| {
        let text = text.as_str().unwrap_or_default();
        text.contains(&path) && text.contains(setting)
    };
    server
        .session_until(&project, "the warning", |session| has(&session["warning"]))
        .await;
    let id = delivery["id"].as_str().unwrap();
    let one = format!("/output-projects/{project}/deliveries/{id}");
    for state in ["queued", "failed"] {
        let found = server
            .until(&one, state, |found| {
                found["state"] == state && has(&found["error"])
            })
            .await;
        assert_eq!(found["error_code"], "no_hooks");
    }
    let output = server.command(&["doctor"]).output().await.unwrap();
    let report = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut lines = report.lines();
    let line = lines.find(|line| line.starts_with("FAILED  hooks: "));
    let line = line.unwrap_or_else(|| panic!("{report}"));
    assert!(has(&line.into()), "{line}");
}

#[tokio::test]
async fn managed_settings_without_our_hooks_are_named() {
    named(
        Agent::fake("mute"),
        "managed-settings.json",
        "allowManagedHooksOnly",
    )
    .await;
}

#[tokio::test]
async fn real_managed_hooks_alone_are_named() {
    let Some(agent) = real() else { return };
    named(agent, "managed-settings.json", "allowManagedHooksOnly").await;
}

#[tokio::test]
async fn real_managed_files_without_hooks_are_named() {
    let Some(agent) = real() else { return };
    named(agent, "managed-settings.d/10.json", "disableAllHooks").await;
}
