//! Errors of the REST API and of the events.

use std::error::Error as StdError;

use serde::Deserialize;

use crate::{Address, CertificateError, InvalidId, rest::ANSWER_MAX};

/// The server's problem in an error, by RFC 9457.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
#[non_exhaustive]
pub struct Problem {
    /// The HTTP status, 300 to 599.
    pub status: u16,
    /// A stable word for programs, where the server has one, such as `gsd_missing` or
    /// `workspace_taken`.
    pub code: Option<String>,
    /// The problem and its remedy, for people.
    pub detail: String,
    /// With the code `workspace_taken`: the project of the folder.
    pub project_id: Option<String>,
    /// With the code `workspace_taken`: the project's name.
    pub name: Option<String>,
}

/// Why a request has no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server answered with a problem.
    #[error(transparent)]
    Refused(Problem),
    /// No answer came. The server may have acted on the request all the same, except where the
    /// connection failed.
    #[error("the server at {address} does not answer: start it with `wxcode serve`")]
    Unreachable {
        /// The server's address.
        address: Address,
        /// The cause.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// The connection ended within the answer.
    #[error("the server broke off its answer: try again")]
    BrokenOff(#[source] Box<dyn StdError + Send + Sync>),
    /// The answer differs from the documented answer.
    #[error("the server's answer is not understood: is it another version?")]
    NotUnderstood(#[source] Box<dyn StdError + Send + Sync>),
    /// The answer has more bytes than [`ANSWER_MAX`](crate::ANSWER_MAX).
    #[error("the server's answer has more than {ANSWER_MAX} bytes: ask for a smaller page")]
    TooLarge,
    /// No request was made.
    #[error(transparent)]
    InvalidId(#[from] InvalidId),
    /// The server's certificate is refused, or no certificate could be taken.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The system gives no HTTP client.
    #[error("cannot make an HTTP client: check the system's limits on open files")]
    Setup(#[source] Box<dyn StdError + Send + Sync>),
}

impl Error {
    /// The problem, where the server gave a problem.
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Refused(problem) => Some(problem),
            _ => None,
        }
    }

    /// Whether a later attempt may succeed without any change: no answer, or a status of 500 on.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Refused(problem) => problem.status >= 500,
            Self::Unreachable { .. } | Self::BrokenOff(_) => true,
            _ => false,
        }
    }
}

impl Problem {
    /// The problem of an answer with this status and body.
    pub(crate) fn of(status: u16, status_text: &str, body: &[u8]) -> Self {
        #[derive(Deserialize)]
        struct Body {
            detail: String,
            code: Option<String>,
            project_id: Option<String>,
            name: Option<String>,
        }
        let problem = serde_json::from_slice::<Body>(body);
        problem.map_or_else(
            |_| Self {
                status,
                code: None,
                detail: status_text.to_owned(),
                project_id: None,
                name: None,
            },
            |body| Self {
                status,
                code: body.code,
                detail: body.detail,
                project_id: body.project_id,
                name: body.name,
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_keep_status_code_and_detail() {
        let body = br#"{"type":"about:blank","title":"Conflict","status":409,
            "detail":"give another folder","code":"workspace_taken","project_id":"ab","name":"x"}"#;
        let problem = Problem::of(409, "409 Conflict", body);
        assert_eq!(problem.status, 409);
        assert_eq!(problem.code.as_deref(), Some("workspace_taken"));
        assert_eq!(problem.name.as_deref(), Some("x"));
        let error = Error::Refused(problem);
        assert_eq!(error.to_string(), "give another folder");
        assert!(!error.is_transient());
    }

    #[test]
    fn foreign_bodies_leave_the_status() {
        let problem = Problem::of(502, "502 Bad Gateway", b"<html>");
        assert_eq!(problem.to_string(), "502 Bad Gateway");
        assert!(Error::Refused(problem).is_transient());
    }
}
