//! Reads the turns of a conversation from its transcript.
//!
//! - A turn is one message: a prompt, or an answer of the model with its tools.
//! - The reader keeps the order of the transcript. It skips subagents, the records of the API's
//!   requests, and entries of an unknown type.
//! - A half line, a line without JSON and a line beyond [`LINE_MAX`] count as skipped.
//!
//! Source: transcripts of Claude Code 2.0.31 to 2.1.332; `conversations/` keeps recorded ones.

mod block;
mod bound;
mod entry;
mod markdown;
mod page;
mod search;
mod title;
mod turns;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

pub use bound::{TEXT_MAX, TURN_MAX};
pub use markdown::markdown;
pub use page::{AHEAD_MAX, LINE_MAX, PAGE_MAX, Page, Pass, TURNS_MAX, page, turn_at};
pub use search::{EXCERPT, Query, WORD_MAX, WORDS_MAX, words};
pub use title::{TITLE_HEAD, TITLE_MAX, TITLE_TAIL, title};
pub use turns::Turns;

/// One message of a conversation.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Turn {
    /// The `uuid` of its first entry in the transcript.
    pub id: String,
    /// Its time, as Claude Code wrote it (RFC 3339).
    pub at: Option<String>,
    pub role: Role,
    pub blocks: Vec<Block>,
    /// Texts of it are cut.
    pub truncated: bool,
    /// The bytes of its texts.
    #[serde(skip)]
    pub bytes: usize,
    /// The byte of the transcript where its first entry begins.
    #[serde(skip)]
    pub start: u64,
    /// The byte after its first entry.
    #[serde(skip)]
    pub end: u64,
}

impl Turn {
    /// Whether a tool of the turn has no result yet.
    #[must_use]
    pub fn has_open_tools(&self) -> bool {
        self.blocks.iter().any(block::is_open)
    }
}

/// The author of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    User,
    Assistant,
    /// Claude Code itself: the output of a command, a compaction, an error.
    System,
}

/// A part of a turn.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Block {
    Text {
        text: String,
    },
    /// A tool's use.
    Tool {
        id: String,
        name: String,
        /// The tool's input; long texts are cut.
        #[cfg_attr(feature = "schema", schema(value_type = Object))]
        input: Value,
        /// `null` before it has one.
        result: Option<ToolResult>,
    },
    /// Questions to the user.
    Question {
        id: String,
        questions: Vec<AskedQuestion>,
        /// The answer to each question, by the question's text; `null` before the answer.
        answers: Option<BTreeMap<String, String>>,
        /// The user's refusal to answer.
        refused: bool,
    },
    /// The conversation so far was replaced by a summary.
    Compaction {
        /// `manual` or `auto`.
        trigger: Option<String>,
        summary: Option<String>,
    },
    /// An error of the API or of Claude Code.
    Error {
        text: String,
    },
    /// A hook's refusal of a prompt.
    Refusal {
        /// The hook's event, such as `UserPromptSubmit`.
        hook: Option<String>,
        /// The hook's reason.
        text: String,
    },
}

/// The result of a tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ToolResult {
    pub text: String,
    pub is_error: bool,
    /// The refusing party, if the tool was not allowed to run.
    pub refused_by: Option<RefusedBy>,
}

/// The party that refused a tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum RefusedBy {
    User,
    Hook,
    /// A rule of the settings, or the permission mode.
    Rule,
}

/// A question of the tool `AskUserQuestion`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct AskedQuestion {
    pub question: String,
    pub header: String,
    /// The labels of its options.
    pub options: Vec<String>,
}
