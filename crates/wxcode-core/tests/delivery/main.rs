//! Steps of the delivery machine with their times. `delivery_model` covers all interleavings.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic too")]

mod taking;

use std::time::Duration;

use wxcode_core::{
    delivery::{DeliveryState, machine::*},
    time::Moment,
};

const DEADLINES: Deadlines = Deadlines {
    ready: Duration::from_secs(60),
};

/// A moment in milliseconds.
const fn ms(millis: u64) -> Moment {
    Moment::new(Duration::from_millis(millis))
}

fn queued() -> Machine {
    Machine::typed(
        DeliveryState::Queued,
        false,
        0,
        DEADLINES,
        Moment::default(),
    )
}

fn ready() -> Event {
    Event::Agent(Readiness::Ready)
}

fn seen(prompt: Prompt, kept: Kept) -> Event {
    Event::Looked(Seen { prompt, kept })
}

fn empty() -> Event {
    seen(Prompt::Empty, Kept::No)
}

fn text() -> Event {
    let (offers_other, asks_to_clear) = (false, false);
    seen(
        Prompt::Text {
            offers_other,
            asks_to_clear,
        },
        Kept::No,
    )
}

fn draft(mark: u64) -> Event {
    seen(Prompt::Draft { mark }, Kept::No)
}

/// Feeds the events at a time; returns the effects of the last.
fn tell(machine: &mut Machine, events: &[Event], now: Moment) -> Vec<Effect> {
    let mut effects = vec![];
    for event in events {
        effects = machine.step(event, now);
    }
    effects
}

/// A machine whose text is in the PTY.
fn typed(now: Moment) -> Machine {
    let mut machine = queued();
    let way = [ready(), Event::Claimed, empty(), Event::Recorded];
    assert_eq!(tell(&mut machine, &way, now), [Effect::Type]);
    assert_eq!(machine.step(&Event::Typed, now), []);
    machine
}

/// Lets time pass with an unchanged prompt; returns all effects but looks, with their times.
fn pass(machine: &mut Machine, prompt: &Event) -> Vec<(Moment, Effect)> {
    let mut done = vec![];
    let mut told = vec![];
    while let Some(now) = machine.deadline() {
        let event = told.pop().unwrap_or(Event::Tick);
        let mut effects = machine.step(&event, now);
        while !effects.is_empty() {
            match effects.remove(0) {
                Effect::Claim => effects.extend(machine.step(&Event::Claimed, now)),
                Effect::Look => effects.extend(machine.step(prompt, now)),
                Effect::Release => {}
                effect => done.push((now, effect)),
            }
        }
        assert!(done.len() < 100, "{done:?}");
    }
    done
}

fn failed(effect: &Effect, says: &str) -> bool {
    matches!(effect, Effect::Failed(why) if why.contains(says))
}

#[test]
fn the_plain_way() {
    let mut machine = queued();
    assert_eq!(machine.step(&ready(), ms(10)), [Effect::Claim]);
    assert_eq!(machine.step(&Event::Claimed, ms(15)), [Effect::Look]);
    assert_eq!(machine.step(&empty(), ms(20)), [Effect::Record]);
    assert_eq!(machine.step(&Event::Recorded, ms(20)), [Effect::Type]);
    assert_eq!(machine.step(&Event::Typed, ms(30)), []);
    assert_eq!(machine.step(&Event::Quiet, ms(40)), [Effect::Look]);
    assert_eq!(
        machine.step(&text(), ms(40)),
        [Effect::Enter { attempts: 1 }]
    );
    let end = [Effect::Release, Effect::Submitted];
    assert_eq!(machine.step(&Event::Reported, ms(50)), end);
    assert!(machine.is_over());
}

