//! Derives the agent's state from evidence: hooks first, then the agent's own reports, the process
//! record, and the screen.

mod evidence;
mod limit;
mod report;
mod state;

pub use evidence::{Dialog, DialogKind, Evidence, Form, Look};
pub use limit::Limit;
pub use report::{DOUBTS_MAX, Report, Status};
pub use state::AgentState;

use crate::ask::{Ask, AskKind, OTHER, Request, Requests, seen_first};

/// The agent according to the evidence so far.
///
/// Three independent facts decide the state: a turn, requests from hooks, and a dialog on the
/// screen. So a dialog over a turn leaves the turn in place when the dialog closes. A subagent's
/// request for permission between turns begins no turn.
#[derive(Debug, Clone, Default)]
pub struct Agent {
    /// `SessionStart` was seen; before `SessionStart` the agent keeps no input.
    started: bool,
    /// The agent has accepted prompts since.
    opened: bool,
    /// A turn of the conversation runs.
    turn: bool,
    /// A compaction runs, and no turn.
    compacting: bool,
    /// Unsettled requests from hooks.
    requests: Requests,
    /// The dialog on the screen.
    shown: Option<Shown>,
    /// The newest report of the agent about itself.
    reported: Option<report::Standing>,
    /// After the last hook the screen came to rest with its input box and without a dialog.
    settled: bool,
    /// Another process continues the conversation.
    elsewhere: bool,
    /// The usage limit of the account ended the last turn.
    limited: bool,
}

/// A dialog on the screen.
#[derive(Debug, Clone)]
struct Shown {
    dialog: Dialog,
    /// The output offset of the dialog's first appearance; the dialog's name when no hook reported
    /// the dialog.
    since: u64,
    /// The output offset of the dialog's last appearance.
    seen: u64,
    /// The last screen showed the dialog, even if the screen was moving.
    is_fresh: bool,
    /// The hook of the dialog's request.
    hook: Option<u64>,
}

impl Shown {
    fn id(&self, requests: &Requests) -> String {
        let told = self.hook.map(|hook| requests.id(hook));
        told.unwrap_or_else(|| seen_first(self.since))
    }

    /// Whether the request belongs to the conversation or to this subagent.
    fn is_of(&self, by: Option<&str>, requests: &Requests) -> bool {
        match self.hook.and_then(|hook| requests.get(hook)) {
            Some(request) => request.by.as_deref() == by,
            None => by.is_none(),
        }
    }
}

impl Agent {
    /// The state for the API.
    #[must_use]
    pub fn state(&self) -> AgentState {
        if self.elsewhere {
            return AgentState::Unknown;
        }
        let asked = self.shown.as_ref().map(|shown| shown.dialog.kind.ask());
        let asked = asked.or(self.requests.first().map(Request::kind));
        match asked.or(self.reported_ask()) {
            Some(AskKind::Permission) => AgentState::WaitingPermission,
            Some(AskKind::Question) => AgentState::WaitingQuestion,
            Some(AskKind::Dialog) => AgentState::BlockedDialog,
            None if self.turn => AgentState::Working,
            None if self.limited => AgentState::WaitingLimit,
            None if self.started && self.opened => AgentState::Idle,
            None => AgentState::Starting,
        }
    }

    /// The name of the dialog on the screen.
    #[must_use]
    pub fn dialog(&self) -> Option<&str> {
        self.shown.as_ref().map(|shown| shown.dialog.name.as_str())
    }

    /// The dialog on the screen.
    #[must_use]
    pub fn on_screen(&self) -> Option<&Dialog> {
        self.shown.as_ref().map(|shown| &shown.dialog)
    }

    /// The id of the pending question.
    #[must_use]
    pub fn ask_id(&self) -> Option<String> {
        let told = || {
            let request = self.requests.first()?;
            Some(self.requests.id(request.hook))
        };
        let shown = self.shown.as_ref();
        shown.map(|shown| shown.id(&self.requests)).or_else(told)
    }

