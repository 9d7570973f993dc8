//! Texts on their way through dialogs, hooks and refusals.

use super::*;

#[test]
fn an_initial_prompt_is_confirmed_or_fails() {
    let mut machine = Machine::riding(DEADLINES, Moment::default());
    let dialog = Event::Agent(Readiness::Dialog("trust_folder".into()));
    let note = Effect::Note(Some("trust_folder".into()));
    assert_eq!(machine.step(&dialog, ms(5)), [note]);
    assert_eq!(machine.step(&ready(), ms(6)), [Effect::Note(None)]);
    assert_eq!(
        machine.clone().step(&Event::Reported, ms(7)),
        [Effect::Submitted]
    );
    let effects = machine.step(&Event::Tick, ms(6) + TAKE_TIMEOUT);
    assert!(matches!(&effects[..], [Effect::Failed(_)]));
}

/// Lets time pass after a dialog over a typed text, with an empty prompt. Returns the time of the
/// next typing, or the error.
fn after_dialog(
    mut machine: Machine,
    events: &[Event],
    prompt: &Event,
) -> Result<Duration, String> {
    const GONE: Moment = ms(3_600_000);
    let dialog = Event::Agent(Readiness::Dialog("d".to_owned()));
    tell(&mut machine, &[dialog], ms(100));
    assert_eq!(
        machine.deadline(),
        None,
        "it waits for as long as it stands"
    );
    let mut now = GONE;
    tell(&mut machine, events, now);
    let mut effects = machine.step(&ready(), now);
    loop {
        match effects.pop() {
            Some(Effect::Claim) => effects.extend(machine.step(&Event::Claimed, now)),
            Some(Effect::Look) => effects.extend(machine.step(prompt, now)),
            Some(Effect::Record) => {
                assert_eq!(machine.step(&Event::Recorded, now), [Effect::Type]);
                return Ok(now.since(GONE));
            }
            Some(Effect::Failed(why)) => return Err(why),
            Some(_) => {}
            None => {
                now = machine.deadline().unwrap().max(now);
                effects = machine.step(&Event::Tick, now);
            }
        }
    }
}

#[test]
fn a_swallowed_text_is_typed_again() {
    let again = after_dialog(typed(ms(0)), &[], &empty()).unwrap();
    assert!(
        (TAKE_TIMEOUT..TAKE_TIMEOUT + Duration::from_secs(3)).contains(&again),
        "{again:?}"
    );
}

#[test]
fn a_text_of_unknown_fate_stays_typed_once() {
    // The agent may have taken the text into a turn.
    let turn = [Event::Agent(Readiness::Busy)];
    // The text may be in the stash.
    let stashed = seen(Prompt::Empty, Kept::Yes);
    for (events, prompt) in [(&turn[..], empty()), (&[], stashed), (&[], draft(1))] {
        let why = after_dialog(typed(ms(0)), events, &prompt).unwrap_err();
        assert!(why.contains("alone"), "{why}");
    }
    // The text stood in the prompt.
    let mut machine = typed(ms(0));
    tell(&mut machine, &[Event::Quiet, text()], ms(50));
    after_dialog(machine, &[], &empty()).unwrap_err();
    // No dialog was seen.
    let done = pass(&mut typed(ms(0)), &empty());
    assert!(
        matches!(&done[..], [(at, Effect::Failed(_))] if *at == ms(0) + TAKE_TIMEOUT),
        "{done:?}"
    );
}

/// A machine after the hook's report of the text.
fn taking() -> Machine {
    let mut machine = queued();
    let events = [
        ready(),
        Event::Claimed,
        empty(),
        Event::Recorded,
        Event::Typed,
        Event::Quiet,
        text(),
    ];
    tell(&mut machine, &events, ms(0));
    assert_eq!(machine.step(&Event::Taking, ms(50)), [Effect::Release]);
    machine
}

#[test]
fn reported_text_waits_for_the_decision() {
    let mut machine = taking();
    let busy = Event::Agent(Readiness::Busy);
    assert_eq!(machine.step(&busy, ms(60)), []);
    assert_eq!(machine.step(&Event::Tick, ms(400_000)), []);
    assert_eq!(
        machine.step(&Event::Reported, ms(400_001)),
        [Effect::Submitted]
    );
}

#[test]
fn undecided_text_counts_as_taken_at_last() {
    let mut machine = taking();
    let end = ms(50) + DECIDE_TIMEOUT;
    assert_eq!(machine.deadline(), Some(end));
    assert_eq!(machine.step(&Event::Tick, end), [Effect::Submitted]);
}

#[test]
fn refused_text_is_cleared_before_failing() {
    let mut machine = taking();
    machine.step(&Event::Refused("policy".into()), ms(100));
    let effects = tell(&mut machine, &[ready(), Event::Claimed], ms(2_000));
    assert_eq!(effects.last(), Some(&Effect::Look));
    assert_eq!(
        machine.step(&text(), ms(2_010)),
        [Effect::Press(Key::Escape)]
    );
    machine.step(&Event::Quiet, ms(2_100));
    let end = machine.step(&empty(), ms(2_110));
    let reason = refused("policy");
    assert_eq!(end, [Effect::Release, Effect::Failed(reason)]);
}

#[test]
fn text_back_in_the_prompt_was_refused() {
    let mut machine = taking();
    machine.step(&ready(), ms(100));
    assert_eq!(
        machine.step(&Event::Tick, ms(100) + DECIDE_LAG),
        [Effect::Claim]
    );
    machine.step(&Event::Claimed, ms(4_000));
    machine.step(&text(), ms(4_010));
    let end = machine.step(&empty(), ms(4_020));
    assert!(
        matches!(&end[..], [.., Effect::Failed(reason)] if reason.contains("hook")),
        "{end:?}"
    );
}

#[test]
fn empty_prompt_without_a_decision_was_taken() {
    let mut machine = taking();
    machine.step(&ready(), ms(100));
    machine.step(&Event::Tick, ms(100) + DECIDE_LAG);
    machine.step(&Event::Claimed, ms(4_000));
    let end = machine.step(&empty(), ms(4_010));
    assert_eq!(end, [Effect::Release, Effect::Submitted]);
}
