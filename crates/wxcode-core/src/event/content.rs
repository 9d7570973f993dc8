//! What events tell of turns, questions and tool calls.

use serde::{Deserialize, Serialize};

use crate::ask::{Ask, AskKind};

/// The author of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TurnRole {
    User,
    Assistant,
    /// The agent's program itself.
    System,
}

/// A pending question in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    pub id: String,
    /// The kind of answer.
    pub kind: AskKind,
    /// The choices on the screen; empty before the first read of the screen.
    pub options: Vec<String>,
}

impl From<Ask> for Asked {
    fn from(ask: Ask) -> Self {
        // The content of an unknown panel cannot be chosen and changes with each key.
        let options = if ask.is_known() {
            ask.options
        } else {
            Vec::new()
        };
        Self {
            id: ask.id,
            kind: ask.kind,
            options,
        }
    }
}

/// A tool call in short.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCall {
    pub tool_name: String,
    /// The id of the call.
    pub tool_use_id: Option<String>,
    /// The file named in the input.
    pub file_path: Option<String>,
    /// The command, shortened.
    pub command: Option<String>,
    /// The search pattern.
    pub pattern: Option<String>,
    /// The agent's description of the call.
    pub description: Option<String>,
}
