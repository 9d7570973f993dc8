use proptest::prelude::*;

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

/// A form with the observed behaviour of a real form.
#[derive(Debug, Clone)]
struct Model {
    questions: Vec<Question>,
    /// The page; the last page is the review.
    page: usize,
    mark: usize,
    ticks: Vec<Vec<bool>>,
    typed: Vec<String>,
    answers: Vec<Option<String>>,
    handed_in: Option<Vec<Option<String>>>,
}

impl Model {
    fn new(questions: Vec<Question>) -> Self {
        let count = questions.len();
        Self {
            page: 0,
            mark: 0,
            ticks: questions
                .iter()
                .map(|q| vec![false; q.options.len()])
                .collect(),
            typed: vec![String::new(); count],
            answers: vec![None; count],
            handed_in: None,
            questions,
        }
    }

    fn has_review(&self) -> bool {
        self.questions.len() > 1 || self.questions[0].multi_select
    }

    fn chosen(&self, page: usize) -> Option<String> {
        let question = &self.questions[page];
        let labels = question.options.iter().zip(&self.ticks[page]);
        let ticked = labels.filter(|(_, ticked)| **ticked);
        let mut chosen: Vec<String> = ticked.map(|(option, _)| option.label.clone()).collect();
        if !self.typed[page].is_empty() {
            chosen.push(self.typed[page].clone());
        }
        (!chosen.is_empty()).then(|| chosen.join(", "))
    }

    fn shown(&self) -> Dialog {
        let mut dialog = Dialog {
            name: "question".into(),
            kind: DialogKind::Question,
            selected: Some(self.mark),
            ..Dialog::default()
        };
        let mut form = Form::default();
        if self.page == self.questions.len() {
            dialog.options = vec!["Submit answers".into(), "Cancel".into()];
            form.ticks = vec![None; 2];
            form.submit = Some(0);
            let answers = self.questions.iter().zip(&self.answers);
            form.answers = answers
                .filter_map(|(q, answer)| Some((bare(&q.question), bare(answer.as_ref()?))))
                .collect();
            dialog.text = bare("Review your answers");
        } else {
            let question = &self.questions[self.page];
            let labels = question.options.iter().map(|option| option.label.clone());
            dialog.options = labels.collect();
            form.ticks = match question.multi_select {
                true => self.ticks[self.page].iter().copied().map(Some).collect(),
                false => vec![None; question.options.len()],
            };
            form.field = Some(dialog.options.len());
            form.typed = self.typed[self.page].clone();
            form.ticks
                .push(question.multi_select.then_some(!form.typed.is_empty()));
            dialog.options.push("Type something".into());
            if question.multi_select {
                form.next = Some(dialog.options.len());
                form.ticks.push(None);
                dialog.options.push("Submit".into());
            }
            form.ticks.push(None);
            dialog.options.push("Chat about this".into());
            dialog.text = bare(&question.question);
        }
        dialog.form = Some(form);
        dialog
    }

    fn press(&mut self, key: &Key) {
        let last = self.shown().options.len() - 1;
        match key {
            Key::Up => self.mark = self.mark.checked_sub(1).unwrap_or(last),
            Key::Down => self.mark = if self.mark == last { 0 } else { self.mark + 1 },
            Key::Back => self.turn_to(self.page.saturating_sub(1)),
            Key::Text(text) => self.typed[self.page] += text,
            Key::Clear => self.typed[self.page].clear(),
            Key::Toggle | Key::Enter => self.enter(),
        }
    }

    fn turn_to(&mut self, page: usize) {
        self.page = page;
        self.mark = 0;
    }

    fn enter(&mut self) {
        if self.page == self.questions.len() {
            assert_eq!(self.mark, 0, "cancelled");
            self.handed_in = Some(self.answers.clone());
            return;
        }
        let question = self.questions[self.page].clone();
        let count = question.options.len();
        if !question.multi_select {
            assert!(self.mark <= count, "the chat was chosen");
            let label = question.options.get(self.mark).map(|o| o.label.clone());
            self.answers[self.page] = Some(label.unwrap_or_else(|| self.typed[self.page].clone()));
        } else if self.mark < count {
            self.ticks[self.page][self.mark] ^= true;
            self.answers[self.page] = self.chosen(self.page);
            return;
        } else {
            assert_eq!(self.mark, count + 1, "neither the field nor the chat");
            self.answers[self.page] = self.chosen(self.page);
        }
        if self.has_review() {
            self.turn_to(self.page + 1);
        } else {
            self.handed_in = Some(self.answers.clone());
        }
    }
}

