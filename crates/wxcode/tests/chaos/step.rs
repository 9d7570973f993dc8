//! What can be done to the world: one step, with everything that was drawn for it.

use serde::{Deserialize, Serialize};

/// A number that stands in one text only, by which that text is known again wherever it turns up.
pub(crate) type Word = u64;

/// A process that is stopped for a while, by SIGSTOP and SIGCONT.
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

/// What a command asks of the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum What {
    Plain,
    /// Several lines.
    Lines,
    /// Prints about so many bytes.
    Flood(u64),
    /// Runs a tool.
    Tool,
    /// Leaves a process running in a session of its own.
    Daemon,
    /// Asks for leave.
    Permission,
    /// Asks a question.
    Question,
    /// Begins a new conversation.
    Clear,
    /// The agent ends.
    Exit,
}

/// How a server ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum End {
    Kill,
    Term,
}

/// One step. Times are in milliseconds, `slot` is the place of a project, `client` that of a client in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Step {
    /// The server ends, something happens without it, and another one comes.
    Server {
        end: End,
        meanwhile: Vec<Step>,
        after: u64,
    },
    /// A command is given, and so long after that the server is killed, whether it has answered or not.
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
    /// A client comes anew, without anything that it knew.
    Attach {
        slot: usize,
        client: usize,
    },
    /// Its connection breaks, and it stays away.
    Leave {
        slot: usize,
        client: usize,
    },
    /// It comes back with its offset.
    Return {
        slot: usize,
        client: usize,
    },
    /// Its connection breaks, and it comes back at once.
    Blink {
        slot: usize,
        client: usize,
    },
    /// It reads nothing more.
    Stall {
        slot: usize,
        client: usize,
    },
    /// It reads again.
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
    /// Half a thought is typed; the connection may break before there is an answer.
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
    /// An earlier command with its key once more, twice at the same time.
    Again {
        slot: usize,
        key: u64,
    },
    Milestone {
        slot: usize,
        word: Word,
    },
    /// The newest milestone is started once more.
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
    /// The project is deleted, and another one is made in its place.
    Remake {
        slot: usize,
    },
    /// The same; the server is killed when it has answered, or so long after it was asked.
    RemakeAmid {
        slot: usize,
        after: Option<u64>,
    },
    Run {
        slot: usize,
        word: Word,
    },
    /// Whoever follows the events loses the connection.
    Unfollow {
        slot: usize,
    },
    /// The database's file is not there for so long.
    StoreAway {
        slot: usize,
        word: Word,
        ms: u64,
    },
    /// Nothing is done until everything has come to rest, and then everything is compared.
    Settle,
}

impl Step {
    /// The name of its kind.
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
