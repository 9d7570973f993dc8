//! Classifies every recorded screen of the real CLI.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic too")]

mod expected;

use std::{collections::BTreeMap, fs, path::Path};

use proptest::prelude::*;
use wxcode_claude::dialog::{Dialog, DialogName, Form, prompt_visible, recognize};

use self::expected::{
    Shown::{self, Panel, Prompt},
    TYPED, expected,
};

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
