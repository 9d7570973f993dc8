//! The table "what survives what" in `docs/operations.md`: each line names its tests, and the
//! output of `cargo test` gives their results.

use std::{fmt, path::Path};

/// The heading above the table.
const HEADING: &str = "## What survives what";
/// The crate of tests without a crate name.
const E2E: &str = "wxcode";

/// A line of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The failure.
    pub what: String,
    /// The promise.
    pub holds: String,
    /// The tests of the promise.
    pub tests: Vec<Named>,
}

/// A test or several tests, as named in the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The crate of the tests.
    pub package: String,
    /// A test, a module of tests, or a common beginning of names.
    pub name: String,
}

/// A finished test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    package: String,
    name: String,
    outcome: Outcome,
}

/// The outcome of a line or of a single test of the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// All passed.
    Ok,
    /// A part cannot run on this machine.
    Skipped,
    /// A part failed.
    Failed,
    /// A named test did not run or does not exist.
    Missing,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ok => "ok",
            Self::Skipped => "skipped",
            Self::Failed => "FAILED",
            Self::Missing => "NO SUCH TEST RAN",
        })
    }
}

/// The lines of the table in a Markdown text.
#[must_use]
pub fn table(markdown: &str) -> Vec<Line> {
    let section = markdown.split_once(HEADING).map_or("", |(_, below)| below);
    let section = section.split("\n## ").next().unwrap_or_default();
    let rows = section.lines().filter(|line| line.starts_with("| "));
    rows.filter_map(|row| {
        let mut cells = row.trim_matches('|').split(" | ").map(str::trim);
        let line = Line {
            what: cells.next()?.to_owned(),
            holds: cells.next()?.to_owned(),
            tests: named(cells.next()?),
        };
        // The head of the table names none.
        (!line.tests.is_empty()).then_some(line)
    })
    .collect()
}

/// Parses the tests in a cell: names in backquotes, each followed by the test's crate in brackets
/// unless the crate is the default crate.
fn named(cell: &str) -> Vec<Named> {
    let mut tests = Vec::<Named>::new();
    let mut is_crate = false;
    for (i, part) in cell.split('`').enumerate() {
        match (i % 2, tests.last_mut()) {
            (0, _) => is_crate = part.trim_end().ends_with('('),
            (_, Some(last)) if is_crate => last.package = part.to_owned(),
            _ => tests.push(Named {
                package: E2E.to_owned(),
                name: part
                    .trim_end_matches("::*")
                    .trim_end_matches('…')
                    .to_owned(),
            }),
        }
    }
    tests
}

impl Named {
    /// Whether the full name of a test in the named crate matches.
    fn means(&self, test: &str) -> bool {
        let last = test.rsplit("::").next().unwrap_or_default();
        test.starts_with(&self.name) || last.starts_with(&self.name)
    }
}

/// The tests in the output of `cargo test`; `crates` is the folder of the crates, which maps test
/// programs to crates.
#[must_use]
pub fn ran(output: &str, crates: &Path) -> Vec<Ran> {
    let mut tests = Vec::<Ran>::new();
    let mut skipped = Vec::new();
    let (mut packages, mut program) = (Vec::new(), String::new());
    for line in output.lines() {
        if let Some(running) = line.trim_start().strip_prefix("Running ") {
            (packages, program) = program_of(running, crates);
        }
        if let Some((_, name)) = line
            .split_once("SKIPPED: ")
            .and_then(|(_, said)| said.rsplit_once(" ("))
        {
            skipped.push(name.trim_end_matches(')').to_owned());
        }
        // Output of the test may stand between the test's name and outcome.
        let Some((name, rest)) = line
            .strip_prefix("test ")
            .and_then(|line| line.split_once(" ... "))
        else {
            continue;
        };
        let outcome = match rest {
            "FAILED" => Outcome::Failed,
            "ignored" => Outcome::Missing,
            _ if skipped.iter().any(|skipped| skipped == name) => Outcome::Skipped,
            _ => Outcome::Ok,
        };
        for package in &packages {
            tests.push(Ran {
                package: String::clone(package),
                name: format!("{program}{name}"),
                outcome,
            });
        }
    }
    tests
}

