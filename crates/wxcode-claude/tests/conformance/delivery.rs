//! Facts about the ends of a command, each in the permission modes `manual` and `auto`.

use std::{
    fs,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde_json::json;
use uuid::Uuid;
use wxcode_claude::{
    command::Start,
    hook::HookKind,
    hooks_off::{Layers, Problem},
    transcript::{
        command::{self, Carried},
        limit,
        outcome::{self, Outcome, Submitted},
    },
};

use crate::bench::{Bench, QUIET, Terminal, screen, submit};

const MODES: [&str; 2] = ["manual", "auto"];

/// A ready agent in this permission mode; `starts` counts the `SessionStart` events so far.
fn start(bench: &Bench, id: Uuid, mode: &str, starts: usize) -> Terminal {
    let arguments = ["--permission-mode", mode];
    let terminal = bench.start_with(Start::New(id), &arguments, None);
    bench.ready(&terminal, starts);
    terminal
}

pub(crate) fn refused(bench: &Bench) -> String {
    let command = "if grep -q forbidden; then echo 'policy says no' >&2; exit 2; fi";
    let hook = json!([{ "hooks": [{ "type": "command", "command": command }] }]);
    let settings = json!({ "hooks": { "UserPromptSubmit": hook } });
    bench.home.settings(&settings).unwrap();
    for (at, mode) in MODES.into_iter().enumerate() {
        let id = Uuid::new_v4();
        let terminal = start(bench, id, mode, at + 1);
        let text = "a forbidden text";
        submit(&terminal, text);
        let reported = bench.nth("UserPromptSubmit", at + 1);
        let HookKind::UserPromptSubmit {
            prompt_id: Some(prompt_id),
            ..
        } = reported.kind
        else {
            panic!("{:?}", reported.kind);
        };
        let submitted = Submitted {
            text: text.to_owned(),
            prompt_id,
            since: String::new(),
        };
        let path = reported.transcript_path.unwrap();
        let found = bench.found(|| outcome::outcome(&path, 0, &submitted).unwrap().0);
        assert_eq!(
            found,
            Outcome::Refused("policy says no".to_owned()),
            "{mode}"
        );
        screen(&terminal, |text| text.contains("a forbidden text"));
    }
    assert_eq!(bench.count("Stop"), 0, "the model was asked");
    "a record names the hook's message, and the model is not asked".to_owned()
}

pub(crate) fn usage_limit(bench: &Bench) -> String {
    for (at, mode) in MODES.into_iter().enumerate() {
        let token = format!("sk-ant-oat01-{}", "a".repeat(80));
        let account = [
            ("ANTHROPIC_API_KEY", ""),
            ("CLAUDE_CODE_OAUTH_TOKEN", &token),
        ];
        let start = Start::New(Uuid::new_v4());
        let terminal = bench.start_as(start, &["--permission-mode", mode], None, &account);
        bench.ready(&terminal, at + 1);
        let reset = SystemTime::now() + Duration::from_secs(3_600);
        bench.stub.limit_until(reset);
        submit(&terminal, "hello");
        let failed = bench.nth("StopFailure", at + 1);
        assert!(is_limit(&failed.kind), "{mode}: {:?}", failed.kind);
        let path = failed.transcript_path.unwrap();
        let found = bench.found(|| limit::last_error(&path).unwrap());
        let reset = reset.duration_since(UNIX_EPOCH).unwrap().as_secs();
        assert!(found.is_limit, "{mode}");
        assert_eq!(found.resets_at, i64::try_from(reset).ok(), "{mode}");
        bench.stub.limit_until(UNIX_EPOCH);
    }
    "`StopFailure` with `rate_limit`; the transcript has the reset".to_owned()
}

/// Whether a failed turn met the account's limit.
fn is_limit(failed: &HookKind) -> bool {
    let HookKind::Stop {
        failure: Some(kind),
        last_assistant_message,
    } = failed
    else {
        panic!("{failed:?}");
    };
    limit::is_limit(kind, last_assistant_message.as_deref())
}

pub(crate) fn overload(bench: &Bench) -> String {
    for (at, mode) in MODES.into_iter().enumerate() {
        let terminal = start(bench, Uuid::new_v4(), mode, at + 1);
        submit(&terminal, "stub:error 529");
        let failed = bench.nth("StopFailure", at + 1);
        assert!(!is_limit(&failed.kind), "{mode}: {:?}", failed.kind);
    }
    "`StopFailure` with another error than the account's limit".to_owned()
}

pub(crate) fn without_hook(bench: &Bench) -> String {
    let commands = ["/model sonnet", "/effort low", "/rename one", "/color red"];
    for (at, mode) in MODES.into_iter().enumerate() {
        let terminal = start(bench, Uuid::new_v4(), mode, at + 1);
        let path = bench.nth("SessionStart", at + 1).transcript_path.unwrap();
        let mut from = 0;
        for text in commands {
            submit(&terminal, text);
            let found = bench.found(|| command::carried(&path, from, text).unwrap().0);
            assert_eq!(found, Carried::Out, "{mode}: {text}");
            from = outcome::len(&path).unwrap();
            terminal.wait_quiet(QUIET);
        }
        let text = "/no-such-command a";
        submit(&terminal, text);
        let found = bench.found(|| command::carried(&path, from, text).unwrap().0);
        let words = "Unknown command: /no-such-command".to_owned();
        assert_eq!(found, Carried::Refused(words), "{mode}");
    }
    let shown: Vec<_> = commands.iter().map(|text| format!("`{text}`")).collect();
    format!(
        "no hook; a record for {}, also before the first message, and one for an unknown command",
        shown.join(", ")
    )
}

pub(crate) fn with_panel(bench: &Bench) -> String {
    let commands = ["/cost", "/help", "/status", "/permissions"];
    let mut from = 0;
    for (at, mode) in MODES.into_iter().enumerate() {
        let terminal = start(bench, Uuid::new_v4(), mode, at + 1);
        let path = bench.nth("SessionStart", at + 1).transcript_path.unwrap();
        for text in commands {
            submit(&terminal, text);
            let dialog = crate::bench::dialog(&terminal);
            assert_eq!(dialog.name.as_str(), "other", "{mode}: {text}");
            bench.found(|| {
                command::is_submitted(&path, from, text)
                    .unwrap()
                    .then_some(())
            });
            from = outcome::len(&command::history(&path).unwrap()).unwrap();
            terminal.wait_quiet(QUIET);
            terminal.write(b"\x1b").unwrap();
            terminal.wait_quiet(QUIET);
        }
    }
    assert_eq!(bench.count("UserPromptSubmit"), 0);
    let shown: Vec<_> = commands.iter().map(|text| format!("`{text}`")).collect();
    format!(
        "no hook; the history has {} while the panel is open",
        shown.join(", ")
    )
}

pub(crate) fn hooks_off(bench: &Bench) -> String {
    let file = bench.folder.path().join(".claude/settings.local.json");
    fs::write(&file, "{\"disableAllHooks\":true}").unwrap();
    for mode in MODES {
        let arguments = ["--permission-mode", mode];
        let terminal = bench.start_with(Start::New(Uuid::new_v4()), &arguments, None);
        terminal.wait_text("\u{1b}[?2004h");
        terminal.wait_quiet(QUIET);
        submit(&terminal, "hello");
        screen(&terminal, |text| text.contains("stub: "));
    }
    assert_eq!(bench.names(), Vec::<String>::new());
    let causes = Layers::new(&bench.home.config_dir(), Some(bench.folder.path())).causes();
    assert_eq!(
        (&causes[0].file, &causes[0].problem),
        (&file, &Problem::AllOff)
    );
    "no hook of ours runs, and the file is found".to_owned()
}
