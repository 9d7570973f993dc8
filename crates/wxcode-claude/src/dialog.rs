//! Dialogs that stand between the user and the prompt, told from the text of the screen.
//!
//! The screens in `screens/` were recorded from the real CLI. What they have in common: while the input
//! box is on the screen, no dialog is; a dialog stands at the bottom, below an edge as wide as the screen,
//! and marks a choice with `❯`. So text in the conversation that reads like a dialog is none.

mod form;
mod options;
pub(crate) mod region;

pub use form::Form;
use options::Choices;
use region::Screen;

/// A dialog on the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialog {
    pub name: DialogName,
    /// Its choices as far as they are on the screen, top to bottom, without numbers and marks.
    pub options: Vec<String>,
    /// The index of the choice that Enter would take.
    pub selected: Option<usize>,
    /// What more is on it, where it is a page of a question's form.
    pub form: Option<Form>,
    /// All its text, without white space and without marks and ticks.
    pub text: String,
}

/// Dialogs by what they ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DialogName {
    /// Whether the folder is trusted; the first choice is to exit, and until the second is taken no hook runs.
    TrustFolder,
    /// Whether auto mode becomes the default; comes up over the prompt after `SessionStart`.
    AutoModeOffer,
    /// That auto mode cannot check actions here; comes up in a turn.
    AutoModeCheck,
    /// Whether a tool may run, or a plan be carried out.
    Permission,
    /// A question of the agent.
    Question,
    /// Whether to run without any permission checks; the first choice is to exit.
    BypassPermissionsWarning,
    /// Whether to use the API key of the environment.
    ApiKey,
    /// Whether to use a project's MCP servers.
    McpServer,
    /// Whether a project's CLAUDE.md may import files from elsewhere.
    ExternalImports,
    /// The colours, at the first start of all.
    Theme,
    /// The notes of the first start.
    Onboarding,
    /// How to log in.
    Login,
    /// Whether to resume a long conversation from a summary; Enter may give up the full one.
    ResumeSummary,
    /// Whether to go on with settings that are not all understood.
    SettingsWarning,
    /// Whether to try another renderer.
    FullscreenOffer,
    /// A panel that the user opened, or a dialog that this version does not know.
    Other,
}

impl DialogName {
    /// The word for it in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TrustFolder => "trust_folder",
            Self::AutoModeOffer => "auto_mode_offer",
            Self::AutoModeCheck => "auto_mode_check",
            Self::Permission => "permission",
            Self::Question => "question",
            Self::BypassPermissionsWarning => "bypass_permissions_warning",
            Self::ApiKey => "api_key",
            Self::McpServer => "mcp_server",
            Self::ExternalImports => "external_imports",
            Self::Theme => "theme",
            Self::Onboarding => "onboarding",
            Self::Login => "login",
            Self::ResumeSummary => "resume_summary",
            Self::SettingsWarning => "settings_warning",
            Self::FullscreenOffer => "fullscreen_offer",
            Self::Other => "other",
        }
    }
}

/// Dialogs with a choice: a name, and the phrases that it always shows.
const WITH_CHOICE: &[(DialogName, &[&str])] = &[
    (
        DialogName::TrustFolder,
        &["Accessing workspace:", "I trust this folder"],
    ),
    (
        DialogName::AutoModeOffer,
        &["Make auto mode your default permission mode?"],
    ),
    (
        DialogName::BypassPermissionsWarning,
        &["Bypass Permissions mode", "Yes, I accept"],
    ),
    (DialogName::ApiKey, &["custom API key in your environment"]),
    (
        DialogName::McpServer,
        &["MCP server", "found in this project"],
    ),
    (
        DialogName::ExternalImports,
        &["Allow external CLAUDE.md file imports?"],
    ),
    (
        DialogName::Theme,
        &["Choose the text style that looks best with your terminal"],
    ),
    (DialogName::Login, &["Select login method:"]),
    (
        DialogName::ResumeSummary,
        &["Resume from summary", "Resume full session"],
    ),
    (
        DialogName::SettingsWarning,
        &["Settings Warning", "Fix with Claude"],
    ),
    (
        DialogName::FullscreenOffer,
        &["Try the new fullscreen renderer"],
    ),
];