/// Questions with their answers.
fn forms() -> impl Strategy<Value = Vec<(Question, Answer)>> {
    let one = (any::<bool>(), 2..5_usize, any::<[bool; 4]>(), any::<bool>());
    prop::collection::vec(one, 1..5).prop_map(|all| {
        let form = all.into_iter().enumerate();
        let make = |(at, (multi, count, wanted, text)): (usize, (bool, usize, [bool; 4], bool))| {
            let labels = ["Yes", "No", "Maybe, or not", "Never"];
            let question = question(&format!("Question {at}?"), multi, &labels[..count]);
            let mut options: Vec<String> = (0..count)
                .filter(|&at| wanted[at])
                .map(|at| labels[at].to_owned())
                .collect();
            let mut text = text.then(|| "a text\nof two lines".to_owned());
            if !multi {
                options.truncate(usize::from(text.is_none()));
            }
            if options.is_empty() && text.is_none() {
                text = Some("something else".into());
            }
            (question, Answer { options, text })
        };
        form.map(make).collect()
    })
}

proptest! {
    /// After any screens, Enter takes the requested choice.
    #[test]
    fn enter_is_pressed_only_on_the_target(
        looks in prop::collection::vec((0..5_usize, 0..6_usize, 0..4_000_u64), 1..60),
    ) {
        let lists: [&[&str]; 5] = [
            &["Yes", "No"],
            &["No", "Yes"],
            &["No, exit", "Yes, I trust this folder"],
            &["Yes", "Yes, always", "No"],
            &["A", "B", "C", "No", "Yes"],
        ];
        let mut machine = choosing("No");
        let mut now = 0;
        for (list, selected, wait) in looks {
            now += wait;
            let mut shown = dialog(lists[list], selected);
            if selected >= shown.options.len() {
                shown.selected = None;
            }
            match machine.look(&shown, after(now)) {
                Effect::Press(Key::Enter) => prop_assert_eq!(&shown.options[shown.selected.unwrap()], "No"),
                Effect::Failed(_) => break,
                _ => {}
            }
        }
    }

    /// Any form is filled in as requested, from any page and boxes, with lost keys.
    #[test]
    fn a_form_is_handed_in_as_requested(
        form in forms(),
        page in 0..5_usize,
        boxes in any::<[bool; 4]>(),
        typed in any::<bool>(),
        lost in prop::collection::vec(prop::bool::weighted(0.1), 200),
    ) {
        let (questions, answers): (Vec<_>, Vec<_>) = form.into_iter().unzip();
        let mut model = Model::new(questions.clone());
        let last = if model.has_review() { questions.len() } else { 0 };
        model.page = page.min(last);
        for (at, question) in questions.iter().enumerate() {
            if question.multi_select {
                for (ticked, begins) in model.ticks[at].iter_mut().zip(boxes) {
                    *ticked = begins;
                }
            }
            if typed {
                model.typed[at] = "left behind".into();
            }
        }
        let ask = ask(AskKind::Question, &[], questions.clone());
        let mut machine = Machine::new(&ask, Target::Answers(answers.clone()), after(0)).unwrap();
        let (mut now, mut lost) = (0, lost.into_iter());
        let mut lost_in_a_row = 0;
        while model.handed_in.is_none() {
            now += 100;
            match machine.look(&model.shown(), after(now)) {
                // Three lost in a row are rightly a failure.
                Effect::Press(_) if lost_in_a_row < 2 && lost.next() == Some(true) => {
                    lost_in_a_row += 1;
                    now += REPRESS_MS;
                    machine.began = after(now);
                }
                Effect::Press(key) => {
                    lost_in_a_row = 0;
                    machine.began = after(now);
                    model.press(&key);
                }
                Effect::Look => {}
                effect => prop_assert!(false, "{effect:?} at {model:#?}"),
            }
        }
        prop_assert!(machine.has_decided());
        let handed_in = model.handed_in.unwrap();
        for ((question, answer), got) in questions.iter().zip(&answers).zip(handed_in) {
            let in_order = question.options.iter().filter(|o| answer.options.contains(&o.label));
            let wanted: Vec<&str> = in_order
                .map(|option| option.label.as_str())
                .chain(answer.text.as_deref())
                .collect();
            prop_assert_eq!(got.unwrap_or_default(), wanted.join(", "));
        }
    }
}
