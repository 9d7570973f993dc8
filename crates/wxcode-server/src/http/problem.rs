//! Errors of the API as RFC 9457 problem details.

use axum::{
    Json,
    extract::rejection::JsonRejection,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;
use wxcode_core::{id::Id, text::shortened};
use wxcode_files::FileError;
use wxcode_store::StoreError;

use crate::{
    agent::{RelocateError, ResumeError, STOP_TIMEOUT, StartError},
    workspace::WorkspaceError,
};

/// Longest part of a given text in a message, in characters.
const QUOTED_MAX: usize = 100;

/// An error of the API.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// Always `about:blank`: the status gives the kind of problem.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The status in words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// The problem and its remedy.
    detail: String,
    /// A stable word for the problem; without a word of its own, the word of the status.
    #[schema(value_type = String)]
    code: &'static str,
    /// With `workspace_taken`: the project that has the folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    project_id: Option<Id>,
    /// With `workspace_taken`: that project's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

/// The code of a problem: another node has the project.
const ELSEWHERE: &str = "on_other_node";

/// Marks the response to a request for a project of another node.
#[derive(Debug, Clone, Copy)]
pub(super) struct OnOtherNode;

/// The result of a handler.
pub(crate) type Answer<T> = Result<T, Problem>;

impl Problem {
    /// The problem and its remedy.
    pub(super) fn detail(&self) -> &str {
        &self.detail
    }

    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        let title = status.canonical_reason().unwrap_or("Error");
        Self {
            kind: "about:blank",
            title,
            status: status.as_u16(),
            detail: detail.into(),
            code: word_of(status),
            project_id: None,
            name: None,
        }
    }

    /// Adds a stable word for the problem.
    pub(crate) fn with_code(mut self, code: &'static str) -> Self {
        self.code = code;
        self
    }

    /// A problem of a file: `status`, or 503 when its file system does not answer.
    pub(crate) fn file(error: &FileError, status: StatusCode) -> Self {
        let status = match error.is_passing() {
            true => StatusCode::SERVICE_UNAVAILABLE,
            false => status,
        };
        Self::new(status, error.to_string()).with_code(error.code())
    }

    /// Another project has the workspace folder.
    fn workspace_taken(project: Id, name: String, detail: String) -> Self {
        Self {
            project_id: Some(project),
            name: Some(name),
            ..Self::conflict(detail).with_code("workspace_taken")
        }
    }

    /// A request names a folder that no project may have, or none at all.
    pub(crate) fn given_workspace(error: WorkspaceError) -> Self {
        match error {
            WorkspaceError::File(error) => Self::file(&error, StatusCode::UNPROCESSABLE_ENTITY),
            WorkspaceError::Reserved { .. } | WorkspaceError::OutsideRoots { .. } => {
                Self::invalid(error.to_string()).with_code("workspace_refused")
            }
            error => Self::invalid(error.to_string()),
        }
    }

    pub(crate) fn not_found(what: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            format!("there is no such {what}: list them to find its id"),
        )
    }

    /// Another node took the project over before the change.
    pub(crate) fn taken_over() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "another node took the project over meanwhile, and nothing was changed: try again",
        )
        .with_code("node_changed")
    }

    pub(crate) fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, detail)
    }

    pub(crate) fn invalid(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
    }

    /// The agent outlives the time for its end.
    pub(crate) fn not_ended() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            format!(
                "the agent did not end within {} s: try again; the server's log says more",
                STOP_TIMEOUT.as_secs()
            ),
        )
    }

    pub(crate) fn internal(error: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error, "a request failed");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            format!("{error}; the server's log says more"),
        )
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(&self)).into_response();
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if self.code == ELSEWHERE {
            response.extensions_mut().insert(OnOtherNode);
        }
        if status == StatusCode::UNAUTHORIZED {
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the store is not available"
                );
                Self::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
            }
            StoreError::Refused(_) => Self::invalid(error.to_string()),
            StoreError::WorkspaceTaken { project, ref name } => {
                Self::workspace_taken(project, name.clone(), error.to_string())
            }
            StoreError::Corrupt(_) => {
                tracing::warn!(%error, "a record cannot be read");
                Self::conflict(error.to_string()).with_code("record_unreadable")
            }
        }
    }
}

impl From<FileError> for Problem {
    fn from(error: FileError) -> Self {
        Self::file(&error, StatusCode::CONFLICT)
    }
}

