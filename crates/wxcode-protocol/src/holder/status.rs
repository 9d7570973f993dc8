//! A program's report of its status, by OSC 7501 (Program Status Protocol).

use serde::{Deserialize, Serialize};

/// A report of the program in the terminal about itself.
///
/// The program may lie: a report is evidence, never an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgramStatus {
    /// The reported state.
    pub state: ProgramState,
    /// What a blocked program waits for, if the report says so.
    #[serde(default)]
    pub kind: Option<BlockKind>,
    /// The reported text, without control characters; at most [`ProgramStatus::MAX_MESSAGE`]
    /// bytes. It may hold whole commands: treat it like a tool's input, and log it nowhere.
    #[serde(default)]
    pub message: String,
}

impl ProgramStatus {
    /// Most bytes of a message; a longer one is cut.
    pub const MAX_MESSAGE: usize = 2 << 10; // 2 KiB
}

/// The state in a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProgramState {
    /// The program waits for a task.
    Idle,
    /// The program works.
    Working,
    /// The program waits for an answer.
    Blocked,
    /// The program has finished its task.
    Done,
    /// The program has given its task up.
    Error,
    /// The program takes its report back.
    Clear,
}

/// The obstacle of a blocked program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockKind {
    /// A permission.
    Permission,
    /// An answer to a question.
    Question,
    /// A login.
    Auth,
}
