use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::{
    agent::AgentState,
    delivery::DeliveryState,
    event::{Report, Reporter, RunReport, Stage, ToolCall},
    run::{Place, RunState},
};

const fn id(n: u8) -> Id {
    Id::from_bytes([n; 12])
}

fn tool(session: u8, hook: u64) -> Kind {
    let by = Report {
        session_id: id(session),
        claude_session_id: Uuid::nil(),
        hook,
    };
    Kind::ToolStarted {
        by: Reporter::Session(by),
        call: ToolCall::default(),
    }
}

fn run_report(run: u8, offset: u64, part: u32) -> RunReport {
    RunReport {
        run_id: id(run),
        claude_session_id: Uuid::nil(),
        place: Place { offset, part },
    }
}

fn run_tool(run: u8, offset: u64, part: u32) -> Kind {
    Kind::ToolStarted {
        by: Reporter::Run(run_report(run, offset, part)),
        call: ToolCall::default(),
    }
}

fn run_message(run: u8, offset: u64, part: u32) -> Kind {
    Kind::RunMessage {
        by: run_report(run, offset, part),
        text: String::new(),
    }
}

fn run_started(run: u8) -> Kind {
    Kind::RunStarted {
        run_id: id(run),
        claude_session_id: Uuid::nil(),
        resumed: false,
        pid: 1,
        prompt: String::new(),
    }
}

fn run_finished(run: u8) -> Kind {
    Kind::RunFinished {
        run_id: id(run),
        claude_session_id: Uuid::nil(),
        state: RunState::Succeeded,
        result: None,
        error: None,
        is_error: Some(false),
        duration_ms: Some(1),
        cost_usd: Some(0.5),
        turns: None,
    }
}

fn state(session: u8, state: AgentState, dialog: Option<&str>, hook: u64) -> Kind {
    Kind::AgentState {
        session_id: id(session),
        state,
        dialog: dialog.map(str::to_owned),
        claude_version: None,
        ask: None,
        hook,
    }
}

fn delivery(n: u8, state: DeliveryState, version: u64) -> Kind {
    Kind::DeliveryState {
        delivery_id: id(n),
        milestone_id: None,
        state,
        attempts: 0,
        error: None,
        text: String::new(),
        not_before: None,
        steer: false,
        edits: 0,
        version,
    }
}

fn milestone(n: u16, status: MilestoneStatus) -> Kind {
    let [a, b] = n.to_be_bytes();
    Kind::MilestoneStatus {
        milestone_id: Id::from_bytes([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, a, b]),
        element_name: None,
        status: status.into(),
        by: None,
        reason: None,
    }
}

#[test]
fn failed_commands_and_deleted_milestones_are_published() {
    let at = |status: Stage, by| Kind::MilestoneStatus {
        milestone_id: id(7),
        element_name: None,
        status,
        by,
        reason: by.map(|_| "why".to_owned()),
    };
    let (user, delivery) = (Some(MovedBy::User), Some(MovedBy::Delivery));
    let mut dedup = EventDedup::default();
    let kinds = [
        at(Stage::Pending, None),
        at(Stage::Pending, user),
        at(Stage::Pending, delivery),
        at(Stage::Deleted, None),
        at(Stage::Pending, None),
    ];
    assert_eq!(offer(&mut dedup, &kinds), [true, false, true, true, true]);
    // Deleted while no server ran.
    let gone = dedup.milestones(&[]);
    assert_eq!(gone, [at(Stage::Deleted, None)]);
    gone.iter().for_each(|kind| dedup.note(kind));
    assert_eq!(dedup.milestones(&[]), []);
}

/// Whether each of these is new, published one after the other.
fn offer(dedup: &mut EventDedup, kinds: &[Kind]) -> Vec<bool> {
    let one = |kind: &Kind| {
        let is_new = dedup.is_new(kind);
        if is_new {
            dedup.note(kind);
        }
        is_new
    };
    kinds.iter().map(one).collect()
}

