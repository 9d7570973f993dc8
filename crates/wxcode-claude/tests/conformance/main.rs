//! Checks the facts about Claude Code on the real one: each fact is a row of a table, and a failure
//! exits with 1. `make conformance` prints the table for any version; the tests check the pinned
//! one.
//!
//! Arguments select facts by a part of their name; `--list` prints all names. `WXCODE_TEST_CLAUDE`
//! selects the claude.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a failed fact panics, and its row has the reason"
)]

mod bench;
mod delivery;
mod elsewhere;
mod fact;
mod headless;
mod hooks;
mod identity;
mod prompt;
mod screen;
mod status;
mod transcript;

use std::{process::ExitCode, time::Instant};

use bench::Judged;
use fact::FACTS;
use wxcode_testbed::skip;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.iter().any(|word| word == "--list") {
        for fact in FACTS {
            println!("{}: test", fact.name);
        }
        return ExitCode::SUCCESS;
    }
    let Some(judged) = Judged::locate() else {
        skip(
            "the conformance of Claude Code cannot be judged, it is not installed: run scripts/install-claude",
        );
        return ExitCode::SUCCESS;
    };
    let wanted = fact::named(&words);
    let began = Instant::now();
    let rows = fact::judge(&judged, &wanted);
    fact::print(&judged, &rows);
    let broken = rows.iter().filter(|row| row.result.is_err()).count();
    println!(
        "\n{} facts, {broken} of them do not hold; {} s",
        rows.len(),
        began.elapsed().as_secs()
    );
    if broken == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
