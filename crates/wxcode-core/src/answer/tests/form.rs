//! Forms: each choice and the review, on a model of the screen.

use proptest::prelude::*;

use super::*;

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
