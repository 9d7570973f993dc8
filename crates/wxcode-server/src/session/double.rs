//! For tests: sessions on a store with an action before each operation, for example to fail or to
//! wait.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use wxcode_claude::template::Template;
use wxcode_core::{
    delivery::Delivery,
    excerpt::Excerpt,
    id::Id,
    lease::Lease,
    milestone::{Milestone, MilestoneStatus},
    project::{OutputProject, ProjectStatus},
};
use wxcode_holder::folder::{Limits, REBOOTED};
use wxcode_store::{
    Added, Listing, Moved, NewDelivery, Page, ProjectPatch, Queued, Removed, Result, Rotated,
    Rotation, Step, Store, Swapped, sqlite::SqliteStore,
};

use super::registry::Sessions;
use crate::{Commands, Settings, event::Events, metric::Metrics, planning::Planning};

/// A store that awaits `before`, with the operation's name, before each operation.
pub(super) struct Double<F> {
    pub(super) inner: Arc<SqliteStore>,
    pub(super) before: F,
}

#[async_trait]
impl<F> Store for Double<F>
where
    F: Fn(&'static str) -> BoxFuture<'static, ()> + Send + Sync + 'static,
{
    async fn ping(&self) -> Result<()> {
        (self.before)("ping").await;
        self.inner.ping().await
    }
    async fn add_project(&self, project: &OutputProject) -> Result<()> {
        (self.before)("add_project").await;
        self.inner.add_project(project).await
    }
    async fn restore_project(&self, project: &OutputProject) -> Result<()> {
        (self.before)("restore_project").await;
        self.inner.restore_project(project).await
    }
    async fn project(&self, id: Id) -> Result<Option<OutputProject>> {
        (self.before)("project").await;
        self.inner.project(id).await
    }
    async fn projects(&self, page: Page) -> Result<Listing<OutputProject>> {
        (self.before)("projects").await;
        self.inner.projects(page).await
    }
    async fn patch_project(
        &self,
        id: Id,
        patch: &ProjectPatch,
        at: Timestamp,
    ) -> Result<Option<OutputProject>> {
        (self.before)("patch_project").await;
        self.inner.patch_project(id, patch, at).await
    }
    async fn advance_project(
        &self,
        id: Id,
        from: ProjectStatus,
        to: ProjectStatus,
        at: Timestamp,
    ) -> Result<bool> {
        (self.before)("advance_project").await;
        self.inner.advance_project(id, from, to, at).await
    }
    async fn remove_project(&self, id: Id) -> Result<bool> {
        (self.before)("remove_project").await;
        self.inner.remove_project(id).await
    }
    async fn rotate(&self, project: Id, rotation: &Rotation) -> Result<Rotated> {
        (self.before)("rotate").await;
        self.inner.rotate(project, rotation).await
    }
    async fn note_conversation(
        &self,
        project: Id,
        conversation: Uuid,
        spoke: bool,
        transcript_path: Option<PathBuf>,
    ) -> Result<bool> {
        (self.before)("note_conversation").await;
        self.inner
            .note_conversation(project, conversation, spoke, transcript_path)
            .await
    }
    async fn add_milestone(&self, milestone: &Milestone) -> Result<Added> {
        (self.before)("add_milestone").await;
        self.inner.add_milestone(milestone).await
    }
    async fn milestone(&self, id: Id) -> Result<Option<Milestone>> {
        (self.before)("milestone").await;
        self.inner.milestone(id).await
    }
    async fn milestones(
        &self,
        project: Id,
        status: Option<MilestoneStatus>,
        page: Page,
    ) -> Result<Listing<Excerpt<Milestone>>> {
        (self.before)("milestones").await;
        self.inner.milestones(project, status, page).await
    }
    async fn advance_milestone(
        &self,
        id: Id,
        from: MilestoneStatus,
        to: MilestoneStatus,
        moved: &Moved,
    ) -> Result<Option<Milestone>> {
        (self.before)("advance_milestone").await;
        self.inner.advance_milestone(id, from, to, moved).await
    }
    async fn remove_milestone(&self, id: Id, at: Timestamp) -> Result<Removed> {
        (self.before)("remove_milestone").await;
        self.inner.remove_milestone(id, at).await
    }
    async fn queue(&self, delivery: &NewDelivery) -> Result<Queued> {
        (self.before)("queue").await;
        self.inner.queue(delivery).await
    }
    async fn restore_delivery(&self, delivery: &Delivery) -> Result<bool> {
        (self.before)("restore_delivery").await;
        self.inner.restore_delivery(delivery).await
    }
    async fn delivery(&self, id: Id) -> Result<Option<Delivery>> {
        (self.before)("delivery").await;
        self.inner.delivery(id).await
    }
    async fn deliveries(&self, project: Id, page: Page) -> Result<Listing<Excerpt<Delivery>>> {
        (self.before)("deliveries").await;
        self.inner.deliveries(project, page).await
    }
    async fn open_deliveries(&self, project: Id) -> Result<Vec<Excerpt<Delivery>>> {
        (self.before)("open_deliveries").await;
        self.inner.open_deliveries(project).await
    }
    async fn next_delivery(&self, project: Id) -> Result<Option<Delivery>> {
        (self.before)("next_delivery").await;
        self.inner.next_delivery(project).await
    }
    async fn projects_with_open_deliveries(&self) -> Result<Vec<Id>> {
        (self.before)("projects_with_open_deliveries").await;
        self.inner.projects_with_open_deliveries().await
    }
    async fn step(&self, step: &Step) -> Result<Option<Delivery>> {
        (self.before)("step").await;
        self.inner.step(step).await
    }
    async fn lease(&self, project: Id) -> Result<Option<Lease>> {
        (self.before)("lease").await;
        self.inner.lease(project).await
    }
    async fn swap_lease(&self, project: Id, old: Option<&Lease>, new: &Lease) -> Result<Swapped> {
        (self.before)("swap_lease").await;
        self.inner.swap_lease(project, old, new).await
    }
}

fn settings(data_dir: PathBuf) -> Settings {
    let template = || Template::parse("/x {context_path}").unwrap();
    Settings {
        data_dir,
        network: crate::Network::default(),
        umask: 0o022,
        token: String::new(),
        allowed_hosts: Vec::new(),
        claude: "/bin/true".into(),
        holder: "wxcode-holder".into(),
        claude_args: Vec::new(),
        permission_mode: None,
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
        store: "sqlite".to_owned(),
        shared: None,
        log_lines_lost: Default::default(),
    }
}

/// Sessions in a data folder on a store.
pub(super) fn sessions(data_dir: PathBuf, store: Arc<dyn Store>, told: Arc<dyn Store>) -> Sessions {
    let events = Events::new(
        data_dir.join("events"),
        Arc::clone(&told),
        Metrics::default(),
    );
    let closing = CancellationToken::new();
    let folder = data_dir.join("planning");
    let planning = Planning::new(folder, told, events.clone(), closing.clone());
    Sessions::new(
        Arc::new(settings(data_dir)),
        store,
        events,
        planning,
        closing,
    )
}

/// Creates the folder of a session that ended with its machine, not yet processed.
pub(super) fn cut_off(sessions: &Path, session: Id, project: Id) -> PathBuf {
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
