//! Looks for troubles of the running session, and keeps the session's warning up to date.

use std::path::PathBuf;

use tokio::time::Instant;
use wxcode_claude::{
    dialog,
    hook::{HookEvent, HookKind},
    hooks_off::Layers,
    transcript::outcome,
};
use wxcode_core::{agent::Look, delivery::machine::Event, text::shortened};
use wxcode_files::off_thread;
use wxcode_holder::client::{ClientError, Sender};

use super::SessionMonitor;
use crate::agent::{
    metadata::Launch,
    monitor::trouble::{
        ACTIVITY_EVERY, Activity, ERROR_MAX, EndedTurn, HOOKS_AGAIN, HOOKS_LATE, TRANSCRIPT_LATE,
    },
};

/// The dialog about an invalid settings file.
const SETTINGS_ERROR: &str = "settings_error";

impl SessionMonitor {
    /// Takes a resting screen: a prompt without the hook of its start, or a dialog about settings.
    pub(in crate::agent) fn look_for_trouble(&mut self, look: &Look, text: &str, now: Instant) {
        let is_usable = look.prompt && look.bracketed_paste && look.dialog.is_none();
        if !self.agent.has_started() && is_usable {
            self.troubles.hooks_due.get_or_insert(now + HOOKS_LATE);
        }
        let dialog = look.dialog.as_ref().map(|dialog| dialog.name.as_str());
        let errors = match dialog {
            Some(SETTINGS_ERROR) => dialog::settings_errors(text),
            _ => None,
        };
        let errors = errors.map(|errors| {
            let errors = shortened(&errors, ERROR_MAX);
            format!("Claude Code does not use a settings file that is not valid: {errors}")
        });
        if self.troubles.settings != errors {
            self.troubles.settings = errors;
            self.show_warning();
        }
    }

    /// Takes a hook of the agent itself.
    pub(in crate::agent) fn trouble_of(&mut self, event: &HookEvent) {
        if event.agent_id.is_some() {
            return;
        }
        // Hooks run.
        self.troubles.hooks_due = None;
        let before = (self.troubles.hooks.take(), self.troubles.service.clone());
        match &event.kind {
            HookKind::Stop {
                last_assistant_message,
                failure,
            } => {
                self.troubles.service = failure
                    .as_deref()
                    .filter(|kind| !self.is_limit(kind, last_assistant_message.as_deref()))
                    .map(|kind| api_error(kind, last_assistant_message.as_deref()));
                let due = Instant::now() + TRANSCRIPT_LATE;
                let turn = |prompt_id| EndedTurn {
                    prompt_id,
                    transcript: event.transcript_path.clone(),
                };
                self.troubles.transcript_due = event.prompt_id.clone().map(|id| (due, turn(id)));
            }
            HookKind::UserPromptSubmit { .. } | HookKind::SessionStart { .. } => {
                self.troubles.service = None;
            }
            _ => {}
        }
        if before != (None, self.troubles.service.clone()) {
            self.show_warning();
        }
    }

    /// Looks for due troubles.
    pub(in crate::agent) async fn check_troubles(
        &mut self,
        holder: &Sender,
        now: Instant,
    ) -> Result<(), ClientError> {
        if self.troubles.hooks_due.is_some_and(|due| now >= due) {
            self.look_for_hooks(holder, now).await?;
        }
        if let Some((_, turn)) = self.troubles.transcript_due.take_if(|(due, _)| now >= *due) {
            self.look_for_records(turn).await;
        }
        if self.troubles.activity_due.is_some_and(|due| now >= due) {
            self.sample_activity(holder, now).await?;
        }
        let is_starting = !self.agent.has_started() && !self.delivery_worker.is_idle();
        if is_starting {
            let due = now + ACTIVITY_EVERY;
            self.troubles.activity_due.get_or_insert(due);
        } else {
            self.troubles.activity_due = None;
        }
        Ok(())
    }

    /// Names the settings that keep hooks from running.
    async fn look_for_hooks(&mut self, holder: &Sender, now: Instant) -> Result<(), ClientError> {
        if self.agent.has_started() {
            self.troubles.hooks_due = None;
            return Ok(());
        }
        self.troubles.hooks_due = Some(now + HOOKS_AGAIN);
        let (config_dir, workspace) = (self.config_dir.clone(), self.workspace().await);
        let place = config_dir.clone();
        let find = move || {
            let causes = Layers::new(&config_dir, workspace.as_deref()).causes();
            Ok::<_, wxcode_files::FileError>(causes)
        };
        let causes = match off_thread(&place, find).await {
            Ok(causes) => causes.iter().map(ToString::to_string).collect(),
            Err(error) => vec![error.to_string()],
        };
        let causes = match causes.is_empty() {
            true => {
                "no settings file says why; look for `disableAllHooks` and `allowManagedHooksOnly`"
                    .to_owned()
            }
            false => causes.join("; "),
        };
        let text = format!(
            "the agent's prompt is ready, but Claude Code runs none of our hooks, so nothing is known of the agent and no command can be confirmed: {causes}"
        );
        if self.troubles.hooks.as_ref() != Some(&text) {
            self.troubles.hooks = Some(text);
            self.show_warning();
        }
        let readiness = self.readiness();
        self.delivery_worker.ready(readiness, holder, now).await
    }

    async fn workspace(&self) -> Option<PathBuf> {
        let dir = self.session.dir.clone();
        let read = move || Launch::read(&dir).map(|launch| launch.workspace);
        tokio::task::spawn_blocking(read).await.ok()?
    }

    /// Checks that a transcript has the prompt of the last turn: the one at the turn's end, or the
    /// present one, because a transcript moves along with the agent's folder.
    async fn look_for_records(&mut self, turn: EndedTurn) {
        let present = self.delivery_worker.transcript().map(ToOwned::to_owned);
        let mut paths = vec![turn.transcript, present];
        paths.dedup();
        let paths: Vec<PathBuf> = paths.into_iter().flatten().collect();
        let Some(path) = paths.last().cloned() else {
            return;
        };
        let read = move || {
            for file in &paths {
                if outcome::has_prompt(file, &turn.prompt_id)? {
                    return Ok(true);
                }
            }
            Ok::<_, wxcode_files::FileError>(false)
        };
        let trouble = match off_thread(&path, read).await {
            Ok(true) => None,
            Ok(false) => Some(format!(
                "the agent keeps no transcript: {} lacks the last turn, which is lost when the agent ends; check the free space of its disk, and settings that turn the transcript off (`cleanupPeriodDays`, `--no-session-persistence`)",
                path.display()
            )),
            Err(error) => Some(format!("the agent's transcript cannot be read: {error}")),
        };
        if self.troubles.transcript != trouble {
            self.troubles.transcript = trouble;
            self.show_warning();
        }
    }

    /// Reports to the delivery worker that the starting agent is at work.
    async fn sample_activity(&mut self, holder: &Sender, now: Instant) -> Result<(), ClientError> {
        self.troubles.activity_due = Some(now + ACTIVITY_EVERY);
        // Asks for the offset of the output.
        self.screen_probe.restart(now);
        let sample = Activity::of(self.claude_pid, self.output);
        let before = std::mem::replace(&mut self.troubles.activity, sample);
        if before != Activity::default() && sample.is_after(&before) {
            self.delivery_worker
                .advance(Event::Active, holder, now)
                .await?;
        }
        Ok(())
    }
}

/// An error of the API, apart from usage limits.
fn api_error(kind: &str, message: Option<&str>) -> String {
    let message = shortened(message.unwrap_or("no message"), ERROR_MAX);
    format!("the last turn ended with an error of the API ({kind}): {message}")
}
