//! The fake agent's behaviour, as described in its module.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic too")]

use std::{ffi::OsString, fs, path::Path, time::Duration};

use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;
use wxcode_testbed::{HookLog, Terminal, fake_agent};

const EVENTS: [&str; 8] = [
    "SessionStart",
    "UserPromptSubmit",
    "UserPromptExpansion",
    "PermissionRequest",
    "PostToolUse",
    "Stop",
    "PreCompact",
    "SessionEnd",
];

/// A fake agent, with the agent's hooks and folder.
struct Bench {
    hooks: HookLog,
    folder: TempDir,
    id: Uuid,
}

impl Bench {
    fn new() -> Self {
        let bench = Self {
            hooks: HookLog::new().unwrap(),
            folder: tempfile::tempdir().unwrap(),
            id: Uuid::new_v4(),
        };
        let entry = json!([{ "matcher": "", "hooks": [{ "type": "command", "command": bench.hooks.command() }] }]);
        let hooks: serde_json::Map<String, Value> = EVENTS
            .iter()
            .map(|event| ((*event).to_owned(), entry.clone()))
            .collect();
        fs::write(bench.settings(), json!({ "hooks": hooks }).to_string()).unwrap();
        bench
    }

    fn settings(&self) -> String {
        self.hooks
            .path()
            .join("settings.json")
            .display()
            .to_string()
    }

    fn start(&self, modes: &str, args: &[&str]) -> Terminal {
        let env: [(OsString, OsString); 3] = [
            ("PATH".into(), "/usr/bin:/bin".into()),
            ("HOME".into(), self.folder.path().into()),
            (fake_agent::MODES.into(), modes.into()),
        ];
        Terminal::start(&fake_agent::path(), args, env, self.folder.path(), (80, 24)).unwrap()
    }

    /// Starts a new conversation.
    fn new_conversation(&self, modes: &str) -> Terminal {
        self.start(
            modes,
            &[
                "--session-id",
                &self.id.to_string(),
                "--settings",
                &self.settings(),
            ],
        )
    }

    fn names(&self) -> Vec<String> {
        self.hooks
            .events()
            .iter()
            .map(|event| event["hook_event_name"].as_str().unwrap().to_owned())
            .collect()
    }
}

fn fifo(path: &Path) {
    rustix::fs::mknodat(
        rustix::fs::CWD,
        path,
        rustix::fs::FileType::Fifo,
        0o600.into(),
        0,
    )
    .unwrap();
}

#[test]
fn a_separate_return_submits_a_paste() {
    let bench = Bench::new();
    let mut terminal = bench.new_conversation("");
    let start = bench.hooks.wait_nth("SessionStart", 1);
    assert_eq!(start["session_id"], json!(bench.id));
    assert_eq!(start["source"], "startup");
    terminal.wait_text("\u{276f} ");
    terminal.write(b"one\r").unwrap();
    terminal.wait_text("one");
    terminal.write(b"\x1b[200~two\x1b[201~").unwrap();
    terminal.write(b"\r").unwrap();
    assert_eq!(
        bench.hooks.wait_nth("UserPromptSubmit", 1)["prompt"],
        "one\ntwo"
    );
    bench.hooks.wait_nth("Stop", 1);
    terminal.wait_text("fake: 1 user message; last: one");
    terminal.write(b"/exit").unwrap();
    terminal.wait_text("/exit");
    terminal.write(b"\r").unwrap();
    assert!(terminal.wait_exit().success());

    let mut again = bench.new_conversation("");
    assert_eq!(again.wait_exit().code(), Some(1));
    again.wait_text("is already in use");

    let settings = bench.settings();
    let resumed = bench.start(
        "",
        &[
            "--resume",
            &bench.id.to_string(),
            "--settings",
            &settings,
            "--",
            "-three",
        ],
    );
    assert_eq!(bench.hooks.wait_nth("SessionStart", 2)["source"], "resume");
    assert_eq!(
        bench.hooks.wait_nth("UserPromptSubmit", 2)["prompt"],
        "-three"
    );
    resumed.wait_text("fake: 2 user messages; last: -three");
}

