//! A project's session in short, for lists: also as another node tells it.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wxcode_core::{agent::AgentState, id::Id};

use crate::{
    agent::{Glance, Session},
    http::view::{AskView, LimitView, UnreachableView, session_status},
    node::Unreachable,
};

/// A project's session, in short.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct SessionSummary {
    /// `none`, `starting`, `running`, `exited`, `hibernated`, or `unreachable` (on a node that does
    /// not answer).
    #[schema(value_type = String)]
    status: Cow<'static, str>,
    /// The agent's state; `unknown` without an agent.
    #[schema(value_type = String)]
    agent_state: AgentState,
    /// The pending question.
    asks: Option<AskView>,
    /// The usage limit for whose reset the agent waits; null without one.
    limit: Option<LimitView>,
    /// The name of the node of the running session, on a shared store; with the status
    /// `unreachable`, the node that does not answer.
    node: Option<String>,
    /// Attached terminal clients.
    clients: usize,
    /// The run in progress, which excludes a session.
    #[schema(value_type = Option<String>)]
    run_id: Option<Id>,
    /// Problems of the running session, with a remedy; null without one.
    warning: Option<String>,
    /// With the status `unreachable`: since when, and why.
    unreachable: Option<UnreachableView>,
}

/// What a node knows of a project's session.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct NodeSession {
    #[schema(value_type = String)]
    pub(crate) project_id: Id,
    pub(crate) session: SessionSummary,
    /// The start of the latest session on this node.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) started_at: Option<Timestamp>,
    /// The last event of the project on this node.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) last_event_at: Option<Timestamp>,
}

impl NodeSession {
    /// A project on a node that does not answer.
    pub(crate) fn unreachable(project_id: Id, unreachable: &Unreachable) -> Self {
        let session = SessionSummary {
            status: Cow::Borrowed(UNREACHABLE),
            node: Some(unreachable.node.clone()),
            unreachable: Some(unreachable.into()),
            ..SessionSummary::none()
        };
        Self {
            project_id,
            session,
            started_at: None,
            last_event_at: None,
        }
    }

    /// The last activity on this node.
    pub(crate) fn at(&self) -> Option<Timestamp> {
        self.started_at.max(self.last_event_at)
    }

    /// How much this counts beside what other nodes know of the project: a live agent most, then a
    /// node that does not answer, then the latest session.
    pub(crate) fn weight(&self) -> (u8, Option<Timestamp>) {
        let weight = match &*self.session.status {
            "running" => 4,
            "starting" => 3,
            _ if self.session.run_id.is_some() => 3,
            UNREACHABLE => 2,
            "none" => 0,
            _ => 1,
        };
        (weight, self.started_at)
    }
}

/// The status on a node that does not answer.
const UNREACHABLE: &str = "unreachable";

impl SessionSummary {
    /// No session.
    pub(crate) const fn none() -> Self {
        Self {
            status: Cow::Borrowed("none"),
            agent_state: AgentState::Unknown,
            asks: None,
            limit: None,
            node: None,
            clients: 0,
            run_id: None,
            warning: None,
            unreachable: None,
        }
    }

    /// The session of a project on this node.
    pub(crate) fn of(glance: &Glance, node: Option<&str>) -> Self {
        let session = glance.session.as_deref();
        let view = session.map(Session::view);
        let exit = view.as_ref().and_then(|view| view.exit.as_ref());
        let status = session_status(session.is_some(), exit, glance.is_starting);
        let run_id = glance.run.as_ref().map(|run| run.id);
        Self {
            status: Cow::Borrowed(status),
            node: node
                .filter(|_| status == "running" || run_id.is_some())
                .map(str::to_owned),
            clients: session.map_or(0, Session::clients),
            run_id,
            ..view.map_or_else(Self::none, |view| Self {
                agent_state: view.agent_state,
                asks: view.asks.as_deref().map(AskView::from),
                limit: view.limit.map(LimitView::from),
                warning: view.warning,
                ..Self::none()
            })
        }
    }

    /// How much a project needs a person; less comes first.
    pub(crate) fn rank(&self) -> u8 {
        match &*self.status {
            "none" => 6,
            "starting" => 4,
            UNREACHABLE => 2,
            "running" => match self.agent_state {
                state if self.asks.is_some() || state.is_asking() => 0,
                _ if self.warning.is_some() => 1,
                AgentState::Unknown => 2,
                AgentState::Idle => 3,
                _ => 4,
            },
            _ => 5,
        }
    }
}
