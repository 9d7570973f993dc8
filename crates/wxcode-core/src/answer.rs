//! How an answer gets into a dialog: a pure machine of (target, look at the screen) → keys.
//!
//! A key that decides is pressed only in the step that takes in a look which shows that it takes what is asked for.
//! Of keys that move or tick, one is under way at a time: the next one follows a look that shows what it did.

mod form;

use serde::{Deserialize, Serialize};

use crate::{
    agent::{Dialog, DialogKind},
    ask::{Ask, AskKind, OTHER, Question, bare},
};

/// How long a key that moves, ticks or types may take to show on the screen before it is pressed again, in milliseconds.
/// Long, since one that only was slow then counts twice.
pub const REPRESS_MS: u64 = 3_000;
/// How long a key that decides may take before it is pressed again, in milliseconds: a dialog ignores it when it has just
/// come up.
pub const DECIDE_MS: u64 = 3_000;
/// How often one key is pressed without an effect, at most.
pub const PRESSES_MAX: u32 = 3;
/// How long the last of them may take, in milliseconds.
pub const LAST_PRESS_MS: u64 = 15_000;
/// How many keys an answer may need, at most.
pub const KEYS_MAX: u32 = 200;
/// How long an answer may take in all, in milliseconds.
pub const ANSWER_TIMEOUT_MS: u64 = 60_000;
/// How long a dialog may take to come up on the screen after a hook told of it, in milliseconds.
pub const APPEAR_TIMEOUT_MS: u64 = 10_000;
/// Longest text of one's own for a question, in characters: it must fit on the screen to be checked.
pub const TEXT_MAX: usize = 2_000;

/// What is to be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// One of the choices.
    Option(String),
    /// The answers to the questions, in their order.
    Answers(Vec<Answer>),
}

/// The answer to one question.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Labels of options: one, or several where the question takes several.
    pub options: Vec<String>,
    /// A text of one's own, as the answer or, where several are taken, as one more.
    pub text: Option<String>,
}

/// A key, by what it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// The mark goes one choice up.
    Up,
    /// The mark goes one choice down.
    Down,
    /// To the page before.
    Back,
    /// The marked box is ticked, or no longer.
    Toggle,
    /// The marked choice is taken.
    Enter,
    /// A text goes into the marked field.
    Text(String),
    /// What is in the marked field goes.
    Clear,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Press it, and forget looks that were asked for before.
    Press(Key),
    /// Look at the screen again soon.
    Look,
    /// The dialog is gone after it was answered.
    Answered,
    /// It is not answered by this.
    Failed(Failure),
}

/// Why something is not answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// There is nothing to answer.
    #[error("nothing is asked: read the session's `asks`")]
    Nothing,
    /// Something else stands there, or it was answered by somebody else.
    #[error(
        "something else is asked now, or it was answered meanwhile: read the session's `asks` again"
    )]
    Replaced,
    /// The agent ended.
    #[error("the agent ended before it was answered: start the session again")]
    Gone,
    /// Somebody else's answer is under way.
    #[error("another answer is under way: wait for it, then read the session's `asks` again")]
    Busy,
    /// Only a person at the terminal can answer it.
    #[error("`{0}` cannot be answered from here: answer it in the terminal")]
    Terminal(String),
    /// What was sent is not a choice of what is asked.
    #[error("{0}")]
    Unfit(String),
    /// The screen does not show what is asked in a way that can be answered safely.
    #[error("the screen does not show {0}: look at it, and answer in the terminal")]
    Unreadable(&'static str),
    /// The keys had no effect.
    #[error(
        "the dialog did not take the answer in time: look at the screen, and answer in the terminal"
    )]
    Stuck,
}

/// One answer under way.
#[derive(Debug, Clone)]
pub struct Machine {
    ask: String,
    questions: Vec<Question>,
    target: Target,
    began: u64,
    /// The dialog was on the screen.
    seen: bool,
    keys: u32,
    /// What was pressed last and the page on which it was.
    pressed: Option<Pressed>,
    /// The key that hands the answer in was pressed.
    decided: bool,
    /// The question whose page is gone back to.
    back_to: Option<usize>,
    /// A key was pressed twice: the mark must stand still for a while before it is believed.
    unsure: Option<(u64, Dialog)>,
}

