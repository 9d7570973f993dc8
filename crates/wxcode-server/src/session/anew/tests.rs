//! A store with a defect: the first look at a project's open deliveries panics.

use std::{
    path::PathBuf,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use wxcode_claude::template::Template;
use wxcode_core::{
    delivery::Delivery,
    id::Id,
    milestone::{Milestone, MilestoneStatus},
    project::{OutputProject, ProjectStatus},
};
use wxcode_holder::folder::{HolderFile, Limits};
use wxcode_store::{
    Added, Listing, Moved, NewDelivery, Page, ProjectPatch, Queued, Removed, Result, Rotated,
    Rotation, Step, Store, sqlite::SqliteStore,
};

use super::*;
use crate::{
    Commands, Settings,
    event::Events,
    metric::Metrics,
    planning::Planning,
    session::{live::Note, watcher::SETTLED},
};

struct Defect(AtomicUsize);

#[async_trait]
impl Store for Defect {
    async fn ping(&self) -> Result<()> {
        unreachable!("not asked here")
    }
    async fn add_project(&self, _project: &OutputProject) -> Result<()> {
        unreachable!("not asked here")
    }
    async fn project(&self, _id: Id) -> Result<Option<OutputProject>> {
        Ok(None)
    }
    async fn projects(&self, _page: Page) -> Result<Listing<OutputProject>> {
        unreachable!("not asked here")
    }
    async fn patch_project(
        &self,
        _id: Id,
        _patch: &ProjectPatch,
        _at: Timestamp,
    ) -> Result<Option<OutputProject>> {
        unreachable!("not asked here")
    }
    async fn advance_project(
        &self,
        _id: Id,
        _from: ProjectStatus,
        _to: ProjectStatus,
        _at: Timestamp,
    ) -> Result<bool> {
        unreachable!("not asked here")
    }
    async fn remove_project(&self, _id: Id) -> Result<bool> {
        unreachable!("not asked here")
    }
    async fn rotate(&self, _project: Id, _rotation: &Rotation) -> Result<Rotated> {
        unreachable!("not asked here")
    }
    async fn note_conversation(
        &self,
        _project: Id,
        _conversation: Uuid,
        _spoke: bool,
        _transcript_path: Option<PathBuf>,
    ) -> Result<bool> {
        unreachable!("not asked here")
    }
    async fn add_milestone(&self, _milestone: &Milestone) -> Result<Added> {
        unreachable!("not asked here")
    }
    async fn milestone(&self, _id: Id) -> Result<Option<Milestone>> {
        unreachable!("not asked here")
    }
    async fn milestones(
        &self,
        _project: Id,
        _status: Option<MilestoneStatus>,
        _page: Page,
    ) -> Result<Listing<Milestone>> {
        unreachable!("not asked here")
    }
    async fn advance_milestone(
        &self,
        _id: Id,
        _from: MilestoneStatus,
        _to: MilestoneStatus,
        _moved: &Moved,
    ) -> Result<Option<Milestone>> {
        unreachable!("not asked here")
    }
    async fn remove_milestone(&self, _id: Id, _at: Timestamp) -> Result<Removed> {
        unreachable!("not asked here")
    }
    async fn queue(&self, _delivery: &NewDelivery) -> Result<Queued> {
        unreachable!("not asked here")
    }
    async fn restore_delivery(&self, _delivery: &Delivery) -> Result<bool> {
        unreachable!("not asked here")
    }
    async fn delivery(&self, _id: Id) -> Result<Option<Delivery>> {
        unreachable!("not asked here")
    }
    async fn deliveries(&self, _project: Id, _page: Page) -> Result<Listing<Delivery>> {
        unreachable!("not asked here")
    }
    async fn open_deliveries(&self, _project: Id) -> Result<Vec<Delivery>> {
        assert!(self.0.fetch_add(1, Relaxed) > 0, "a defect");
        Ok(Vec::new())
    }
    async fn projects_with_open_deliveries(&self) -> Result<Vec<Id>> {
        unreachable!("not asked here")
    }
    async fn step(&self, _step: &Step) -> Result<Option<Delivery>> {
        unreachable!("not asked here")
    }
}

fn settings(data_dir: PathBuf) -> Settings {
    let template = || Template::parse("/x {context_path}").unwrap();
    Settings {
        data_dir,
        token: String::new(),
        allowed_hosts: Vec::new(),
        claude: "claude".into(),
        exe: "wxcode".into(),
        claude_args: Vec::new(),
        permission_mode: None,
        commands: Commands {
            new_project: template(),
            new_milestone: template(),
        },
        environment: Vec::new(),
        pass_env: Vec::new(),
        agent_env: Default::default(),
        resume_on_start: false,
        scopes: false,
        limits: Limits::default(),
        ready_timeout: Duration::from_secs(1),
    }
}

#[tokio::test]
async fn a_panic_costs_a_session_a_moment() {
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
                "version": 1, "session_id": id, "argv": ["x"], "cwd": "/", "cols": 80, "rows": 24, "secret": "s", "note": note, "created_at": at,
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
    let store: Arc<dyn Store> =
        Arc::new(SqliteStore::open(&data.path().join("wxcode.db")).unwrap());
    let events = Events::new(
        data.path().join("events"),
        Arc::clone(&store),
        Metrics::default(),
    );
    let closing = CancellationToken::new();
    let folder = data.path().join("planning");
    let planning = Planning::new(folder, store, events.clone(), closing.clone());
    let sessions = Sessions::new(
        Arc::new(settings(data.path().to_owned())),
        Arc::new(Defect(AtomicUsize::new(0))),
        events,
        planning,
        closing,
    );
    let started = Started {
        id,
        dir: dir.clone(),
        note: serde_json::from_value::<Note>(note).unwrap(),
        holder: serde_json::from_value::<HolderFile>(holder).unwrap(),
        at: at.parse().unwrap(),
    };
    let first = sessions
        .follow(&sessions.seat(project), started, None)
        .await;
    let anew = async {
        loop {
            let latest = sessions.latest(project).unwrap();
            if !Arc::ptr_eq(&latest, &first) {
                return latest;
            }
            sleep(Duration::from_millis(10)).await;
        }
    };
    let latest = tokio::time::timeout(Duration::from_secs(60), anew)
        .await
        .unwrap();
    assert_eq!(latest.ended().await.code, Some(7));
    assert!(dir.join(SETTLED).exists());
}
