//! Steps of a run, with all their random values.

use serde::{Deserialize, Serialize};

/// A number unique to a text, for identifying the text in any place.
pub(crate) type Word = u64;

/// A process stopped for a while, by SIGSTOP and SIGCONT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Who {
    Server,
    Holder(usize),
    Guardian(usize),
    Agent(usize),
    /// The program `wxcode attach`.
    Attach,
}

/// A command's work for the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum What {
    Plain,
    /// Several lines.
    Lines,
    /// Prints about this many bytes.
    Flood(u64),
    /// Runs a tool.
    Tool,
    /// Leaves a process running in a new session.
    Daemon,
    /// Asks for permission.
    Permission,
    /// Asks a question.
    Question,
    /// Begins a new conversation.
    Clear,
    /// Ends the agent.
    Exit,
}

/// Ways to end a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum End {
    Kill,
    Term,
}

/// A step. Times are in milliseconds, `slot` is the index of a project, `client` the index of a
/// client in the project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Step {
    /// The server ends, something happens without a server, and the next server starts.
    Server {
        end: End,
        meanwhile: Vec<Step>,
        after: u64,
    },
    /// A command is sent, and the server is killed after this time, with or without an answer.
    ServerAmid {
        slot: usize,
        word: Word,
        key: u64,
        after: u64,
    },
    Pause {
        who: Who,
        ms: u64,
    },
    KillHolder {
        slot: usize,
    },
    KillGuardian {
        slot: usize,
    },
    KillBoth {
        slot: usize,
    },
    KillAgent {
        slot: usize,
    },
    /// A client connects without earlier state.
    Attach {
        slot: usize,
        client: usize,
    },
    /// A client's connection breaks, and the client stays away.
    Leave {
        slot: usize,
        client: usize,
    },
    /// A client resumes at its offset.
    Return {
        slot: usize,
        client: usize,
    },
    /// A client's connection breaks, and the client resumes at once.
    Blink {
        slot: usize,
        client: usize,
    },
    /// A client stops reading.
    Stall {
        slot: usize,
        client: usize,
    },
    /// A client reads again.
    Read {
        slot: usize,
        client: usize,
    },
    Resize {
        slot: usize,
        client: usize,
        cols: u16,
        rows: u16,
    },
    Redraw {
        slot: usize,
        client: usize,
        history: u32,
    },
    /// A client types a draft; the connection may break before an answer.
    Draft {
        slot: usize,
        client: usize,
        word: Word,
        breaks: bool,
    },
    Enter {
        slot: usize,
        client: usize,
    },
    Erase {
        slot: usize,
        client: usize,
    },
    TypeClear {
        slot: usize,
        client: usize,
        word: Word,
    },
    Deliver {
        slot: usize,
        what: What,
        word: Word,
        key: Option<u64>,
    },
    /// An earlier command with the same key again, twice at the same time.
    Again {
        slot: usize,
        key: u64,
    },
    Milestone {
        slot: usize,
        word: Word,
    },
    /// The newest milestone is started again.
    StartAgain {
        slot: usize,
    },
    Answer {
        slot: usize,
        option: usize,
    },
    Start {
        slot: usize,
    },
    StartTwice {
        slot: usize,
    },
    Stop {
        slot: usize,
    },
    /// The project is deleted, and a new project replaces it.
    Remake {
        slot: usize,
    },
    /// The same, with a kill of the server after the answer or after this time.
    RemakeAmid {
        slot: usize,
        after: Option<u64>,
    },
    Run {
        slot: usize,
        word: Word,
    },
    /// The follower of the events loses its connection.
    Unfollow {
        slot: usize,
    },
    /// The database's file is moved away for this time.
    StoreAway {
        slot: usize,
        word: Word,
        ms: u64,
    },
    /// Everything comes to rest and is compared.
    Settle,
}

impl Step {
    /// The name of the step's kind.
    pub(crate) fn name(&self) -> String {
        let value = serde_json::to_value(self).unwrap_or_default();
        let name = match &value {
            serde_json::Value::String(name) => Some(name.clone()),
            serde_json::Value::Object(fields) => fields.keys().next().cloned(),
            _ => None,
        };
        let detail = match self {
            Self::Server { end: End::Kill, .. } => " kill",
            Self::Server { end: End::Term, .. } => " term",
            Self::Pause { who, .. } => match who {
                Who::Server => " server",
                Who::Holder(_) => " holder",
                Who::Guardian(_) => " guardian",
                Who::Agent(_) => " agent",
                Who::Attach => " attach",
            },
            Self::Deliver { what, .. } => match what {
                What::Plain | What::Lines => "",
                What::Flood(_) => " flood",
                What::Tool => " tool",
                What::Daemon => " daemon",
                What::Permission => " permission",
                What::Question => " question",
                What::Clear => " clear",
                What::Exit => " exit",
            },
            _ => "",
        };
        name.unwrap_or_default() + detail
    }
}