#[test]
fn a_draft_is_put_aside_once() {
    let mut machine = queued();
    let effects = tell(&mut machine, &[ready(), Event::Claimed, draft(1)], ms(0));
    assert_eq!(effects, [Effect::Press(Key::Stash)]);
    assert_eq!(machine.step(&Event::Quiet, ms(200)), [Effect::Look]);
    let mut stubborn = machine.clone();
    let gone = seen(Prompt::Empty, Kept::Yes);
    assert_eq!(machine.step(&gone, ms(200)), [Effect::Record]);
    // When the key has no effect, the machine waits for the draft.
    let done = pass(&mut stubborn, &draft(1));
    let [(_, Effect::Note(Some(note))), (at, end)] = &done[..] else {
        panic!("{done:?}");
    };
    assert!(note.starts_with("draft: "), "{note}");
    assert!(
        (ms(60_000)..ms(70_000)).contains(at) && failed(end, "draft: ") && !failed(end, "aside"),
        "{done:?}"
    );
}

#[test]
fn a_second_draft_keeps_the_first() {
    for kept in [Kept::Yes, Kept::Hidden] {
        let mut machine = queued();
        let other = seen(Prompt::Draft { mark: 1 }, kept);
        let effects = tell(&mut machine, &[ready(), Event::Claimed, other], ms(0));
        assert!(
            matches!(&effects[..], [Effect::Release, Effect::Note(Some(_))]),
            "{effects:?}"
        );
    }
}

#[test]
fn a_changing_draft_restarts_the_wait() {
    let mut machine = queued();
    let kept = |mark| seen(Prompt::Draft { mark }, Kept::Yes);
    tell(&mut machine, &[ready(), Event::Claimed, kept(1)], ms(0));
    assert_eq!(machine.step(&Event::Quiet, ms(50_000)), [Effect::Claim]);
    tell(&mut machine, &[Event::Claimed, kept(2)], ms(50_000));
    assert_eq!(machine.step(&Event::Quiet, ms(70_000)), [Effect::Claim]);
    let effects = tell(
        &mut machine,
        &[Event::Claimed, seen(Prompt::Empty, Kept::Yes)],
        ms(70_000),
    );
    assert_eq!(effects, [Effect::Record, Effect::Note(None)]);
}

#[test]
fn a_dialog_holds_the_delivery() {
    let mut machine = queued();
    let dialog = Event::Agent(Readiness::Dialog("trust_folder".into()));
    let note = |note: Option<&str>| [Effect::Note(note.map(str::to_owned))];
    assert_eq!(machine.step(&dialog, ms(1_000)), note(Some("trust_folder")));
    assert_eq!(machine.step(&Event::Tick, ms(10_000_000)), []);
    assert_eq!(machine.deadline(), None);
    let unready = Event::Agent(Readiness::NotReady);
    assert_eq!(machine.step(&unready, ms(10_000_000)), note(None));
    let deadline = Some(ms(10_060_000));
    assert_eq!(
        machine.deadline(),
        deadline,
        "the clock of readiness starts anew"
    );
    assert_eq!(machine.step(&ready(), ms(10_000_001)), [Effect::Claim]);
}

#[test]
fn a_turn_is_waited_for() {
    let mut machine = queued();
    assert_eq!(machine.step(&Event::Agent(Readiness::Busy), ms(1_000)), []);
    assert_eq!(machine.step(&Event::Tick, ms(10_000_000)), []);
    assert_eq!(machine.step(&ready(), ms(10_000_001)), [Effect::Claim]);
}

#[test]
fn an_unready_agent_fails_the_delivery() {
    let mut machine = queued();
    assert_eq!(machine.deadline(), Some(ms(60_000)));
    assert_eq!(machine.step(&Event::Tick, ms(59_999)), []);
    let effects = machine.step(&Event::Tick, ms(60_000));
    assert!(failed(&effects[0], "60 s"), "{effects:?}");
}

#[test]
fn a_retry_presses_only_enter() {
    let mut machine = typed(ms(0));
    let done = pass(&mut machine, &text());
    let enters: Vec<&Effect> = done.iter().map(|(_, effect)| effect).take(3).collect();
    let enter = |attempts| Effect::Enter { attempts };
    assert_eq!(enters, [&enter(1), &enter(2), &enter(3)], "{done:?}");
    let (first, last) = (done[0].0, done[2].0);
    assert!(last.since(first) >= ENTER_INTERVAL * 2 && last.since(first) < TAKE_TIMEOUT);
    assert!(
        done[3..done.len() - 1]
            .iter()
            .all(|(_, effect)| *effect == Effect::Press(Key::Escape))
    );
    let (at, end) = done.last().unwrap();
    assert!(*at <= first + TAKE_TIMEOUT + CLEAR_TIMEOUT);
    assert!(
        failed(end, "15 s") && failed(end, "clear it there"),
        "{end:?}"
    );
}

