//! Prints the table "what survives what" with the outcome of the tests: `survival DOCUMENT LOG`;
//! the log is the output of `cargo test`. `survival DOCUMENT` alone prints the names of the table's
//! end-to-end tests, a name in each line. Exit 1: a line failed, or names an unknown test.

use std::{env, fs, path::Path, process::ExitCode};

use wxcode_testbed::survival::{Outcome, outcome, ran, table};

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let read = |path: &String| {
        fs::read(path)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .map_err(|error| format!("{path}: {error}"))
    };
    let text = match arguments.iter().map(read).collect::<Result<Vec<_>, _>>() {
        Ok(text) => text,
        Err(error) => {
            eprintln!("survival: {error}");
            return ExitCode::from(2);
        }
    };
    let (lines, log) = match text.as_slice() {
        [document] => (table(document), None),
        [document, log] => (table(document), Some(log)),
        _ => {
            eprintln!("survival: give the document, and the output of `cargo test`");
            return ExitCode::from(2);
        }
    };
    let Some(log) = log else {
        let named = lines.iter().flat_map(|line| &line.tests);
        for test in named.filter(|test| test.package == "wxcode") {
            println!("{}", test.name);
        }
        return ExitCode::SUCCESS;
    };
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let ran = ran(log, &crates);
    println!("| what happens | what holds | |\n|---|---|---|");
    let mut worst = Outcome::Ok;
    for line in &lines {
        let outcome = outcome(line, &ran);
        println!("| {} | {} | {outcome} |", line.what, line.holds);
        worst = worst.max(outcome);
    }
    match worst {
        Outcome::Ok | Outcome::Skipped if !lines.is_empty() => ExitCode::SUCCESS,
        _ => {
            eprintln!(
                "survival: a line does not hold, or names a test that did not run: see docs/operations.md"
            );
            ExitCode::FAILURE
        }
    }
}
