//! How text is submitted, and how the hook reports it.

use std::{
    thread,
    time::{Duration, Instant},
};

use uuid::Uuid;
use wxcode_claude::{
    command::Start,
    hook::HookKind,
    input_box::{self, InputBox},
    prompt,
};
use wxcode_terminal::{Screen as _, Size};
use wxcode_testbed::pty::WAIT_MAX;

use crate::bench::{Bench, QUIET, Terminal, submit};

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

/// The screen that a terminal would show, and the input box on it.
struct Shown<'a> {
    terminal: &'a Terminal,
    screen: wxcode_terminal::Terminal,
    fed: usize,
}

impl Shown<'_> {
    /// Waits until the input box is as wanted.
    fn until(&mut self, what: &str, mut wanted: impl FnMut(&InputBox) -> bool) {
        let deadline = Instant::now() + WAIT_MAX;
        loop {
            let output = self.terminal.output();
            self.screen.feed(&output[self.fed..], &mut Vec::new());
            self.fed = output.len();
            let (text, bright) = (self.screen.text(), self.screen.text_without_dim());
            let found = InputBox::read(&text, &bright, self.screen.cursor());
            if found.as_ref().is_some_and(&mut wanted) {
                return;
            }
            assert!(Instant::now() < deadline, "{what}: {found:?} in {text}");
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn type_until(&mut self, keys: &[u8], what: &str, wanted: impl Fn(&InputBox) -> bool) {
        self.terminal.write(keys).unwrap();
        self.until(what, wanted);
    }
}

pub(crate) fn put_aside(bench: &Bench) -> String {
    let terminal = bench.start_ready(Start::New(Uuid::new_v4()), 1);
    let mut shown = Shown {
        terminal: &terminal,
        screen: wxcode_terminal::Terminal::new(Size::new(120, 40).unwrap()),
        fed: 0,
    };
    let kept = |found: &InputBox| found.keeps_draft() == Some(true);
    shown.until("empty", |found| found.is_empty() && !kept(found));
    let is_draft = |found: &InputBox| !found.is_empty() && found.shows("half a thought");
    shown.type_until(b"half a thought", "typed", is_draft);
    let aside = |found: &InputBox| found.is_empty() && kept(found);
    shown.type_until(input_box::STASH, "put aside", aside);
    for text in ["one\ntwo\nthree", "one\ntwo\nthree\nfour", "/gsd:new-pro"] {
        shown.type_until(&prompt::paste(text), "pasted", |found| found.shows(text));
        if text.starts_with('/') {
            shown.until("offered", |found| found.chooses_other(text));
            let closed = |found: &InputBox| found.shows(text) && !found.chooses_other(text);
            shown.type_until(input_box::ESCAPE, "closed", closed);
        }
        // The question stands for less than a second, so on a busy machine it may be missed, and is asked again.
        let deadline = Instant::now() + WAIT_MAX;
        let mut is_empty = false;
        while !is_empty {
            assert!(Instant::now() < deadline, "{text}");
            shown.until("not asked", |found| !found.is_clearing());
            shown.type_until(input_box::ESCAPE, "asked", InputBox::is_clearing);
            terminal.write(input_box::ESCAPE).unwrap();
            shown.until("answered", |found| {
                is_empty = found.is_empty();
                is_empty || !found.is_clearing()
            });
        }
        shown.until("cleared", aside);
    }
    shown.type_until(input_box::STASH, "brought back", |found| {
        is_draft(found) && !kept(found)
    });
    assert_eq!(bench.count("UserPromptSubmit"), 0);
    "kept beside three texts that were pasted and cleared".to_owned()
}

pub(crate) fn left_arrow(bench: &Bench) -> String {
    let id = Uuid::new_v4();
    let terminal = bench.start_ready(Start::New(id), 1);
    submit(&terminal, "before the key");
    bench.nth("Stop", 1);
    terminal.wait_quiet(QUIET);
    let before = bench.processes();
    terminal.write(b"\x1b[D").unwrap();
    terminal.wait_quiet(QUIET);
    submit(&terminal, "after the key");
    let submitted = bench.nth("UserPromptSubmit", 2);
    assert_eq!(submitted.session_id, id, "another conversation was asked");
    bench.nth("Stop", 2);
    bench.wait_processes(&before);
    assert_eq!(bench.count("SessionStart"), 1);
    format!(
        "none beside the {} before it; the next text goes into the same conversation",
        before.len()
    )
}
