//! The state of a session for its clients.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use wxcode_core::{
    agent::{AgentState, Limit},
    ask::Ask,
};
use wxcode_holder::folder::Exit;

use crate::agent::{answer::AnswerRequest, metadata::LiveMetadata};

/// The present state of a session.
#[derive(Debug, Clone)]
pub struct View {
    pub agent_state: AgentState,
    /// The dialog on the screen.
    pub dialog: Option<String>,
    /// The pending question.
    pub asks: Option<Arc<Ask>>,
    /// Claude Code's version, once known.
    pub claude_version: Option<String>,
    /// The permission mode in effect, once known.
    pub permission_mode: Option<String>,
    /// The model in effect, once known.
    pub model: Option<String>,
    /// The usage limit under which the agent waits.
    pub limit: Option<Limit>,
    /// Problems of the session, with a remedy.
    pub warning: Option<String>,
    /// The end of the session; all consequences are recorded.
    pub exit: Option<Exit>,
}

impl View {
    /// The state of a session without a monitor so far.
    pub(in crate::agent) fn starting(known: LiveMetadata) -> Self {
        Self {
            agent_state: AgentState::Starting,
            dialog: None,
            asks: None,
            limit: None,
            claude_version: known.claude_version,
            permission_mode: known.permission_mode,
            model: known.model,
            warning: None,
            exit: None,
        }
    }

    /// The state of a running agent is void after the agent's end.
    pub(super) fn forget(&mut self) {
        self.agent_state = AgentState::Starting;
        self.dialog = None;
        self.asks = None;
        self.warning = None;
        self.exit = None;
    }
}

/// A session's channels for its monitor.
#[derive(Debug)]
pub(in crate::agent) struct MonitorChannels {
    /// Publishes the state.
    pub(in crate::agent) view: watch::Sender<View>,
    /// Receives answers to questions.
    pub(in crate::agent) requests: mpsc::Receiver<AnswerRequest>,
}
