//! Every recorded screen of the real CLI is told for what it is.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic too")]

use std::{collections::BTreeMap, fs, path::Path};

use wxcode_claude::dialog::{Dialog, DialogName, prompt_visible, recognize};

/// What is on a screen.
enum Shown {
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
const THEMES: &[&str] = &[
    "Auto (match terminal)",
    "Dark mode",
    "Light mode",
    "Dark mode (colorblind-friendly)",
    "Light mode (colorblind-friendly)",
    "Dark mode (ANSI colors only)",
    "Light mode (ANSI colors only)",
];

/// The screens by the beginning of their file's name.
fn expected(name: &str) -> Shown {
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
            &["Small", "Large", "Type something", "Chat about this"],
            0,
        ),
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
        name => panic!("it is not said what is on the screen {name}"),
    }
}

fn screens() -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("screens");
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            (
                path.file_stem().unwrap().to_string_lossy().into_owned(),
                fs::read_to_string(path).unwrap(),
            )
        })
        .collect()
}

#[test]
fn every_recorded_screen_is_told_for_what_it_is() {
    let screens = screens();
    assert!(screens.len() > 40, "the recordings are there");
    for (name, text) in screens {
        let found = recognize(&text);
        match expected(name.rsplit_once('-').unwrap().0) {
            Prompt => {
                assert_eq!(found, None, "{name}");
                assert!(prompt_visible(&text), "{name}");
            }
            Shown::Dialog(dialog, options, selected) => {
                let options = options.iter().map(|&option| option.to_owned()).collect();
                assert_eq!(
                    found,
                    Some(Dialog {
                        name: dialog,
                        options,
                        selected
                    }),
                    "{name}"
                );
                assert!(!prompt_visible(&text), "{name}");
            }
            Panel => {
                assert_eq!(
                    found.map(|dialog| dialog.name),
                    Some(DialogName::Other),
                    "{name}"
                );
                assert!(!prompt_visible(&text), "{name}");
            }
        }
    }
}

/// The conversation may quote any screen: what counts is the input box at the bottom.
#[test]
fn a_dialog_that_the_conversation_quotes_is_none() {
    let screens = screens();
    let prompt = &screens["idle-80"];
    for (name, quoted) in &screens {
        let indented: String = quoted.lines().map(|line| format!("  {line}\n")).collect();
        for quote in [quoted, &indented] {
            let screen = format!("● It looks like this:\n\n{quote}\n{}", prompt.trim_start());
            assert_eq!(recognize(&screen), None, "{name}");
            assert!(prompt_visible(&screen), "{name}");
        }
    }
}

/// And a real dialog is one, whatever was quoted above it.
#[test]
fn a_dialog_below_a_quoted_prompt_is_one() {
    let screens = screens();
    let quoted: String = screens["idle-80"]
        .lines()
        .map(|line| format!("  {line}\n"))
        .collect();
    for (name, text) in &screens {
        let Shown::Dialog(dialog, ..) = expected(name.rsplit_once('-').unwrap().0) else {
            continue;
        };
        // Dialogs without an edge fill the screen.
        if text.contains("\u{2500}\u{2500}\u{2500}") {
            let screen = format!("{quoted}\n{text}");
            assert_eq!(
                recognize(&screen).map(|found| found.name),
                Some(dialog),
                "{name}"
            );
        }
    }
}

#[test]
fn words_alone_are_no_dialog() {
    let talk = "Do you want to proceed? Make auto mode your default permission mode? Yes, I trust this folder. \
                Accessing workspace: Quick safety check. Select login method: Chat about this. Press Enter to continue";
    let edge = "\u{2500}".repeat(80);
    for screen in [
        String::new(),
        "\n\n\n".to_owned(),
        talk.to_owned(),
        format!("{edge}\n{talk}\n\n\n\nmore\n\n\n\nand more"),
        format!("\u{276f} {talk}\n\n\u{25cf} {talk}\n\n\n\n"),
        format!("{edge}\n"),
        format!("{edge}\n{edge}"),
        edge,
    ] {
        assert_eq!(recognize(&screen), None, "{screen}");
    }
}
