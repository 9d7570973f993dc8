//! What a delivery's machine hears and says.

/// How long each step may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Deadlines {
    /// How long the agent may take to be ready, and something may stand in the prompt unchanged, in milliseconds.
    pub ready_ms: u64,
}

/// What the agent is like, as far as a delivery cares.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Readiness {
    /// A command may be typed.
    Ready,
    /// In a turn: wait for as long as it takes.
    Busy,
    /// A dialog of this name is in the way: wait for as long as it stands.
    Dialog(String),
    /// Not seen ready yet.
    NotReady,
}

/// What a look at the prompt finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Seen {
    /// What stands in it.
    pub prompt: Prompt,
    /// Whether the agent keeps a draft that was put aside.
    pub kept: Kept,
}

/// What stands in the prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Prompt {
    /// There is none that takes keys.
    Nothing,
    /// Nothing.
    Empty,
    /// Exactly the delivery's text.
    Text {
        /// Enter would take something else that the agent offers.
        offers_other: bool,
        /// Another [`Key::Escape`] clears it.
        asks_to_clear: bool,
    },
    /// Anything else.
    Draft {
        /// Tells one draft from another.
        mark: u64,
    },
}

/// Whether the agent keeps a draft that was put aside; it has room for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kept {
    /// It does not.
    No,
    /// It does: another one would throw it away.
    Yes,
    /// A list of completions hides that.
    Hidden,
}

/// A key that is pressed for a delivery, beside Enter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Key {
    /// Puts the draft aside, or brings it back into an empty prompt.
    Stash,
    /// Closes a list of completions; twice on a text, clears it.
    Escape,
}

/// What happened. Times are of one monotonic clock, in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Event {
    /// The agent's readiness, told whenever it may have changed.
    Agent(Readiness),
    /// Nobody else types from here on.
    Claimed,
    /// Others may type, and what was pressed last may not have been: not granted, over, or Ctrl+C.
    Unclaimed,
    /// The prompt now.
    Looked(Seen),
    /// The store has the delivery as `written`.
    Recorded,
    /// The text is in the PTY.
    Typed,
    /// The text was not typed, and its key is free.
    NotTyped,
    /// The screen came to rest.
    Quiet,
    /// The agent reported exactly this command as submitted.
    Reported,
    /// The agent is gone.
    Gone,
    /// Time passed.
    Tick,
}

/// What is to be done, in order.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Have the keyboard for [`super::CLAIM_MS`]; answer with [`Event::Claimed`] or [`Event::Unclaimed`].
    Claim,
    /// Give it back.
    Release,
    /// Look at the prompt; answer with [`Event::Looked`].
    Look,
    /// Press a key, only while the keyboard is had.
    Press(Key),
    /// Make it durable that the text is about to be typed; answer with [`Event::Recorded`].
    Record,
    /// Type the text, once per delivery and only while the keyboard is had; answer with [`Event::Typed`] or [`Event::NotTyped`].
    Type,
    /// Press Enter, only while the keyboard is had; the number of attempts is durable afterwards.
    Enter {
        /// Attempts so far, this one included.
        attempts: u32,
    },
    /// Say in `error` what it waits for; `None` when nothing is in the way any more.
    Note(Option<String>),
    /// It is submitted.
    Submitted,
    /// It failed.
    Failed(String),
}

/// Why nothing is typed although the agent is ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Obstacle {
    /// Something of somebody else stands in the prompt.
    Draft { mark: u64 },
    /// The text was typed, and something else stands with it or in its place.
    Mixed,
    /// There is no prompt that takes keys.
    NoPrompt,
    /// Others have the keyboard.
    Keyboard,
}

impl Obstacle {
    /// What it is called in `error`, and what to do.
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