#[test]
fn a_hook_is_published_once_per_session() {
    let mut dedup = EventDedup::default();
    let hooks = [(1, 3), (1, 3), (1, 2), (1, 4), (2, 1), (2, 1)].map(|(s, n)| tool(s, n));
    assert_eq!(
        offer(&mut dedup, &hooks),
        [true, false, false, true, true, false]
    );
    assert_eq!(dedup.reached(id(2)).report, 1);
    assert_eq!(dedup.reached(id(1)).report, 0);
}

#[test]
fn a_changed_state_or_dialog_is_published() {
    let mut dedup = EventDedup::default();
    let states = [
        state(1, AgentState::Idle, None, 1),
        state(1, AgentState::Idle, None, 2),
        state(1, AgentState::BlockedDialog, Some("a"), 2),
        state(1, AgentState::BlockedDialog, Some("b"), 2),
        state(2, AgentState::BlockedDialog, Some("b"), 0),
    ];
    assert_eq!(offer(&mut dedup, &states), [true, false, true, true, true]);
    assert_eq!(
        (dedup.reached(id(1)).state, dedup.reached(id(2)).state),
        (0, 0)
    );
}

#[test]
fn a_delivery_advances_by_version() {
    use DeliveryState::{Queued, Submitted, Written};
    let mut dedup = EventDedup::default();
    let steps = [
        delivery(1, Queued, 0),
        delivery(1, Queued, 0),
        delivery(1, Written, 2),
        delivery(1, Written, 3),
        delivery(1, Queued, 1),
        delivery(1, Submitted, 4),
        delivery(1, Submitted, 4),
    ];
    assert_eq!(
        offer(&mut dedup, &steps),
        [true, false, true, false, false, true, false]
    );
    assert_eq!(dedup.open_deliveries(), []);
}

#[test]
fn a_session_starts_and_exits_once() {
    let started = |n| Kind::SessionStarted {
        session_id: id(n),
        claude_session_id: Uuid::nil(),
        resumed: false,
        pid: 1,
    };
    let exited = |n| Kind::SessionExited {
        session_id: id(n),
        code: Some(0),
        signal: None,
        reason: "exited".into(),
    };
    let mut dedup = EventDedup::default();
    let all = [
        started(2),
        started(2),
        exited(2),
        exited(2),
        started(1),
        started(2),
        exited(1),
        started(3),
        exited(2),
    ];
    assert_eq!(
        offer(&mut dedup, &all),
        [true, false, true, false, true, false, true, true, false]
    );
}

#[test]
fn missing_planning_is_no_change() {
    let looked = |fingerprint: &str, entries| Kind::PlanningChanged {
        fingerprint: fingerprint.into(),
        entries,
    };
    let mut dedup = EventDedup::default();
    let all = [
        looked("a", 0),
        looked("b", 1),
        looked("b", 1),
        looked("a", 0),
    ];
    assert_eq!(offer(&mut dedup, &all), [false, true, false, true]);
}

#[test]
fn remembered_milestones_are_bounded() {
    use MilestoneStatus::{Completed, Pending};
    let mut dedup = EventDedup::default();
    let count = u16::try_from(MILESTONES_MAX).unwrap() + 500;
    for n in 0..count {
        dedup.note(&milestone(n, Pending));
    }
    assert_eq!(dedup.milestones.len(), MILESTONES_MAX);
    assert!(serde_json::to_string(&dedup).unwrap().len() < 128 << 10);
    dedup.note(&milestone(count - 1, Completed));
    assert_eq!(dedup.milestones.len(), MILESTONES_MAX - 1);
}

#[test]
fn attached_clients_leave_on_restart() {
    let joined = |client| Kind::ClientJoined {
        session_id: id(1),
        client,
        read_only: false,
    };
    let left = |client| Kind::ClientLeft {
        session_id: id(1),
        client,
    };
    let mut dedup = EventDedup::default();
    assert_eq!(
        offer(&mut dedup, &[joined(1), joined(2), left(1), left(1)]),
        [true, true, true, false]
    );
    assert_eq!(dedup.clients(), [left(2)]);
    dedup.note(&left(2));
    assert_eq!(dedup.clients(), []);
}

