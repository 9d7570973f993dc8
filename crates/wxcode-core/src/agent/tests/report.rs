//! Reports of the agent about itself.

use super::*;

fn report(status: Status, offset: u64) -> Evidence {
    Evidence::Reported(Report { status, offset })
}

fn blocked(kind: AskKind, offset: u64) -> Evidence {
    report(Status::Blocked(Some(kind)), offset)
}

/// A screen after this many bytes.
fn at(offset: u64, evidence: Evidence) -> Evidence {
    match evidence {
        Evidence::Screen(look) => Evidence::Screen(Look { offset, ..look }),
        Evidence::Glimpse(look) => Evidence::Glimpse(Look { offset, ..look }),
        other => other,
    }
}

#[test]
fn a_start_up_dialog_is_known_by_its_report() {
    check(&[
        (blocked(AskKind::Permission, 3), BlockedDialog, false),
        (report(Status::Cleared, 5), Starting, false),
        (Evidence::SessionStarted, Starting, false),
        (report(Status::Ended, 6), Starting, false),
        (quiet(), Idle, true),
    ]);
}

#[test]
fn esc_is_known_by_its_report() {
    after_start(&[
        (Evidence::PromptSubmitted, Working, false),
        (report(Status::Working, 7), Working, false),
        (report(Status::Ended, 8), Idle, false),
        (at(9, quiet()), Idle, true),
        (Evidence::PromptSubmitted, Working, false),
        (report(Status::Working, 10), Working, false),
        (request(4, None, "ls"), WaitingPermission, false),
        (blocked(AskKind::Permission, 11), WaitingPermission, false),
        (at(12, permission("ls")), WaitingPermission, false),
        (report(Status::Ended, 13), Idle, false),
        // A screen from before the report.
        (at(12, permission("ls")), Idle, false),
        (at(14, quiet()), Idle, true),
        (blocked(AskKind::Question, 15), WaitingQuestion, false),
        (report(Status::Ended, 16), Idle, false),
    ]);
}

#[test]
fn a_permission_without_a_hook_is_a_question() {
    let mut agent = after_start(&[
        (Evidence::PromptSubmitted, Working, false),
        (Evidence::TurnGoesOn, Working, false),
        (report(Status::Working, 7), Working, false),
        (blocked(AskKind::Permission, 8), WaitingPermission, false),
        (at(9, permission("echo hi")), WaitingPermission, false),
    ]);
    assert_eq!(agent.ask().unwrap().options, ["Yes", "No"]);
    agent.observe(&report(Status::Working, 10));
    assert_eq!((agent.state(), agent.ask()), (Working, None));
    // The question has returned unanswered.
    agent.observe(&at(11, permission("echo hi")));
    assert_eq!(agent.state(), WaitingPermission);
    agent.observe(&over(None, "echo hi"));
    agent.observe(&at(12, quiet()));
    assert_eq!(agent.state(), Working);
}

#[test]
fn waiting_outranks_work_elsewhere() {
    let by = Some("a1");
    after_start(&[
        (Evidence::PromptSubmitted, Working, false),
        (request(4, by, "ls"), WaitingPermission, false),
        (blocked(AskKind::Permission, 7), WaitingPermission, false),
        (permission("ls"), WaitingPermission, false),
        // Another subagent's tool with the same input, and tools of the conversation.
        (over(Some("a2"), "ls"), WaitingPermission, false),
        (over(None, "ls"), WaitingPermission, false),
        (Evidence::TurnGoesOn, WaitingPermission, false),
        (Evidence::RecordedBusy, WaitingPermission, false),
        (Evidence::RecordedIdle, WaitingPermission, false),
        (
            Evidence::SubagentEnded { by: "a2".into() },
            WaitingPermission,
            false,
        ),
        (over(by, "ls"), WaitingPermission, false),
        (report(Status::Working, 9), Working, false),
    ]);
}

#[test]
fn waiting_for_background_work_is_no_idle() {
    after_start(&[
        (Evidence::PromptSubmitted, Working, false),
        (report(Status::Working, 7), Working, false),
        (Evidence::TurnEnded, Idle, false),
        (report(Status::Working, 7), Working, false),
        (quiet(), Working, false),
        (Evidence::RecordedIdle, Working, false),
        (report(Status::Ended, 8), Idle, false),
        (at(8, quiet()), Idle, true),
    ]);
}

#[test]
fn a_lying_report_is_refuted() {
    // A false report of a question: refuted by the screen, or by the record and the screen.
    after_start(&[
        (blocked(AskKind::Permission, 7), WaitingPermission, false),
        (at(8, quiet()), Idle, true),
        (blocked(AskKind::Question, 8), WaitingQuestion, false),
        (at(8, quiet()), WaitingQuestion, false),
        (Evidence::RecordedIdle, Idle, false),
        (at(8, quiet()), Idle, true),
    ]);
    // A false report of an end: the next hook refutes the report, and so does the dialog's screen.
    after_start(&[
        (Evidence::PromptSubmitted, Working, false),
        (
            request(4, None, "make everything"),
            WaitingPermission,
            false,
        ),
        (
            at(8, permission("make everything")),
            WaitingPermission,
            false,
        ),
        (report(Status::Ended, 9), Idle, false),
        (
            at(9, permission("make everything")),
            WaitingPermission,
            false,
        ),
        (over(None, "make everything"), Working, false),
    ]);
    // A false report of a turn: the record insists.
    let mut agent = after_start(&[(report(Status::Working, 7), Working, false)]);
    for _ in 1..DOUBTS_MAX {
        agent.observe(&Evidence::RecordedIdle);
        assert_eq!(agent.state(), Working);
    }
    agent.observe(&Evidence::RecordedIdle);
    assert_eq!(agent.state(), Idle);
}

#[test]
fn a_panel_of_the_user_outlasts_the_end_of_a_turn() {
    after_start(&[
        (Evidence::PromptSubmitted, Working, false),
        (report(Status::Working, 6), Working, false),
        (
            showing("other", DialogKind::Blocking, "model"),
            BlockedDialog,
            false,
        ),
        (report(Status::Ended, 8), BlockedDialog, false),
        (at(9, quiet()), Idle, true),
    ]);
}