#[derive(Debug, Clone)]
struct Pressed {
    key: Key,
    at: u64,
    times: u32,
    page: Dialog,
}

impl Machine {
    /// Begins to answer an ask.
    ///
    /// # Errors
    /// When the target does not fit what is asked, or it can only be answered in the terminal.
    pub fn new(ask: &Ask, target: Target, now: u64) -> Result<Self, Failure> {
        let target = match (ask.kind, target) {
            (AskKind::Question, Target::Answers(answers)) => {
                // A question that is not as it is known cannot be told from others.
                if ask.questions.is_empty() || ask.questions.iter().any(|q| q.question.is_empty()) {
                    return Err(Failure::Terminal(ask.dialog.clone()));
                }
                Target::Answers(form::fitting(&ask.questions, answers)?)
            }
            (AskKind::Question, Target::Option(_)) => {
                return Err(Failure::Unfit(format!(
                    "questions are asked: send `answers`, one for each of the {} questions, in their order",
                    ask.questions.len()
                )));
            }
            (AskKind::Permission | AskKind::Dialog, Target::Answers(_)) => {
                return Err(Failure::Unfit(format!(
                    "no question is asked: send `option`, one of {}",
                    listed(&ask.options)
                )));
            }
            (kind, Target::Option(option)) => {
                // A dialog that is not known may do anything with a key.
                if !ask.is_known() || (kind == AskKind::Dialog && ask.options.is_empty()) {
                    return Err(Failure::Terminal(ask.dialog.clone()));
                }
                if !ask.options.is_empty() {
                    position(&ask.options, &option)?;
                }
                Target::Option(option)
            }
        };
        Ok(Self {
            ask: ask.id.clone(),
            questions: ask.questions.clone(),
            target,
            began: now,
            seen: false,
            keys: 0,
            pressed: None,
            decided: false,
            back_to: None,
            unsure: None,
        })
    }

    /// Which ask it answers.
    #[must_use]
    pub fn ask(&self) -> &str {
        &self.ask
    }

    /// Whether the key that hands the answer in was pressed.
    #[must_use]
    pub const fn has_decided(&self) -> bool {
        self.decided
    }

    /// When [`Self::tick`] has something to say.
    #[must_use]
    pub const fn deadline(&self) -> u64 {
        self.began
            + if self.seen {
                ANSWER_TIMEOUT_MS
            } else {
                APPEAR_TIMEOUT_MS
            }
    }

    /// Time passed.
    pub fn tick(&self, now: u64) -> Option<Effect> {
        let failure = if self.seen {
            Failure::Stuck
        } else {
            Failure::Unreadable("what is asked")
        };
        (now >= self.deadline()).then_some(Effect::Failed(failure))
    }

    /// What stands there to be answered is another thing, or nothing.
    #[must_use]
    pub fn moved_on(&self) -> Effect {
        if self.decided {
            Effect::Answered
        } else {
            Effect::Failed(Failure::Replaced)
        }
    }

    /// A look at the screen at rest, asked for after the last key: it shows this dialog of the ask.
    pub fn look(&mut self, dialog: &Dialog, now: u64) -> Effect {
        self.seen = true;
        if let Some(effect) = self.tick(now) {
            return effect;
        }
        let is_unchanged = |last: &Pressed| shows_the_same(&last.page, dialog);
        if self.pressed.as_ref().is_some_and(is_unchanged) {
            return self.press_again(dialog, now);
        }
        self.pressed = None;
        match self.next(dialog) {
            Err(failure) => Effect::Failed(failure),
            Ok(key) if self.must_wait(&key, dialog, now) => Effect::Look,
            Ok(key) => self.press(key, dialog, 1, now),
        }
    }

    /// After a key that was pressed again: whether a key that decides has to wait until the screen is
    /// seen to stand still, since the first one may yet be taken.
    fn must_wait(&mut self, key: &Key, dialog: &Dialog, now: u64) -> bool {
        let Some((since, page)) = &mut self.unsure else {
            return false;
        };
        if !shows_the_same(page, dialog) {
            (*since, *page) = (now, dialog.clone());
        }
        matches!(key, Key::Enter | Key::Toggle) && now < *since + DECIDE_MS
    }

