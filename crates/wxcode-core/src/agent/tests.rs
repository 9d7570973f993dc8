use serde_json::json;

use super::{AgentState::*, *};

mod report;

fn look(dialog: Option<Dialog>) -> Look {
    Look {
        prompt: dialog.is_none(),
        dialog,
        bracketed_paste: true,
        offset: 7,
    }
}

fn quiet() -> Evidence {
    Evidence::Screen(look(None))
}

fn glimpse() -> Evidence {
    Evidence::Glimpse(look(None))
}

/// A screen without readable content.
fn drawing() -> Look {
    Look {
        prompt: false,
        ..look(None)
    }
}

/// A screen at rest without readable content.
fn unreadable() -> Evidence {
    Evidence::Screen(drawing())
}

fn showing(name: &str, kind: DialogKind, text: &str) -> Evidence {
    Evidence::Screen(look(Some(Dialog {
        name: name.into(),
        kind,
        options: vec!["Yes".into(), "No".into()],
        selected: Some(0),
        form: None,
        text: crate::ask::bare(text),
    })))
}

fn permission(text: &str) -> Evidence {
    showing("permission", DialogKind::Permission, text)
}

fn offer() -> Evidence {
    showing("auto_mode_offer", DialogKind::Blocking, "auto?")
}

fn request(hook: u64, by: Option<&str>, command: &str) -> Evidence {
    Evidence::Requested(Request {
        hook,
        by: by.map(str::to_owned),
        tool_name: "Bash".into(),
        tool_input: json!({ "command": command }),
        questions: vec![],
    })
}

fn question(hook: u64) -> Evidence {
    let questions = vec![crate::ask::Question {
        question: "Which?".into(),
        ..Default::default()
    }];
    Evidence::Requested(Request {
        hook,
        by: None,
        tool_name: "AskUserQuestion".into(),
        tool_input: json!({ "questions": [{ "question": "Which?" }] }),
        questions,
    })
}

fn over(by: Option<&str>, command: &str) -> Evidence {
    Evidence::ToolOver {
        by: by.map(str::to_owned),
        tool_name: "Bash".into(),
        tool_input: json!({ "command": command }),
    }
}

/// Each case: an observation, the state after it, and whether a command may be typed.
fn check(cases: &[(Evidence, AgentState, bool)]) -> Agent {
    let mut agent = Agent::default();
    for (step, (evidence, state, ready)) in cases.iter().enumerate() {
        agent.observe(evidence);
        assert_eq!(
            (agent.state(), agent.is_ready()),
            (*state, *ready),
            "step {step}: {evidence:?}"
        );
    }
    agent
}

/// Like [`check`], in a session that waits for its first prompt.
fn after_start(cases: &[(Evidence, AgentState, bool)]) -> Agent {
    let mut all = vec![
        (Evidence::SessionStarted, Starting, false),
        (quiet(), Idle, true),
    ];
    all.extend_from_slice(cases);
    check(&all)
}

#[test]
fn ready_needs_hook_and_screen() {
    check(&[
        (quiet(), Starting, false),
        (Evidence::SessionStarted, Starting, false),
        (quiet(), Idle, true),
    ]);
}

#[test]
fn a_trust_dialog_blocks_until_it_is_gone() {
    check(&[
        (
            showing("trust_folder", DialogKind::Blocking, "trust?"),
            BlockedDialog,
            false,
        ),
        (unreadable(), Starting, false),
        (Evidence::SessionStarted, Starting, false),
        (offer(), BlockedDialog, false),
        (quiet(), Idle, true),
    ]);
}

#[test]
fn a_turn_with_a_permission_and_a_question() {
    after_start(&[
        (Evidence::PromptSubmitted, Working, false),
        (Evidence::TurnGoesOn, Working, false),
        (request(3, None, "ls"), WaitingPermission, false),
        (permission("ls"), WaitingPermission, false),
        (over(None, "ls"), Working, false),
        (question(5), WaitingQuestion, false),
        (
            Evidence::ToolOver {
                by: None,
                tool_name: "AskUserQuestion".into(),
                tool_input: json!({ "questions": [{ "question": "Which?" }], "answers": { "Which?": "a" } }),
            },
            Working,
            false,
        ),
        (Evidence::TurnEnded, Idle, false),
        (quiet(), Idle, true),
    ]);
}

#[test]
fn esc_leaves_no_state_behind() {
    after_start(&[
        (Evidence::PromptSubmitted, Working, false),
        (quiet(), Working, false),
        (Evidence::RecordedIdle, Idle, false),
        (quiet(), Idle, true),
        (Evidence::PromptSubmitted, Working, false),
        (request(4, None, "ls"), WaitingPermission, false),
        // The dialog may not have opened yet.
        (quiet(), WaitingPermission, false),
        (Evidence::RecordedIdle, Idle, false),
        (quiet(), Idle, true),
    ]);
}

