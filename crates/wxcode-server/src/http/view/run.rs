//! Runs as JSON.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;
use wxcode_core::{id::Id, run::RunState};

use super::exit::ExitView;
use crate::{
    agent::{Account, Run},
    http::problem::{Answer, Problem},
};

/// A headless run of a project's agent.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct RunView {
    #[schema(value_type = String)]
    id: Id,
    #[schema(value_type = String)]
    output_project_id: Id,
    /// The conversation of the run.
    #[schema(value_type = String)]
    claude_session_id: Uuid,
    /// `running`, `succeeded`, `failed` or `stopped`.
    #[schema(value_type = String)]
    state: RunState,
    prompt: String,
    /// The agent's answer, up to 256 KiB of it.
    result: Option<String>,
    /// The reason of a failure, with a remedy.
    error: Option<String>,
    /// What to know besides the outcome: lines of the transcript that the agent could not save.
    warning: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    started_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    ended_at: Option<Timestamp>,
    /// The end of its agent.
    exit: Option<ExitView>,
}

impl From<Account> for RunView {
    fn from(account: Account) -> Self {
        Self {
            id: account.id,
            output_project_id: account.project_id,
            claude_session_id: account.claude_session_id,
            state: account.state,
            prompt: account.prompt,
            result: account.result,
            error: account.error,
            warning: account.warning,
            started_at: account.started_at,
            ended_at: account.ended_at,
            exit: account.exit.map(ExitView::from),
        }
    }
}

/// Reads a run's folder for its view.
pub(in crate::http) async fn run_view(run: Arc<Run>) -> Answer<RunView> {
    let account = tokio::task::spawn_blocking(move || run.account()).await;
    match account {
        Ok(Ok(account)) => Ok(account.into()),
        Ok(Err(error)) => Err(Problem::internal(&error)),
        Err(error) => Err(Problem::internal(&error)),
    }
}
