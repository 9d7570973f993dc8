//! Output projects.

use std::collections::BTreeMap;

use reqwest::Method;
use serde::{Deserialize, Serialize};

use super::{
    Client,
    answer::Ask,
    page::Page,
    session::{AgentState, SessionStatus},
};
use crate::{Error, id};

/// Projects for a single request of [`Client::all_projects`].
const PAGE: u64 = 500;

/// An output project: a workspace folder and the one conversation in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Project {
    /// 24 hexadecimal digits.
    pub id: String,
    /// 1 to 200 characters.
    pub name: String,
    /// The absolute path of the workspace folder, on the server's machine.
    pub workspace_path: String,
    /// The project's own settings for the agent.
    #[serde(default)]
    pub settings: ProjectSettings,
    /// The progress.
    pub status: ProjectStatus,
    /// The current conversation, a UUID; `None` before the first start.
    pub claude_session_id: Option<String>,
    /// The record of a knowledge base.
    pub kb_id: Option<String>,
    /// The stack.
    pub stack_id: Option<String>,
    /// The configuration.
    pub configuration_id: Option<String>,
    /// RFC 3339.
    pub created_at: String,
    /// RFC 3339.
    pub updated_at: String,
}

/// The progress of a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ProjectStatus {
    /// No milestone was started.
    Created,
    /// The first milestone was started.
    Initialized,
    /// A milestone was completed.
    Active,
    /// A status of a newer server.
    #[serde(other)]
    Unknown,
}

/// A part of the list of projects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Projects {
    /// In the order of their creation.
    pub projects: Vec<Project>,
    /// The number of all projects.
    pub total: u64,
}

/// A project in the list, with its present activity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ListedProject {
    /// The project.
    #[serde(flatten)]
    pub project: Project,
    /// The session, in short.
    pub session: SessionSummary,
    /// The time of the last event or change, RFC 3339.
    pub last_activity_at: String,
    /// The newest milestone in progress.
    pub milestone: Option<MilestoneSummary>,
    /// The progress in `.planning/` at the last reading.
    pub progress: Option<serde_json::Value>,
}

/// A session, in short.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SessionSummary {
    /// The status.
    pub status: SessionStatus,
    /// The agent's state.
    pub agent_state: AgentState,
    /// The pending question.
    pub asks: Option<Ask>,
    /// The usage limit that holds the agent up.
    pub limit: Option<serde_json::Value>,
    /// The server with the session, on a shared store.
    pub node: Option<String>,
}

/// A milestone in progress, in short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MilestoneSummary {
    /// 24 hexadecimal digits.
    pub id: String,
    /// The element's name.
    pub element_name: String,
}

/// A part of the list of projects, with their present activity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ListedProjects {
    /// In the order of the query.
    pub projects: Vec<ListedProject>,
    /// The number of all projects found by the query.
    pub total: u64,
}

/// The order of a list of projects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProjectOrder {
    /// The oldest first.
    #[default]
    Created,
    /// Projects waiting for a person first.
    Attention,
    /// The latest activity first.
    Activity,
    /// By name.
    Name,
}

/// A project's own settings for the agent; `None` means the server's default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ProjectSettings {
    /// Claude Code's permission mode.
    pub permission_mode: Option<String>,
    /// The model.
    pub model: Option<String>,
    /// Arguments instead of the server's.
    pub args: Option<Vec<String>>,
    /// The names of the project's variables; the server shows no values.
    pub env: Option<Vec<String>>,
    /// Claude Code's configuration folder.
    pub claude_config_dir: Option<String>,
    /// Idle time before hibernation, in seconds.
    pub hibernate_after_s: Option<u64>,
    /// Whether the conversation is copied; the server's default is yes.
    pub mirror: Option<bool>,
    /// Whether `/metrics` has the project's usage; the server's default is no.
    pub usage_metrics: Option<bool>,
}

/// A change of settings: `None` keeps a setting, `Some(None)` returns to the server's default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SettingsChange {
    /// A permission mode of Claude Code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permission_mode: Option<Option<String>>,
    /// A model's alias or name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<Option<String>>,
    /// Up to 64 arguments, 64 KiB together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub args: Option<Option<Vec<String>>>,
    /// Variables to set, or to remove with `None`; up to 200, 64 KiB together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub env: Option<Option<BTreeMap<String, Option<String>>>>,
    /// An absolute path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claude_config_dir: Option<Option<String>>,
    /// 60 to 31,536,000 seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hibernate_after_s: Option<Option<u64>>,
    /// `Some(Some(false))` removes the conversation's copy and makes no other copy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mirror: Option<Option<bool>>,
    /// `Some(Some(true))` shows the project's usage in `/metrics`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage_metrics: Option<Option<bool>>,
}

/// A new project; `"name".into()` makes a project with a new folder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct NewProject {
    /// 1 to 200 characters.
    pub name: String,
    /// An existing absolute folder without another project; `None` for a new folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace_path: Option<String>,
    /// The project's own settings for the agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settings: Option<SettingsChange>,
    /// The record of a knowledge base, at most 200 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kb_id: Option<String>,
    /// The stack, at most 200 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stack_id: Option<String>,
    /// The configuration, at most 200 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub configuration_id: Option<String>,
}

