//! Carries an answer into a dialog: a pure machine of (target, screen) → keys.
//!
//! The machine presses a deciding key only in the step that reads a screen with the right choice
//! marked. Of keys for moving or ticking, a single key is in flight at a time. The next key follows
//! a screen with the effect of the last key.

mod form;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    agent::{Dialog, DialogKind},
    ask::{Ask, AskKind, OTHER, Question, bare},
    time::Moment,
};

/// Time for a moving, ticking or typing key to show on the screen, before the next press of the
/// key. Long, because a late key would then count twice.
pub const REPRESS: Duration = Duration::from_secs(3);
/// Time for a deciding key, before its next press: a dialog ignores the key right after opening.
pub const DECIDE: Duration = Duration::from_secs(3);
/// Most presses of a key without an effect.
pub const PRESSES_MAX: u32 = 3;
/// Time for the last press of [`PRESSES_MAX`].
pub const LAST_PRESS: Duration = Duration::from_secs(15);
/// Most keys of an answer.
pub const KEYS_MAX: u32 = 200;
/// Time for a whole answer.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);
/// Time from a hook to its dialog on the screen.
pub const APPEAR_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest free text for a question, in characters: the text must fit on the screen for the check.
pub const TEXT_MAX: usize = 2_000;

/// The requested answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A choice of the dialog.
    Option(String),
    /// The answers to the questions, in order.
    Answers(Vec<Answer>),
}

/// The answer to a question of the dialog.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Labels of options: a single label, or several for a multi-select question.
    pub options: Vec<String>,
    /// A free text, as the answer or as a further choice of a multi-select question.
    pub text: Option<String>,
}

/// A key, by its function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// Moves the mark up by a choice.
    Up,
    /// Moves the mark down by a choice.
    Down,
    /// Goes to the previous page.
    Back,
    /// Toggles the marked box.
    Toggle,
    /// Takes the marked choice.
    Enter,
    /// Types a text into the marked field.
    Text(String),
    /// Clears the marked field.
    Clear,
}

/// The next step for the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Press the key, and drop screens requested before.
    Press(Key),
    /// Read the screen again soon.
    Look,
    /// The dialog closed after its answer.
    Answered,
    /// The answer failed.
    Failed(Failure),
}

/// Why an answer failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// There is nothing to answer.
    #[error("nothing is asked: read the session's `asks`")]
    Nothing,
    /// Another question is pending, or another client answered this question.
    #[error(
        "something else is asked now, or it was answered meanwhile: read the session's `asks` again"
    )]
    Replaced,
    /// The agent ended.
    #[error("the agent ended before it was answered: start the session again")]
    Gone,
    /// Another answer is in progress.
    #[error("another answer is under way: wait for it, then read the session's `asks` again")]
    Busy,
    /// Only a person at the terminal can answer the question.
    #[error("`{0}` cannot be answered from here: answer it in the terminal")]
    Terminal(String),
    /// The request names no choice of the question.
    #[error("{0}")]
    Unfit(String),
    /// The screen does not show the question in a form for safe answers.
    #[error("the screen does not show {0}: look at it, and answer in the terminal")]
    Unreadable(&'static str),
    /// The keys had no effect.
    #[error(
        "the dialog did not take the answer in time: look at the screen, and answer in the terminal"
    )]
    Stuck,
}

/// An answer in progress.
#[derive(Debug, Clone)]
pub struct Machine {
    ask: String,
    questions: Vec<Question>,
    target: Target,
    began: Moment,
    /// The dialog was on the screen.
    seen: bool,
    keys: u32,
    /// The last key, and the page of its press.
    pressed: Option<Pressed>,
    /// The machine pressed the key for submitting the answer.
    decided: bool,
    /// The question whose page the machine returns to.
    back_to: Option<usize>,
    /// A key was pressed twice: the mark must stand still for a while before the mark counts.
    unsure: Option<(Moment, Dialog)>,
}

#[derive(Debug, Clone)]
struct Pressed {
    key: Key,
    at: Moment,
    times: u32,
    page: Dialog,
}

