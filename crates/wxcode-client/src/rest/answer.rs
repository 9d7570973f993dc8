//! Questions of an agent, and their answers.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Client, project::path, session::Session};
use crate::Error;

/// Longest time for an answer: the server takes up to 65 s to see the dialog close.
pub(crate) const OUTCOME_TIMEOUT: Duration = Duration::from_secs(70);

/// A pending question of an agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Ask {
    /// Another question has another id.
    pub id: String,
    /// The kind of the question.
    pub kind: AskKind,
    /// The name of the dialog.
    pub dialog: String,
    /// The waiting tool; `None` without a hook.
    pub tool_name: Option<String>,
    /// The tool's input, with long texts cut.
    pub tool_input: Option<Value>,
    /// The questions; empty for other kinds.
    pub questions: Vec<Question>,
    /// The choices on the screen, top to bottom; empty before the first look at the screen.
    pub options: Vec<String>,
    /// The index of the marked choice, from 0.
    pub selected: Option<usize>,
}

/// The kind of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AskKind {
    /// A permission for a tool.
    Permission,
    /// Questions to the user.
    Question,
    /// Another dialog.
    Dialog,
    /// A kind of a newer server.
    #[serde(other)]
    Unknown,
}

/// A question to the user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Question {
    /// The question.
    pub question: String,
    /// The heading.
    pub header: String,
    /// Whether several options may be chosen.
    pub multi_select: bool,
    /// The options.
    pub options: Vec<QuestionOption>,
}

/// An option of a question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct QuestionOption {
    /// The text.
    pub label: String,
    /// An explanation.
    pub description: String,
}

/// An answer for [`Client::answer`].
///
/// ```
/// use wxcode_client::{Answer, QuestionAnswer};
///
/// let allow = Answer::option("Yes").to("the id of the question");
/// let colour = Answer::questions([QuestionAnswer::option("Blue")]);
/// # let _ = (allow, colour);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Answer {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    option: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    answers: Option<Vec<QuestionAnswer>>,
}

/// The answer to a single [`Question`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct QuestionAnswer {
    /// Labels of options: a single label, or several for a multi-select question.
    pub options: Vec<String>,
    /// A free text of at most 2,000 characters, instead of an option or with options of a
    /// multi-select question.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

impl QuestionAnswer {
    /// A single option, by its label.
    pub fn option(label: impl Into<String>) -> Self {
        Self {
            options: vec![label.into()],
            text: None,
        }
    }

    /// A free text of at most 2,000 characters.
    pub fn text(text: impl Into<String>) -> Self {
        Self {
            options: Vec::new(),
            text: Some(text.into()),
        }
    }
}

impl Answer {
    /// Chooses an option among the [`options`](Ask::options) of a permission or dialog, by its
    /// exact text.
    pub fn option(option: impl Into<String>) -> Self {
        Self {
            id: None,
            option: Some(option.into()),
            answers: None,
        }
    }

    /// Answers each of the [`questions`](Ask::questions), in their order.
    pub fn questions(answers: impl IntoIterator<Item = QuestionAnswer>) -> Self {
        Self {
            id: None,
            option: None,
            answers: Some(answers.into_iter().collect()),
        }
    }

    /// Answers only the question with this [`id`](Ask::id); without an id, the present question.
    #[must_use]
    pub fn to(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }
}

impl Client {
    /// Answers the agent's question: the server presses the keys and sees the dialog close, within
    /// 65 s.
    ///
    /// # Errors
    /// [`Error::InvalidId`]; [`Error::Refused`] with 404, 409 when nothing or another question is
    /// asked, 422 for an answer that does not fit.
    pub async fn answer(&self, project: &str, answer: &Answer) -> Result<Session, Error> {
        let patient = self.clone().with_timeout(self.timeout.max(OUTCOME_TIMEOUT));
        patient.post(&path(project, "/answer")?, answer).await
    }
}
