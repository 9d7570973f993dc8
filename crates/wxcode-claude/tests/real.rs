//! What the crate says of Claude Code holds for the real one, at the version that the project pins.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic too")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use serde_json::json;
use tempfile::TempDir;
use uuid::Uuid;
use wxcode_claude::{
    command::{Invocation, Start, argv},
    environment,
    hook::{self, HookEvent, HookKind, StartSource},
    prompt,
    running::{self, Running},
    settings,
    transcript::{self, Transcript},
};
use wxcode_testbed::{
    Home, HookLog, RealClaude, Stub, Terminal, claude::VERSION, pty::WAIT_MAX, skip,
};

/// How long the screen stands still when it has settled.
const QUIET: Duration = Duration::from_millis(400);

/// A home, a folder with a slash command, and the hooks of the processes started in it.
struct Bench {
    claude: PathBuf,
    stub: Stub,
    home: Home,
    hooks: HookLog,
    folder: TempDir,
}

impl Bench {
    /// `None` when the real Claude Code is not installed; then the test is skipped.
    fn new() -> Option<Self> {
        let Some(claude) = RealClaude::locate() else {
            skip("Claude Code is not installed: run scripts/install-claude");
            return None;
        };
        let stub = Stub::start_blocking().unwrap();
        let home = Home::new(&stub.base_url()).unwrap();
        let hooks = HookLog::new().unwrap();
        let folder = tempfile::Builder::new()
            .prefix("wxcode-folder-")
            .tempdir()
            .unwrap();
        home.trust(folder.path()).unwrap();
        let commands = folder.path().join(".claude/commands/gsd");
        fs::create_dir_all(&commands).unwrap();
        fs::write(commands.join("new-project.md"), "Begin with $ARGUMENTS.\n").unwrap();
        let document = settings::hooks(&hooks.command()).to_string();
        fs::write(hooks.path().join("settings.json"), document).unwrap();
        Some(Self {
            claude,
            stub,
            home,
            hooks,
            folder,
        })
    }

    fn start(&self, start: Start, prompt: Option<&str>) -> Terminal {
        let words = argv(&Invocation {
            claude: &self.claude,
            start,
            settings: &self.hooks.path().join("settings.json"),
            permission_mode: None,
            extra_args: &["--allowedTools".to_owned(), "Read".to_owned()],
            prompt,
        });
        let env = environment::agent(self.home.env().into_iter(), &[], &BTreeMap::new());
        Terminal::start(
            Path::new(&words[0]),
            &words[1..],
            env,
            self.folder.path(),
            (120, 40),
        )
        .unwrap()
    }

    /// Starts and waits until the prompt takes text; `starts` counts the `SessionStart` events so far.
    fn start_ready(&self, start: Start, starts: usize) -> Terminal {
        let terminal = self.start(start, None);
        self.nth("SessionStart", starts);
        terminal.wait_text("\u{1b}[?2004h");
        terminal.wait_quiet(QUIET);
        terminal
    }

    fn nth(&self, name: &str, count: usize) -> HookEvent {
        hook::parse(self.hooks.wait_nth(name, count).to_string().as_bytes()).unwrap()
    }

    fn count(&self, name: &str) -> usize {
        self.hooks
            .events()
            .iter()
            .filter(|event| event["hook_event_name"] == name)
            .count()
    }

    /// The prompt of the `count`-th `UserPromptSubmit`.
    fn prompt(&self, count: usize) -> String {
        match self.nth("UserPromptSubmit", count).kind {
            HookKind::UserPromptSubmit { prompt, prompt_id } => {
                assert!(prompt_id.is_some());
                prompt
            }
            kind => panic!("{kind:?}"),
        }
    }

