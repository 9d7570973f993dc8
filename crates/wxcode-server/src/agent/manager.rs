//! The manager of agents: the entry to every operation on sessions and runs.
//!
//! Each method locks or reads what it needs and calls the room that does the work: `launch`,
//! `delivery`, `recovery`, `conversation`, `ending`.

mod node;

use std::{collections::HashMap, io, sync::Arc};

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use wxcode_core::{id::Id, project::OutputProject};
use wxcode_store::{Edit, Edited, NewDelivery, ProjectPatch, StoreError};

use crate::repository::Repository;
use crate::{
    Settings,
    agent::{
        context::Context,
        conversation::{
            relocation::{self, RelocateError},
            switch::{self, ResumeError},
        },
        delivery::{
            queue::{self, Delivered},
            waiting,
        },
        ending::{self, Retired},
        hibernation,
        launch::{
            self,
            error::StartError,
            held_lease,
            session::{Found, get_or_create},
        },
        process::AgentProcess,
        recovery::{
            adoption, deletion,
            reboot::{self, Interrupted},
            runs,
        },
        run::Run,
        session::Session,
    },
    changes::ChangeLog,
    conversation::Indexer,
    event::Events,
    mirror::Mirror,
    planning::Planning,
    usage::UsageReader,
};

/// A project's latest session, whether one is being started, and its run in progress.
#[derive(Default)]
pub(crate) struct Glance {
    pub(crate) session: Option<Arc<Session>>,
    pub(crate) is_starting: bool,
    pub(crate) run: Option<Arc<Run>>,
}

/// The agents of this server. Run its changing methods to their end: a start dropped half-way
/// would leave an agent without a monitor.
#[derive(Clone)]
pub struct Manager(pub(in crate::agent) Arc<Context>);

impl Manager {
    /// Creates the manager of a server, without adopting any agent.
    #[must_use]
    pub(crate) fn new(
        settings: Arc<Settings>,
        store: Repository,
        events: Events,
        planning: Planning,
        closing: CancellationToken,
    ) -> Self {
        let context = Context::new(settings, store, events, planning, closing);
        Self(Arc::new(context))
    }

    /// Finishes deletions of an earlier server. Must run before adoption.
    pub(crate) async fn finish_deletions(&self) {
        deletion::finish_all(&self.0).await;
    }

    /// Adopts the sessions of the data folder. Returns the sessions that the machine's restart
    /// interrupted.
    ///
    /// # Errors
    /// When the folder of the sessions cannot be read or made.
    pub(crate) async fn adopt(&self) -> io::Result<Vec<Interrupted>> {
        adoption::adopt(&self.0).await
    }

    /// Adopts the runs of the data folder. Must run after the sessions are adopted.
    ///
    /// # Errors
    /// When the folder of the runs cannot be read or made.
    pub async fn adopt_runs(&self) -> io::Result<()> {
        runs::adopt(&self.0).await
    }

    /// Starts the interrupted sessions again.
    pub(crate) async fn resume_interrupted(&self, interrupted: Vec<Interrupted>) {
        reboot::resume(&self.0, interrupted).await;
    }

    /// Looks for deliveries that wait, until the server ends.
    pub(crate) async fn look_for_waiting(&self) {
        waiting::look_for_waiting(&self.0).await;
    }

    /// The copies of conversations.
    #[must_use]
    pub(crate) fn mirror(&self) -> &Mirror {
        &self.0.mirror
    }

    /// The search index.
    #[must_use]
    pub(crate) fn indexer(&self) -> &Indexer {
        &self.0.indexer
    }

    /// The usage of projects.
    #[must_use]
    pub(crate) fn usage(&self) -> &UsageReader {
        &self.0.usage
    }

    /// Hibernates idle sessions, until the server ends.
    pub(crate) async fn hibernate_idle(&self) {
        hibernation::hibernate_idle(&self.0).await;
    }

    /// The running session of a project.
    #[must_use]
    pub fn running(&self, project: Id) -> Option<Arc<Session>> {
        self.0.slots.get(project).running()
    }

    /// Whether the session of a project is being started.
    #[must_use]
    pub fn is_starting(&self, project: Id) -> bool {
        self.0.slots.get(project).is_starting()
    }

    /// The running session of a project, or else the last ended one.
    #[must_use]
    pub fn latest(&self, project: Id) -> Option<Arc<Session>> {
        self.0.slots.get(project).latest()
    }

    /// The present wait for a store that answers late, in words.
    #[must_use]
    pub(crate) fn late_store(&self) -> Option<String> {
        self.0.store.late()
    }

    /// What milestones changed in their workspaces.
    #[must_use]
    pub(crate) fn changes(&self) -> ChangeLog {
        self.0.changes.clone()
    }

    /// The number of sessions being started, and the latest session of each project.
    #[must_use]
    pub(crate) fn survey(&self) -> (usize, Vec<Arc<Session>>) {
        let slots = self.0.slots.all();
        let starting = slots.iter().filter(|slot| slot.is_starting()).count();
        let latest = slots.iter().filter_map(|slot| slot.latest());
        (starting, latest.collect())
    }

