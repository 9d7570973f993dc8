//! Facts about the screen, and about Esc.

use serde_json::json;
use uuid::Uuid;
use wxcode_claude::{
    command::Start,
    dialog::{self, DialogName},
    hook::HookKind,
    running::Status,
};

use crate::bench::{Bench, QUIET, Terminal, chosen, screen, submit};

pub(crate) fn ready(bench: &Bench) -> String {
    let terminal = bench.start_ready(Start::New(Uuid::new_v4()), 1);
    let text = screen(&terminal, dialog::prompt_visible);
    assert_eq!(dialog::recognize(&text), None);
    "`?2004h`, an input box, no dialog".to_owned()
}

pub(crate) fn trust(bench: &Bench) -> String {
    let other = tempfile::tempdir().unwrap();
    let terminal = Terminal::start(
        &bench.claude,
        Vec::<String>::new(),
        bench.home.env(),
        other.path(),
        (120, 40),
    )
    .unwrap();
    let dialog = crate::bench::dialog(&terminal);
    assert_eq!(dialog.name, DialogName::TrustFolder);
    assert!(chosen(&dialog).contains("exit"), "{dialog:?}");
    format!("❯ {} of {}", chosen(&dialog), dialog.options.join(" / "))
}

/// Starts a process and brings it to a permission dialog.
fn asking(bench: &Bench) -> Terminal {
    let ask = json!({ "permissions": { "ask": ["Bash"] } });
    bench.home.settings(&ask).unwrap();
    let terminal = bench.start_ready(Start::New(Uuid::new_v4()), 1);
    submit(&terminal, "stub:bash echo hi");
    let asked = bench.nth("PermissionRequest", 1);
    assert!(
        matches!(&asked.kind, HookKind::PermissionRequest { tool_name, .. } if tool_name == "Bash"),
        "{asked:?}"
    );
    terminal
}

pub(crate) fn permission(bench: &Bench) -> String {
    let terminal = asking(bench);
    let dialog = crate::bench::dialog(&terminal);
    assert_eq!(dialog.name, DialogName::Permission);
    let running = bench.recorded(&terminal, |running| running.status == Status::Waiting);
    format!(
        "❯ {} of {}; `waiting` for `{}`",
        chosen(&dialog),
        dialog.options.join(" / "),
        running.waiting_for.unwrap_or_default()
    )
}

pub(crate) fn question(bench: &Bench) -> String {
    let terminal = bench.start_ready(Start::New(Uuid::new_v4()), 1);
    submit(&terminal, "stub:ask");
    let HookKind::PermissionRequest {
        tool_name,
        tool_input,
    } = bench.nth("PermissionRequest", 1).kind
    else {
        panic!()
    };
    assert_eq!(tool_name, "AskUserQuestion");
    assert_eq!(tool_input["questions"][0]["question"], "Which colour?");
    let dialog = crate::bench::dialog(&terminal);
    assert_eq!(dialog.name, DialogName::Question);
    terminal.wait_quiet(QUIET);
    bench.recorded(&terminal, |running| running.status == Status::Waiting);
    terminal.write(b"2").unwrap();
    bench
        .stub
        .wait_for_blocking(|request| request.body.to_string().contains("Blue"));
    bench.nth("Stop", 1);
    format!("{}; the second was answered", dialog.options.join(" / "))
}

pub(crate) fn auto_mode_offer(bench: &Bench) -> String {
    let manual = json!({ "permissions": { "defaultMode": "default" } });
    bench.home.settings(&manual).unwrap();
    let terminal = bench.start(Start::New(Uuid::new_v4()), None);
    bench.nth("SessionStart", 1);
    let dialog = crate::bench::dialog(&terminal);
    assert_eq!(dialog.name, DialogName::AutoModeOffer);
    format!("after `SessionStart`: ❯ {}", chosen(&dialog))
}

/// Presses Esc, waits until the state file says idle, and checks that no hook reported it.
fn escape(bench: &Bench, terminal: &Terminal) -> String {
    let before = bench.names();
    terminal.write(b"\x1b").unwrap();
    bench.recorded(terminal, |running| running.status == Status::Idle);
    terminal.wait_quiet(QUIET);
    let after = bench.names();
    // A reminder of an open question may come at any time.
    let fired: Vec<_> = after[before.len()..]
        .iter()
        .filter(|name| *name != "Notification")
        .collect();
    assert!(fired.is_empty(), "Esc fired {fired:?}");
    "no hook; idle soon after".to_owned()
}

pub(crate) fn escape_in_a_turn(bench: &Bench) -> String {
    let terminal = bench.start_ready(Start::New(Uuid::new_v4()), 1);
    submit(&terminal, "stub:slow");
    bench.nth("UserPromptSubmit", 1);
    bench.stub.wait_held_blocking(1);
    bench.recorded(&terminal, |running| running.status == Status::Busy);
    escape(bench, &terminal)
}

pub(crate) fn escape_at_a_permission(bench: &Bench) -> String {
    let terminal = asking(bench);
    crate::bench::dialog(&terminal);
    bench.recorded(&terminal, |running| running.status == Status::Waiting);
    // A dialog ignores a key at the moment of its appearance.
    terminal.wait_quiet(QUIET);
    escape(bench, &terminal)
}
