//! Pending questions as JSON.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use wxcode_core::ask::{Ask, AskKind, Question, QuestionOption};

/// A pending question.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct AskView {
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
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(in crate::http) struct QuestionView {
    question: String,
    header: String,
    /// Whether several options may be chosen.
    multi_select: bool,
    options: Vec<QuestionOptionView>,
}

/// An option of a question.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(in crate::http) struct QuestionOptionView {
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