#[test]
fn an_unknown_id_cannot_be_resumed() {
    let bench = Bench::new();
    let mut terminal = bench.start("", &["--resume", &bench.id.to_string()]);
    assert_eq!(terminal.wait_exit().code(), Some(1));
    terminal.wait_text("No conversation found with session ID");
}

#[test]
fn only_known_slash_commands_fire_hooks() {
    let bench = Bench::new();
    fs::create_dir_all(bench.folder.path().join(".claude/commands/gsd")).unwrap();
    fs::write(
        bench
            .folder
            .path()
            .join(".claude/commands/gsd/new-project.md"),
        "Begin.",
    )
    .unwrap();
    let terminal = bench.new_conversation("");
    bench.hooks.wait_nth("SessionStart", 1);
    for command in ["/gsd:unknown a", "/gsd:new-project a"] {
        terminal
            .write(format!("\x1b[200~{command}\x1b[201~").as_bytes())
            .unwrap();
        terminal.write(b"\r").unwrap();
    }
    bench.hooks.wait_nth("Stop", 1);
    assert_eq!(
        bench.names(),
        [
            "SessionStart",
            "UserPromptSubmit",
            "UserPromptExpansion",
            "Stop"
        ]
    );
    terminal.wait_text("Unknown command: /gsd:unknown");
}

#[test]
fn clear_rotates_the_id() {
    let bench = Bench::new();
    let terminal = bench.new_conversation("");
    bench.hooks.wait_nth("SessionStart", 1);
    terminal.write(b"/clear").unwrap();
    terminal.wait_text("/clear");
    terminal.write(b"\r").unwrap();
    let second = bench.hooks.wait_nth("SessionStart", 2);
    assert_eq!(second["source"], "clear");
    assert_ne!(second["session_id"], json!(bench.id));
    assert_eq!(
        bench.names(),
        ["SessionStart", "SessionEnd", "SessionStart"]
    );
}

#[test]
fn a_blind_return_refuses_trust() {
    let bench = Bench::new();
    let mut terminal = bench.new_conversation("trust");
    terminal.wait_text("Yes, I trust this folder");
    terminal.write(b"\r").unwrap();
    assert!(terminal.wait_exit().success());
    assert!(bench.names().is_empty());

    let terminal = bench.new_conversation("trust");
    terminal.wait_text("Yes, I trust this folder");
    terminal.write(b"\x1b[B\r").unwrap();
    bench.hooks.wait_nth("SessionStart", 1);
}

#[test]
fn input_before_a_slow_start_is_lost() {
    let bench = Bench::new();
    let gate = bench.folder.path().join("gate");
    fifo(&gate);
    let terminal = bench.new_conversation(&format!("slow-start={}", gate.display()));
    terminal.wait_text("\u{1b}[?2004h");
    terminal.write(b"early").unwrap();
    drop(fs::File::options().write(true).open(&gate).unwrap());
    bench.hooks.wait_nth("SessionStart", 1);
    terminal.write(b"late").unwrap();
    terminal.wait_text("late");
    terminal.write(b"\r").unwrap();
    assert_eq!(
        bench.hooks.wait_nth("UserPromptSubmit", 1)["prompt"],
        "late"
    );
}

#[test]
fn fifo_or_escape_ends_a_held_turn() {
    let bench = Bench::new();
    let gate = bench.folder.path().join("gate");
    fifo(&gate);
    let terminal = bench.new_conversation("swallow-cr");
    bench.hooks.wait_nth("SessionStart", 1);
    let hold = format!("\x1b[200~fake:hold {}\x1b[201~", gate.display());
    terminal.write(hold.as_bytes()).unwrap();
    terminal.wait_text("fake:hold");
    terminal.write(b"\r").unwrap();
    terminal.write(b"\r").unwrap();
    bench.hooks.wait_nth("UserPromptSubmit", 1);
    // Opening the FIFO is the signal; the agent may close it before any write.
    fs::File::options().write(true).open(&gate).unwrap();
    bench.hooks.wait_nth("Stop", 1);

    terminal.write(hold.as_bytes()).unwrap();
    terminal.write(b"\r").unwrap();
    bench.hooks.wait_nth("UserPromptSubmit", 2);
    terminal.write(b"\x1b").unwrap();
    terminal.wait_text("Interrupted");
    assert_eq!(
        bench.names().iter().filter(|name| *name == "Stop").count(),
        1
    );
}

