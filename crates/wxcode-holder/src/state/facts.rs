//! What of a holder's state is small: numbers, names and lengths.

use serde::{Deserialize, Serialize};
use wxcode_terminal::Size;

use super::StateError;
use crate::folder::{HolderFile, Spec};
use wxcode_protocol::holder::frame::MAX_KEY;
use wxcode_protocol::holder::size;

/// The most clients whose numbers are remembered.
const MAX_CLIENTS: usize = 256;
/// The most changes of size that are remembered.
const MAX_CHANGES: usize = 64;

/// The highest number that counts up: no session comes near it, and what is added to it is a number still.
const MAX_NUMBER: u64 = 1 << 62;

/// What of the state is small.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// The build that wrote it.
    pub build: String,
    /// What was to be run.
    pub spec: Spec,
    /// Holder, agent and guardian.
    pub holder: HolderFile,
    /// The offset behind the newest byte of output.
    pub end: u64,
    /// The sizes of the terminal.
    pub sizes: Sizing,
    /// What waits to be typed.
    pub typing: Typing,
    /// How far the numbers of the clients' inputs have come, the one that is longest silent first; at most 256.
    pub clients: Vec<Client>,
    /// The number that the next connection gets.
    pub next_client: u64,
    /// The number that the next hook payload gets.
    pub next_hook_seq: u64,
    /// Why nothing more is logged.
    #[serde(default)]
    pub log_off: Option<String>,
    /// Whether the agent counts as quiet.
    #[serde(default)]
    pub quiet: bool,
    /// Kills for want of memory in the session's cgroup so far.
    #[serde(default)]
    pub kills: u64,
    /// How many programs had the session before this one.
    #[serde(default)]
    pub upgrades: u32,
}

/// The sizes of the terminal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sizing {
    /// The size now.
    #[serde(with = "size")]
    pub now: Size,
    /// The one that is to come next.
    #[serde(default)]
    pub wished: Option<Wish>,
    /// The newest changes, in order; at most 64.
    pub past: Vec<Change>,
    /// The number of the next change.
    pub next: u64,
    /// The offset of the newest change that is forgotten.
    #[serde(default)]
    pub forgotten: Option<u64>,
}

/// A size that is to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wish {
    /// The size.
    #[serde(with = "size")]
    pub size: Size,
}

/// A change of the size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Counts the changes up from 0.
    pub number: u64,
    /// The bytes from this offset on came after it.
    pub offset: u64,
    /// The size since then.
    #[serde(with = "size")]
    pub size: Size,
}

/// What waits to be typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Typing {
    /// The messages, in order.
    pub messages: Vec<Waiting>,
    /// Bytes of the screen's replies.
    pub replies: usize,
    /// Whether the first message is partly typed.
    pub begun: bool,
    /// Where what was typed stands within bracketed pastes.
    pub pasting: Pasting,
}

/// A message that waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// Whose it is.
    pub kind: Kind,
    /// Its bytes that are not typed yet.
    pub len: usize,
    /// Whether it is a Ctrl+C that has not overtaken anything.
    #[serde(default)]
    pub interrupt: bool,
}

/// Whose a message is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An input's.
    Input,
    /// A delivery's.
    Delivery {
        /// Its key.
        key: String,
    },
    /// The beginning of one that goes on behind an interrupt.
    Beginning,
}

/// Where a stream of keys stands within bracketed pastes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pasting {
    /// Whether one has begun and not ended.
    pub open: bool,
    /// How many bytes of a mark have come; at most 5.
    pub matched: usize,
    /// Bytes that the character so far lacks; at most 3.
    pub lacking: usize,
    /// Whether the mark is one of the end.
    pub ends: bool,
}

/// How far the numbers of one client's inputs have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    /// Its name.
    pub name: [u8; 16],
    /// The number of its newest input that was taken.
    pub newest: u64,
}

/// Whether the facts agree with each other, and with so many bytes of output and of what is to be typed.
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
