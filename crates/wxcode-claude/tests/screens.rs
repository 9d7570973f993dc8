//! Classifies every recorded screen of the real CLI.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic too")]

use std::{collections::BTreeMap, fs, path::Path};

use proptest::prelude::*;
use wxcode_claude::dialog::{Dialog, DialogName, Form, prompt_visible, recognize};

/// The expected content of a screen.
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
const LONG: &str = "A very long label that does not fit on one line of a screen however wide it is made, and so it \
                    wraps around at its end";
/// The typed text; a field may break it anywhere.
const TYPED: &str = "Huge, and of a size that nobody has ever seen in any of the shops around here, not even in the \
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
fn every_recorded_screen_is_classified() {
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
                let found = found.unwrap_or_else(|| panic!("{name}"));
                let flowing =
                    |option: &String| option.split_whitespace().collect::<Vec<_>>().join(" ");
                let shown: Vec<String> = found.options.iter().map(flowing).collect();
                assert_eq!(
                    (found.name, shown, found.selected),
                    (
                        dialog,
                        options.iter().map(|&o| o.to_owned()).collect(),
                        selected
                    ),
                    "{name}"
                );
                assert_eq!(
                    found.form.is_some(),
                    dialog == DialogName::Question,
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

/// The conversation may quote any screen; only the input box at the bottom counts.
#[test]
fn a_quoted_dialog_is_none() {
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

/// A real dialog is one, below any quotation.
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
        // Full-screen dialogs have no edge.
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

fn form(name: &str) -> (Dialog, Form) {
    let dialog = recognize(&screens()[name]).unwrap();
    let form = dialog.form.clone().unwrap();
    (dialog, form)
}

#[test]
fn the_pages_of_a_form_are_read() {
    for width in [80, 120] {
        let (dialog, page) = form(&format!("question_ticked-{width}"));
        assert_eq!(
            page.ticks,
            [Some(true), Some(false), Some(false), None, None]
        );
        assert_eq!(
            (page.field, page.next, page.typed.as_str()),
            (Some(2), Some(3), "")
        );
        assert!(
            dialog
                .text
                .contains("Whichsizesdoyouwanttohaveintheshopthatisbeingbuilttogether")
        );
        assert!(
            dialog.text.contains("togetherforyouandforallofyourfriends"),
            "{}",
            dialog.text
        );
        let (_, page) = form(&format!("question_field-{width}"));
        let bare = |text: &str| text.split_whitespace().collect::<String>();
        assert_eq!(bare(&page.typed), bare(TYPED));
        assert_eq!(page.ticks[2], Some(true));
        let (_, page) = form(&format!("question_answered-{width}"));
        assert_eq!(
            (page.field, page.next, page.typed.as_str()),
            (Some(2), None, "Ada")
        );
        assert_eq!(page.ticks, [None; 4]);
        let (_, page) = form(&format!("question_missing-{width}"));
        assert_eq!(page.submit, Some(0));
        let shown: Vec<(&str, &str)> = page
            .answers
            .iter()
            .map(|(q, a)| (q.as_str(), a.as_str()))
            .collect();
        let sizes = bare(
            "Which sizes do you want to have in the shop that is being built together for you and for \
                          all of your friends who come by?",
        );
        let chosen = bare(&format!("Small (Recommended), \"{TYPED}\""));
        assert_eq!(
            shown,
            [(sizes.as_str(), chosen.as_str()), ("Whichname?", "Ada")]
        );
    }
}

/// The text of a dialog does not depend on its mark.
#[test]
fn marks_and_ticks_are_no_text() {
    let screen = &screens()["permission_bash-80"];
    let moved = screen
        .replace(" \u{276f} 1. Yes", "   1. Yes")
        .replace("   2. No", " \u{276f} 2. No");
    let (before, after) = (recognize(screen).unwrap(), recognize(&moved).unwrap());
    assert_eq!((before.selected, after.selected), (Some(0), Some(1)));
    assert_eq!(before.text, after.text);
    assert!(before.text.contains("Doyouwanttoproceed?"));
}

/// Lines of dialogs, in any order.
fn lines() -> impl Strategy<Value = Vec<String>> {
    let fragment = prop::sample::select(vec![
        "\u{276f} 1. Red",
        "  1. [\u{2714}] Small",
        "  2. [ ] Large",
        "\u{276f} 3. Type something.",
        "     Submit",
        "\u{276f}    Next",
        "  4. Chat about this",
        "Review your answers",
        " \u{25cf} Which?",
        "   \u{2192} Red, Blue",
        "\u{276f} 1. Submit answers",
        "  2. Cancel",
        "",
        "         a description",
        "Do you want to proceed?",
        " \u{276f} No",
        "   Yes",
        " Esc to cancel",
    ]);
    let edge = Just("\u{2500}".repeat(60));
    let line = prop_oneof![8 => fragment.prop_map(str::to_owned), 1 => edge, 1 => "\\PC{0,70}"];
    prop::collection::vec(line, 0..40)
}

proptest! {
    #[test]
    fn any_screen_has_a_consistent_reading(lines in lines()) {
        let Some(dialog) = recognize(&lines.join("\n")) else { return Ok(()) };
        let count = dialog.options.len();
        prop_assert!(dialog.selected.is_none_or(|selected| selected < count));
        if let Some(form) = dialog.form {
            prop_assert_eq!(form.ticks.len(), count);
            for place in [form.field, form.next, form.submit].into_iter().flatten() {
                prop_assert!(place < count);
            }
        }
    }
}
