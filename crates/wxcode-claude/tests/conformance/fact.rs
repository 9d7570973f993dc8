//! The facts as a list, how they are judged, and the table.

use std::{
    panic::{self, AssertUnwindSafe},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use crate::{
    bench::{Bench, Judged},
    headless, hooks, identity, prompt, screen, transcript,
};

/// Facts that are judged at the same time, unless `RUST_TEST_THREADS` says otherwise: most of the time they wait.
const AT_ONCE: usize = 4;
/// The most characters of a cell.
const CELL_MAX: usize = 400;

/// Something that wxcode relies on.
pub(crate) struct Fact {
    /// The name to choose it by.
    pub(crate) name: &'static str,
    /// What is relied on.
    relied_on: &'static str,
    /// Panics when it does not hold, else says what was measured.
    check: fn(&Bench) -> String,
}

/// A judged fact.
pub(crate) struct Row {
    fact: &'static Fact,
    /// What was measured, or why it does not hold.
    pub(crate) result: Result<String, String>,
}

macro_rules! facts {
    ($($module:ident :: $check:ident, $relied_on:literal;)*) => {
        /// All of them, in the order of the table.
        pub(crate) const FACTS: &[Fact] = &[$(Fact {
            name: concat!(stringify!($module), "::", stringify!($check)),
            relied_on: $relied_on,
            check: $module::$check,
        }),*];
    };
}

facts! {
    identity::chosen_before, "`--session-id` chooses the id, and `SessionStart` with `startup` reports it";
    identity::kept_when_resumed, "`--resume` keeps the id over a SIGKILL, with its messages and a prompt";
    identity::unknown, "`--resume` of an id that never spoke is refused, and the id is still free";
    identity::in_use, "`--session-id` of an id that spoke is refused";
    identity::cleared, "`/clear` ends the conversation and begins another one in the same process";
    identity::compacted, "`/compact` keeps the id and reports `SessionStart` with `compact`";
    identity::recorded, "`sessions/<pid>.json` says id, folder, status, version and the start of the process";
    identity::record_follows, "`sessions/<pid>.json` follows `/clear`";
    hooks::one_depth, "all hooks of a process, those of subagents too, stand at one depth below it; those of a nested one do not";
    hooks::fields, "every hook says conversation, transcript, folder and name, and the tool's its tool";
    hooks::failures, "a tool that fails ends with `PostToolUseFailure`, a turn with `StopFailure`";
    hooks::not_before_trust, "no hook runs before the folder is trusted";
    prompt::pasted, "a bracketed paste and a CR submit any text, and the hook reports it so that it is recognised";
    prompt::wrapped, "a long paste is reported in a `pasted_content` wrapper around the exact text";
    prompt::expanded, "a known slash command is reported by `UserPromptSubmit` and `UserPromptExpansion`";
    prompt::unknown_command, "an unknown slash command is reported by no hook";
    prompt::argument, "a prompt behind `--` is never an option nor a subcommand";
    prompt::put_aside, "Ctrl+S puts a draft aside and brings it back, two Esc clear a text, and the box shows both";
    prompt::left_arrow, "← in an empty prompt starts no process, with the settings that we pass";
    screen::ready, "the prompt takes bracketed paste, and is recognised as no dialog";
    screen::trust, "the trust dialog is recognised; what Enter would choose is to exit";
    screen::permission, "a permission is asked by `PermissionRequest` and recognised on the screen";
    screen::question, "a question is asked by `PermissionRequest` and recognised; a digit answers it";
    screen::auto_mode_offer, "the offer of auto mode comes up over the prompt and is recognised";
    screen::escape_in_a_turn, "Esc in a turn fires no hook, and `sessions/<pid>.json` says idle";
    screen::escape_at_a_permission, "Esc at a permission fires no hook, and `sessions/<pid>.json` says idle";
    headless::init_line, "`-p --output-format stream-json --verbose` begins with the init line and its id";
    headless::resumed, "`-p --resume` keeps the id and the messages";
    transcript::place, "the transcript is `projects/<slug>/<id>.jsonl`, where `SessionStart` says, and not before the first message";
    transcript::judged, "what counts as a message to us does so to `--resume`";
    transcript::any_folder, "`--resume` finds a transcript by its id in any project folder";
}

/// The facts that the arguments choose; all where they choose none. Options of the test runner are passed over.
pub(crate) fn named(words: &[String]) -> Vec<&'static Fact> {
    let mut parts = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--test-threads" | "--format" | "--color" | "--skip" | "-Z" => drop(words.next()),
            option if option.starts_with('-') => {}
            part => parts.push(part),
        }
    }
    let wanted =
        |fact: &&Fact| parts.is_empty() || parts.iter().any(|part| fact.name.contains(part));
    FACTS.iter().filter(wanted).collect()
}

/// Judges facts, each with a home and a stub of its own.
pub(crate) fn judge(judged: &Judged, facts: &[&'static Fact]) -> Vec<Row> {
    let threads = std::env::var("RUST_TEST_THREADS").ok();
    let threads = threads.and_then(|n| n.parse().ok()).unwrap_or(AT_ONCE);
    let next = AtomicUsize::new(0);
    let rows = Mutex::new(Vec::new());
    // The message of a panic is a cell of the table.
    panic::set_hook(Box::new(|_| {}));
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(fact) = facts.get(at).copied() else {
                        return;
                    };
                    let checked =
                        panic::catch_unwind(AssertUnwindSafe(|| (fact.check)(&Bench::new(judged))));
                    let result = checked.map_err(|panic| message(&*panic));
                    rows.lock().unwrap().push((at, Row { fact, result }));
                }
            });
        }
    });
    let _ = panic::take_hook();
    let mut rows = rows.into_inner().unwrap();
    rows.sort_by_key(|(at, _)| *at);
    rows.into_iter().map(|(_, row)| row).collect()
}

fn message(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_else(|| "it panicked".to_owned())
}

/// Prints the table, and what does not hold in full after it.
pub(crate) fn print(judged: &Judged, rows: &[Row]) {
    println!("Claude Code {}\n", judged.version);
    println!("| fact | what wxcode relies on | measured | holds |");
    println!("|---|---|---|---|");
    for Row { fact, result } in rows {
        let (Ok(measured) | Err(measured)) = result;
        let holds = if result.is_ok() { "yes" } else { "**NO**" };
        println!(
            "| {} | {} | {} | {holds} |",
            fact.name,
            fact.relied_on,
            cell(measured)
        );
    }
    for Row { fact, result } in rows {
        if let Err(reason) = result {
            println!("\n{} does not hold:\n{reason}", fact.name);
        }
    }
}

/// A text as a cell of a table.
fn cell(text: &str) -> String {
    let line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(CELL_MAX)
        .collect();
    line.replace('|', "\\|").trim().to_owned()
}