/// The possible crates of a test program, with the prefix of the program's test names: none for
/// unit tests and `e2e`.
fn program_of(running: &str, crates: &Path) -> (Vec<String>, String) {
    let mut words = running.split_whitespace();
    match words.next() {
        Some("unittests") => {
            let file = running.rsplit('/').next().unwrap_or_default();
            let name = file.rsplit_once('-').map_or(file, |(name, _)| name);
            (vec![name.replace('_', "-")], String::new())
        }
        Some("tests/e2e/main.rs") => (vec![E2E.to_owned()], String::new()),
        // A separate test program, in a file or in a folder.
        Some(path) => {
            let entries = std::fs::read_dir(crates).into_iter().flatten().flatten();
            let owners = entries.filter(|entry| entry.path().join(path).exists());
            let names = owners.map(|entry| entry.file_name().to_string_lossy().into_owned());
            let name = path.trim_start_matches("tests/");
            let name = name.split(['/', '.']).next().unwrap_or_default();
            (names.collect(), format!("{name}::"))
        }
        None => (Vec::new(), String::new()),
    }
}

/// The outcome of a line.
#[must_use]
pub fn outcome(line: &Line, ran: &[Ran]) -> Outcome {
    let of = |named: &Named| {
        let meant = ran
            .iter()
            .filter(|ran| ran.package == named.package && named.means(&ran.name));
        meant
            .map(|ran| ran.outcome)
            .max()
            .unwrap_or(Outcome::Missing)
    };
    line.tests.iter().map(of).max().unwrap_or(Outcome::Missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "# X\n| a | b | `no` |\n## What survives what\nWords.\n\n| what happens | what holds | test |\n|---|---|---|\n\
        | it goes | nothing is lost | `wire::*`, `gone::at_once` |\n\
        | a panic | a `problem` | `http::tests::a_panic` (`wxcode-server`) |\n\
        | killed | all ends | `ending` (`wxcode-holder`), `reaped_…` |\n\n## More\n| d | e | `f` |\n";

    fn named(package: &str, name: &str) -> Named {
        Named {
            package: package.to_owned(),
            name: name.to_owned(),
        }
    }

    #[test]
    fn the_table_is_parsed() {
        let lines = table(TABLE);
        let tests: Vec<_> = lines.iter().map(|line| line.tests.clone()).collect();
        assert_eq!(
            tests,
            [
                vec![named("wxcode", "wire"), named("wxcode", "gone::at_once")],
                vec![named("wxcode-server", "http::tests::a_panic")],
                vec![named("wxcode-holder", "ending"), named("wxcode", "reaped_")],
            ]
        );
        assert_eq!(lines[1].what, "a panic");
        assert_eq!(lines[1].holds, "a `problem`");
    }

    #[test]
    fn a_line_takes_its_worst_outcome() {
        let crates = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(crates.path().join("wxcode-holder/tests")).unwrap();
        std::fs::write(crates.path().join("wxcode-holder/tests/ending.rs"), "").unwrap();
        let output = |gone: &str| {
            format!(
                "     Running unittests src/lib.rs (/t/debug/deps/wxcode_server-0a1b)\n\
                 test http::tests::a_panic ... ok\n\
                 test ending::of_a_server ... FAILED\n\
                 \x20    Running tests/e2e/main.rs (/t/debug/deps/e2e-0a1b)\n\
                 test wire::one ... ok\n{gone}\
                 test x::reaped_by_it ... ok\n\
                 \x20    Running tests/ending.rs (/t/debug/deps/ending-0a1b)\n\
                 test by_a_signal ... ok\n"
            )
        };
        let judged = |gone: &str| -> Vec<_> {
            let ran = ran(&output(gone), crates.path());
            table(TABLE)
                .iter()
                .map(|line| outcome(line, &ran))
                .collect()
        };
        let first = |gone: &str| judged(gone)[0];
        assert_eq!(judged("test gone::at_once ... ok\n"), [Outcome::Ok; 3]);
        assert_eq!(first("test gone::at_once ... FAILED\n"), Outcome::Failed);
        assert_eq!(first("test gone::renamed ... ok\n"), Outcome::Missing);
        assert_eq!(
            first("SKIPPED: no such thing (gone::at_once)\ntest gone::at_once ... ok\n"),
            Outcome::Skipped
        );
    }
}