    /// The pending question.
    #[must_use]
    pub fn ask(&self) -> Option<Ask> {
        let id = self.ask_id()?;
        let request = match &self.shown {
            Some(shown) => shown.hook.and_then(|hook| self.requests.get(hook)),
            None => self.requests.first(),
        };
        let dialog = self.shown.as_ref().map(|shown| &shown.dialog);
        let kind = dialog
            .map(|dialog| dialog.kind.ask())
            .or(request.map(Request::kind))?;
        let name = match (dialog, kind) {
            (Some(dialog), _) => &dialog.name,
            (None, AskKind::Question) => "question",
            (None, _) => "permission",
        };
        Some(Ask {
            id,
            kind,
            dialog: name.to_owned(),
            tool_name: request.map(|request| request.tool_name.clone()),
            tool_input: request.map(|request| request.tool_input.clone()),
            questions: request.map_or_else(Vec::new, |request| request.questions.clone()),
            options: dialog.map_or_else(Vec::new, |dialog| dialog.options.clone()),
            selected: dialog.and_then(|dialog| dialog.selected),
        })
    }

    /// Whether a command may be typed now.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.state() == AgentState::Idle && self.settled
    }

    /// Whether the agent is in a state whose end the process record may show first.
    #[must_use]
    pub fn is_engaged(&self) -> bool {
        let is_doubtful = self.is_reported_blocked() && self.settled;
        self.turn || self.state().is_in_turn() || is_doubtful
    }

    /// Whether a request from a hook is unsettled.
    #[must_use]
    pub fn has_requests(&self) -> bool {
        self.requests.first().is_some()
    }

    /// Whether another process continues the conversation.
    #[must_use]
    pub const fn is_elsewhere(&self) -> bool {
        self.elsewhere
    }

    /// Whether the conversation has begun.
    #[must_use]
    pub const fn has_started(&self) -> bool {
        self.started
    }

    /// Takes a piece of evidence.
    pub fn observe(&mut self, evidence: &Evidence) {
        match evidence {
            Evidence::Screen(look) => return self.look(look),
            Evidence::Glimpse(look) => return self.glimpse(look),
            _ => {}
        }
        let was_settled = std::mem::take(&mut self.settled);
        if !matches!(evidence, Evidence::RecordedIdle) {
            self.drop_doubts();
        }
        match evidence {
            Evidence::Compacting => {
                let is_asked_for = !self.turn || self.compacting;
                self.begin_turn();
                self.compacting = is_asked_for;
            }
            Evidence::Compacted => {
                let is_asked_for = std::mem::take(&mut self.compacting);
                self.turn &= !is_asked_for;
                self.started = true;
            }
            Evidence::SessionStarted => {
                // At the start the screen must still show a ready agent; after `/clear` the agent
                // already is ready.
                self.opened = self.started;
                self.started = true;
                self.turn = false;
                self.compacting = false;
                self.requests.clear();
                self.shown = None;
            }
            Evidence::PromptSubmitted => {
                self.settle_of(None);
                self.begin_turn();
            }
            Evidence::TurnGoesOn => self.begin_turn(),
            Evidence::ToolOver {
                by,
                tool_name,
                tool_input,
            } => {
                self.requests.settle(by.as_deref(), tool_name, tool_input);
                self.forget_answered();
                if by.is_none() {
                    self.begin_turn();
                }
            }
            Evidence::Requested(request) => self.requests.add(request.clone()),
            Evidence::TurnEnded => {
                self.settle_of(None);
                self.turn = false;
                self.compacting = false;
                self.opened = true;
            }
            // A dialog in the way may be the request itself.
            Evidence::PromptIdle => self.turn &= self.ask_id().is_some(),
            Evidence::SubagentEnded { by } => self.settle_of(Some(by)),
            Evidence::Reported(report) => self.take_report(*report),
            Evidence::RecordedIdle if self.outranks_record(was_settled) => {}
            Evidence::RecordedIdle => {
                self.turn = false;
                self.compacting = false;
                self.requests.set_aside();
                self.forget_answered();
            }
            // A record may stay busy while a question stands.
            Evidence::RecordedBusy if self.is_reported_blocked() || self.is_dialog_open() => {}
            Evidence::RecordedBusy => {
                self.requests.set_aside();
                self.forget_answered();
            }
            Evidence::Elsewhere(elsewhere) => self.elsewhere = *elsewhere,
            Evidence::Limited(limited) => self.limited = *limited,
            Evidence::Screen(_) | Evidence::Glimpse(_) => {}
        }
    }

    fn begin_turn(&mut self) {
        self.turn = true;
        self.compacting = false;
        self.opened = true;
    }

    /// Settles the requests of the conversation or of a subagent.
    fn settle_of(&mut self, by: Option<&str>) {
        if self
            .shown
            .as_ref()
            .is_some_and(|shown| shown.is_of(by, &self.requests))
        {
            self.shown = None;
        }
        self.requests.drop_of(by);
    }

    /// A settled request's dialog has left the screen.
    fn forget_answered(&mut self) {
        let is_answered = |shown: &Shown| {
            shown
                .hook
                .is_some_and(|hook| self.requests.get(hook).is_none())
        };
        if self.shown.as_ref().is_some_and(is_answered) {
            self.shown = None;
        }
    }

    /// Whether the last screen showed a dialog.
    fn is_dialog_open(&self) -> bool {
        self.shown.as_ref().is_some_and(|shown| shown.is_fresh)
    }

    /// Takes a screen, possibly a moving screen.
    fn glimpse(&mut self, look: &Look) {
        if self.is_older_than_report(look.offset) {
            return;
        }
        if look.prompt && look.dialog.is_none() {
            self.refute_block(look.offset);
            self.clear_screen();
        } else if let Some(shown) = &mut self.shown {
            shown.is_fresh = look.dialog.is_some();
        }
    }

    /// No dialog is on the screen: the earlier ones are answered.
    fn clear_screen(&mut self) {
        self.shown = None;
        self.requests.set_shown_aside();
    }

    fn look(&mut self, look: &Look) {
        if self.is_older_than_report(look.offset) {
            return;
        }
        self.settled = look.dialog.is_none() && look.bracketed_paste && self.started;
        self.opened |= self.settled;
        let Some(dialog) = &look.dialog else {
            if look.prompt {
                self.refute_block(look.offset);
                self.clear_screen();
            } else {
                // An unrecognised permission or question may still be on the screen. Only a hook,
                // the input box or Claude's own record ends the wait, so wxcode never types into an
                // unrecognised dialog.
                self.shown = None;
            }
            return;
        };
        // The same dialog with another mark or tick is the same question; a panel changes with each
        // key.
        let is_same = |before: &Shown| {
            (before.dialog.kind, &before.dialog.name) == (dialog.kind, &dialog.name)
                && (before.dialog.text == dialog.text || dialog.name == OTHER)
        };
        let before = self.shown.take();
        let current = before.as_ref().and_then(|shown| shown.hook);
        let same = before.filter(is_same);
        let hook = match dialog.kind.ask() {
            AskKind::Dialog => None,
            kind => self.requests.show(kind, &dialog.text, current),
        };
        // A busy machine runs the hook after the dialog is read: the question keeps its id.
        if let (
            Some(hook),
            Some(Shown {
                hook: None, since, ..
            }),
        ) = (hook, &same)
        {
            self.requests.keep_id(hook, *since);
        }
        let since = same.map_or(look.offset, |same| same.since);
        self.shown = Some(Shown {
            dialog: dialog.clone(),
            since,
            seen: look.offset,
            is_fresh: true,
            hook,
        });
    }
}

#[cfg(test)]
mod tests;
