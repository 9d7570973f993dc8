//! Facts about the ways by which a conversation could go on in another process or place.

mod extension;

pub(crate) use extension::{mod_command, other_folder, plugin_hook, updated};

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use uuid::Uuid;
use wxcode_claude::{
    command::Start,
    environment,
    failed_start::{self, FailedStart},
};
use wxcode_terminal::{Screen as _, Size};

use crate::bench::{Bench, QUIET, Terminal, screen, submit};

/// Ends the processes of a fact's home: a daemon outlives its starter.
struct Ended<'a>(&'a Bench);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        for pid in self.0.processes() {
            let _ = Command::new("kill").args(["-9", &pid.to_string()]).status();
        }
    }
}

/// Starts a conversation with one message.
fn spoken(bench: &Bench, id: Uuid) -> Terminal {
    let terminal = bench.start_ready(Start::New(id), 1);
    submit(&terminal, "first words");
    bench.nth("Stop", 1);
    bench.spoken(id);
    terminal.wait_quiet(QUIET);
    terminal
}

/// Types a command that submits no prompt, and waits for words of its answer.
fn answered(terminal: &Terminal, command: &str, words: &str) {
    submit(terminal, command);
    screen(terminal, |text| text.contains(words));
    terminal.wait_quiet(QUIET);
}

/// The next text goes into the same conversation of the same process.
fn goes_on(bench: &Bench, terminal: &Terminal, id: Uuid, text: &str) {
    let before = bench.count("UserPromptSubmit");
    submit(terminal, text);
    let reported = bench.nth("UserPromptSubmit", before + 1);
    assert_eq!(reported.session_id, id, "another conversation was asked");
    bench.recorded(terminal, |running| running.session_id == id);
}

pub(crate) fn background(bench: &Bench) -> String {
    let _ended = Ended(bench);
    let id = Uuid::new_v4();
    let terminal = spoken(bench, id);
    let before = bench.processes();
    answered(&terminal, "/bg", "Unknown command: /bg");
    answered(&terminal, "/background", "Unknown command: /background");
    goes_on(bench, &terminal, id, "after the commands");
    bench.wait_processes(&before);
    assert_eq!(bench.count("SessionStart"), 1);
    "`/bg` and `/background` are unknown commands; the next text goes into the same conversation"
        .to_owned()
}

pub(crate) fn fork(bench: &Bench) -> String {
    let _ended = Ended(bench);
    let id = Uuid::new_v4();
    let terminal = spoken(bench, id);
    let before = bench.processes();
    submit(&terminal, "/fork do one thing");
    screen(&terminal, |text| text.contains("finished"));
    // The fork's report is a turn of the same conversation.
    bench.nth("Stop", 2);
    terminal.wait_quiet(QUIET);
    goes_on(bench, &terminal, id, "after the fork");
    bench.wait_processes(&before);
    assert_eq!(bench.count("SessionStart"), 1);
    "a subagent of the same process, which reports into the same conversation".to_owned()
}

pub(crate) fn nested(bench: &Bench) -> String {
    let _ended = Ended(bench);
    let id = Uuid::new_v4();
    let terminal = spoken(bench, id);
    let before = bench.processes();
    let resumed = id.to_string();
    for arguments in [
        &["--bg", "words"][..],
        &["--bg", "--resume", &resumed, "words"],
        &["agents", "--json"],
    ] {
        let output = Command::new(&bench.claude)
            .args(arguments)
            .env_clear()
            .envs(environment::agent(
                bench.home.env().into_iter(),
                &[],
                &BTreeMap::new(),
            ))
            .current_dir(bench.folder.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            output.status.code() == Some(1) && said.contains("is disabled by"),
            "{arguments:?}: {output:?}"
        );
    }
    bench.wait_processes(&before);
    goes_on(bench, &terminal, id, "after the tries");
    "`claude --bg`, also with `--resume`, and `claude agents` are disabled, exit 1".to_owned()
}

pub(crate) fn remote_control(bench: &Bench) -> String {
    let id = Uuid::new_v4();
    let terminal = spoken(bench, id);
    answered(
        &terminal,
        "/remote-control",
        "Remote Control is disabled by your organization's policy",
    );
    goes_on(bench, &terminal, id, "after the command");
    "`/remote-control` is refused with `disableRemoteControl`, before an account is asked for"
        .to_owned()
}

pub(crate) fn account(bench: &Bench) -> String {
    let id = Uuid::new_v4();
    let terminal = spoken(bench, id);
    for command in ["/teleport", "/desktop"] {
        let words = format!("{command} needs a Claude subscription");
        answered(&terminal, command, &words);
    }
    goes_on(bench, &terminal, id, "after the commands");
    "both are refused with an API key; not measured with an account of claude.ai".to_owned()
}

