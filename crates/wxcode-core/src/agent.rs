//! What the agent is doing, from evidence: its hooks first, the screen for what hooks cannot tell.

use serde::{Deserialize, Serialize};

/// The state of the agent, as the API shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentState {
    /// Started, not yet seen ready.
    Starting,
    /// Waiting for a prompt.
    Idle,
    /// In a turn.
    Working,
    /// Asks for leave to use a tool.
    WaitingPermission,
    /// Asks the user a question.
    WaitingQuestion,
    /// A dialog that no hook tells of stands on the screen.
    BlockedDialog,
    /// No evidence, or no agent.
    Unknown,
}

impl AgentState {
    /// The word for it in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Idle => "idle",
            Self::Working => "working",
            Self::WaitingPermission => "waiting_permission",
            Self::WaitingQuestion => "waiting_question",
            Self::BlockedDialog => "blocked_dialog",
            Self::Unknown => "unknown",
        }
    }
}

impl AgentState {
    /// Whether a turn runs, be it that it waits for the user.
    #[must_use]
    pub const fn is_in_turn(self) -> bool {
        matches!(
            self,
            Self::Working | Self::WaitingPermission | Self::WaitingQuestion
        )
    }
}

/// What was observed of the agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evidence {
    /// A conversation began, by `SessionStart`.
    SessionStarted,
    /// A prompt was submitted.
    PromptSubmitted,
    /// A tool starts or ended, or the conversation is being compacted: the turn goes on.
    TurnGoesOn,
    /// Leave to use a tool is asked for.
    PermissionRequested,
    /// A question is asked.
    QuestionAsked,
    /// The turn is over.
    TurnEnded,
    /// Claude's own record of the process says that no turn runs: the only evidence of a turn
    /// that the user broke off with Esc.
    RecordedIdle,
    /// The screen after it came to rest.
    Screen(Look),
}

/// What a screen at rest shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// The dialog on it, if one was recognised.
    pub dialog: Option<Dialog>,
    /// Whether the terminal takes bracketed paste: the agent's input box is up.
    pub bracketed_paste: bool,
}

/// A dialog on the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialog {
    /// Its name in the API.
    pub name: String,
    /// What kind of answer it waits for.
    pub kind: DialogKind,
}

/// What a dialog waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DialogKind {
    /// Leave for a tool; hooks tell of it too.
    Permission,
    /// An answer to a question of the agent; hooks tell of it too.
    Question,
    /// Something that only the user can settle and no hook tells of: trust, login, an offer.
    Blocking,
}

/// The agent as the evidence shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    state: AgentState,
    dialog: Option<String>,
    /// `SessionStart` was seen: before it, nothing typed is kept.
    started: bool,
    /// The screen came to rest after the last hook, without a dialog and with its input box.
    settled: bool,
}

impl Default for Agent {
    fn default() -> Self {
        Self {
            state: AgentState::Starting,
            dialog: None,
            started: false,
            settled: false,
        }
    }
}

impl Agent {
    /// What it is doing.
    #[must_use]
    pub const fn state(&self) -> AgentState {
        self.state
    }

    /// The name of the dialog on its screen.
    #[must_use]
    pub fn dialog(&self) -> Option<&str> {
        self.dialog.as_deref()
    }

    /// Whether a command may be typed now.
    #[must_use]
    pub const fn is_ready(&self) -> bool {
        matches!(self.state, AgentState::Idle) && self.settled
    }

    /// Whether its conversation has begun.
    #[must_use]
    pub const fn has_started(&self) -> bool {
        self.started
    }

    /// Takes one piece of evidence; true when what [`Self::state`] or [`Self::dialog`] say changed.
    pub fn observe(&mut self, evidence: &Evidence) -> bool {
        let before = (self.state, self.dialog.clone());
        if let Evidence::Screen(look) = evidence {
            self.look(look);
        } else {
            self.settled = false;
            self.dialog = None;
        }
        match evidence {
            Evidence::SessionStarted => {
                // At the start the screen has yet to show that it is ready; after `/clear` it is.
                self.state = if self.started {
                    AgentState::Idle
                } else {
                    AgentState::Starting
                };
                self.started = true;
            }
            Evidence::PromptSubmitted | Evidence::TurnGoesOn => self.state = AgentState::Working,
            Evidence::PermissionRequested => self.state = AgentState::WaitingPermission,
            Evidence::QuestionAsked => self.state = AgentState::WaitingQuestion,
            Evidence::TurnEnded => self.state = AgentState::Idle,
            Evidence::RecordedIdle => {
                if self.state.is_in_turn() {
                    self.state = AgentState::Idle;
                }
            }
            Evidence::Screen(_) => {}
        }
        before != (self.state, self.dialog.clone())
    }

