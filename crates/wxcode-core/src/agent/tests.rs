use serde_json::json;

use super::{AgentState::*, *};

mod ask;
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
