mod form;

use super::*;
use crate::{agent::Form, ask::QuestionOption};

const REPRESS_MS: u64 = REPRESS.as_millis() as u64;
const DECIDE_MS: u64 = DECIDE.as_millis() as u64;
const LAST_PRESS_MS: u64 = LAST_PRESS.as_millis() as u64;
const APPEAR_TIMEOUT_MS: u64 = APPEAR_TIMEOUT.as_millis() as u64;

fn after(millis: u64) -> Moment {
    Moment::new(Duration::from_millis(millis))
}

fn dialog(options: &[&str], selected: usize) -> Dialog {
    Dialog {
        name: "permission".into(),
        kind: DialogKind::Permission,
        options: options.iter().map(|&option| option.to_owned()).collect(),
        selected: Some(selected),
        form: None,
        text: "Doyouwanttoproceed?".into(),
    }
}

fn ask(kind: AskKind, options: &[&str], questions: Vec<Question>) -> Ask {
    Ask {
        id: "h1".into(),
        kind,
        dialog: "permission".into(),
        tool_name: None,
        tool_input: None,
        questions,
        options: options.iter().map(|&option| option.to_owned()).collect(),
        selected: None,
    }
}

fn question(text: &str, multi_select: bool, labels: &[&str]) -> Question {
    let option = |label: &&str| QuestionOption {
        label: (*label).to_owned(),
        description: String::new(),
    };
    Question {
        question: text.into(),
        header: "H".into(),
        multi_select,
        options: labels.iter().map(option).collect(),
    }
}

fn choosing(option: &str) -> Machine {
    let ask = ask(AskKind::Permission, &[], vec![]);
    Machine::new(&ask, Target::Option(option.into()), after(0)).unwrap()
}

#[test]
fn enter_follows_the_mark_to_the_choice() {
    let options = ["Yes", "Yes, always", "No"];
    let mut machine = choosing("No");
    assert_eq!(
        machine.look(&dialog(&options, 0), after(0)),
        Effect::Press(Key::Down)
    );
    assert_eq!(
        machine.look(&dialog(&options, 0), after(100)),
        Effect::Look,
        "one key at a time"
    );
    assert_eq!(
        machine.look(&dialog(&options, 1), after(200)),
        Effect::Press(Key::Down)
    );
    assert!(!machine.has_decided());
    assert_eq!(
        machine.look(&dialog(&options, 2), after(300)),
        Effect::Press(Key::Enter)
    );
    assert!(machine.has_decided());
    assert_eq!(machine.moved_on(), Effect::Answered);
}

#[test]
fn an_ignored_enter_is_repeated_within_bounds() {
    let mut machine = choosing("Yes");
    let shown = dialog(&["Yes", "No"], 0);
    assert_eq!(machine.look(&shown, after(0)), Effect::Press(Key::Enter));
    assert_eq!(machine.look(&shown, after(DECIDE_MS - 1)), Effect::Look);
    assert_eq!(
        machine.look(&shown, after(DECIDE_MS)),
        Effect::Press(Key::Enter)
    );
    assert_eq!(
        machine.look(&shown, after(2 * DECIDE_MS)),
        Effect::Press(Key::Enter)
    );
    assert_eq!(machine.look(&shown, after(3 * DECIDE_MS)), Effect::Look);
    assert_eq!(
        machine.look(&shown, after(2 * DECIDE_MS + LAST_PRESS_MS)),
        Effect::Failed(Failure::Stuck)
    );
}

#[test]
fn a_clock_is_no_effect_of_a_key() {
    let mut machine = choosing("Yes");
    let at = |time: &str| Dialog {
        text: format!("proceed?{time}"),
        ..dialog(&["Yes", "No"], 0)
    };
    assert_eq!(machine.look(&at("1s"), after(0)), Effect::Press(Key::Enter));
    assert_eq!(machine.look(&at("2s"), after(1_000)), Effect::Look);
    assert_eq!(
        machine.look(&at("3s"), after(DECIDE_MS)),
        Effect::Press(Key::Enter)
    );
}

