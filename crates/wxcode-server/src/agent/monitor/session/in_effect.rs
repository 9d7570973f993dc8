//! Learns the permission mode and the model in effect: from hooks, and from the status line and the
//! transcript where no hook reports a change.

use std::path::PathBuf;

use wxcode_claude::{
    hook::{HookEvent, HookKind},
    mode::{self, InEffect},
};
use wxcode_files::off_thread;

use super::SessionMonitor;
use crate::agent::metadata::LiveMetadata;

impl SessionMonitor {
    /// Takes the mode and the model from a hook of the agent itself.
    pub(super) fn take_in_effect(&mut self, event: &HookEvent) {
        // A subagent may have a separate mode and model.
        if event.agent_id.is_some() {
            return;
        }
        let model = match &event.kind {
            HookKind::SessionStart { model, .. } => model.clone(),
            _ => None,
        };
        self.learn_in_effect(InEffect {
            permission_mode: event.permission_mode.clone(),
            model,
        });
        if matches!(event.kind, HookKind::Stop { .. }) {
            self.transcript.turn_ended(event.transcript_path.clone());
        }
    }

    /// Takes the mode from the status line: no hook reports the user's change of the mode.
    pub(super) fn read_status_line(&self, screen: &str) {
        self.learn_in_effect(InEffect {
            permission_mode: mode::on_screen(screen).map(str::to_owned),
            model: None,
        });
    }

    /// Takes the model from the transcript, and the mode if nothing else showed the mode.
    pub(super) async fn read_transcript(&self, path: PathBuf) {
        let read = move || mode::in_transcript(&path);
        // The next turn tries again.
        let Ok(mut found) = off_thread(&self.config_dir, read).await else {
            return;
        };
        if self.view.borrow().permission_mode.is_some() {
            found.permission_mode = None;
        }
        self.learn_in_effect(found);
    }

    fn learn_in_effect(&self, found: InEffect) {
        let differs = |new: &Option<String>, known: &Option<String>| new.is_some() && new != known;
        let changed = self.view.send_if_modified(|view| {
            let mode = differs(&found.permission_mode, &view.permission_mode);
            let model = differs(&found.model, &view.model);
            if mode {
                view.permission_mode.clone_from(&found.permission_mode);
            }
            if model {
                view.model.clone_from(&found.model);
            }
            mode || model
        });
        if !changed {
            return;
        }
        let mut live_metadata = LiveMetadata::read(&self.session.dir);
        {
            let view = self.view.borrow();
            live_metadata
                .permission_mode
                .clone_from(&view.permission_mode);
            live_metadata.model.clone_from(&view.model);
        }
        if let Err(error) = live_metadata.write(&self.session.dir) {
            tracing::warn!(session = %self.session.id, %error, "could not persist the permission mode and the model");
        }
    }
}
