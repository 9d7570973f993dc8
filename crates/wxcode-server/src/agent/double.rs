//! For tests: sessions on a store with an action before each operation, for example to fail or to
//! wait.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use serde_json::json;
use tokio_util::sync::CancellationToken;
use wxcode_claude::template::Template;
use wxcode_core::id::Id;
use wxcode_holder::folder::{Limits, REBOOTED};
use wxcode_store::sqlite::SqliteStore;

use crate::{
    Commands, Settings,
    agent::manager::Manager,
    event::Events,
    metric::Metrics,
    planning::Planning,
    repository::{Before, Repository},
};

fn settings(data_dir: PathBuf) -> Settings {
    let template = || Template::parse("/x {context_path}").unwrap();
    Settings {
        hibernate_after: None,
        copies_max: 256 << 20, // 256 MiB
        node: wxcode_core::lease::Node {
            id: uuid::Uuid::nil(),
            name: "test".to_owned(),
        },
        advertise: None,
        capacity: None,
        drain: std::time::Duration::ZERO,
        takes_over: false,
        data_dir,
        network: crate::Network::default(),
        umask: 0o022,
        token: None,
        agents_may_use_api: false,
        protect_data: false,
        status_line: true,
        web: crate::settings::Web::default(),
        allowed_hosts: Vec::new(),
        claude: "/bin/true".into(),
        holder: "wxcode-holder".into(),
        claude_args: Vec::new(),
        permission_mode: None,
        model: None,
        commands: Commands {
            new_project: Some(template()),
            new_milestone: Some(template()),
        },
        environment: Vec::new(),
        pass_env: Vec::new(),
        agent_env: Default::default(),
        resume_on_start: false,
        upgrade_holders: true,
        scopes: false,
        limits: Limits::default(),
        workspace_roots: Vec::new(),
        ready_timeout: Duration::from_secs(1),
        limit_grace: Duration::from_secs(1),
        store: "sqlite".to_owned(),
        shared: None,
        log_lines_lost: Default::default(),
    }
}

/// Sessions in a data folder on a store, with an action before each of their operations.
pub(super) fn sessions(
    data_dir: PathBuf,
    store: Arc<SqliteStore>,
    before: Option<Before>,
) -> Manager {
    let metrics = Metrics::default();
    let events = Events::new(data_dir.join("events"), store.clone(), metrics.clone());
    let repository = || Repository::new(store.clone(), events.clone(), metrics.clone());
    let closing = CancellationToken::new();
    let folder = data_dir.join("planning");
    let planning = Planning::new(folder, repository(), events.clone(), closing.clone());
    let repository = match before {
        Some(before) => repository().with_hook(before),
        None => repository(),
    };
    Manager::new(
        Arc::new(settings(data_dir)),
        repository,
        events,
        planning,
        closing,
    )
}

/// Creates the folder of a session that ended with its machine, not yet processed.
pub(in crate::agent) fn interrupted(sessions: &Path, session: Id, project: Id) -> PathBuf {
    let dir = sessions.join(session.to_string());
    std::fs::create_dir_all(&dir).unwrap();
    let at = "2026-01-01T00:00:00Z";
    let note = json!({
        "project_id": project, "claude_session_id": uuid::Uuid::nil(), "resumed": false, "lost": null, "config_dir": "/",
    });
    let files = [
        (
            "spec.json",
            json!({
                "version": 1, "session_id": session, "argv": ["x"], "cwd": "/", "cols": 80, "rows": 24, "secret": "s", "note": note, "program": "/bin/true", "umask": 18, "created_at": at,
            }),
        ),
        (
            "holder.json",
            json!({
                "version": 1, "pid": 1, "start_time": 0, "boot_id": "another", "agent_pid": 1, "agent_start_time": 0,
                "protocol_min": 1, "protocol_max": 1, "build": "wxcode", "started_at": at,
            }),
        ),
        (
            "exit.json",
            json!({ "code": null, "signal": null, "at": at, "reason": REBOOTED, "offset": 0 }),
        ),
    ];
    for (name, value) in files {
        std::fs::write(dir.join(name), value.to_string()).unwrap();
    }
    dir
}