/// Dialogs that wait for a key without a marked choice.
const WITHOUT_CHOICE: &[(DialogName, &[&str])] = &[
    (
        DialogName::AutoModeCheck,
        &[
            "Auto mode can't check actions in this session",
            "Enter to stay in auto mode",
        ],
    ),
    (
        DialogName::Onboarding,
        &["Security notes:", "Press Enter to continue"],
    ),
    (DialogName::Login, &["Paste code here if prompted"]),
];

/// How the question of a permission dialog begins; its choices are kinds of yes and of no.
const PERMISSION: &[&str] = &[
    "Do you want to ",
    "Would you like to proceed?",
    "Exit plan mode?",
];

/// What the last lines of every other dialog or panel hint at.
const HINTS: &[&str] = &["Enter to ", "Esc to ", "to navigate"];

/// How many lines from the bottom a hint stands at most.
const HINT_LINES: usize = 3;

/// The dialog on a screen, if there is one.
///
/// `screen` is the visible text, one line a row.
#[must_use]
pub fn recognize(screen: &str) -> Option<Dialog> {
    let screen = Screen::new(screen);
    if screen.has_input_box() {
        return None;
    }
    let regions = screen.regions();
    // A question has an edge in its middle, so an unknown dialog is one only when nothing else fits.
    match regions.first() {
        None => known(screen.lines(), screen.width()),
        Some(last) => regions
            .iter()
            .find_map(|lines| known(lines, screen.width()))
            .or_else(|| unknown(last, screen.width())),
    }
}

/// Whether the input box is on the screen. Evidence for a prompt that takes text; that it is missing
/// proves nothing on a screen that is being drawn.
#[must_use]
pub fn prompt_visible(screen: &str) -> bool {
    Screen::new(screen).has_input_box()
}

fn known(lines: &[&str], width: usize) -> Option<Dialog> {
    if let Some(page) = form::read(lines, width) {
        return Some(Dialog {
            name: DialogName::Question,
            options: page.options,
            selected: page.selected,
            form: Some(page.form),
            text: region::unmarked(lines),
        });
    }
    let text = region::flowing(lines);
    let shows = |phrases: &[&str]| phrases.iter().all(|phrase| text.contains(phrase));
    let name = |table: &[(DialogName, &[&str])]| {
        table
            .iter()
            .find(|(_, phrases)| shows(phrases))
            .map(|(name, _)| *name)
    };
    let choices = Choices::find(lines, width);
    let name = match &choices {
        None => name(WITHOUT_CHOICE)?,
        Some(choices) => {
            let asks = PERMISSION.iter().any(|question| text.contains(question));
            let is_permission = asks && choices.are_yes_and_no();
            name(WITH_CHOICE).or(is_permission.then_some(DialogName::Permission))?
        }
    };
    Some(dialog(name, choices, lines))
}

/// Something with a hint to its keys, in the place of the input box.
fn unknown(lines: &[&str], width: usize) -> Option<Dialog> {
    let bottom = &lines[lines.len().saturating_sub(HINT_LINES)..];
    let bottom = region::flowing(bottom);
    let is_hint = HINTS.iter().any(|hint| bottom.contains(hint));
    is_hint.then(|| dialog(DialogName::Other, Choices::find(lines, width), lines))
}

fn dialog(name: DialogName, choices: Option<Choices>, lines: &[&str]) -> Dialog {
    let selected = choices.as_ref().map(|choices| choices.selected);
    Dialog {
        name,
        options: choices.map_or_else(Vec::new, |choices| choices.options),
        selected,
        form: None,
        text: region::unmarked(lines),
    }
}