    fn look(&mut self, look: &Look) {
        self.dialog = look.dialog.as_ref().map(|dialog| dialog.name.clone());
        self.settled = look.dialog.is_none() && look.bracketed_paste && self.started;
        match (&look.dialog, self.state) {
            (Some(dialog), _) => {
                self.state = match dialog.kind {
                    DialogKind::Permission => AgentState::WaitingPermission,
                    DialogKind::Question => AgentState::WaitingQuestion,
                    DialogKind::Blocking => AgentState::BlockedDialog,
                };
            }
            // What stood in the way of the start is settled.
            (None, AgentState::Starting | AgentState::BlockedDialog) => {
                self.state = if self.settled {
                    AgentState::Idle
                } else {
                    AgentState::Starting
                };
            }
            // A permission or question that is not recognised on the screen may still be there: only a hook
            // or Claude's own record ends the wait, so that nothing is ever typed into it.
            (
                None,
                AgentState::Idle
                | AgentState::Working
                | AgentState::WaitingPermission
                | AgentState::WaitingQuestion
                | AgentState::Unknown,
            ) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{AgentState::*, *};

    fn quiet() -> Evidence {
        Evidence::Screen(Look {
            dialog: None,
            bracketed_paste: true,
        })
    }

    fn showing(name: &str, kind: DialogKind) -> Evidence {
        Evidence::Screen(Look {
            dialog: Some(Dialog {
                name: name.into(),
                kind,
            }),
            bracketed_paste: true,
        })
    }

    /// Each case: what was seen, the state after it, and whether a command may be typed.
    fn check(cases: &[(Evidence, AgentState, bool)]) {
        let mut agent = Agent::default();
        for (step, (evidence, state, ready)) in cases.iter().enumerate() {
            agent.observe(evidence);
            assert_eq!(
                (agent.state(), agent.is_ready()),
                (*state, *ready),
                "step {step}: {evidence:?}"
            );
        }
    }

    #[test]
    fn a_start_is_ready_only_when_hook_and_screen_agree() {
        check(&[
            (quiet(), Starting, false),
            (Evidence::SessionStarted, Starting, false),
            (quiet(), Idle, true),
        ]);
    }

    #[test]
    fn a_trust_dialog_blocks_until_it_is_gone() {
        check(&[
            (
                showing("trust_folder", DialogKind::Blocking),
                BlockedDialog,
                false,
            ),
            (quiet(), Starting, false),
            (Evidence::SessionStarted, Starting, false),
            (
                showing("auto_mode_offer", DialogKind::Blocking),
                BlockedDialog,
                false,
            ),
            (quiet(), Idle, true),
        ]);
    }

    #[test]
    fn a_turn_with_a_permission_and_a_question() {
        check(&[
            (Evidence::SessionStarted, Starting, false),
            (quiet(), Idle, true),
            (Evidence::PromptSubmitted, Working, false),
            (Evidence::PermissionRequested, WaitingPermission, false),
            (
                showing("permission", DialogKind::Permission),
                WaitingPermission,
                false,
            ),
            (Evidence::TurnGoesOn, Working, false),
            (Evidence::QuestionAsked, WaitingQuestion, false),
            (Evidence::TurnGoesOn, Working, false),
            (Evidence::TurnEnded, Idle, false),
            (quiet(), Idle, true),
        ]);
    }

    #[test]
    fn esc_leaves_no_state_behind() {
        check(&[
            (Evidence::SessionStarted, Starting, false),
            (quiet(), Idle, true),
            (Evidence::PromptSubmitted, Working, false),
            (quiet(), Working, false),
            (Evidence::RecordedIdle, Idle, false),
            (quiet(), Idle, true),
            (Evidence::PromptSubmitted, Working, false),
            (Evidence::PermissionRequested, WaitingPermission, false),
            (quiet(), WaitingPermission, false),
            (Evidence::RecordedIdle, Idle, false),
            (quiet(), Idle, true),
        ]);
    }

    #[test]
    fn clear_in_an_idle_session_stays_idle() {
        check(&[
            (Evidence::SessionStarted, Starting, false),
            (quiet(), Idle, true),
            (Evidence::SessionStarted, Idle, false),
            (quiet(), Idle, true),
        ]);
    }
}
