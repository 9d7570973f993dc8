//! The delivery machine: each step, and its promises whatever happens.

use proptest::prelude::*;

use wxcode_core::delivery::{DeliveryState, machine::*};

const DEADLINES: Deadlines = Deadlines { ready_ms: 60_000 };

fn queued() -> Machine {
    Machine::typed(DeliveryState::Queued, DEADLINES, 0)
}

fn ready() -> Event {
    Event::Agent(Readiness::Ready)
}

#[test]
fn the_plain_way() {
    let mut machine = queued();
    assert_eq!(machine.step(&ready(), 10), [Effect::Record]);
    assert_eq!(machine.step(&Event::Recorded, 20), [Effect::Type]);
    assert_eq!(machine.step(&Event::Typed, 30), []);
    assert_eq!(
        machine.step(&Event::Quiet, 40),
        [Effect::Enter { attempts: 1 }]
    );
    assert_eq!(machine.step(&Event::Reported, 50), [Effect::Submitted]);
    assert!(machine.is_over());
}

#[test]
fn a_dialog_holds_it_for_as_long_as_it_stands() {
    let mut machine = queued();
    let dialog = Event::Agent(Readiness::Dialog("trust_folder".into()));
    assert_eq!(
        machine.step(&dialog, 1_000),
        [Effect::Note(Some("trust_folder".into()))]
    );
    assert_eq!(machine.step(&Event::Tick, 10_000_000), []);
    assert_eq!(machine.deadline(), None);
    assert_eq!(
        machine.step(&Event::Agent(Readiness::NotReady), 10_000_000),
        [Effect::Note(None)]
    );
    assert_eq!(
        machine.deadline(),
        Some(10_060_000),
        "the clock of readiness starts anew"
    );
    assert_eq!(machine.step(&ready(), 10_000_001), [Effect::Record]);
}

#[test]
fn a_turn_is_waited_for() {
    let mut machine = queued();
    assert_eq!(machine.step(&Event::Agent(Readiness::Busy), 1_000), []);
    assert_eq!(machine.step(&Event::Tick, 10_000_000), []);
    assert_eq!(machine.step(&ready(), 10_000_001), [Effect::Record]);
}

#[test]
fn an_agent_that_is_never_ready_fails_it() {
    let mut machine = queued();
    assert_eq!(machine.deadline(), Some(60_000));
    assert_eq!(machine.step(&Event::Tick, 59_999), []);
    assert!(
        matches!(&machine.step(&Event::Tick, 60_000)[..], [Effect::Failed(why)] if why.contains("60 s"))
    );
}

#[test]
fn a_retry_presses_enter_only() {
    let mut machine = queued();
    machine.step(&ready(), 0);
    machine.step(&Event::Recorded, 0);
    machine.step(&Event::Typed, 0);
    let mut effects = Vec::new();
    while let Some(at) = machine.deadline() {
        effects.push((at, machine.step(&Event::Tick, at)));
    }
    let [
        (2_000, one),
        (7_000, two),
        (12_000, three),
        (17_000, failed),
    ] = &effects[..]
    else {
        panic!("{effects:?}");
    };
    assert_eq!(one[..], [Effect::Enter { attempts: 1 }]);
    assert_eq!(two[..], [Effect::Enter { attempts: 2 }]);
    assert_eq!(three[..], [Effect::Enter { attempts: 3 }]);
    assert!(matches!(&failed[..], [Effect::Failed(why)] if why.contains("15 s")));
}

#[test]
fn enter_is_never_pressed_into_a_dialog() {
    let mut machine = queued();
    for event in [ready(), Event::Recorded, Event::Typed, Event::Quiet] {
        machine.step(&event, 0);
    }
    machine.step(&Event::Agent(Readiness::Dialog("permission".into())), 1);
    assert_eq!(machine.step(&Event::Tick, ENTER_INTERVAL_MS), []);
    assert_eq!(machine.step(&Event::Tick, 2 * ENTER_INTERVAL_MS), []);
    assert_eq!(
        machine.deadline(),
        None,
        "only the dialog's end changes anything"
    );
}

