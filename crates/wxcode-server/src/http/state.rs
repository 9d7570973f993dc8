//! State of the handlers that concern a project and its agent.

use std::sync::Arc;

use axum::http::StatusCode;
use wxcode_core::{id::Id, project::OutputProject};

use super::problem::{Answer, Problem};
use crate::{
    agent::{Manager, Session},
    repository::Repository,
};

/// The projects, their records and their agents.
#[derive(Clone)]
pub(crate) struct Projects {
    pub(crate) store: Repository,
    pub(crate) sessions: Manager,
}

impl Projects {
    /// The output project with this id, or a problem 404.
    pub(super) async fn find(&self, id: Id) -> Answer<OutputProject> {
        let project = self.store.project(id).await?;
        project.ok_or_else(|| Problem::not_found("output project"))
    }

    /// The running session of a project, or else the last ended one; a problem 404 without one.
    pub(super) async fn latest_session(&self, id: Id) -> Answer<Arc<Session>> {
        self.find(id).await?;
        self.sessions.latest(id).ok_or_else(|| {
            Problem::new(
                StatusCode::NOT_FOUND,
                "the output project has had no session yet: start one",
            )
        })
    }
}
