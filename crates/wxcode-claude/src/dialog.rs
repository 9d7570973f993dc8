//! Dialogs that stand between the user and the prompt, told from the text of the screen.

/// A dialog on the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialog {
    /// Which one.
    pub name: DialogName,
    /// Its choices, top to bottom, without numbers and marks.
    pub options: Vec<String>,
    /// The index of the choice that Enter would take.
    pub selected: Option<usize>,
}

/// Dialogs by what they ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DialogName {
    /// Whether the folder is trusted; the first choice may be to exit.
    TrustFolder,
    /// Whether auto mode becomes the default.
    AutoModeOffer,
    /// Whether a tool may run.
    Permission,
    /// A question of the agent.
    Question,
}

impl DialogName {
    /// The word for it in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TrustFolder => "trust_folder",
            Self::AutoModeOffer => "auto_mode_offer",
            Self::Permission => "permission",
            Self::Question => "question",
        }
    }
}

/// The dialog on a screen, if there is one.
///
/// `screen` is the visible text, one line a row.
#[must_use]
pub fn recognize(screen: &str) -> Option<Dialog> {
    let _ = screen;
    None
}

/// Whether the input box is on the screen.
#[must_use]
pub fn prompt_visible(screen: &str) -> bool {
    let _ = screen;
    false
}