#[test]
fn a_long_idle_prompt_is_no_turn() {
    after_start(&[
        (Evidence::PromptSubmitted, Working, false),
        (Evidence::PromptIdle, Idle, false),
        (Evidence::PromptSubmitted, Working, false),
        (question(4), WaitingQuestion, false),
        (Evidence::PromptIdle, WaitingQuestion, false),
        (Evidence::TurnEnded, Idle, false),
    ]);
}

#[test]
fn a_long_permitted_tool_is_work() {
    for (gone, state) in [
        (glimpse(), Working),
        (quiet(), Working),
        (Evidence::Glimpse(drawing()), WaitingPermission),
    ] {
        after_start(&[
            (Evidence::PromptSubmitted, Working, false),
            (request(3, None, "sleep 600"), WaitingPermission, false),
            (permission("sleep 600"), WaitingPermission, false),
            (unreadable(), WaitingPermission, false),
            (permission("sleep 600"), WaitingPermission, false),
            // A record may stay busy while the dialog is open.
            (Evidence::RecordedBusy, WaitingPermission, false),
            (gone, state, false),
            (Evidence::RecordedBusy, Working, false),
            (over(None, "sleep 600"), Working, false),
            (Evidence::TurnEnded, Idle, false),
        ]);
    }
}

#[test]
fn a_dialog_over_a_turn_gives_it_back() {
    let config = || showing("other", DialogKind::Blocking, "config");
    after_start(&[
        (config(), BlockedDialog, false),
        (quiet(), Idle, true),
        (Evidence::PromptSubmitted, Working, false),
        (config(), BlockedDialog, false),
        (Evidence::TurnGoesOn, BlockedDialog, false),
        (glimpse(), Working, false),
        (config(), BlockedDialog, false),
        (Evidence::RecordedIdle, BlockedDialog, false),
        (quiet(), Idle, true),
    ]);
}

#[test]
fn a_background_subagent_asks_between_turns() {
    let by = Some("a1");
    after_start(&[
        (Evidence::PromptSubmitted, Working, false),
        (Evidence::TurnEnded, Idle, false),
        (request(6, by, "ls"), WaitingPermission, false),
        (permission("ls"), WaitingPermission, false),
        (over(by, "ls"), Idle, false),
        (request(8, by, "id"), WaitingPermission, false),
        (permission("id"), WaitingPermission, false),
        (Evidence::TurnEnded, WaitingPermission, false),
        (Evidence::SubagentEnded { by: "a1".into() }, Idle, false),
        (quiet(), Idle, true),
    ]);
}

#[test]
fn the_visible_request_is_pending() {
    let mut agent = after_start(&[
        (Evidence::PromptSubmitted, Working, false),
        // As with the real agent, the requests come in another order than the dialogs.
        (request(4, None, "echo two"), WaitingPermission, false),
        (request(5, None, "echo one"), WaitingPermission, false),
        (permission("1 of 2 echo one"), WaitingPermission, false),
    ]);
    let ask = agent.ask().unwrap();
    assert_eq!((ask.id.as_str(), ask.kind), ("h5", AskKind::Permission));
    assert_eq!(ask.tool_input, Some(json!({ "command": "echo one" })));
    assert_eq!(ask.options, ["Yes", "No"]);
    // Another tool in parallel is no evidence about the question.
    agent.observe(&over(None, "echo else"));
    assert_eq!(agent.ask_id().as_deref(), Some("h5"));
    agent.observe(&permission("2 of 2 echo two"));
    assert_eq!(agent.ask_id().as_deref(), Some("h4"));
    agent.observe(&over(None, "echo one"));
    assert_eq!(agent.ask_id().as_deref(), Some("h4"));
    agent.observe(&over(None, "echo two"));
    assert_eq!((agent.ask(), agent.state()), (None, Working));
}

#[test]
fn a_late_request_keeps_its_dialogs_id() {
    let mut agent = after_start(&[
        (Evidence::PromptSubmitted, Working, false),
        (permission("make everything"), WaitingPermission, false),
    ]);
    let read = agent.ask_id();
    assert!(
        read.as_ref().is_some_and(|id| id.starts_with('s')),
        "{read:?}"
    );
    agent.observe(&request(7, None, "make everything"));
    assert_eq!(agent.ask_id(), read);
    agent.observe(&permission("make everything"));
    assert_eq!(agent.ask_id(), read);
    assert_eq!(agent.ask().unwrap().tool_name.as_deref(), Some("Bash"));
    // The next one has an id of its own.
    agent.observe(&over(None, "make everything"));
    agent.observe(&request(9, None, "make everything"));
    agent.observe(&permission("make everything"));
    assert_eq!(agent.ask_id().as_deref(), Some("h9"));
}

