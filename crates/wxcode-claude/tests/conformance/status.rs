//! Facts about the reports of OSC 7501, in the permission modes `manual` and `auto`.

use serde_json::json;
use uuid::Uuid;
use wxcode_claude::command::Start;
use wxcode_terminal::{BlockKind, ProgramState, ProgramStatus, StatusFilter, StatusItem};

use crate::bench::{Bench, QUIET, Terminal, submit};

/// The queries and the reports in an output.
fn read(output: &[u8]) -> (usize, Vec<ProgramStatus>) {
    let (mut queries, mut reports) = (0, Vec::new());
    StatusFilter::default().feed(output, |item| match item {
        StatusItem::Output(_) => {}
        StatusItem::Query => queries += 1,
        StatusItem::Report(report) => reports.push(report),
    });
    (queries, reports)
}

fn answer(terminal: &Terminal) {
    terminal.wait_output(|output| read(output).0 > 0);
    terminal.write(StatusFilter::ANSWER).unwrap();
}

/// Waits for a report after the first `since`; returns the number of reports.
fn reported(
    terminal: &Terminal,
    since: usize,
    state: ProgramState,
    kind: Option<BlockKind>,
) -> usize {
    let is_meant = |report: &ProgramStatus| (report.state, report.kind) == (state, kind);
    let has = |output: &[u8]| {
        read(output)
            .1
            .into_iter()
            .skip(since)
            .any(|one| is_meant(&one))
    };
    terminal.wait_output(has);
    read(&terminal.output()).1.len()
}

/// Starts in this permission mode, with the reports on.
fn start(bench: &Bench, mode: &str) -> Terminal {
    let ask = json!({ "permissions": { "ask": ["Bash"] } });
    bench.home.settings(&ask).unwrap();
    let arguments = ["--allowedTools", "Read", "--permission-mode", mode];
    let terminal = bench.start_with(Start::New(Uuid::new_v4()), &arguments, None);
    answer(&terminal);
    bench.ready(&terminal, 1);
    terminal
}

pub(crate) fn only_when_answered(bench: &Bench) -> String {
    let terminal = bench.start_ready(Start::New(Uuid::new_v4()), 1);
    submit(&terminal, "hello");
    bench.nth("Stop", 1);
    terminal.wait_quiet(QUIET);
    let (queries, reports) = read(&terminal.output());
    assert_eq!((queries, reports.len()), (1, 0));
    "one query; no report without an answer".to_owned()
}

pub(crate) fn trust(bench: &Bench) -> String {
    let other = tempfile::tempdir().unwrap();
    let none = Vec::<String>::new();
    let env = bench.home.env();
    let terminal = Terminal::start(&bench.claude, none, env, other.path(), (120, 40)).unwrap();
    answer(&terminal);
    reported(
        &terminal,
        0,
        ProgramState::Blocked,
        Some(BlockKind::Permission),
    );
    "`blocked` with `kind=permission`".to_owned()
}

/// Presses Esc, and waits for its report.
fn escape(bench: &Bench, terminal: &Terminal, since: usize) -> usize {
    // A dialog ignores a key at the moment of its appearance.
    terminal.wait_quiet(QUIET);
    let hooks = bench.names();
    terminal.write(b"\x1b").unwrap();
    let count = reported(terminal, since, ProgramState::Idle, None);
    terminal.wait_quiet(QUIET);
    let after = bench.names();
    let fired: Vec<_> = after[hooks.len()..]
        .iter()
        .filter(|name| *name != "Notification")
        .collect();
    assert!(fired.is_empty(), "Esc fired {fired:?}");
    count
}

fn turns(bench: &Bench, mode: &str) -> String {
    let terminal = start(bench, mode);
    let mut count = reported(&terminal, 0, ProgramState::Idle, None);
    submit(&terminal, "hello");
    count = reported(&terminal, count, ProgramState::Working, None);
    // It may be among the reports counted already.
    let _ = reported(&terminal, 0, ProgramState::Done, None);
    terminal.wait_quiet(QUIET);
    count = count.max(read(&terminal.output()).1.len());
    let in_effect = bench.hooks.events();
    let modes: Vec<_> = in_effect
        .iter()
        .filter_map(|event| event["permission_mode"].as_str())
        .collect();
    let hook_mode = modes.last().copied().unwrap_or("none").to_owned();
    submit(&terminal, "stub:slow");
    count = reported(&terminal, count, ProgramState::Working, None);
    bench.stub.wait_held_blocking(1);
    count = escape(bench, &terminal, count);
    submit(&terminal, "stub:bash echo hi");
    count = reported(
        &terminal,
        count,
        ProgramState::Blocked,
        Some(BlockKind::Permission),
    );
    let dialog = crate::bench::dialog(&terminal);
    terminal.wait_quiet(QUIET);
    let hooks = bench.count("PermissionRequest");
    count = escape(bench, &terminal, count);
    submit(&terminal, "stub:ask");
    count = reported(
        &terminal,
        count,
        ProgramState::Blocked,
        Some(BlockKind::Question),
    );
    escape(bench, &terminal, count);
    format!(
        "working, done, blocked, idle after each Esc; hooks say `{hook_mode}`; a permission ({}) with \
         {hooks} `PermissionRequest`",
        dialog.options.join(" / ")
    )
}

pub(crate) fn turns_in_manual_mode(bench: &Bench) -> String {
    turns(bench, "manual")
}

pub(crate) fn turns_in_auto_mode(bench: &Bench) -> String {
    turns(bench, "auto")
}
