//! Small facts of a holder's state: numbers, names and lengths.

use serde::{Deserialize, Serialize};
use wxcode_terminal::{Size, StatusFilter};

use super::format::StateError;
use crate::folder::{HolderFile, Spec};
use wxcode_protocol::holder::{ProgramStatus, frame::MAX_KEY, size};

/// Most clients with remembered numbers.
const MAX_CLIENTS: usize = 256;
/// Most remembered changes of size.
const MAX_CHANGES: usize = 64;

/// Most bytes of an unfinished report: the body and its frame.
const MAX_HELD: usize = StatusFilter::MAX_BODY + 16;

/// The largest counter. No session comes near this number, and additions do not overflow.
const MAX_NUMBER: u64 = 1 << 62;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// The build that wrote the state.
    pub build: String,
    /// The spec of the session.
    pub spec: Spec,
    /// Holder, agent and guardian.
    pub holder: HolderFile,
    /// The offset after the newest byte of output.
    pub end: u64,
    /// The sizes of the terminal.
    pub sizes: Sizing,
    /// The waiting input.
    pub typing: Typing,
    /// The newest input number of each client, the longest silent client first; at most 256.
    pub clients: Vec<Client>,
    /// The number of the next connection.
    pub next_client: u64,
    /// The number of the next hook payload.
    pub next_hook_seq: u64,
    /// Why the log is off.
    #[serde(default)]
    pub log_off: Option<String>,
    /// Whether the agent counts as quiet.
    #[serde(default)]
    pub quiet: bool,
    /// The agent's newest report about its status.
    #[serde(default)]
    pub report: Option<Report>,
    /// The beginning of an unfinished report.
    #[serde(default)]
    pub held: Vec<u8>,
    /// Kills for lack of memory in the session's cgroup so far.
    #[serde(default)]
    pub kills: u64,
    /// The number of programs that had the session before the writer.
    #[serde(default)]
    pub upgrades: u32,
}

/// The agent's report about its status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Counts up from 1.
    pub number: u64,
    /// The number of the first hook payload after the report.
    pub next_hook_seq: u64,
    /// The offset of the report in the output.
    pub offset: u64,
    pub status: ProgramStatus,
}

/// The sizes of the terminal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sizing {
    /// The present size.
    #[serde(with = "size")]
    pub now: Size,
    /// The requested size.
    #[serde(default)]
    pub wished: Option<Wish>,
    /// The newest changes, in order; at most 64.
    pub past: Vec<Change>,
    /// The number of the next change.
    pub next: u64,
    /// The offset of the newest forgotten change.
    #[serde(default)]
    pub forgotten: Option<u64>,
}

/// A requested size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wish {
    #[serde(with = "size")]
    pub size: Size,
}

/// A change of the size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Counts the changes up from 0.
    pub number: u64,
    /// Bytes from this offset on came after the change.
    pub offset: u64,
    #[serde(with = "size")]
    pub size: Size,
}

/// The waiting input.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Typing {
    /// The messages, in order.
    pub messages: Vec<Waiting>,
    /// Bytes of the screen's replies.
    pub replies: usize,
    /// Whether the first message is partly typed.
    pub begun: bool,
    /// The position of typed input within bracketed pastes.
    pub pasting: Pasting,
}

/// A waiting message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// The message's origin.
    pub kind: Kind,
    /// The number of bytes not yet typed.
    pub len: usize,
    /// Whether the message is a Ctrl+C that has overtaken nothing so far.
    #[serde(default)]
    pub interrupt: bool,
}

/// The origin of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An input.
    Input,
    /// A delivery.
    Delivery { key: String },
    /// The first part of a message that continues after an interrupt.
    Beginning,
}

/// The position of a stream of keys within bracketed pastes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pasting {
    /// Whether a paste is open.
    pub open: bool,
    /// Bytes of a mark so far; at most 5.
    pub matched: usize,
    /// Missing bytes of the character so far; at most 3.
    pub lacking: usize,
    /// Whether the mark is an end mark.
    pub ends: bool,
}

/// The newest input number of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    pub name: [u8; 16],
    pub newest: u64,
}

/// Whether the facts agree with each other, and with this many bytes of output and of waiting
/// input.
pub(super) fn check(facts: &Facts, ring: usize, typing: usize) -> Result<(), StateError> {
    let sizes = &facts.sizes;
    let first = sizes.next.checked_sub(sizes.past.len() as u64);
    let first = first.ok_or(StateError::Impossible("the changes of size"))?;
    let numbered = (first..)
        .zip(&sizes.past)
        .all(|(n, change)| change.number == n && change.offset <= facts.end);
    let in_order = sizes.past.is_sorted_by_key(|change| change.offset);
    if !numbered || !in_order || sizes.past.len() > MAX_CHANGES {
        return Err(StateError::Impossible("the changes of size"));
    }
    let mut left = typing.checked_sub(facts.typing.replies);
    for message in &facts.typing.messages {
        left = left.and_then(|left| left.checked_sub(message.len));
        let is_key = |key: &String| key.len() <= MAX_KEY;
        if matches!(&message.kind, Kind::Delivery { key } if !is_key(key)) {
            return Err(StateError::Impossible("a key"));
        }
    }
    let first_is_empty = facts.typing.messages.first().is_none_or(|m| m.len == 0);
    if left != Some(0) || (facts.typing.begun && first_is_empty) {
        return Err(StateError::Impossible("what waits to be typed"));
    }
    let pasting = facts.typing.pasting;
    if pasting.matched > 5 || pasting.lacking > 3 || facts.clients.len() > MAX_CLIENTS {
        return Err(StateError::Impossible("the clients or their pastes"));
    }
    let is_sound = |report: &Report| {
        report.offset <= facts.end
            && report.next_hook_seq <= facts.next_hook_seq
            && report.number <= MAX_NUMBER
            && report.status.message.len() <= ProgramStatus::MAX_MESSAGE
    };
    if facts.held.len() > MAX_HELD || !facts.report.as_ref().is_none_or(is_sound) {
        return Err(StateError::Impossible("the agent's report"));
    }
    let numbers = [
        facts.end,
        sizes.next,
        facts.next_client,
        facts.next_hook_seq,
    ];
    if numbers.into_iter().any(|number| number > MAX_NUMBER) {
        return Err(StateError::Impossible("a number"));
    }
    match ring as u64 <= facts.end {
        true => Ok(()),
        false => Err(StateError::Impossible("more output than there was")),
    }
}
