//! The questions that Claude asks the user by a tool.

use serde::Deserialize;
use serde_json::Value;

/// The tool by which Claude asks the user something.
pub const QUESTION_TOOL: &str = "AskUserQuestion";

/// A question in the input of [`QUESTION_TOOL`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Question {
    /// What is asked.
    pub question: String,
    /// A word or two for it.
    pub header: String,
    /// Whether several options may be taken.
    pub multi_select: bool,
    /// What may be chosen.
    pub options: Vec<QuestionOption>,
}

/// An option of a question.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct QuestionOption {
    /// Its name.
    pub label: String,
    /// What it means.
    pub description: String,
}

/// The questions in the input of [`QUESTION_TOOL`]; none where it is not as this version knows it.
#[must_use]
pub fn questions(tool_input: &Value) -> Vec<Question> {
    Vec::deserialize(&tool_input["questions"]).unwrap_or_default()
}
