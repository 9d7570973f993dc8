//! Events and effects of the delivery machine.

use std::time::Duration;

/// Configurable timeouts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Deadlines {
    /// Time for the agent to become ready, and for an unchanged draft in the prompt.
    pub ready: Duration,
}

/// The agent's readiness for a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Readiness {
    /// A command may be typed.
    Ready,
    /// In a turn: wait for the turn's end.
    Busy,
    /// A dialog of this name is open: wait for the dialog's end.
    Dialog(String),
    /// An obstacle outside of the agent, described by this text: wait for the obstacle's end.
    Hindered(String),
    /// Not seen ready yet.
    NotReady,
    /// Not ready for this reason, and not expected to become ready.
    Broken(String),
}

/// The result of a look at the prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Seen {
    /// The content of the prompt.
    pub prompt: Prompt,
    /// Whether the agent has a stashed draft.
    pub kept: Kept,
}

/// The content of the prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Prompt {
    /// No prompt ready for keys.
    Nothing,
    /// Nothing.
    Empty,
    /// Nothing, while a turn runs.
    Turn,
    /// Exactly the delivery's text.
    Text {
        /// Enter would take another suggestion of the agent.
        offers_other: bool,
        /// Another [`Key::Escape`] clears the text.
        asks_to_clear: bool,
    },
    /// Anything else.
    Draft {
        /// A hash that tells drafts apart.
        mark: u64,
    },
}

/// Whether the agent has a stashed draft; the stash has room for a single draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kept {
    /// The stash is empty.
    No,
    /// The stash is full: stashing another draft would discard the stashed draft.
    Yes,
    /// A list of completions hides the stash.
    Hidden,
}

/// A key of a delivery, besides Enter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Key {
    /// Stashes the draft, or restores it into an empty prompt.
    Stash,
    /// Closes a list of completions; pressed twice, clears a text.
    Escape,
}

/// An event. All times are of the same monotonic clock.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Event {
    /// The agent's readiness, sent after every possible change.
    Agent(Readiness),
    /// The lock was granted: no other client types from here on.
    Claimed,
    /// The lock is gone (refused, expired, or Ctrl+C), and the last key may not have been typed.
    Unclaimed,
    /// A look at the prompt.
    Looked(Seen),
    /// The store has recorded `written`.
    Recorded,
    /// The text is in the PTY.
    Typed,
    /// The text was not typed, and its key is unused.
    NotTyped,
    /// The screen came to rest.
    Quiet,
    /// The starting agent is at work.
    Active,
    /// The agent's hook reported exactly the delivery's command; a hook of the user may still
    /// refuse the command.
    Taking,
    /// The agent took exactly the delivery's command.
    Reported,
    /// A hook of the user refused the command, with this reason.
    Refused(String),
    /// The agent does not know or allow the submitted command, in these words of its own.
    Declined(String),
    /// The agent is gone.
    Gone,
    /// Time passed.
    Tick,
}

/// An effect, to be carried out in order.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Acquire the input lock for [`super::CLAIM`]; answer with [`Event::Claimed`] or
    /// [`Event::Unclaimed`].
    Claim,
    /// Release the lock.
    Release,
    /// Look at the prompt; answer with [`Event::Looked`].
    Look,
    /// Press a key, only within the lock.
    Press(Key),
    /// Record durably that typing is about to begin, again after a dialog swallowed the text;
    /// answer with [`Event::Recorded`].
    Record,
    /// Type the text, once per [`Effect::Record`] and only within the lock; answer with [`Event::Typed`] or
    /// [`Event::NotTyped`].
    Type,
    /// Press Enter, only within the lock; record the number of attempts afterwards.
    Enter {
        /// Attempts so far, including the present attempt.
        attempts: u32,
    },
    /// Set `error` to the obstacle; `None` clears it.
    Note(Option<String>),
    /// Record `submitted`.
    Submitted,
    /// Record `failed`.
    Failed(String),
}

/// An obstacle in front of a ready agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Obstacle {
    /// Another text stands in the prompt.
    Draft { mark: u64 },
    /// The typed text stands in the prompt together with other text, or was replaced.
    Mixed,
    /// No prompt ready for keys.
    NoPrompt,
    /// Other clients have the lock.
    Keyboard,
}

impl Obstacle {
    /// The description for `error`, with a remedy.
    pub(super) fn note(self) -> String {
        match self {
            Self::Draft { .. } => "draft: other text stands in the prompt: send it or clear it, and the command follows by itself",
            Self::Mixed => "draft: the command was typed, and other text stands with it or in its place: it is not sent until it stands alone",
            Self::NoPrompt => "prompt: no input box is on the agent's screen: close what stands there, and the command follows by itself",
            Self::Keyboard => "keyboard: somebody is in the middle of a paste or types without a pause: the command follows by itself",
        }
        .to_owned()
    }
}