pub(crate) fn worktree(bench: &Bench) -> String {
    let git = |arguments: &[&str]| {
        let status = Command::new("git")
            .args(["-c", "user.name=a", "-c", "user.email=a@example.org"])
            .args(arguments)
            .current_dir(bench.folder.path())
            .status();
        assert!(status.unwrap().success(), "git {arguments:?}");
    };
    git(&["init", "--quiet"]);
    git(&["commit", "--quiet", "--allow-empty", "--message", "x"]);
    let id = Uuid::new_v4();
    let terminal = spoken(bench, id);
    submit(&terminal, "stub:tool EnterWorktree {\"name\":\"one\"}");
    let stop = bench.nth("Stop", 2);
    let tree = bench.folder.path().join(".claude/worktrees/one");
    let tree = fs::canonicalize(tree).unwrap();
    assert_eq!(stop.cwd.as_deref(), Some(tree.as_path()));
    assert_eq!(stop.session_id, id);
    goes_on(bench, &terminal, id, "in the worktree");
    bench.nth("Stop", 3);
    let transcript = bench.spoken(id);
    drop(terminal);
    let terminal = bench.start(Start::Resume(id), Some("back"));
    let start = bench.nth("SessionStart", 2);
    assert_eq!(start.session_id, id);
    assert_eq!(bench.nth("UserPromptSubmit", 4).session_id, id);
    drop(terminal);
    let slug = transcript.parent().and_then(Path::file_name).unwrap();
    assert!(slug.to_string_lossy().ends_with("-worktrees-one"));
    "the id stays, the transcript moves into the worktree's slug, and `--resume` from the project's \
     folder finds it"
        .to_owned()
}

pub(crate) fn relaunched(bench: &Bench) -> String {
    let id = Uuid::new_v4();
    let terminal = spoken(bench, id);
    let before = bench.processes();
    submit(&terminal, "/tui default");
    bench.resumed(2, id);
    terminal.wait_quiet(QUIET);
    bench.wait_processes(&before);
    let line = fs::read(format!("/proc/{}/cmdline", terminal.pid())).unwrap();
    let words: Vec<_> = line.split(|byte| *byte == 0).collect();
    for word in ["--resume", "--settings"] {
        assert!(words.contains(&word.as_bytes()), "{words:?}");
    }
    goes_on(bench, &terminal, id, "after the new start");
    "`/tui` starts the program anew in the same process: `SessionStart` of the same id with `resume`, \
     our `--settings` kept"
        .to_owned()
}

/// The last screen of a process that refused to start.
fn refused(mut terminal: Terminal) -> FailedStart {
    let status = terminal.wait_exit();
    assert_eq!(status.code(), Some(1));
    let mut last = wxcode_terminal::Terminal::new(Size::new(120, 40).unwrap());
    last.feed(&terminal.output(), &mut Vec::new());
    let text = last.text();
    failed_start::read(&text).unwrap_or_else(|| panic!("unknown reason: {text}"))
}

pub(crate) fn held(bench: &Bench) -> String {
    let _ended = Ended(bench);
    let id = Uuid::new_v4();
    drop(spoken(bench, id));
    let began = Command::new(&bench.claude)
        .args(["--bg", "--resume", &id.to_string(), "stub:slow"])
        .env_clear()
        .envs(bench.home.env())
        .current_dir(bench.folder.path())
        .output()
        .unwrap();
    assert!(began.status.success(), "{began:?}");
    let records = bench.home.config_dir();
    let holder = bench.found(|| {
        let all = wxcode_claude::running::all(&records).unwrap();
        all.into_iter().find_map(|(pid, running)| {
            (running.session_id == id && Path::new(&format!("/proc/{pid}")).exists()).then_some(pid)
        })
    });
    assert!(bench.processes().contains(&holder));
    let failed = refused(bench.start(Start::Resume(id), None));
    assert_eq!(failed, FailedStart::HeldByBackground);
    "`sessions/<pid>.json` of the background session names the conversation; `--resume` says so, exit 1"
        .to_owned()
}

pub(crate) fn failed_starts(bench: &Bench) -> String {
    let mut seen = Vec::new();
    let gone = bench.folder.path().join("gone");
    fs::create_dir(&gone).unwrap();
    // The shell stands in the folder when the folder goes.
    let inside = |words: &str| {
        let line = format!(
            "cd '{}' && rmdir '{}' && exec {words}",
            gone.display(),
            gone.display()
        );
        let env = environment::agent(bench.home.env().into_iter(), &[], &BTreeMap::new());
        let arguments = ["-c".to_owned(), line];
        Terminal::start(
            Path::new("/bin/sh"),
            &arguments,
            env,
            bench.folder.path(),
            (120, 40),
        )
        .unwrap()
    };
    let failed = refused(inside(&format!("'{}'", bench.claude.display())));
    assert_eq!(failed, FailedStart::FolderUnavailable);
    seen.push(failed.as_str());
    if rustix::process::geteuid().is_root() {
        let arguments = ["--permission-mode", "bypassPermissions"];
        let failed = refused(bench.start_with(Start::New(Uuid::new_v4()), &arguments, None));
        assert_eq!(failed, FailedStart::BypassAsRoot);
        seen.push(failed.as_str());
    }
    fs::write(bench.home.path().join(".claude.json"), "{\"a\":").unwrap();
    let terminal = bench.start(Start::New(Uuid::new_v4()), None);
    let dialog = crate::bench::dialog(&terminal);
    assert_eq!(dialog.name.as_str(), "configuration_error");
    terminal.wait_quiet(QUIET);
    terminal.write(b"\r").unwrap();
    let failed = refused(terminal);
    assert_eq!(failed, FailedStart::ConfigFileInvalid);
    seen.push(failed.as_str());
    format!("exit 1, recognised by the text: {}", seen.join(", "))
}