fn any_kind() -> impl Strategy<Value = Kind> {
    let states = [AgentState::Idle, AgentState::Working];
    let steps = [
        DeliveryState::Queued,
        DeliveryState::Written,
        DeliveryState::Failed,
    ];
    let stages = [
        MilestoneStatus::Pending,
        MilestoneStatus::InProgress,
        MilestoneStatus::Completed,
    ];
    prop_oneof![
        (1_u8..3, 1_u64..9).prop_map(|(session, hook)| tool(session, hook)),
        (1_u8..3, 0_usize..2, 0_u64..9)
            .prop_map(move |(s, n, hook)| state(s, states[n], None, hook)),
        (1_u8..4, 0_usize..3, 0_u64..5).prop_map(move |(n, at, v)| delivery(n, steps[at], v)),
        (1_u16..4, 0_usize..3).prop_map(move |(n, at)| milestone(n, stages[at])),
    ]
}

proptest! {
    /// Of replaced events the last of each name is enough, in order.
    #[test]
    fn the_last_of_replaced_events_is_enough(kinds in prop::collection::vec(any_kind(), 0..60)) {
        let (mut all, mut few) = (EventDedup::default(), EventDedup::default());
        for (n, kind) in kinds.iter().enumerate() {
            all.note(kind);
            let is_last = !kinds[n + 1..].iter().any(|later| later.name() == kind.name());
            if is_last || !EventDedup::is_replaced(kind.name()) {
                few.note(kind);
            }
        }
        prop_assert_eq!(all, few);
    }

    /// Any event is new once, apart from ends that are not kept.
    #[test]
    fn no_event_is_new_twice(kinds in prop::collection::vec(any_kind(), 0..60)) {
        let mut dedup = EventDedup::default();
        for kind in &kinds {
            if dedup.is_new(kind) {
                dedup.note(kind);
                let is_completed = matches!(kind, Kind::MilestoneStatus { status: Stage::Completed, .. });
                prop_assert!(is_completed || !dedup.is_new(kind), "{:?}", kind);
            }
            let text = serde_json::to_string(&dedup).unwrap();
            prop_assert_eq!(&serde_json::from_str::<EventDedup>(&text).unwrap(), &dedup);
        }
    }
}

#[test]
fn run_output_is_published_once() {
    let output = [
        run_started(1),
        run_message(1, 0, 0),
        run_message(1, 0, 1),
        run_tool(1, 300, 0),
        run_message(1, 900, 0),
        run_finished(1),
    ];
    let mut dedup = EventDedup::default();
    assert_eq!(offer(&mut dedup, &output), [true; 6]);
    assert_eq!(offer(&mut dedup, &output), [false; 6]);
    // The places of another run are separate, and so are a session's hooks.
    assert_eq!(
        offer(
            &mut dedup,
            &[tool(7, 3), run_started(2), run_message(2, 0, 0), tool(7, 3)]
        ),
        [true, true, true, false]
    );
}

#[test]
fn the_last_event_of_each_name_is_enough() {
    let mut dedup = EventDedup::default();
    // As a log is read again: of replaced events the last of each name, in any order.
    for kind in [run_started(1), run_tool(1, 900, 0), run_message(1, 500, 0)] {
        dedup.note(&kind);
    }
    assert_eq!(
        offer(
            &mut dedup,
            &[
                run_message(1, 500, 0),
                run_message(1, 900, 0),
                run_message(1, 900, 1)
            ]
        ),
        [false, false, true]
    );
}

#[test]
fn run_events_round_trip() {
    for kind in [
        run_started(1),
        run_message(1, 7, 1),
        run_tool(1, 7, 2),
        run_finished(1),
        tool(1, 4),
    ] {
        let json = serde_json::to_string(&kind).unwrap();
        assert_eq!(serde_json::from_str::<Kind>(&json).unwrap(), kind, "{json}");
    }
}