#[test]
fn a_prompt_argument_is_confirmed_by_its_report_or_fails() {
    let mut machine = Machine::riding(DEADLINES, 0);
    let dialog = Event::Agent(Readiness::Dialog("trust_folder".into()));
    assert_eq!(
        machine.step(&dialog, 5),
        [Effect::Note(Some("trust_folder".into()))]
    );
    assert_eq!(machine.step(&ready(), 6), [Effect::Note(None)]);
    assert_eq!(
        machine.clone().step(&Event::Reported, 7),
        [Effect::Submitted]
    );
    assert!(matches!(
        &machine.step(&Event::Tick, 6 + TAKE_TIMEOUT_MS)[..],
        [Effect::Failed(_)]
    ));
}

/// The outside world: a store, a holder that types a key once, an agent that may report.
#[derive(Clone, Debug)]
enum Happens {
    Step(Event),
    ServerCrash,
}

fn happenings() -> impl Strategy<Value = Vec<(Happens, u64)>> {
    let event = prop_oneof![
        4 => Just(Happens::Step(Event::Agent(Readiness::Ready))),
        1 => Just(Happens::Step(Event::Agent(Readiness::Busy))),
        1 => Just(Happens::Step(Event::Agent(Readiness::NotReady))),
        1 => Just(Happens::Step(Event::Agent(Readiness::Dialog("d".into())))),
        2 => Just(Happens::Step(Event::Quiet)),
        2 => Just(Happens::Step(Event::Tick)),
        1 => Just(Happens::Step(Event::Reported)),
        1 => Just(Happens::Step(Event::Gone)),
        3 => Just(Happens::ServerCrash),
    ];
    proptest::collection::vec((event, 0..8_000_u64), 0..60)
}

proptest! {
    /// Whatever happens, and wherever the server crashes: the text is typed at most once and only after
    /// it was recorded, Enter is pressed at most three times in a server's life, never into a dialog.
    #[test]
    fn typed_at_most_once_whatever_happens(story in happenings(), crash_before_effect: bool) {
        let mut stored = DeliveryState::Queued;
        let mut typed = 0_u32;
        let mut now = 0;
        let mut readiness = Readiness::NotReady;
        let mut machine = queued();
        for (happens, later) in story {
            now += later;
            let mut effects = match happens {
                Happens::ServerCrash => {
                    readiness = Readiness::NotReady;
                    machine = Machine::typed(stored, DEADLINES, now);
                    vec![]
                }
                Happens::Step(event) => {
                    if let Event::Agent(told) = &event {
                        readiness = told.clone();
                    }
                    machine.step(&event, now)
                }
            };
            while !effects.is_empty() {
                let effect = effects.remove(0);
                let answer = match effect {
                    Effect::Record => {
                        prop_assert_eq!(stored, DeliveryState::Queued);
                        stored = DeliveryState::Written;
                        if crash_before_effect { break; }
                        Some(Event::Recorded)
                    }
                    Effect::Type => {
                        prop_assert_eq!(stored, DeliveryState::Written);
                        prop_assert_eq!(&readiness, &Readiness::Ready);
                        typed = 1; // the holder types a key once
                        Some(Event::Typed)
                    }
                    Effect::Enter { attempts } => {
                        prop_assert!(attempts <= ENTERS_MAX && typed == 1);
                        prop_assert!(!matches!(readiness, Readiness::Dialog(_)));
                        None
                    }
                    Effect::Note(_) => None,
                    Effect::Submitted => { stored = DeliveryState::Submitted; None }
                    Effect::Failed(_) => { stored = DeliveryState::Failed; None }
                };
                if let Some(answer) = answer {
                    effects.extend(machine.step(&answer, now));
                }
            }
            if let Some(at) = machine.deadline() {
                // A deadline in the past must lead on, or the shell would spin.
                let mut ahead = machine.clone();
                let effects = ahead.step(&Event::Tick, at.max(now));
                prop_assert!(at > now || !effects.is_empty(), "{:?} spins", machine);
            }
        }
    }
}