impl Machine {
    /// Starts answering a question.
    ///
    /// # Errors
    /// When the target does not fit the question, or only the terminal can answer the question.
    pub fn new(ask: &Ask, target: Target, now: Moment) -> Result<Self, Failure> {
        let target = match (ask.kind, target) {
            (AskKind::Question, Target::Answers(answers)) => {
                // Questions without known content cannot be told apart.
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
                // In an unknown dialog any key may have any effect.
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

    /// The id of the question.
    #[must_use]
    pub fn ask(&self) -> &str {
        &self.ask
    }

    /// Whether the machine pressed the key for submitting the answer.
    #[must_use]
    pub const fn has_decided(&self) -> bool {
        self.decided
    }

    /// The moment of the next [`Self::tick`].
    #[must_use]
    pub fn deadline(&self) -> Moment {
        self.began
            + if self.seen {
                ANSWER_TIMEOUT
            } else {
                APPEAR_TIMEOUT
            }
    }

    /// Takes the passing of time.
    pub fn tick(&self, now: Moment) -> Option<Effect> {
        let failure = if self.seen {
            Failure::Stuck
        } else {
            Failure::Unreadable("what is asked")
        };
        (now >= self.deadline()).then_some(Effect::Failed(failure))
    }

    /// Takes note that another question, or none, is pending now.
    #[must_use]
    pub fn moved_on(&self) -> Effect {
        if self.decided {
            Effect::Answered
        } else {
            Effect::Failed(Failure::Replaced)
        }
    }

    /// Takes a screen at rest, read after the last key, with this dialog of the question.
    pub fn look(&mut self, dialog: &Dialog, now: Moment) -> Effect {
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

    /// After a repeated key: whether a deciding key must wait until the screen stands still,
    /// because the first press may still take effect.
    fn must_wait(&mut self, key: &Key, dialog: &Dialog, now: Moment) -> bool {
        let Some((since, page)) = &mut self.unsure else {
            return false;
        };
        if !shows_the_same(page, dialog) {
            (*since, *page) = (now, dialog.clone());
        }
        matches!(key, Key::Enter | Key::Toggle) && now < *since + DECIDE
    }

    fn press(&mut self, key: Key, dialog: &Dialog, times: u32, now: Moment) -> Effect {
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

    /// Whether Enter on this page closes the dialog.
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

    /// The last key has had no effect so far.
    fn press_again(&mut self, dialog: &Dialog, now: Moment) -> Effect {
        let Some(Pressed { key, at, times, .. }) = self.pressed.clone() else {
            return Effect::Look;
        };
        let patience = match key {
            _ if times >= PRESSES_MAX => LAST_PRESS,
            Key::Enter => DECIDE,
            _ => REPRESS,
        };
        if now < at + patience {
            return Effect::Look;
        }
        if times >= PRESSES_MAX {
            return Effect::Failed(Failure::Stuck);
        }
        // Decides again from this screen.
        match self.next(dialog) {
            Err(failure) => Effect::Failed(failure),
            Ok(key) => self.press(key, dialog, times + 1, now),
        }
    }

    /// The next key towards the target on this page.
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

/// Whether two screens of a question are equal as far as keys change them. Pages of a form may
/// differ only in their text; the text of other dialogs may contain a clock.
fn shows_the_same(one: &Dialog, other: &Dialog) -> bool {
    (&one.name, &one.options, one.selected, &one.form)
        == (&other.name, &other.options, other.selected, &other.form)
        && (one.form.is_none() || one.text == other.text)
}

/// The key that moves the mark nearer to a choice; `None` at the choice.
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

/// The position of a choice.
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

/// Lists choices in a sentence.
fn listed(options: &[String]) -> String {
    if options.is_empty() {
        return "the session's `asks.options`, once they are there".to_owned();
    }
    let quoted: Vec<String> = options.iter().map(|option| format!("`{option}`")).collect();
    quoted.join(", ")
}

/// Whether two texts are equal apart from white space.
fn same(shown: &str, wanted: &str) -> bool {
    bare(shown) == bare(wanted)
}

#[cfg(test)]
mod tests;