    /// The activity of each project's agent, for the projects known to this server since its start.
    #[must_use]
    pub(crate) fn glances(&self) -> HashMap<Id, Glance> {
        let slots = self.0.slots.by_project().into_iter();
        let glances = slots.map(|(project, slot)| {
            let glance = Glance {
                session: slot.latest(),
                is_starting: slot.is_starting(),
                run: slot.run(),
            };
            (project, glance)
        });
        glances.collect()
    }

    /// The reason why the session of a project could not be resumed at the server's start.
    #[must_use]
    pub fn resume_error(&self, project: Id) -> Option<Arc<str>> {
        self.0.slots.get(project).resume_error()
    }

    /// Gets the session of a project, or starts it. Any number of callers start one agent.
    ///
    /// # Errors
    /// When it cannot be started; nothing is left behind.
    pub async fn get_or_create(&self, project: Id) -> Result<Found, StartError> {
        get_or_create(&self.0, project).await
    }

    /// The running session of a project, or else the last ended one. Starts none, and waits for a
    /// start in progress.
    ///
    /// # Errors
    /// When there is no such project, or another server has it.
    pub async fn look(&self, project: Id) -> Result<Option<Arc<Session>>, StartError> {
        let slot = self.0.slots.get(project);
        if let Some(session) = slot.open() {
            return Ok(Some(session));
        }
        let _guard = slot.lock().await;
        if self.0.store.project(project).await?.is_none() {
            self.0.slots.forget(project);
            return Err(StartError::NoProject);
        }
        held_lease::check(&self.0, project).await?;
        Ok(slot.latest())
    }

    /// Gets the session of a project with this conversation of its history, or makes the
    /// conversation the current one and starts the session with it. Ends a session with another
    /// conversation in between.
    ///
    /// # Errors
    /// When the conversation cannot be resumed: nothing has changed then. When the running session
    /// does not end, or the agent cannot be started: the next start resumes the current
    /// conversation.
    pub async fn resume(&self, project: Id, conversation: Uuid) -> Result<Found, ResumeError> {
        switch::resume(&self.0, project, conversation).await
    }

    /// Fails if another server has the project and this one runs nothing of it.
    ///
    /// # Errors
    /// The other server and the rest of its lease; or a failure of the store.
    pub async fn check_lease(&self, project: Id) -> Result<(), StartError> {
        held_lease::check(&self.0, project).await.map(drop)
    }

    /// Queues a delivery and makes sure that a session takes it.
    ///
    /// # Errors
    /// When no session runs and none can be started: the delivery is `failed`.
    pub async fn deliver(&self, new: &NewDelivery) -> Result<Delivered, StartError> {
        queue::deliver(&self.0, new).await
    }

    /// Edits or moves a waiting delivery.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn edit_delivery(&self, edit: &Edit) -> Result<Edited, StoreError> {
        queue::edit(&self.0, edit).await
    }

    /// Cancels a waiting delivery.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn cancel_delivery(&self, project: Id, id: Id) -> Result<Edited, StoreError> {
        queue::cancel(&self.0, project, id).await
    }

    /// Ends the session of a project: the agent, everything it started, and orphans of earlier
    /// sessions. Returns whether all are gone.
    pub async fn end(&self, project: Id) -> bool {
        let slot = self.0.slots.get(project);
        let _guard = slot.lock().await;
        ending::end_session(&self.0, &slot, project).await
    }

    /// Applies a patch that names another workspace folder, by its canonical path.
    ///
    /// # Errors
    /// When a session or a run is in progress, another server has the project, another project has
    /// the folder, or the store fails.
    pub async fn relocate(
        &self,
        project: Id,
        patch: &ProjectPatch,
        at: Timestamp,
    ) -> Result<OutputProject, RelocateError> {
        relocation::relocate(&self.0, project, patch, at).await
    }

    /// Removes the copy of a project's conversations.
    pub async fn remove_copy(&self, project: Id) {
        self.0.mirror.remove(project).await;
    }

    /// Deletes a project with its sessions; no session of it can start meanwhile.
    ///
    /// # Errors
    /// When the store fails; a running session is ended by then.
    pub async fn retire(&self, project: Id, force: bool) -> Result<Retired, StoreError> {
        ending::retire(&self.0, project, force).await
    }

    /// Runs a prompt in a project, headless. The project must have no session and no run in
    /// progress.
    ///
    /// # Errors
    /// When it has one, or the agent cannot be started; nothing is left behind.
    pub async fn begin_run(&self, project: Id, prompt: String) -> Result<Arc<Run>, StartError> {
        launch::run::begin(&self.0, project, prompt).await
    }

    /// The project's run in progress.
    #[must_use]
    pub fn run_under_way(&self, project: Id) -> Option<Arc<Run>> {
        self.0.slots.get(project).run()
    }

    /// The known runs of a project, oldest first.
    #[must_use]
    pub fn runs(&self, project: Id) -> Vec<Arc<Run>> {
        self.0.slots.get(project).runs()
    }

    /// Ends a run: the agent and everything it started. Returns whether it is gone.
    pub async fn stop_run(&self, run: &Arc<Run>) -> bool {
        AgentProcess::Run(Arc::clone(run)).stop().await
    }

    /// Stops all monitors; the agents run on.
    pub async fn close(&self) {
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }
}

#[cfg(test)]
mod tests;
