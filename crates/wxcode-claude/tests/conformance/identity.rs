//! Facts about the conversation of a process.

use std::fs;

use uuid::Uuid;
use wxcode_claude::{
    command::Start,
    hook::{HookKind, StartSource},
    running::Status,
    transcript::Transcript,
};

use crate::bench::{Bench, QUIET, submit};

pub(crate) fn chosen_before(bench: &Bench) -> String {
    let id = Uuid::new_v4();
    let _terminal = bench.start_ready(Start::New(id), 1);
    let event = bench.nth("SessionStart", 1);
    assert_eq!(event.session_id, id);
    let HookKind::SessionStart {
        source,
        model: Some(_),
    } = event.kind
    else {
        panic!("{:?}", event.kind)
    };
    assert_eq!(source, StartSource::Startup);
    let cwd = Some(fs::canonicalize(bench.folder.path()).unwrap());
    assert_eq!(event.cwd, cwd);
    "reported as chosen, with `source: startup` and a model".to_owned()
}

pub(crate) fn kept_when_resumed(bench: &Bench) -> String {
    let id = Uuid::new_v4();
    let terminal = bench.start_ready(Start::New(id), 1);
    submit(&terminal, "first words");
    assert_eq!(bench.prompt(1), "first words");
    let stop = bench.nth("Stop", 1);
    assert!(
        matches!(&stop.kind, HookKind::Stop { last_assistant_message: Some(text), .. } if text.contains("first words")),
        "{:?}",
        stop.kind
    );
    bench.spoken(id);
    // SIGKILL.
    drop(terminal);
    let _terminal = bench.start(Start::Resume(id), Some("second words"));
    bench.resumed(2, id);
    assert_eq!(bench.prompt(2), "second words");
    let request = bench.stub.wait_for_blocking(|request| {
        let texts = request.user_texts();
        texts.iter().any(|text| text == "second words")
    });
    assert!(
        request.user_texts().contains(&"first words".to_owned()),
        "the conversation goes on: {:?}",
        request.user_texts()
    );
    "same id with `source: resume`; the model was sent both messages".to_owned()
}

pub(crate) fn unknown(bench: &Bench) -> String {
    let id = Uuid::new_v4();
    drop(bench.start_ready(Start::New(id), 1));
    assert_eq!(bench.transcript(id), Transcript::Missing);
    let mut refused = bench.start(Start::Resume(id), None);
    assert_eq!(refused.wait_exit().code(), Some(1));
    refused.wait_text("No conversation found with session ID");
    let _terminal = bench.start_ready(Start::Again(id), 2);
    assert_eq!(bench.nth("SessionStart", 2).session_id, id);
    "`No conversation found with session ID`, exit 1; chosen again it is taken".to_owned()
}

pub(crate) fn in_use(bench: &Bench) -> String {
    let id = Uuid::new_v4();
    let terminal = bench.start_ready(Start::New(id), 1);
    submit(&terminal, "first words");
    bench.nth("Stop", 1);
    bench.spoken(id);
    drop(terminal);
    let mut refused = bench.start(Start::Again(id), None);
    assert_eq!(refused.wait_exit().code(), Some(1));
    refused.wait_text("is already in use");
    "`is already in use`, exit 1".to_owned()
}

pub(crate) fn cleared(bench: &Bench) -> String {
    let id = Uuid::new_v4();
    let terminal = bench.start_ready(Start::New(id), 1);
    submit(&terminal, "first words");
    bench.nth("Stop", 1);
    terminal.wait_quiet(QUIET);
    submit(&terminal, "/clear");
    let end = bench.nth("SessionEnd", 1);
    let reason = Some("clear".to_owned());
    assert_eq!(
        (end.session_id, end.kind),
        (id, HookKind::SessionEnd { reason })
    );
    let start = bench.nth("SessionStart", 2);
    assert_ne!(start.session_id, id);
    assert!(
        matches!(
            start.kind,
            HookKind::SessionStart {
                source: StartSource::Clear,
                ..
            }
        ),
        "{:?}",
        start.kind
    );
    bench.spoken(id);
    "`SessionEnd` of the old with `clear`, `SessionStart` of a new id with `clear`; the old transcript stays".to_owned()
}

pub(crate) fn compacted(bench: &Bench) -> String {
    let id = Uuid::new_v4();
    let terminal = bench.start_ready(Start::New(id), 1);
    submit(&terminal, "first words");
    bench.nth("Stop", 1);
    terminal.wait_quiet(QUIET);
    submit(&terminal, "/compact");
    assert_eq!(bench.nth("PreCompact", 1).session_id, id);
    let start = bench.nth("SessionStart", 2);
    assert!(
        matches!(
            start.kind,
            HookKind::SessionStart {
                source: StartSource::Compact,
                ..
            }
        ),
        "{:?}",
        start.kind
    );
    assert_eq!(start.session_id, id);
    "`PreCompact`, then `SessionStart` of the same id".to_owned()
}

pub(crate) fn recorded(bench: &Bench) -> String {
    let id = Uuid::new_v4();
    let terminal = bench.start_ready(Start::New(id), 1);
    let running = bench.recorded(&terminal, |running| running.status == Status::Idle);
    assert_eq!(running.session_id, id);
    assert_eq!(running.version.as_deref(), Some(&*bench.version));
    let cwd = Some(fs::canonicalize(bench.folder.path()).unwrap());
    assert_eq!(running.cwd, cwd);
    let stat = fs::read_to_string(format!("/proc/{}/stat", terminal.pid())).unwrap();
    let fields = stat.rsplit_once(')').unwrap().1.split_whitespace();
    let start: u64 = fields
        .skip(19)
        .map(|ticks| ticks.parse().unwrap())
        .next()
        .unwrap();
    assert_eq!(running.started, Some(start), "`procStart`");
    format!("all there; `version` {}", bench.version)
}

pub(crate) fn record_follows(bench: &Bench) -> String {
    let terminal = bench.start_ready(Start::New(Uuid::new_v4()), 1);
    submit(&terminal, "first words");
    bench.nth("Stop", 1);
    terminal.wait_quiet(QUIET);
    submit(&terminal, "/clear");
    let new = bench.nth("SessionStart", 2).session_id;
    bench.recorded(&terminal, |running| running.session_id == new);
    "yes, slightly after the hook".to_owned()
}
