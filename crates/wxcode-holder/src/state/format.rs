//! The format of a state, and why a state is not usable.

/// The format of states written by this build, and the newest readable format.
pub const FORMAT: u16 = 1;
/// The name of the screen's format.
pub const SCREEN_FORMAT: &str = "vt/1";
/// Most bytes of a state; the holder hands over no larger state. The screen is most of a state, and
/// rarely more than 1 MiB.
pub const MAX_STATE: usize = 128 << 20; // 128 MiB

/// Why a state is not usable.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// The bytes do not begin like a state.
    #[error("not a holder's state: its first bytes differ")]
    Unknown,
    /// The format is newer.
    #[error("the state has format {0}, this build reads up to {FORMAT}")]
    Newer(u16),
    /// The state is truncated, too long, or corrupt.
    #[error("the state is truncated or damaged")]
    Damaged,
    /// A mandatory section is unknown.
    #[error("this build does not know the section {0}")]
    Section(String),
    /// The screen's format is unknown.
    #[error("the screen has format {0}, this build reads {SCREEN_FORMAT}")]
    ScreenFormat(String),
    /// The state contradicts itself.
    #[error("the state is contradictory: {0}")]
    Impossible(&'static str),
    /// The state is beyond [`MAX_STATE`].
    #[error("the state has {0} bytes, {MAX_STATE} are allowed; make the terminal smaller")]
    TooLarge(usize),
}