    fn press(&mut self, key: Key, dialog: &Dialog, times: u32, now: u64) -> Effect {
        self.keys += 1;
        if self.keys > KEYS_MAX {
            return Effect::Failed(Failure::Stuck);
        }
        self.decided |= key == Key::Enter && self.is_last(dialog);
        if times > 1 {
            self.unsure = Some((now, Dialog::default()));
        }
        self.pressed = Some(Pressed {
            key: key.clone(),
            at: now,
            times,
            page: dialog.clone(),
        });
        Effect::Press(key)
    }

    /// Whether Enter on this page ends the dialog.
    fn is_last(&self, dialog: &Dialog) -> bool {
        match (&self.target, &self.questions[..]) {
            (Target::Option(_), _) => true,
            (Target::Answers(_), [question]) if !question.multi_select => true,
            (Target::Answers(_), _) => {
                let form = dialog.form.as_ref();
                form.is_some_and(|form| form.submit.is_some())
            }
        }
    }

    /// The last key has not changed anything yet.
    fn press_again(&mut self, dialog: &Dialog, now: u64) -> Effect {
        let Some(Pressed { key, at, times, .. }) = self.pressed.clone() else {
            return Effect::Look;
        };
        let patience = match key {
            _ if times >= PRESSES_MAX => LAST_PRESS_MS,
            Key::Enter => DECIDE_MS,
            _ => REPRESS_MS,
        };
        if now < at + patience {
            return Effect::Look;
        }
        if times >= PRESSES_MAX {
            return Effect::Failed(Failure::Stuck);
        }
        // Decided anew, by this look.
        match self.next(dialog) {
            Err(failure) => Effect::Failed(failure),
            Ok(key) => self.press(key, dialog, times + 1, now),
        }
    }

    /// The key that comes nearer to the target on this page.
    fn next(&mut self, dialog: &Dialog) -> Result<Key, Failure> {
        match &self.target {
            Target::Option(option) => {
                if dialog.name == OTHER || dialog.kind == DialogKind::Question {
                    return Err(Failure::Terminal(dialog.name.clone()));
                }
                let wanted = position(&dialog.options, option)?;
                Ok(towards(dialog, wanted)?.unwrap_or(Key::Enter))
            }
            Target::Answers(answers) => {
                form::next(&self.questions, answers, dialog, &mut self.back_to)
            }
        }
    }
}

/// Whether two looks at an ask show the same, as far as keys change it. Pages of a form may differ in nothing but their
/// text; in that of other dialogs there may be a clock.
fn shows_the_same(one: &Dialog, other: &Dialog) -> bool {
    (&one.name, &one.options, one.selected, &one.form)
        == (&other.name, &other.options, other.selected, &other.form)
        && (one.form.is_none() || one.text == other.text)
}

/// The key that brings the mark nearer to a choice; `None` when it is there.
fn towards(dialog: &Dialog, wanted: usize) -> Result<Option<Key>, Failure> {
    let selected = dialog
        .selected
        .filter(|&selected| selected < dialog.options.len())
        .ok_or(Failure::Unreadable("which choice is marked"))?;
    Ok(match selected.cmp(&wanted) {
        std::cmp::Ordering::Less => Some(Key::Down),
        std::cmp::Ordering::Greater => Some(Key::Up),
        std::cmp::Ordering::Equal => None,
    })
}

/// The place of a choice.
fn position(options: &[String], wanted: &str) -> Result<usize, Failure> {
    let mut places = (0..options.len()).filter(|&at| options[at] == wanted);
    match (places.next(), places.next()) {
        (Some(at), None) => Ok(at),
        (None, _) => Err(Failure::Unfit(format!(
            "`{wanted}` is not there to be chosen: choose one of {}",
            listed(options)
        ))),
        (Some(_), Some(_)) => Err(Failure::Unreadable("the choice only once")),
    }
}

/// Choices in a sentence.
fn listed(options: &[String]) -> String {
    if options.is_empty() {
        return "the session's `asks.options`, once they are there".to_owned();
    }
    let quoted: Vec<String> = options.iter().map(|option| format!("`{option}`")).collect();
    quoted.join(", ")
}

/// Whether two texts are the same but for white space.
fn same(shown: &str, wanted: &str) -> bool {
    bare(shown) == bare(wanted)
}

#[cfg(test)]
mod tests;
