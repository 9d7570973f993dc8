//! Parses the questions of the tool `AskUserQuestion`.

use serde::Deserialize;
use serde_json::Value;

/// Claude's tool for questions to the user.
pub const QUESTION_TOOL: &str = "AskUserQuestion";

/// A question in the input of [`QUESTION_TOOL`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Question {
    /// The question.
    pub question: String,
    /// A title of a word or two.
    pub header: String,
    /// Whether the user may choose several options.
    pub multi_select: bool,
    /// The options.
    pub options: Vec<QuestionOption>,
}

/// An option of a question.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct QuestionOption {
    /// The name.
    pub label: String,
    /// The meaning.
    pub description: String,
}

/// Returns the questions in the input of [`QUESTION_TOOL`]; none for an unknown form.
#[must_use]
pub fn questions(tool_input: &Value) -> Vec<Question> {
    Vec::deserialize(&tool_input["questions"]).unwrap_or_default()
}
