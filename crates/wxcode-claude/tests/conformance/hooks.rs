//! Facts about the hooks' reports and processes.

use std::{fs, thread, time::Instant};

use serde_json::{Value, json};
use uuid::Uuid;
use wxcode_claude::{
    command::Start, hook::HookKind, prompt, settings, status_line::StatusLine,
    transcript::config_dir,
};
use wxcode_testbed::pty::WAIT_MAX;

use crate::bench::{Bench, QUIET, submit};

pub(crate) fn one_depth(bench: &Bench) -> String {
    let document = settings::document(&bench.hooks.command_with_parent(), None).to_string();
    fs::write(bench.settings(), document).unwrap();
    let script = format!(
        "'{}' -p --settings '{}' 'inner words' </dev/null\n",
        bench.claude.display(),
        bench.settings().display()
    );
    fs::write(bench.folder.path().join("nest.sh"), script).unwrap();
    let id = Uuid::new_v4();
    let unasked = [
        "--allowedTools",
        "Bash(*)",
        "--permission-mode",
        "acceptEdits",
    ];
    let terminal = bench.start_with(Start::New(id), &unasked, None);
    bench.ready(&terminal, 1);
    submit(&terminal, "stub:bash sh nest.sh");
    let named = |name: &str, own: bool| {
        bench.hooks.wait_for(|event| {
            event["hook_event_name"] == name && (event["session_id"] == id.to_string()) == own
        })
    };
    named("Stop", true);
    terminal.wait_quiet(QUIET);
    submit(&terminal, "/compact");
    bench.hooks.wait_for(|event| event["source"] == "compact");
    terminal.wait_quiet(QUIET);
    submit(
        &terminal,
        "stub:tool Agent {\"description\":\"d\",\"prompt\":\"hi\",\"subagent_type\":\"general-purpose\"}",
    );
    let subagent = bench.hooks.wait_for(|event| {
        event["hook_event_name"] == "SubagentStop" && event["agent_type"] == "general-purpose"
    });
    assert!(subagent["agent_id"].is_string(), "{subagent}");
    let pid = json!(terminal.pid());
    let events = bench.hooks.events();
    let (own, others): (Vec<&Value>, Vec<_>) = events
        .iter()
        .partition(|event| event["session_id"] == id.to_string());
    for event in &own {
        assert_eq!(event["hook_parent"], pid, "{event}");
    }
    for name in ["SessionStart", "UserPromptSubmit", "Stop", "SessionEnd"] {
        let nested = others
            .iter()
            .find(|event| event["hook_event_name"] == name)
            .unwrap_or_else(|| panic!("the nested one reported no {name}"));
        assert_ne!(nested["hook_parent"], pid, "{nested}");
    }
    let mut names: Vec<_> = own
        .iter()
        .filter_map(|event| event["hook_event_name"].as_str())
        .collect();
    names.sort_unstable();
    names.dedup();
    format!(
        "the shell of each hook is a child of the process: {}; that of a nested one is not",
        names.join(", ")
    )
}

pub(crate) fn fields(bench: &Bench) -> String {
    let id = Uuid::new_v4();
    let unasked = ["--allowedTools", "Bash(*)"];
    let terminal = bench.start_with(Start::New(id), &unasked, None);
    bench.ready(&terminal, 1);
    submit(&terminal, "stub:bash true");
    bench.nth("Stop", 1);
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
        ("Bash", &json!("true"))
    );
    assert!(tool_use_id.is_some());
    let used = bench.nth("PostToolUse", 1);
    assert!(
        matches!(&used.kind, HookKind::PostToolUse { tool_use_id: same, .. } if *same == tool_use_id),
        "{used:?}"
    );
    let projects = config_dir(None, bench.home.path()).join("projects");
    for name in bench.names() {
        let event = bench.nth(&name, 1);
        assert_eq!(event.session_id, id, "{name}");
        let transcript = event.transcript_path.unwrap();
        assert!(
            transcript.starts_with(&projects),
            "{}",
            transcript.display()
        );
        assert!(event.cwd.is_some(), "{name}");
    }
    let mut names = bench.names();
    names.sort();
    names.dedup();
    names.join(", ")
}

pub(crate) fn failures(bench: &Bench) -> String {
    let terminal = bench.start_ready(Start::New(Uuid::new_v4()), 1);
    submit(&terminal, "stub:bash false");
    let HookKind::PreToolUse { tool_use_id, .. } = bench.nth("PreToolUse", 1).kind else {
        panic!()
    };
    let failed = bench.nth("PostToolUseFailure", 1);
    assert!(
        matches!(&failed.kind, HookKind::PostToolUse { tool_use_id: id, .. } if *id == tool_use_id),
        "{failed:?}"
    );
    bench.nth("Stop", 1);
    terminal.wait_quiet(QUIET);
    submit(&terminal, "stub:error 400");
    let failed = bench.nth("StopFailure", 1).kind;
    assert!(
        matches!(&failed, HookKind::Stop { failure: Some(kind), .. } if !kind.is_empty()),
        "{failed:?}"
    );
    assert_eq!(bench.count("Stop"), 1);
    "`PostToolUseFailure` with the tool's id; `StopFailure` and no `Stop`".to_owned()
}

pub(crate) fn not_before_trust(bench: &Bench) -> String {
    let other = tempfile::tempdir_in(bench.folder.path().parent().unwrap()).unwrap();
    let mut terminal = crate::bench::Terminal::start(
        &bench.claude,
        ["--settings".as_ref(), bench.settings().as_os_str()],
        bench.home.env(),
        other.path(),
        (120, 40),
    )
    .unwrap();
    crate::bench::dialog(&terminal);
    terminal.wait_quiet(QUIET);
    assert_eq!(bench.names(), Vec::<String>::new());
    // The effect of a blind Enter.
    terminal.write(prompt::SUBMIT).unwrap();
    let code = terminal.wait_exit().code();
    assert_eq!(bench.count("SessionStart"), 0);
    format!("none; a blind Enter ends it with exit {code:?}")
}

pub(crate) fn status_line(bench: &Bench) -> String {
    let (ours, theirs) = (
        bench.folder.path().join("ours"),
        bench.folder.path().join("theirs"),
    );
    let line = |to: &std::path::Path| {
        let command = format!("cat > '{}'; echo LINE-$((6*7))", to.display());
        json!({ "type": "command", "command": command })
    };
    let document = settings::document(&bench.hooks.command(), Some(line(&ours)));
    fs::write(bench.settings(), document.to_string()).unwrap();
    let user = json!({ "statusLine": line(&theirs) });
    bench.home.settings(&user).unwrap();
    let id = Uuid::new_v4();
    let terminal = bench.start_ready(Start::New(id), 1);
    submit(&terminal, "hello");
    bench.nth("Stop", 1);
    let until = Instant::now() + WAIT_MAX;
    let report = loop {
        let report = fs::read(&ours).ok();
        let report = report.and_then(|report| StatusLine::parse(&report, 0));
        if let Some(report) = report.filter(|report| report.cost_usd > Some(0.0)) {
            break report;
        }
        assert!(Instant::now() < until, "no report with a cost");
        thread::sleep(QUIET);
    };
    terminal.wait_text("LINE-42");
    assert_eq!(report.session_id, Some(id));
    assert!(report.context_percent.is_some());
    assert!(!theirs.exists(), "the user's command ran too");
    "id, context and cost after a turn, no limits with an API key; the user's does not run"
        .to_owned()
}
