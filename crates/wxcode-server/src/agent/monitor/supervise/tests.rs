//! A store with a defect: the first look for a project's next delivery panics.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use serde_json::json;
use uuid::Uuid;
use wxcode_core::id::Id;
use wxcode_holder::folder::HolderFile;
use wxcode_store::sqlite::SqliteStore;

use super::*;
use crate::{
    agent::{double, folder::SETTLED, metadata::Metadata, monitor::begin, process::Launched},
    repository::Before,
};

#[tokio::test]
async fn monitor_restarts_after_a_panic() {
    let data = tempfile::tempdir().unwrap();
    let (id, project) = (Id::from_bytes([1; 12]), Id::from_bytes([2; 12]));
    let dir = data.path().join("sessions").join(id.to_string());
    std::fs::create_dir_all(&dir).unwrap();
    let note = json!({
        "project_id": project, "claude_session_id": Uuid::nil(), "resumed": false, "lost": null, "config_dir": data.path(),
    });
    let at = "2026-01-01T00:00:00Z";
    let holder = json!({
        "version": 1, "pid": 1, "start_time": 0, "boot_id": "another", "agent_pid": 1, "agent_start_time": 0,
        "protocol_min": 1, "protocol_max": 1, "build": "wxcode", "started_at": at,
    });
    let files = [
        (
            "spec.json",
            json!({
                "version": 1, "session_id": id, "argv": ["x"], "cwd": "/", "cols": 80, "rows": 24, "secret": "s", "note": note, "program": "/bin/true", "umask": 18, "created_at": at,
            }),
        ),
        ("holder.json", holder.clone()),
        (
            "exit.json",
            json!({ "code": 7, "signal": null, "at": at, "reason": "exited", "offset": 0 }),
        ),
    ];
    for (name, value) in files {
        std::fs::write(dir.join(name), value.to_string()).unwrap();
    }
    let inner = Arc::new(SqliteStore::open(&data.path().join("wxcode.db")).unwrap());
    let looks = AtomicUsize::new(0);
    let defect: Before = Box::new(move |operation| {
        let is_first = operation == "next_delivery" && looks.fetch_add(1, Relaxed) == 0;
        assert!(!is_first, "a defect");
        std::future::ready(()).boxed()
    });
    let sessions = double::sessions(data.path().to_owned(), Arc::clone(&inner), Some(defect));
    let launched = Launched {
        id,
        dir: dir.clone(),
        metadata: serde_json::from_value::<Metadata>(note).unwrap(),
        holder: serde_json::from_value::<HolderFile>(holder).unwrap(),
        at: at.parse().unwrap(),
        workspace: "/".into(),
        is_latest: true,
    };
    let slot = sessions.0.slots.get(project);
    let session = begin::session(&sessions.0, &slot, launched, None).await;
    // A client attached earlier gets the end as well.
    let ended = tokio::time::timeout(Duration::from_secs(60), session.ended());
    assert_eq!(ended.await.unwrap().code, Some(7));
    sessions.close().await;
    assert!(dir.join(SETTLED).exists());
    let latest = sessions.latest(project).unwrap();
    assert!(Arc::ptr_eq(&latest, &session), "it is the same session");
}
