//! Reads Claude Code's record of the agent's process (`sessions/<pid>.json`): its version, its
//! status, and its conversation, compared with the conversation of the hooks.

use tokio::time::Instant;
use uuid::Uuid;
use wxcode_claude::running::{self, Status};
use wxcode_core::agent::Evidence;
use wxcode_files::off_thread;
use wxcode_holder::client::{ClientError, Sender};

use super::SessionMonitor;
use crate::agent::{
    launch::version,
    metadata::LiveMetadata,
    monitor::owner::{self, Owners},
};

impl SessionMonitor {
    pub(in crate::agent) async fn read_version(&mut self) {
        if let Some(version) = self
            .record_of_process()
            .await
            .and_then(|record| record.version)
        {
            self.store_version(version);
        }
    }

    fn store_version(&mut self, version: String) {
        version::seen(&version);
        let mut live_metadata = LiveMetadata::read(&self.session.dir);
        live_metadata.claude_version = Some(version.clone());
        if let Err(error) = live_metadata.write(&self.session.dir) {
            tracing::warn!(session = %self.session.id, %error, "could not persist the version of Claude Code");
        }
        self.view
            .send_modify(|view| view.claude_version = Some(version));
    }

    /// Compares the conversation of the hooks with the records of all Claude Code processes.
    pub(in crate::agent) async fn cross_check(
        &mut self,
        now: Instant,
        holder: &Sender,
    ) -> Result<(), ClientError> {
        let Some(current) = self.conversation_log.latest() else {
            self.crosscheck.changed(now);
            return Ok(());
        };
        let owners = self.owners(current).await;
        if let Some((pid, own)) = owners.as_ref().and_then(|owners| owners.own.as_ref()) {
            self.claude_pid = i32::try_from(*pid).unwrap_or(self.session.agent_pid);
            if self.view.borrow().claude_version.is_none()
                && let Some(version) = own.version.clone()
            {
                self.store_version(version);
            }
        }
        if self.crosscheck.compare(current, owners.as_ref(), now) {
            self.show_warning();
        }
        let is_elsewhere = self.crosscheck.is_elsewhere();
        if is_elsewhere == self.agent.is_elsewhere() {
            return Ok(());
        }
        let evidence = Evidence::Elsewhere(is_elsewhere);
        self.observe(&evidence, None, holder).await
    }

    /// Updates the visible warning.
    pub(in crate::agent) fn show_warning(&self) {
        let warning = self.troubles.text(self.crosscheck.warning());
        if self.view.borrow().warning == warning {
            return;
        }
        match &warning {
            Some(warning) => tracing::warn!(session = %self.session.id, "{warning}"),
            None => {
                tracing::info!(session = %self.session.id, "the session's warning is cleared")
            }
        }
        self.view.send_modify(|view| view.warning = warning);
    }

    async fn owners(&self, current: Uuid) -> Option<Owners> {
        let dir = self.config_dir.clone();
        let agent = (self.session.agent_pid, self.session.agent_start);
        let read = move || owner::owners(&dir, Some(agent), current);
        off_thread(&self.config_dir, read).await.ok()
    }

    /// Reads Claude Code's record of the process. Without status reports, only this record shows
    /// that Esc ended a turn.
    pub(in crate::agent) async fn read_record(
        &mut self,
        now: Instant,
        holder: &Sender,
    ) -> Result<(), ClientError> {
        if !self.agent.is_engaged() {
            return Ok(());
        }
        let status = self.record_of_process().await.map(|record| record.status);
        self.process_record.watch(now);
        if self.agent.state().is_asking() {
            // Under endless output the holder never reports a resting screen.
            self.screen_probe.restart(now);
        }
        match self.process_record.confirm(status) {
            Some(Status::Idle) => self.observe(&Evidence::RecordedIdle, None, holder).await,
            Some(Status::Busy) if self.agent.has_requests() => {
                self.observe(&Evidence::RecordedBusy, None, holder).await
            }
            _ => Ok(()),
        }
    }

    pub(in crate::agent) async fn record_of_process(&self) -> Option<running::Running> {
        let dir = self.config_dir.clone();
        let pid = u32::try_from(self.claude_pid).ok()?;
        let read = move || running::read(&dir, pid);
        off_thread(&self.config_dir, read).await.ok()?
    }
}