#[test]
fn dialogs_take_answers() {
    let bench = Bench::new();
    let terminal = bench.new_conversation("auto-offer");
    bench.hooks.wait_nth("SessionStart", 1);
    terminal.wait_text("Make auto mode your default permission mode?");
    terminal.write(b"\r").unwrap();
    terminal.wait_text("fake mode on");
    for (count, (prompt, shown)) in [
        ("fake:permission", "Do you want to proceed?"),
        ("fake:question", "Which colour?"),
    ]
    .into_iter()
    .enumerate()
    {
        terminal.write(prompt.as_bytes()).unwrap();
        terminal.wait_text(prompt);
        terminal.write(b"\r").unwrap();
        bench.hooks.wait_nth("PermissionRequest", count + 1);
        terminal.wait_text(shown);
        terminal.write(b"1").unwrap();
        bench.hooks.wait_nth("Stop", count + 1);
    }
}

#[test]
fn floods_and_exit_codes_are_exact() {
    let bench = Bench::new();
    let mut terminal = bench.new_conversation("");
    bench.hooks.wait_nth("SessionStart", 1);
    terminal.write(b"fake:flood 100000").unwrap();
    terminal.wait_text("100000");
    terminal.write(b"\r").unwrap();
    bench.hooks.wait_nth("Stop", 1);
    terminal.wait_quiet(Duration::from_millis(50));
    let lines: String = (0..)
        .map(|number| format!("{number:<62}\r\n"))
        .take(100_000 / 64 + 1)
        .collect();
    terminal.wait_text(&lines[..100_000]);
    terminal.write(b"fake:exit 7").unwrap();
    terminal.wait_text("fake:exit 7");
    terminal.write(b"\r").unwrap();
    assert_eq!(terminal.wait_exit().code(), Some(7));
    assert_eq!(bench.start("exit=9", &[]).wait_exit().code(), Some(9));
}

#[test]
fn only_sigkill_ends_a_stubborn_agent() {
    let bench = Bench::new();
    let file = bench.folder.path().join("daemon.pid");
    let mut terminal = bench.new_conversation(&format!("ignore-term,daemon={}", file.display()));
    bench.hooks.wait_nth("SessionStart", 1);
    let daemon: i32 = fs::read_to_string(&file).unwrap().parse().unwrap();
    let daemon = rustix::process::Pid::from_raw(daemon).unwrap();
    terminal.signal(Signal::TERM);
    rustix::process::kill_process(daemon, Signal::TERM).unwrap();
    // The agent still answers after the earlier signal.
    terminal.write(b"still here").unwrap();
    terminal.wait_text("still here");
    terminal.signal(Signal::KILL);
    assert_eq!(
        std::os::unix::process::ExitStatusExt::signal(&terminal.wait_exit()),
        Some(9)
    );
    assert!(
        rustix::process::test_kill_process(daemon).is_ok(),
        "the daemon outlives its parent"
    );
    rustix::process::kill_process(daemon, Signal::KILL).unwrap();
}

#[test]
fn sigterm_fires_the_session_end_hook() {
    let bench = Bench::new();
    let mut terminal = bench.new_conversation("");
    bench.hooks.wait_nth("SessionStart", 1);
    terminal.signal(Signal::TERM);
    assert_eq!(terminal.wait_exit().code(), Some(143));
    assert_eq!(bench.hooks.wait_nth("SessionEnd", 1)["reason"], "other");
}

#[test]
fn a_never_ready_agent_runs_no_hook() {
    let bench = Bench::new();
    let terminal = bench.new_conversation("never-ready");
    terminal.wait_text("Starting");
    terminal.write(b"hello\r").unwrap();
    terminal.wait_quiet(Duration::from_millis(100));
    assert!(bench.names().is_empty());
}
