//! The expected content of each recorded screen.

use wxcode_claude::dialog::DialogName;

/// The expected content of a screen.
pub(crate) enum Shown {
    /// The input box, and no dialog.
    Prompt,
    /// A dialog with these choices, the marked one by its index.
    Dialog(DialogName, &'static [&'static str], Option<usize>),
    /// A panel that the user opened.
    Panel,
}

use Shown::{Panel, Prompt};

const fn dialog(name: DialogName, options: &'static [&'static str], selected: usize) -> Shown {
    Shown::Dialog(name, options, Some(selected))
}

const YES_NO: &[&str] = &["Yes", "No"];
const QUESTION: &[&str] = &["Red", "Blue", "Type something.", "Chat about this"];
const LONG: &str = "A very long label that does not fit on one line of a screen however wide it is made, and so it \
                    wraps around at its end";
/// The typed text; a field may break it anywhere.
pub(crate) const TYPED: &str = "Huge, and of a size that nobody has ever seen in any of the shops around here, not even in the \
                     largest one";
const THEMES: &[&str] = &[
    "Auto (match terminal)",
    "Dark mode",
    "Light mode",
    "Dark mode (colorblind-friendly)",
    "Light mode (colorblind-friendly)",
    "Dark mode (ANSI colors only)",
    "Light mode (ANSI colors only)",
];

const WITH_TEXT: &[&str] = &[
    "Small (Recommended)",
    LONG,
    TYPED,
    "Next",
    "Chat about this",
];

/// The screens by the beginning of their file's name.
pub(crate) fn expected(name: &str) -> Shown {
    match name {
        "trust_folder" => dialog(
            DialogName::TrustFolder,
            &["No, exit", "Yes, I trust this folder"],
            0,
        ),
        "auto_mode_offer" => dialog(
            DialogName::AutoModeOffer,
            &[
                "Yes, set auto mode as my default permission mode",
                "No, keep manual mode",
            ],
            0,
        ),
        "auto_mode_check" => Shown::Dialog(DialogName::AutoModeCheck, &[], None),
        "permission_parallel" | "permission_subagent" => dialog(DialogName::Permission, YES_NO, 0),
        "permission_unchecked" => dialog(DialogName::Permission, &["No", "Yes"], 0),
        "permission_bash" | "permission_long" | "permission_classic" | "permission_edit" => {
            dialog(DialogName::Permission, YES_NO, 0)
        }
        "permission_write" => dialog(
            DialogName::Permission,
            &[
                "Yes",
                "Yes, and switch to accept edits (auto-approve file edits and common file commands) for this session (shift+tab)",
                "No",
            ],
            0,
        ),
        "permission_fetch" => dialog(
            DialogName::Permission,
            &[
                "Yes",
                "Yes, and don't ask again for 127.0.0.1",
                "No, and tell Claude what to do differently (esc)",
            ],
            0,
        ),
        "permission_plan" => dialog(
            DialogName::Permission,
            &[
                "Yes, and switch to default (ask each time) for this session",
                "No",
            ],
            0,
        ),
        "question" | "question_tabs" => dialog(DialogName::Question, QUESTION, 0),
        "question_multi" => dialog(
            DialogName::Question,
            &[
                "Small",
                "Large",
                "Type something",
                "Submit",
                "Chat about this",
            ],
            0,
        ),
        "question_ticked" => dialog(
            DialogName::Question,
            &[
                "Small (Recommended)",
                LONG,
                "Type something",
                "Next",
                "Chat about this",
            ],
            0,
        ),
        "question_field" => dialog(DialogName::Question, WITH_TEXT, 2),
        "question_next" => dialog(DialogName::Question, WITH_TEXT, 3),
        "question_typed" | "question_answered" => dialog(
            DialogName::Question,
            &["Yes", "No", "Ada", "Chat about this"],
            2,
        ),
        "question_missing" => dialog(DialogName::Question, &["Submit answers", "Cancel"], 0),
        "question_review" => dialog(DialogName::Question, &["Submit answers", "Cancel"], 0),
        "bypass_permissions" => dialog(
            DialogName::BypassPermissionsWarning,
            &["No, exit", "Yes, I accept"],
            0,
        ),
        "api_key" => dialog(DialogName::ApiKey, &["Yes", "No (recommended)"], 1),
        "mcp_server" => dialog(
            DialogName::McpServer,
            &[
                "Use this MCP server",
                "Use this and all future MCP servers in this project",
                "Continue without using this MCP server",
            ],
            2,
        ),
        "external_imports" => dialog(
            DialogName::ExternalImports,
            &[
                "No, disable external imports",
                "Yes, allow external imports",
            ],
            0,
        ),
        "settings_warning" => dialog(
            DialogName::SettingsWarning,
            &["Continue", "Fix with Claude", "Exit and fix manually"],
            0,
        ),
        "settings_error" => dialog(
            DialogName::SettingsError,
            &[
                "Fix with Claude",
                "Exit and fix manually",
                "Continue without these settings",
            ],
            0,
        ),
        "configuration_error" => dialog(
            DialogName::ConfigurationError,
            &["Exit and fix manually", "Reset to default configuration"],
            0,
        ),
        "theme" => dialog(DialogName::Theme, THEMES, 1),
        "onboarding" => Shown::Dialog(DialogName::Onboarding, &[], None),
        "login" => dialog(
            DialogName::Login,
            &[
                "Claude account with subscription · Individual, Team, or Enterprise",
                "Anthropic Console account · API usage billing",
                "3rd-party platform · Bedrock, Microsoft Foundry, Google Vertex AI",
            ],
            0,
        ),
        name if name.starts_with("panel_") => Panel,
        "idle" | "idle_classic" | "working" | "queued" | "talk" | "api_error" | "pasted"
        | "slash_menu" | "shell_mode" | "multiline" | "exit_asked" | "renamed" => Prompt,
        name => panic!("no expectation for the screen {name}"),
    }
}
