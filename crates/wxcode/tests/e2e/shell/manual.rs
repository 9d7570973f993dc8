//! Help, completions and man pages, without a server.

use std::{
    fs,
    process::{Command, Output},
};

fn wxcode(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wxcode"));
    command.args(arguments).env("COLUMNS", "100");
    command.output().unwrap()
}

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Each command of the help.
fn commands() -> Vec<String> {
    let help = text(&wxcode(&["--help"]));
    let (_, listed) = help.split_once("Commands:\n").unwrap();
    let (listed, _) = listed.split_once("\n\n").unwrap();
    let names = listed.lines().filter_map(|line| {
        // A description may take further lines, with more space before them.
        let line = line.strip_prefix("  ")?;
        let is_name = !line.starts_with(' ');
        is_name.then(|| line.split(' ').next().unwrap().to_owned())
    });
    names.collect()
}

#[test]
fn help_names_every_command() {
    let commands = commands();
    for name in [
        "serve",
        "new",
        "ls",
        "attach",
        "start",
        "send",
        "answer",
        "screen",
        "logs",
        "events",
        "stop",
        "resume",
        "login",
        "token",
        "audit",
        "doctor",
        "openapi",
        "store",
        "completions",
    ] {
        assert!(
            commands.iter().any(|command| command == name),
            "{name}: {commands:?}"
        );
    }
    let help = text(&wxcode(&["--help"]));
    assert!(
        help.contains("Exit codes: 0 done, 1 failed, 2 wrong usage."),
        "{help}"
    );
    for command in commands.iter().filter(|name| *name != "help") {
        let help = text(&wxcode(&[command, "--help"]));
        assert!(help.contains("Usage: wxcode"), "{help}");
        for line in help.lines() {
            assert!(line.chars().count() <= 100, "{command}: {line}");
        }
    }
}

#[test]
fn shells_get_their_completions() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = text(&wxcode(&["completions", shell]));
        assert!(
            script.contains("wxcode") && script.contains("answer"),
            "{shell}"
        );
    }
    assert_eq!(wxcode(&["completions", "csh"]).status.code(), Some(2));
    let dir = tempfile::tempdir().unwrap();
    let script = dir.path().join("wxcode.bash");
    fs::write(&script, wxcode(&["completions", "bash"]).stdout).unwrap();
    let typed = r#"source "$1" && COMP_WORDS=(wxcode se) COMP_CWORD=1
        _wxcode wxcode se wxcode && echo "${COMPREPLY[*]}""#;
    let mut bash = Command::new("bash");
    let bash = bash.args(["--norc", "-c", typed, "bash"]).arg(&script);
    let found = text(&bash.output().unwrap());
    assert_eq!(found.trim(), "serve send");
}

#[test]
fn every_command_has_a_man_page() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("man");
    text(&wxcode(&["man", folder.to_str().unwrap()]));
    let page = fs::read_to_string(folder.join("wxcode.1")).unwrap();
    assert!(page.contains(".TH wxcode 1"), "{page}");
    for command in commands().iter().filter(|name| *name != "help") {
        let page = fs::read_to_string(folder.join(format!("wxcode-{command}.1"))).unwrap();
        assert!(page.contains(".SH SYNOPSIS"), "{command}");
    }
}
