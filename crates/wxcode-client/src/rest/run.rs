//! Runs: headless turns in a project's conversation.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Client, page::Page, project::path, session::SessionExit};
use crate::{Error, id};

/// A headless turn in a project's conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Run {
    /// 24 hexadecimal digits.
    pub id: String,
    /// The project.
    pub output_project_id: String,
    /// The conversation, a UUID.
    pub claude_session_id: String,
    /// The progress.
    pub state: RunState,
    /// The prompt.
    pub prompt: String,
    /// The agent's answer, at most 256 KiB.
    pub result: Option<String>,
    /// The reason of a failure, with a remedy.
    pub error: Option<String>,
    /// RFC 3339.
    pub started_at: String,
    /// RFC 3339.
    pub ended_at: Option<String>,
    /// The end of the agent.
    pub exit: Option<SessionExit>,
}

/// The progress of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RunState {
    /// The agent works.
    Running,
    /// The agent gave a result.
    Succeeded,
    /// The agent failed, or gave no result.
    Failed,
    /// A request stopped the run.
    Stopped,
    /// A state of a newer server.
    #[serde(other)]
    Unknown,
}

impl RunState {
    /// Whether the state is final.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Stopped)
    }
}

/// A part of the list of runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Runs {
    /// In the order of their start.
    pub runs: Vec<Run>,
    /// The number of all kept runs of the project.
    pub total: u64,
}

impl Client {
    /// Starts a run with a prompt of at most 100 KiB.
    ///
    /// # Errors
    /// [`Error::InvalidId`]; [`Error::Refused`] with 404, 409 while a session or another run goes
    /// on, 422 for an invalid prompt, 503 when the agent does not start.
    pub async fn start_run(&self, project: &str, prompt: &str) -> Result<Run, Error> {
        let body = json!({ "prompt": prompt });
        self.post(&path(project, "/runs")?, &body).await
    }

    /// Lists a part of a project's runs.
    ///
    /// # Errors
    /// [`Error::InvalidId`]; [`Error::Refused`] with 404.
    pub async fn runs(&self, project: &str, page: Page) -> Result<Runs, Error> {
        self.get(&path(project, &format!("/runs?{}", page.query()))?)
            .await
    }

    /// Shows a run. [`Events::run`](crate::Events::run) waits for the run's end.
    ///
    /// # Errors
    /// [`Error::InvalidId`]; [`Error::Refused`] with 404, also when newer runs replaced the run.
    pub async fn run(&self, project: &str, run: &str) -> Result<Run, Error> {
        self.get(&path(project, &format!("/runs/{}", id::check(run)?))?)
            .await
    }

    /// Stops a run with all processes of its agent, or does nothing for an ended run.
    ///
    /// # Errors
    /// [`Error::InvalidId`]; [`Error::Refused`] with 404.
    pub async fn stop_run(&self, project: &str, run: &str) -> Result<(), Error> {
        self.delete(&path(project, &format!("/runs/{}", id::check(run)?))?)
            .await
    }
}