impl From<&str> for NewProject {
    fn from(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..Self::default()
        }
    }
}

/// A change of a project; a field of `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ProjectChange {
    /// 1 to 200 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Another existing absolute folder; only while no session runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace_path: Option<String>,
    /// Changes of settings; `Some(None)` returns all settings to the server's defaults.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settings: Option<Option<SettingsChange>>,
    /// `Some(None)` removes the id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stack_id: Option<Option<String>>,
    /// `Some(None)` removes the id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub configuration_id: Option<Option<String>>,
}

impl Client {
    /// Creates a project.
    ///
    /// # Errors
    /// [`Error::Refused`] with 409 `workspace_taken`, 422 for an invalid field, 507 when the folder
    /// cannot be made.
    pub async fn create_project(&self, new: &NewProject) -> Result<Project, Error> {
        self.post("/output-projects", new).await
    }

    /// Lists a part of the projects.
    ///
    /// # Errors
    /// [`Error::Refused`].
    pub async fn projects(&self, page: Page) -> Result<Projects, Error> {
        self.get(&format!("/output-projects?{}", page.query()))
            .await
    }

    /// Lists a part of the projects in this order, with each project's present activity. With a
    /// `text`, lists only projects with the text in their name or folder, or at the beginning of
    /// their id. At most 500 projects in an answer.
    ///
    /// # Errors
    /// [`Error::Refused`] with 422 for a text of more than 200 characters.
    pub async fn list_projects(
        &self,
        order: ProjectOrder,
        text: Option<&str>,
        page: Page,
    ) -> Result<ListedProjects, Error> {
        let order = match order {
            ProjectOrder::Created => "created",
            ProjectOrder::Attention => "attention",
            ProjectOrder::Activity => "activity",
            ProjectOrder::Name => "name",
        };
        let text = percent_encoded(text.unwrap_or_default());
        let query = page.query();
        self.get(&format!("/output-projects?sort={order}&q={text}&{query}"))
            .await
    }

    /// Lists all projects, in requests of 500 each.
    ///
    /// # Errors
    /// [`Error::Refused`].
    pub async fn all_projects(&self) -> Result<Vec<Project>, Error> {
        let mut all: Vec<Project> = Vec::new();
        loop {
            let page = Page {
                skip: all.len() as u64,
                limit: PAGE,
            };
            let page = self.projects(page).await?;
            let is_empty = page.projects.is_empty();
            all.extend(page.projects);
            if is_empty || all.len() as u64 >= page.total {
                return Ok(all);
            }
        }
    }

    /// Keeps a file for the agent, up to 16 MiB; returns its absolute path on the server's machine.
    ///
    /// # Errors
    /// [`Error::InvalidId`]; [`Error::Refused`] with 404, 409 `uploads_full`, 413 for a larger file.
    pub async fn upload(
        &self,
        project: &str,
        name: &str,
        bytes: impl Into<Vec<u8>>,
    ) -> Result<String, Error> {
        let name = percent_encoded(name);
        let path = path(project, &format!("/uploads?name={name}"))?;
        let request = self.request(Method::POST, &path).timeout(self.timeout);
        let request = request.body(bytes.into());
        let response = request.send().await;
        let response = response.map_err(|error| self.unreachable(error))?;
        let kept: Upload = Self::read(response).await?.success()?.json()?;
        Ok(kept.path)
    }

    /// Shows a project.
    ///
    /// # Errors
    /// [`Error::InvalidId`]; [`Error::Refused`] with 404.
    pub async fn project(&self, project: &str) -> Result<Project, Error> {
        self.get(&path(project, "")?).await
    }

    /// Changes a project.
    ///
    /// # Errors
    /// [`Error::InvalidId`]; [`Error::Refused`] with 404, 409 while a session or run of the project
    /// goes on or with `workspace_taken`, 422 for an invalid field.
    pub async fn change_project(
        &self,
        project: &str,
        change: &ProjectChange,
    ) -> Result<Project, Error> {
        self.patch(&path(project, "")?, change).await
    }

    /// Deletes a project, but not the project's workspace folder. With `force` the session ends
    /// first.
    ///
    /// # Errors
    /// [`Error::InvalidId`]; [`Error::Refused`] with 404, 409 while the session runs.
    pub async fn delete_project(&self, project: &str, force: bool) -> Result<(), Error> {
        self.delete(&path(project, &format!("?force={force}"))?)
            .await
    }
}

/// A kept file.
#[derive(Deserialize)]
struct Upload {
    path: String,
}

/// A value for a query.
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => {
                encoded.push(char::from(byte));
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// The path of a project, and of the resources below the project.
pub(crate) fn path(project: &str, below: &str) -> Result<String, Error> {
    Ok(format!("/output-projects/{}{below}", id::check(project)?))
}