#[test]
fn clearing_restores_the_draft() {
    let mut machine = queued();
    let aside = seen(Prompt::Empty, Kept::Yes);
    tell(
        &mut machine,
        &[
            ready(),
            Event::Claimed,
            draft(1),
            Event::Quiet,
            aside.clone(),
        ],
        ms(0),
    );
    tell(
        &mut machine,
        &[Event::Recorded, Event::Typed, Event::Quiet, text()],
        ms(0),
    );
    // Enter has no effect, three times.
    for at in [ms(2_000), ms(4_000)] {
        assert_eq!(machine.step(&Event::Tick, at), [Effect::Look]);
        assert_eq!(machine.step(&text(), at), [Effect::Claim]);
        let effects = tell(&mut machine, &[Event::Claimed, text()], at);
        assert!(matches!(effects[..], [Effect::Enter { .. }]), "{effects:?}");
    }
    assert_eq!(machine.step(&Event::Tick, ms(9_000)), [Effect::Release]);
    assert_eq!(machine.step(&Event::Tick, ms(15_000)), [Effect::Claim]);
    let effects = tell(&mut machine, &[Event::Claimed, text()], ms(18_000));
    assert_eq!(effects, [Effect::Press(Key::Escape)]);
    let asks = Prompt::Text {
        offers_other: false,
        asks_to_clear: true,
    };
    let effects = tell(
        &mut machine,
        &[Event::Quiet, seen(asks, Kept::Yes)],
        ms(18_100),
    );
    assert_eq!(effects, [Effect::Press(Key::Escape)]);
    let effects = tell(&mut machine, &[Event::Quiet, aside], ms(18_200));
    assert_eq!(effects, [Effect::Press(Key::Stash)]);
    let effects = tell(&mut machine, &[Event::Quiet, draft(1)], ms(18_300));
    assert!(
        matches!(&effects[..], [Effect::Release, end] if failed(end, "15 s") && !failed(end, "still"))
    );
}

#[test]
fn a_misleading_list_is_closed_first() {
    let mut machine = typed(ms(0));
    let offers = Prompt::Text {
        offers_other: true,
        asks_to_clear: false,
    };
    let effects = tell(
        &mut machine,
        &[Event::Quiet, seen(offers, Kept::Hidden)],
        ms(100),
    );
    assert_eq!(effects, [Effect::Press(Key::Escape)]);
    assert_eq!(
        tell(&mut machine, &[Event::Quiet, text()], ms(300)),
        [Effect::Enter { attempts: 1 }]
    );
}

#[test]
fn enter_needs_exactly_the_text() {
    for other in [draft(7), empty(), seen(Prompt::Nothing, Kept::Hidden)] {
        let mut machine = typed(ms(0));
        let done = pass(&mut machine, &other);
        let pressed = |(_, effect): &(Moment, Effect)| {
            matches!(effect, Effect::Enter { .. } | Effect::Press(_))
        };
        assert!(!done.iter().any(pressed), "{done:?}");
        assert!(matches!(done.last(), Some((_, Effect::Failed(_)))));
    }
}

#[test]
fn no_key_without_lock_and_readiness() {
    for lost in [
        Event::Unclaimed,
        Event::Agent(Readiness::Busy),
        Event::Agent(Readiness::Dialog("d".into())),
    ] {
        let mut machine = typed(ms(0));
        machine.step(&Event::Quiet, ms(10));
        machine.step(&lost, ms(20));
        assert_eq!(
            tell(&mut machine, &[text()], ms(30)),
            [],
            "the look is of no more use"
        );
    }
}