#[test]
fn a_repeated_move_waits_for_a_still_mark() {
    let mut machine = choosing("No");
    let at = |selected| dialog(&["Yes", "Maybe", "No"], selected);
    assert_eq!(machine.look(&at(1), after(0)), Effect::Press(Key::Down));
    assert_eq!(
        machine.look(&at(1), after(REPRESS_MS)),
        Effect::Press(Key::Down)
    );
    // Both took effect in the end, and the mark went round.
    assert_eq!(machine.look(&at(2), after(3_100)), Effect::Look);
    assert_eq!(machine.look(&at(0), after(3_200)), Effect::Press(Key::Down));
    assert_eq!(machine.look(&at(1), after(3_300)), Effect::Press(Key::Down));
    assert_eq!(machine.look(&at(2), after(3_400)), Effect::Look);
    assert_eq!(machine.look(&at(2), after(3_300 + DECIDE_MS)), Effect::Look);
    assert_eq!(
        machine.look(&at(2), after(3_400 + DECIDE_MS)),
        Effect::Press(Key::Enter)
    );
}

#[test]
fn another_persons_answer_is_reported() {
    assert_eq!(
        choosing("Yes").moved_on(),
        Effect::Failed(Failure::Replaced)
    );
}

#[test]
fn a_missing_dialog_times_out() {
    let machine = choosing("Yes");
    assert_eq!(machine.tick(after(APPEAR_TIMEOUT_MS - 1)), None);
    assert!(matches!(
        machine.tick(machine.deadline()),
        Some(Effect::Failed(Failure::Unreadable(_)))
    ));
}

#[test]
fn a_wrong_choice_lists_the_choices() {
    let refused = |ask: &Ask, target| Machine::new(ask, target, after(0)).unwrap_err();
    let permission = ask(AskKind::Permission, &["Yes", "No"], vec![]);
    let Failure::Unfit(detail) = refused(&permission, Target::Option("Maybe".into())) else {
        panic!()
    };
    assert!(detail.contains("`Yes`, `No`"), "{detail}");
    assert!(matches!(
        refused(&permission, Target::Answers(vec![])),
        Failure::Unfit(_)
    ));
    let mut unknown = ask(AskKind::Dialog, &["a", "b"], vec![]);
    unknown.dialog = "other".into();
    assert!(matches!(
        refused(&unknown, Target::Option("a".into())),
        Failure::Terminal(_)
    ));
    let keyless = ask(AskKind::Dialog, &[], vec![]);
    assert!(matches!(
        refused(&keyless, Target::Option("a".into())),
        Failure::Terminal(_)
    ));
    let question = ask(AskKind::Question, &[], vec![]);
    assert!(
        matches!(
            refused(&question, Target::Answers(vec![])),
            Failure::Terminal(_)
        ),
        "no hook told what is asked"
    );
}

#[test]
fn answers_must_fit_the_questions() {
    let one = question("One?", false, &["a", "b"]);
    let two = question("Two?", true, &["c", "d"]);
    let ask = ask(AskKind::Question, &[], vec![one, two]);
    let answer = |options: &[&str], text: Option<&str>| Answer {
        options: options.iter().map(|&option| option.to_owned()).collect(),
        text: text.map(str::to_owned),
    };
    let good = answer(&["a"], None);
    let cases = [
        (vec![good.clone()], "2 questions are asked and 1 answers"),
        (
            vec![good.clone(), answer(&[], None)],
            "choose from `c`, `d`",
        ),
        (vec![good.clone(), answer(&["a"], None)], "`a` is no option"),
        (vec![good.clone(), answer(&["c", "c"], None)], "twice"),
        (vec![good.clone(), answer(&[], Some("  "))], "is empty"),
        (
            vec![answer(&["a", "b"], None), answer(&["c"], None)],
            "takes one answer",
        ),
        (
            vec![answer(&["a"], Some("x")), answer(&["c"], None)],
            "takes one answer",
        ),
        (
            vec![good.clone(), answer(&[], Some(&"x".repeat(TEXT_MAX + 1)))],
            "too long",
        ),
    ];
    for (answers, reason) in cases {
        let Failure::Unfit(detail) =
            Machine::new(&ask, Target::Answers(answers), after(0)).unwrap_err()
        else {
            panic!("{reason}")
        };
        assert!(detail.contains(reason), "{detail}");
    }
    let both = vec![good, answer(&["c", "d"], Some("e"))];
    assert!(Machine::new(&ask, Target::Answers(both), after(0)).is_ok());
    assert!(matches!(
        Machine::new(&ask, Target::Option("a".into()), after(0)).unwrap_err(),
        Failure::Unfit(_)
    ));
}