#[test]
fn late_dialogs_find_their_request() {
    for seems_answered in [
        vec![glimpse()],
        vec![Evidence::Glimpse(drawing()), Evidence::RecordedBusy],
        vec![Evidence::RecordedIdle],
    ] {
        let answer = |agent: &mut Agent| {
            for evidence in &seems_answered {
                agent.observe(evidence);
            }
        };
        let mut agent = after_start(&[
            (Evidence::TurnGoesOn, Working, false),
            (
                request(4, Some("a1"), "make everything"),
                WaitingPermission,
                false,
            ),
            (permission("make everything"), WaitingPermission, false),
        ]);
        answer(&mut agent);
        assert_eq!(agent.ask(), None);
        agent.observe(&permission("make everything"));
        assert_eq!(agent.ask_id().as_deref(), Some("h4"));
        agent.observe(&over(Some("a1"), "make everything"));
        // A second request with the same words is a new question; a request with other words
        // belongs to none.
        agent.observe(&request(7, Some("a1"), "make everything"));
        agent.observe(&permission("make everything"));
        assert_eq!(agent.ask_id().as_deref(), Some("h7"));
        answer(&mut agent);
        agent.observe(&permission("something else"));
        assert_eq!(agent.ask_id().as_deref(), Some("s7"));
    }
}

#[test]
fn a_file_is_known_by_its_name() {
    let edit = |hook, path: &str| {
        Evidence::Requested(Request {
            hook,
            by: None,
            tool_name: "Edit".into(),
            tool_input: json!({ "file_path": path, "old_string": "\nfn one() {\n}", "new_string": "" }),
            questions: vec![],
        })
    };
    let mut agent = after_start(&[
        (edit(3, "/w/src/one.rs"), WaitingPermission, false),
        (edit(4, "/w/src/two.rs"), WaitingPermission, false),
    ]);
    agent.observe(&permission("Edit file src/two.rs 7 - fn one() {"));
    assert_eq!(agent.ask_id().as_deref(), Some("h4"));
    agent.observe(&permission("Edit file src/one.rs 7 - fn one() {"));
    assert_eq!(agent.ask_id().as_deref(), Some("h3"));
}

#[test]
fn a_question_precedes_its_screen_and_keeps_its_id() {
    let mut agent = after_start(&[
        (Evidence::PromptSubmitted, Working, false),
        (request(9, None, "ls"), WaitingPermission, false),
    ]);
    let told = agent.ask().unwrap();
    assert_eq!((told.id.as_str(), told.options.len()), ("h9", 0));
    agent.observe(&permission("something else altogether"));
    let shown = agent.ask().unwrap();
    assert_eq!((shown.id.as_str(), shown.options.len()), ("h9", 2));
    assert_eq!(shown.tool_name.as_deref(), Some("Bash"));
}

#[test]
fn a_dialog_without_a_hook_is_a_question() {
    let mut agent = after_start(&[(permission("Agent(sub work)"), WaitingPermission, false)]);
    let ask = agent.ask().unwrap();
    assert_eq!((ask.id.as_str(), &ask.tool_name), ("s7", &None));
    agent.observe(&quiet());
    assert_eq!((agent.state(), agent.ask()), (Idle, None));
}

#[test]
fn a_turn_continues_after_compaction() {
    after_start(&[
        (Evidence::Compacting, Working, false),
        (Evidence::SubagentEnded { by: "c".into() }, Working, false),
        (Evidence::Compacted, Idle, false),
        (Evidence::Compacting, Working, false),
        (Evidence::RecordedIdle, Idle, false),
        (Evidence::PromptSubmitted, Working, false),
        (Evidence::Compacting, Working, false),
        (Evidence::Compacted, Working, false),
        (Evidence::TurnEnded, Idle, false),
        (quiet(), Idle, true),
    ]);
}

#[test]
fn clear_in_an_idle_session_stays_idle() {
    after_start(&[
        (Evidence::SessionStarted, Idle, false),
        (quiet(), Idle, true),
    ]);
}

#[test]
fn a_conversation_elsewhere_is_unknown_whatever_is_seen() {
    let mut agent = Agent::default();
    agent.observe(&Evidence::SessionStarted);
    agent.observe(&quiet());
    assert_eq!(agent.state(), Idle);
    agent.observe(&Evidence::Elsewhere(true));
    for evidence in [quiet(), Evidence::TurnEnded, permission("run"), quiet()] {
        agent.observe(&evidence);
        assert_eq!(agent.state(), Unknown, "{evidence:?}");
        assert!(!agent.is_ready());
    }
    agent.observe(&Evidence::Elsewhere(false));
    agent.observe(&quiet());
    assert!(agent.is_ready());
}
