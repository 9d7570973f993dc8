//! Detects dialogs between the user and the prompt, from the text of the screen.
//!
//! The real CLI drew the screens in `screens/`. In all of them a dialog and the input box exclude
//! each other. A dialog sits at the bottom, below an edge as wide as the screen, and marks a choice
//! with `❯`. So conversation text in the form of a dialog is not taken for one.

mod form;
mod options;
pub(crate) mod region;

pub use form::Form;
use options::Choices;
use region::Screen;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialog {
    pub name: DialogName,
    /// The visible choices, top to bottom, without numbers and marks.
    pub options: Vec<String>,
    /// The index of the marked choice; Enter takes it.
    pub selected: Option<usize>,
    /// The rest of the page, if the dialog is a page of a question's form.
    pub form: Option<Form>,
    /// The whole text, without white space, marks and ticks.
    pub text: String,
}

/// Dialogs by subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DialogName {
    /// Trust in the folder. The first choice exits; no hook runs before the second is taken.
    TrustFolder,
    /// Auto mode as the default; appears over the prompt after `SessionStart`.
    AutoModeOffer,
    /// Auto mode cannot check actions here; appears in a turn.
    AutoModeCheck,
    /// Permission for a tool or a plan.
    Permission,
    /// A question of the agent.
    Question,
    /// Running without permission checks; the first choice exits.
    BypassPermissionsWarning,
    /// Use of the API key in the environment.
    ApiKey,
    /// Use of a project's MCP servers.
    McpServer,
    /// Imports into a project's CLAUDE.md from outside.
    ExternalImports,
    /// The colours, at the very first start.
    Theme,
    /// The notes of the first start.
    Onboarding,
    /// The login method.
    Login,
    /// Resuming a long conversation from a summary; Enter may give up the full one.
    ResumeSummary,
    /// Continuing with partly unknown settings.
    SettingsWarning,
    /// Continuing without a settings file that is not valid.
    SettingsError,
    /// `~/.claude.json` is not valid; the first choice exits, the second gives the file up.
    ConfigurationError,
    /// Trying another renderer.
    FullscreenOffer,
    /// A panel opened by the user, or an unknown dialog.
    Other,
}

impl DialogName {
    /// The API's word for this kind.
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
            Self::SettingsError => "settings_error",
            Self::ConfigurationError => "configuration_error",
            Self::FullscreenOffer => "fullscreen_offer",
            Self::Other => "other",
        }
    }
}

/// Dialogs with a choice: a name, and phrases of every instance.
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
        DialogName::SettingsError,
        &["Settings Error", "Fix with Claude"],
    ),
    (
        DialogName::ConfigurationError,
        &["Configuration error", "Reset to default configuration"],
    ),
    (
        DialogName::FullscreenOffer,
        &["Try the new fullscreen renderer"],
    ),
];

/// Dialogs with a key to press and no marked choice.
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

/// The beginnings of a permission dialog's question; the choices are kinds of yes and of no.
const PERMISSION: &[&str] = &[
    "Do you want to ",
    "Would you like to proceed?",
    "Exit plan mode?",
];

/// Hints in the last lines of every other dialog or panel.
const HINTS: &[&str] = &["Enter to ", "Esc to ", "to navigate"];

/// The greatest distance of a hint from the bottom, in lines.
const HINT_LINES: usize = 3;

/// Finds the dialog on a screen.
///
/// `screen` is the visible text, one line per row.
#[must_use]
pub fn recognize(screen: &str) -> Option<Dialog> {
    let screen = Screen::new(screen);
    if screen.has_input_box() {
        return None;
    }
    let regions = screen.regions();
    // A question has an edge in the middle, so the unknown dialog is the last resort.
    match regions.first() {
        None => known(screen.lines(), screen.width()),
        Some(last) => regions
            .iter()
            .find_map(|lines| known(lines, screen.width()))
            .or_else(|| unknown(last, screen.width())),
    }
}

/// The settings files and their errors in the dialog [`DialogName::SettingsError`].
#[must_use]
pub fn settings_errors(screen: &str) -> Option<String> {
    let mut lines = screen.lines().map(str::trim);
    lines.find(|line| *line == "Settings Error")?;
    let errors = lines
        .skip_while(|line| line.is_empty())
        .take_while(|line| !line.starts_with("Learn more") && !line.starts_with("Files with"));
    let text: Vec<&str> = errors
        .map(|line| line.trim_start_matches(['├', '└', '│', ' ']))
        .filter(|line| !line.is_empty())
        .collect();
    (!text.is_empty()).then(|| text.join(" "))
}

/// Whether the screen shows the input box, as evidence of a free prompt. Absence proves nothing:
/// the CLI may be drawing.
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

/// Finds an unknown dialog: text with a hint to keys, in the place of the input box.
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