    /// Waits for the transcript, which is written a little behind the hooks.
    fn spoken(&self, id: Uuid) -> PathBuf {
        let deadline = Instant::now() + WAIT_MAX;
        loop {
            match self.transcript(id) {
                Transcript::Spoken(path) => return path,
                other => assert!(Instant::now() < deadline, "{other:?}"),
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until Claude's own record of the process says this, which it writes a little behind the hooks.
    fn running_until(&self, terminal: &Terminal, status: running::Status) -> Running {
        let deadline = Instant::now() + WAIT_MAX;
        loop {
            match running::read(&self.home.config_dir(), terminal.pid()).unwrap() {
                Some(running) if running.status == status => return running,
                other => assert!(Instant::now() < deadline, "{other:?}"),
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn transcript(&self, id: Uuid) -> Transcript {
        transcript::find(&self.home.config_dir(), id).unwrap()
    }
}

/// Types a text and submits it.
fn submit(terminal: &Terminal, text: &str) {
    react(terminal, &prompt::paste(text));
    terminal.wait_quiet(QUIET);
    react(terminal, prompt::SUBMIT);
}

/// Types, and waits until the agent draws something: a screen that stands still may not have begun to move.
fn react(terminal: &Terminal, keys: &[u8]) {
    let before = terminal.output().len();
    terminal.write(keys).unwrap();
    terminal.wait_output(|output| output.len() > before);
}

#[test]
fn an_id_is_kept_from_the_first_start_over_a_kill_to_the_resumption() {
    let Some(bench) = Bench::new() else { return };
    let id = Uuid::new_v4();
    let terminal = bench.start_ready(Start::New(id), 1);
    let event = bench.nth("SessionStart", 1);
    assert_eq!(event.session_id, id);
    assert!(matches!(
        event.kind,
        HookKind::SessionStart {
            source: StartSource::Startup,
            model: Some(_)
        }
    ));
    assert_eq!(
        event.cwd,
        Some(fs::canonicalize(bench.folder.path()).unwrap())
    );
    assert_eq!(
        bench.transcript(id),
        Transcript::Missing,
        "nothing was said yet"
    );
    let running = bench.running_until(&terminal, running::Status::Idle);
    assert_eq!(
        (running.session_id, running.version.as_deref()),
        (id, Some(VERSION))
    );

    // It never spoke, so the same id may be chosen again, and cannot be resumed.
    drop(terminal);
    let mut refused = bench.start(Start::Resume(id), None);
    assert_eq!(refused.wait_exit().code(), Some(1));
    refused.wait_text("No conversation found with session ID");
    let terminal = bench.start_ready(Start::Again(id), 2);

    submit(&terminal, "first words");
    assert_eq!(bench.prompt(1), "first words");
    let stop = bench.nth("Stop", 1);
    assert!(
        matches!(stop.kind, HookKind::Stop { last_assistant_message: Some(text) } if text.contains("first words"))
    );
    assert_eq!(Some(bench.spoken(id)), event.transcript_path);
    drop(terminal);

    let mut refused = bench.start(Start::Again(id), None);
    assert_eq!(refused.wait_exit().code(), Some(1));
    refused.wait_text("is already in use");

    let _terminal = bench.start(Start::Resume(id), Some("second words"));
    assert_eq!(bench.nth("SessionStart", 3).session_id, id);
    assert!(matches!(
        bench.nth("SessionStart", 3).kind,
        HookKind::SessionStart {
            source: StartSource::Resume,
            ..
        }
    ));
    assert_eq!(bench.prompt(2), "second words");
    let request = bench.stub.wait_for_blocking(|request| {
        request
            .user_texts()
            .iter()
            .any(|text| text == "second words")
    });
    assert!(
        request.user_texts().contains(&"first words".to_owned()),
        "the conversation goes on"
    );
}

#[test]
fn every_paste_is_submitted_and_confirmed() {
    let Some(bench) = Bench::new() else { return };
    let terminal = bench.start_ready(Start::New(Uuid::new_v4()), 1);
    let rows = |count: usize| {
        (1..=count)
            .map(|row| format!("row {row}"))
            .collect::<Vec<_>>()
            .join("\n")
    };
    let texts = [
        "one line".to_owned(),
        "two\nlines".to_owned(),
        rows(3),
        rows(4),
        rows(40),
        "x".repeat(10_000),
        "word ".repeat(300),
        "  spaces before and behind  ".to_owned(),
        "\nline ends around\n".to_owned(),
        "tab\there".to_owned(),
        "crlf\r\nand cr\rend".to_owned(),
        "Ação \u{65e5}\u{672c} \u{1f44d}\u{1f3fd} e\u{301} \u{200b}soft\u{ad}hyphen".to_owned(),
        "!echo not for a shell".to_owned(),
        "a backslash at the end\\".to_owned(),
        "a key \x1b[201~\x1b[A\x03\x04 or two".to_owned(),
        "<pasted_content id=\"x\">mine</pasted_content id=\"x\">".to_owned(),
        "/gsd:new-project .milestones/1/MILESTONE-CONTEXT.md".to_owned(),
        "?".to_owned(),
        "#hash".to_owned(),
    ];
    for (index, text) in texts.iter().enumerate() {
        submit(&terminal, text);
        let reported = bench.prompt(index + 1);
        assert!(
            prompt::confirms(text, &reported),
            "{text:?} was reported as {reported:?}"
        );
        for other in texts.iter().filter(|other| *other != text) {
            assert!(
                !prompt::confirms(other, &reported),
                "{reported:?} is no proof of {other:?}"
            );
        }
        bench.nth("Stop", index + 1);
        terminal.wait_quiet(QUIET);
    }
    let HookKind::UserPromptExpansion { command_name, .. } =
        bench.nth("UserPromptExpansion", 1).kind
    else {
        panic!()
    };
    assert_eq!(command_name.as_deref(), Some("gsd:new-project"));
}

#[test]
fn an_unknown_slash_command_is_reported_by_no_hook() {
    let Some(bench) = Bench::new() else { return };
    let terminal = bench.start_ready(Start::New(Uuid::new_v4()), 1);
    submit(&terminal, "/gsd:no-such-command a");
    terminal.wait_quiet(QUIET);
    submit(&terminal, "after it");
    assert_eq!(bench.prompt(1), "after it");
}

#[test]
fn a_prompt_on_the_command_line_is_never_an_option_or_a_subcommand() {
    let Some(bench) = Bench::new() else { return };
    let prompts = [
        "-p",
        "--help",
        "update",
        "mcp",
        "/gsd:new-project a",
        "two\nlines",
        "--dangerously-skip-permissions x",
    ];
    for (index, prompt) in prompts.iter().enumerate() {
        let id = Uuid::new_v4();
        let _terminal = bench.start(Start::New(id), Some(prompt));
        let reported = bench.prompt(index + 1);
        assert!(
            prompt::confirms(prompt, &reported),
            "{prompt:?} was reported as {reported:?}"
        );
        assert_eq!(bench.nth("UserPromptSubmit", index + 1).session_id, id);
        bench.nth("Stop", index + 1);
    }
}

#[test]
fn clear_begins_another_conversation_and_keeps_the_old_one() {
    let Some(bench) = Bench::new() else { return };
    let id = Uuid::new_v4();
    let terminal = bench.start_ready(Start::New(id), 1);
    submit(&terminal, "first words");
    bench.nth("Stop", 1);
    terminal.wait_quiet(QUIET);
    submit(&terminal, "/clear");
    let end = bench.nth("SessionEnd", 1);
    assert_eq!(
        (end.session_id, end.kind),
        (
            id,
            HookKind::SessionEnd {
                reason: Some("clear".into())
            }
        )
    );
    let start = bench.nth("SessionStart", 2);
    assert_ne!(start.session_id, id);
    assert!(matches!(
        start.kind,
        HookKind::SessionStart {
            source: StartSource::Clear,
            ..
        }
    ));
    bench.spoken(id);
}

#[test]
fn failures_end_tools_and_turns() {
    let Some(bench) = Bench::new() else { return };
    let terminal = bench.start_ready(Start::New(Uuid::new_v4()), 1);
    submit(&terminal, "stub:bash false");
    let HookKind::PreToolUse {
        tool_name,
        tool_input,
        tool_use_id,
    } = bench.nth("PreToolUse", 1).kind
    else {
        panic!()
    };
    assert_eq!(
        (tool_name.as_str(), &tool_input["command"]),
        ("Bash", &json!("false"))
    );
    let failed = bench.nth("PostToolUseFailure", 1);
    assert!(
        matches!(failed.kind, HookKind::PostToolUse { tool_use_id: id, .. } if id == tool_use_id)
    );
    bench.nth("Stop", 1);
    terminal.wait_quiet(QUIET);
    submit(&terminal, "stub:error 400");
    assert_eq!(
        bench.nth("StopFailure", 1).kind,
        HookKind::Stop {
            last_assistant_message: None
        }
    );
    assert_eq!(bench.count("Stop"), 1);
}

#[test]
fn a_question_is_asked_by_a_hook_and_on_the_screen() {
    let Some(bench) = Bench::new() else { return };
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
    terminal.wait_quiet(QUIET);
    bench.running_until(&terminal, running::Status::Waiting);
    terminal.write(b"2").unwrap();
    bench
        .stub
        .wait_for_blocking(|request| request.body.to_string().contains("Blue"));
    bench.nth("Stop", 1);
}

#[test]
fn no_hook_runs_before_the_folder_is_trusted() {
    let Some(bench) = Bench::new() else { return };
    let other = tempfile::tempdir().unwrap();
    let bench = Bench {
        folder: other,
        ..bench
    };
    let mut terminal = bench.start(Start::New(Uuid::new_v4()), None);
    terminal.wait_text("trust");
    terminal.wait_quiet(QUIET);
    assert_eq!(bench.hooks.events(), Vec::<serde_json::Value>::new());
    // What a blind Enter does.
    terminal.write(prompt::SUBMIT).unwrap();
    terminal.wait_exit();
    assert_eq!(bench.count("SessionStart"), 0);
}

/// The CLI itself says which transcripts can be resumed.
#[test]
fn a_transcript_is_judged_as_the_cli_judges_it() {
    let Some(bench) = Bench::new() else { return };
    let slug: String = fs::canonicalize(bench.folder.path())
        .unwrap()
        .to_string_lossy()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    let folder = bench.home.config_dir().join("projects").join(slug);
    fs::create_dir_all(&folder).unwrap();
    let record = |kind: &str, sidechain: bool| {
        let message = json!({ "role": "user", "content": "hello" });
        json!({ "parentUuid": null, "isSidechain": sidechain, "type": kind, "subtype": "informational", "content": "x",
                "message": message, "uuid": Uuid::new_v4(), "timestamp": "2026-01-01T00:00:00.000Z", "version": VERSION,
                "cwd": bench.folder.path(), "sessionId": "ID" })
        .to_string()
    };
    let mode = json!({ "type": "mode", "mode": "normal", "sessionId": "ID" }).to_string();
    let user = record("user", false);
    let cases = [
        ("no line", String::new()),
        (
            "no message",
            format!(
                "{mode}\n{}\n",
                json!({ "type": "last-prompt", "lastPrompt": "x", "sessionId": "ID" })
            ),
        ),
        ("a message", format!("{mode}\n{user}\n")),
        (
            "a subagent's message",
            format!("{mode}\n{}\n", record("user", true)),
        ),
        (
            "what a command left",
            format!("{mode}\n{}\n", record("system", false)),
        ),
        (
            "half a message",
            format!("{mode}\n{}", &user[..user.len() / 2]),
        ),
        (
            "a message after half of one",
            format!("{}\n{user}\n", &user[..user.len() / 2]),
        ),
    ];
    for (what, text) in cases {
        let id = Uuid::new_v4();
        fs::write(
            folder.join(format!("{id}.jsonl")),
            text.replace("ID", &id.to_string()),
        )
        .unwrap();
        let judged = bench.transcript(id);
        let starts = bench.count("SessionStart");
        let mut terminal = bench.start(Start::Resume(id), None);
        match judged {
            Transcript::Spoken(_) => assert_eq!(
                bench.nth("SessionStart", starts + 1).session_id,
                id,
                "{what}"
            ),
            Transcript::Empty(_) => {
                assert_eq!(terminal.wait_exit().code(), Some(1), "{what}");
                terminal.wait_text("No conversation found with session ID");
            }
            Transcript::Missing => panic!("{what} was not found"),
        }
    }
}
