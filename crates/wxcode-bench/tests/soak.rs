//! A short soak run: checks that the soak works, not its speed; the machine's load does not matter.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::{path::Path, process::Command};

const WINDOWS: usize = 6;

/// Builds the other programs of the run where they are missing: cargo builds none of them for a
/// test of this crate.
fn build() {
    let own = Path::new(env!("CARGO_BIN_EXE_wxcode-bench"));
    if ["wxcode", "wxcode-holder", "fake-claude"]
        .iter()
        .all(|name| own.with_file_name(name).exists())
    {
        return;
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args([
            "build",
            "--quiet",
            "--bin",
            "wxcode",
            "--bin",
            "wxcode-holder",
            "--bin",
            "fake-claude",
        ])
        .args([
            "-p",
            "wxcode",
            "-p",
            "wxcode-holder",
            "-p",
            "wxcode-testbed",
        ])
        .status()
        .unwrap();
    assert!(status.success());
}

/// The processes with this text in their command line.
fn mentioning(text: &str) -> Vec<String> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = entries.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    lines
        .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
        .filter(|line| line.contains(text))
        .collect()
}

#[test]
fn a_short_soak_measures_and_cleans_up() {
    build();
    let temp = tempfile::tempdir().unwrap();
    let arguments = [
        "soak",
        "--sessions",
        "20",
        "--seconds",
        "12",
        "--window",
        "2",
    ];
    let output = Command::new(env!("CARGO_BIN_EXE_wxcode-bench"))
        .args(arguments)
        .env("TMPDIR", temp.path())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    // Slopes and latencies need a quiet machine: exceeding their limits is code 1.
    assert!(
        matches!(output.status.code(), Some(0 | 1)),
        "{}\n{said}\n{errors}",
        output.status
    );
    let mut rows = said.lines().filter(|line| line.starts_with("| "));
    let columns = rows.next().unwrap().split('|').count();
    let rows: Vec<_> = rows.collect();
    assert_eq!(rows.len(), WINDOWS, "{said}");
    for row in rows {
        assert_eq!(row.split('|').count(), columns, "{row}");
        assert!(!row.contains("NaN") && !row.contains("inf"), "{row}");
    }
    // Lines that no load can change.
    for held in [
        "ok      descriptors of the server",
        "ok      descriptors of all holders",
        "ok      sessions that run in the end: 23 of 23",
        "ok      errors in the server's log: 0",
    ] {
        assert!(said.contains(held), "{held}\n{said}");
    }
    for judged in [
        "meanwhile: ",
        "memory of the server: ",
        "memory of a holder: ",
        "p99 of the echo: ",
    ] {
        assert!(said.contains(judged), "{judged}\n{said}");
    }
    assert_eq!(
        std::fs::read_dir(temp.path()).unwrap().count(),
        0,
        "no folder is left"
    );
    let folder = temp.path().to_str().unwrap();
    let left = mentioning(folder);
    assert!(left.is_empty(), "{left:?}");
}
