//! Answers to a session's questions, over HTTP.

use std::time::Duration;

use axum::{Json, extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::timeout;
use utoipa::ToSchema;
use wxcode_core::{
    answer::{ANSWER_TIMEOUT_MS, Answer as Chosen, Failure, Target},
    ask::{Ask, AskKind, Question, QuestionOption},
};

use super::{
    App,
    parameter::PathId,
    problem::{Answer, Body, Problem},
    session::{SessionView, view},
};

/// How long a request waits for its outcome: the longest answer, and a margin.
const OUTCOME_TIMEOUT: Duration = Duration::from_millis(ANSWER_TIMEOUT_MS + 5_000);

/// A pending question.
#[derive(Serialize, ToSchema)]
pub(super) struct AskView {
    /// Names the question; each new question has another id.
    id: String,
    /// `permission`, `question` or `dialog`.
    #[schema(value_type = String)]
    kind: AskKind,
    /// The name of the dialog.
    dialog: String,
    /// The waiting tool; null without a hook.
    tool_name: Option<String>,
    /// The tool's input; long texts are cut.
    #[schema(value_type = Option<Object>)]
    tool_input: Option<Value>,
    /// The questions; empty for other kinds.
    questions: Vec<QuestionView>,
    /// The choices on the screen, top to bottom; empty before the first look at the screen.
    options: Vec<String>,
    /// The index of the marked choice, from 0.
    selected: Option<usize>,
}

/// A question of the agent.
#[derive(Serialize, ToSchema)]
pub(super) struct QuestionView {
    question: String,
    header: String,
    /// Whether several options may be chosen.
    multi_select: bool,
    options: Vec<QuestionOptionView>,
}

/// An option of a question.
#[derive(Serialize, ToSchema)]
pub(super) struct QuestionOptionView {
    label: String,
    description: String,
}

impl From<&Ask> for AskView {
    fn from(ask: &Ask) -> Self {
        Self {
            id: ask.id.clone(),
            kind: ask.kind,
            dialog: ask.dialog.clone(),
            tool_name: ask.tool_name.clone(),
            tool_input: ask.tool_input.clone(),
            questions: ask.questions.iter().map(QuestionView::from).collect(),
            options: ask.options.clone(),
            selected: ask.selected,
        }
    }
}

impl From<&Question> for QuestionView {
    fn from(question: &Question) -> Self {
        Self {
            question: question.question.clone(),
            header: question.header.clone(),
            multi_select: question.multi_select,
            options: question.options.iter().map(Into::into).collect(),
        }
    }
}

impl From<&QuestionOption> for QuestionOptionView {
    fn from(option: &QuestionOption) -> Self {
        Self {
            label: option.label.clone(),
            description: option.description.clone(),
        }
    }
}

/// An answer: `option` for a permission or a dialog, `answers` for questions.
#[derive(Deserialize, ToSchema)]
pub(super) struct GivenAnswer {
    /// The id of the question; another pending question refuses the answer. Without it, the present
    /// question is answered.
    id: Option<String>,
    /// One of the question's `options`, exactly.
    option: Option<String>,
    /// One for each question, in order.
    answers: Option<Vec<QuestionAnswer>>,
}

/// The answer to one question.
#[derive(Deserialize, ToSchema)]
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
    (status = 200, description = "It is answered: the session as it is now", body = SessionView),
    (status = 404, description = "No such project", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "Nothing is asked, or something else; another answer is under way; no session runs; or the dialog did not take it", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "It does not fit what is asked; the detail says what may be chosen", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn give(
    State(app): State<App>,
    PathId(id): PathId,
    Body(given): Body<GivenAnswer>,
) -> Answer<Json<SessionView>> {
    app.project(id).await?;
    let target = match (given.option, given.answers) {
        (Some(option), None) => Target::Option(option),
        (None, Some(answers)) => Target::Answers(answers.into_iter().map(chosen).collect()),
        _ => {
            return Err(Problem::invalid(
                "send either `option`, for a permission or a dialog, or `answers`, for questions",
            ));
        }
    };
    let Some(session) = app.sessions.running(id) else {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "no session runs, so nothing is asked: start it first",
        ));
    };
    timeout(OUTCOME_TIMEOUT, session.answer(given.id, target))
        .await
        .unwrap_or(Err(Failure::Stuck))?;
    let latest = app.sessions.latest(id);
    let project = app.project(id).await?;
    Ok(Json(view(&app, project, latest.as_deref()).await))
}

fn chosen(answer: QuestionAnswer) -> Chosen {
    Chosen {
        options: answer.options,
        text: answer.text,
    }
}
