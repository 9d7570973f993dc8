//! The list of facts, the code to check them, and the table.

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
    delivery, elsewhere, headless, hooks, identity, prompt, screen, status, transcript,
};

/// Facts checked at the same time, unless `RUST_TEST_THREADS` says otherwise; most of the time they
/// wait.
const AT_ONCE: usize = 4;
/// Most characters of a cell.
const CELL_MAX: usize = 400;

/// A fact that wxcode depends on.
pub(crate) struct Fact {
    /// The name to select the fact by.
    pub(crate) name: &'static str,
    /// The statement.
    relied_on: &'static str,
    /// The check: panics if the fact does not hold, otherwise returns the measurement.
    check: fn(&Bench) -> String,
}

/// A checked fact.
pub(crate) struct Row {
    fact: &'static Fact,
    /// The measurement, or the reason of the failure.
    pub(crate) result: Result<String, String>,
}

macro_rules! facts {
    ($($module:ident :: $check:ident, $relied_on:literal;)*) => {
        /// All facts, in the order of the table.
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
    identity::unknown, "`--resume` refuses an id without messages, and the id stays free";
    identity::in_use, "`--session-id` refuses an id with messages";
    identity::cleared, "`/clear` ends the conversation and begins another one in the same process";
    identity::compacted, "`/compact` keeps the id and reports `SessionStart` with `compact`";
    identity::recorded, "`sessions/<pid>.json` has id, folder, status, version and the start of the process";
    identity::record_follows, "`sessions/<pid>.json` follows `/clear`";
    hooks::one_depth, "all hooks of a process, also of subagents, are at one depth below it; those of a nested one are not";
    hooks::fields, "every hook has conversation, transcript, folder and name; a tool's hook also the tool";
    hooks::failures, "a failed tool ends with `PostToolUseFailure`, a failed turn with `StopFailure`";
    hooks::not_before_trust, "no hook runs before the folder is trusted";
    hooks::status_line, "the status line command of `--settings` gets context and cost, in place of the user's";
    prompt::pasted, "a bracketed paste and a CR submit any text, and the hook's report confirms it";
    prompt::wrapped, "the hook reports a long paste in a `pasted_content` wrapper around the exact text";
    prompt::expanded, "`UserPromptSubmit` and `UserPromptExpansion` report a known slash command";
    prompt::unknown_command, "no hook reports an unknown slash command";
    prompt::argument, "a prompt after `--` is neither an option nor a subcommand";
    prompt::put_aside, "Ctrl+S stashes a draft and brings it back, two Esc clear a text, and the box shows both";
    prompt::left_arrow, "← in an empty prompt starts no process, with our settings";
    screen::ready, "the prompt takes bracketed paste, and is recognised as no dialog";
    screen::trust, "the trust dialog is recognised; Enter would exit";
    screen::permission, "`PermissionRequest` reports a permission, and the screen is recognised";
    screen::question, "`PermissionRequest` reports a question, and the screen is recognised; a digit answers it";
    screen::auto_mode_offer, "the offer of auto mode appears over the prompt and is recognised";
    screen::escape_in_a_turn, "Esc in a turn fires no hook, and `sessions/<pid>.json` says idle";
    screen::escape_at_a_permission, "Esc at a permission fires no hook, and `sessions/<pid>.json` says idle";
    status::only_when_answered, "Claude Code asks for OSC 7501 once, and reports nothing without an answer";
    status::trust, "an OSC 7501 report names the trust dialog, before any hook";
    status::turns_in_manual_mode, "in `manual`, OSC 7501 reports turns, dialogs and each Esc";
    status::turns_in_auto_mode, "in `auto`, OSC 7501 reports turns, dialogs and each Esc";
    delivery::refused, "a prompt that a hook of the user refuses has a record with the hook's message, in `manual` and `auto`";
    delivery::usage_limit, "the account's limit ends a turn with `StopFailure`, and the transcript names the reset, in `manual` and `auto`";
    delivery::overload, "an overload (529) is no limit, in `manual` and `auto`";
    delivery::without_hook, "a command that Claude Code carries out itself has a record in the transcript, and so has an unknown one, in `manual` and `auto`";
    delivery::with_panel, "the history of prompts has a command that opens a panel, in `manual` and `auto`";
    delivery::hooks_off, "`disableAllHooks` in the folder takes our hooks away, in `manual` and `auto`";
    elsewhere::background, "`/bg` and `/background` do not exist, with our settings";
    elsewhere::fork, "`/fork` starts no process, with our settings";
    elsewhere::nested, "a `claude` started by the agent refuses `--bg`, with our environment";
    elsewhere::remote_control, "Remote Control is off, with our settings";
    elsewhere::account, "`/teleport` and `/desktop` need an account of claude.ai";
    elsewhere::worktree, "a worktree keeps the id, and `--resume` finds the conversation";
    elsewhere::relaunched, "a new start by Claude Code itself keeps the process and the id";
    elsewhere::updated, "`/restart`, which changes to an installed update, keeps process and id where it exists";
    elsewhere::other_folder, "`/cd` keeps process and id, and `--resume` finds the conversation";
    elsewhere::plugin_hook, "a plugin's hook cannot move the conversation into the background, with our environment";
    elsewhere::mod_command, "a mod's commands keep the conversation in its process, or are refused";
    elsewhere::held, "`--resume` refuses a conversation that a background session runs";
    elsewhere::failed_starts, "a refused start is recognised by its text";
    headless::init_line, "`-p --output-format stream-json --verbose` begins with the init line and its id";
    headless::resumed, "`-p --resume` keeps the id and the messages";
    transcript::place, "the transcript is `projects/<slug>/<id>.jsonl` from the first message on, as in `SessionStart`";
    transcript::judged, "`--resume` counts the same records as messages as wxcode";
    transcript::any_folder, "`--resume` finds a transcript by its id in any project folder";
}

/// The facts selected by the arguments; all without arguments. Ignores options of the test runner.
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

/// Checks facts, each with a separate home and stub.
pub(crate) fn judge(judged: &Judged, facts: &[&'static Fact]) -> Vec<Row> {
    let threads = std::env::var("RUST_TEST_THREADS").ok();
    let threads = threads.and_then(|n| n.parse().ok()).unwrap_or(AT_ONCE);
    let next = AtomicUsize::new(0);
    let rows = Mutex::new(Vec::new());
    // The message of a panic becomes a cell of the table.
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

/// Prints the table, then the full text of each failure.
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
