//! How text is submitted, and how the hook reports it.

use uuid::Uuid;
use wxcode_claude::{command::Start, hook::HookKind, prompt};

use crate::bench::{Bench, QUIET, submit};

fn rows(count: usize) -> String {
    let rows: Vec<_> = (1..=count).map(|row| format!("row {row}")).collect();
    rows.join("\n")
}

pub(crate) fn pasted(bench: &Bench) -> String {
    let terminal = bench.start_ready(Start::New(Uuid::new_v4()), 1);
    let texts = [
        "one line".to_owned(),
        "two\nlines".to_owned(),
        rows(3),
        rows(4),
        rows(40),
        "x".repeat(10_000),
        "word ".repeat(300),
        "  spaces before and behind  ".to_owned(),
        "\nline ends around\n".to_owned(),
        "tab\there".to_owned(),
        "crlf\r\nand cr\rend".to_owned(),
        "Ação \u{65e5}\u{672c} \u{1f44d}\u{1f3fd} e\u{301} \u{200b}soft\u{ad}hyphen".to_owned(),
        "!echo not for a shell".to_owned(),
        "a backslash at the end\\".to_owned(),
        "a key \x1b[201~\x1b[A\x03\x04 or two".to_owned(),
        "<pasted_content id=\"x\">mine</pasted_content id=\"x\">".to_owned(),
        "/gsd:new-project .milestones/1/MILESTONE-CONTEXT.md".to_owned(),
        "?".to_owned(),
        "#hash".to_owned(),
    ];
    for (index, text) in texts.iter().enumerate() {
        submit(&terminal, text);
        let reported = bench.prompt(index + 1);
        assert!(
            prompt::confirms(text, &reported),
            "{text:?} was reported as {reported:?}"
        );
        for other in texts.iter().filter(|other| *other != text) {
            assert!(
                !prompt::confirms(other, &reported),
                "{reported:?} is no proof of {other:?}"
            );
        }
        bench.nth("Stop", index + 1);
        terminal.wait_quiet(QUIET);
    }
    format!("{} kinds of text, each told from all others", texts.len())
}

pub(crate) fn wrapped(bench: &Bench) -> String {
    let terminal = bench.start_ready(Start::New(Uuid::new_v4()), 1);
    let mut bare = 0;
    for (index, count) in [2, 3, 4, 5].into_iter().enumerate() {
        submit(&terminal, &rows(count));
        let reported = bench.prompt(index + 1);
        assert!(prompt::confirms(&rows(count), &reported), "{reported:?}");
        if reported == rows(count) {
            bare = count;
        } else {
            assert!(
                reported.trim_start().starts_with("<pasted_content id="),
                "{reported:?}"
            );
        }
        bench.nth("Stop", index + 1);
        terminal.wait_quiet(QUIET);
    }
    format!("bare up to {bare} lines, then in the wrapper")
}

pub(crate) fn expanded(bench: &Bench) -> String {
    let terminal = bench.start_ready(Start::New(Uuid::new_v4()), 1);
    submit(&terminal, "/gsd:new-project a");
    assert_eq!(bench.prompt(1), "/gsd:new-project a");
    let expansion = bench.nth("UserPromptExpansion", 1);
    let HookKind::UserPromptExpansion { command_name, .. } = expansion.kind else {
        panic!()
    };
    assert_eq!(command_name.as_deref(), Some("gsd:new-project"));
    "the text as typed, and `command_name`".to_owned()
}

pub(crate) fn unknown_command(bench: &Bench) -> String {
    let terminal = bench.start_ready(Start::New(Uuid::new_v4()), 1);
    submit(&terminal, "/gsd:no-such-command a");
    terminal.wait_quiet(QUIET);
    submit(&terminal, "after it");
    assert_eq!(bench.prompt(1), "after it");
    bench.nth("Stop", 1);
    assert_eq!(bench.count("UserPromptSubmit"), 1);
    "none; the next text is reported".to_owned()
}

pub(crate) fn argument(bench: &Bench) -> String {
    let prompts = [
        "-p",
        "--help",
        "update",
        "mcp",
        "/gsd:new-project a",
        "two\nlines",
        "--dangerously-skip-permissions x",
    ];
    for (index, prompt) in prompts.iter().enumerate() {
        let id = Uuid::new_v4();
        let _terminal = bench.start(Start::New(id), Some(prompt));
        let reported = bench.prompt(index + 1);
        assert!(
            prompt::confirms(prompt, &reported),
            "{prompt:?} was reported as {reported:?}"
        );
        assert_eq!(bench.nth("UserPromptSubmit", index + 1).session_id, id);
        bench.nth("Stop", index + 1);
    }
    let shown: Vec<_> = prompts.iter().map(|text| format!("`{text}`")).collect();
    format!("submitted as they are: {}", shown.join(", "))
}