impl From<WorkspaceError> for Problem {
    fn from(error: WorkspaceError) -> Self {
        match error {
            WorkspaceError::File(error) => error.into(),
            WorkspaceError::Missing(_) => {
                Self::conflict(error.to_string()).with_code("workspace_missing")
            }
            error => Self::conflict(error.to_string()),
        }
    }
}

impl From<RelocateError> for Problem {
    fn from(error: RelocateError) -> Self {
        match error {
            RelocateError::Running => Self::conflict(error.to_string()),
            RelocateError::Start(error) => error.into(),
        }
    }
}

impl From<StartError> for Problem {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Workspace(error) => error.into(),
            StartError::File(error) => {
                tracing::warn!(%error, "could not start a session");
                Self::file(&error, StatusCode::SERVICE_UNAVAILABLE)
            }
            StartError::Transcripts(error) => {
                tracing::warn!(%error, "could not start a session");
                Self::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
                    .with_code("transcripts_unavailable")
            }
            StartError::NoProject => Self::not_found("output project"),
            StartError::Elsewhere { .. } => Self::conflict(error.to_string()).with_code(ELSEWHERE),
            StartError::Claimed(_) | StartError::InRun(_) | StartError::InSession => {
                Self::conflict(error.to_string())
            }
            StartError::GsdMissing { .. } => {
                Self::conflict(error.to_string()).with_code("gsd_missing")
            }
            StartError::Store(error) => error.into(),
            StartError::Draining => Self::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
                .with_code("node_draining"),
            StartError::Full(_) => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string()).with_code("node_full")
            }
            StartError::GsdUnknown { .. }
            | StartError::Agent(_)
            | StartError::Folder(_)
            | StartError::Closing => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "could not start a session"
                );
                Self::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
            }
        }
    }
}

impl From<ResumeError> for Problem {
    fn from(error: ResumeError) -> Self {
        match error {
            ResumeError::NotInHistory(_) => Self::invalid(error.to_string()),
            ResumeError::Silent(..) | ResumeError::Changed => Self::conflict(error.to_string()),
            ResumeError::NotEnded => Self::not_ended(),
            ResumeError::Start(error) => error.into(),
        }
    }
}

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        let text = rejection.body_text();
        let detail = match &rejection {
            JsonRejection::MissingJsonContentType(_) => {
                "send the body as JSON, with the header Content-Type: application/json".to_owned()
            }
            JsonRejection::JsonDataError(_) => format!(
                "the body does not fit this route: {}; see /api/openapi.json for its fields",
                text.strip_prefix("Failed to deserialize the JSON body into the target type: ")
                    .unwrap_or(&text)
            ),
            JsonRejection::JsonSyntaxError(_) => format!(
                "the body is not JSON: {}; send one JSON object",
                text.strip_prefix("Failed to parse the request body as JSON: ")
                    .unwrap_or(&text)
            ),
            _ => text,
        };
        Self::new(rejection.status(), detail)
    }
}

/// The word of a status.
fn word_of(status: StatusCode) -> &'static str {
    match status {
        StatusCode::BAD_REQUEST => "bad_request",
        StatusCode::UNAUTHORIZED => "unauthorized",
        StatusCode::FORBIDDEN => "forbidden",
        StatusCode::NOT_FOUND => "not_found",
        StatusCode::METHOD_NOT_ALLOWED => "method_not_allowed",
        StatusCode::REQUEST_TIMEOUT => "timeout",
        StatusCode::CONFLICT => "conflict",
        StatusCode::PAYLOAD_TOO_LARGE => "too_large",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "unsupported_media_type",
        StatusCode::MISDIRECTED_REQUEST => "misdirected",
        StatusCode::UNPROCESSABLE_ENTITY => "invalid",
        StatusCode::TOO_MANY_REQUESTS => "too_many_requests",
        StatusCode::BAD_GATEWAY => "bad_gateway",
        StatusCode::SERVICE_UNAVAILABLE => "unavailable",
        StatusCode::GATEWAY_TIMEOUT => "gateway_timeout",
        _ if status.is_client_error() => "refused",
        _ => "internal",
    }
}

/// The beginning of a given text in quotes, control characters escaped.
pub(crate) fn quoted(given: &str) -> String {
    format!("{:?}", shortened(given, QUOTED_MAX))
}
