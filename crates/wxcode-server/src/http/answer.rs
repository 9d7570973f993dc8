//! Answers to a session's questions, over HTTP.

use std::time::Duration;

use axum::{Json, extract::State, http::StatusCode};
use serde::Deserialize;
use tokio::time::timeout;
use utoipa::ToSchema;
use wxcode_core::answer::{ANSWER_TIMEOUT, Answer as Chosen, Failure, Target};

use super::{
    body::{self, Body},
    parameter::PathId,
    problem::{Answer, Problem},
    state::Projects,
    view::{SessionView, session_view},
};

/// How long a request waits for its outcome: the longest answer, and a margin.
const OUTCOME_TIMEOUT: Duration = ANSWER_TIMEOUT.saturating_add(Duration::from_secs(5));

/// An answer: `option` for a permission or a dialog, `answers` for questions.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GivenAnswer {
    /// The id of the question; another pending question refuses the answer. Without it, the present
    /// question is answered.
    id: Option<String>,
    /// One of the question's `options`, exactly.
    option: Option<String>,
    /// One for each question, in order.
    #[serde(default, deserialize_with = "body::objects")]
    answers: Option<Vec<QuestionAnswer>>,
}

/// The answer to one question.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct QuestionAnswer {
    /// Labels of its options: one, or several for a multi-select question.
    #[serde(default)]
    options: Vec<String>,
    /// A free text: instead of an option, or with options for a multi-select question. Up to 2,000
    /// characters.
    text: Option<String>,
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unfit(_) => Self::invalid(failure.to_string()),
            _ => Self::conflict(failure.to_string()),
        }
    }
}

/// Answers the agent's question: presses the keys of the dialog and sees it close.
#[utoipa::path(operation_id = "answer", post, path = "/output-projects/{id}/answer", tag = "sessions", params(("id" = String, Path, description = "24 hexadecimal digits")), request_body = GivenAnswer, responses(
    (status = 200, description = "The session after the answer", body = SessionView),
    (status = 404, description = "No such project", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "No question or another one is pending, another answer is in progress, no session runs, or the dialog did not take the answer", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "The answer does not fit the question; the detail lists the choices", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn give(
    State(projects): State<Projects>,
    PathId(id): PathId,
    Body(given): Body<GivenAnswer>,
) -> Answer<Json<SessionView>> {
    projects.find(id).await?;
    let target = match (given.option, given.answers) {
        (Some(option), None) => Target::Option(option),
        (None, Some(answers)) => Target::Answers(answers.into_iter().map(chosen).collect()),
        (option, _) => {
            let given = option.map_or("neither `option` nor", |_| "both `option` and");
            return Err(Problem::invalid(format!(
                "the body has {given} `answers`: send either `option`, for a permission or a dialog, or `answers`, for questions"
            )));
        }
    };
    let Some(session) = projects.sessions.running(id) else {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "no session runs, so nothing is asked: start it first",
        ));
    };
    timeout(OUTCOME_TIMEOUT, session.answer(given.id, target))
        .await
        .unwrap_or(Err(Failure::Stuck))?;
    let latest = projects.sessions.latest(id);
    let project = projects.find(id).await?;
    Ok(Json(
        session_view(&projects.sessions, project, latest.as_deref()).await,
    ))
}

fn chosen(answer: QuestionAnswer) -> Chosen {
    Chosen {
        options: answer.options,
        text: answer.text,
    }
}
