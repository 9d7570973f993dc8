//! Answers to the agent's questions: a form of several pages.
//!
//! The form's own last key completes and leaves each page. The last page shows all answers, and the
//! machine submits only the requested answers. The machine returns to a skipped page.

use super::{Answer, Failure, Key, TEXT_MAX, listed, same, towards};
use crate::{
    agent::{Dialog, DialogKind, Form},
    ask::{Question, bare},
};

/// The answers, if they fit the questions. Their texts lose blank lines, because the last page
/// would take a blank line for an end.
pub(super) fn fitting(
    questions: &[Question],
    mut answers: Vec<Answer>,
) -> Result<Vec<Answer>, Failure> {
    for text in answers.iter_mut().filter_map(|answer| answer.text.as_mut()) {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        *text = lines.collect::<Vec<_>>().join("\n");
    }
    if answers.len() != questions.len() {
        return Err(Failure::Unfit(format!(
            "{} questions are asked and {} answers sent: send one for each, in their order",
            questions.len(),
            answers.len()
        )));
    }
    for (question, answer) in questions.iter().zip(&answers) {
        check(question, answer).map_err(Failure::Unfit)?;
    }
    Ok(answers)
}

fn check(question: &Question, answer: &Answer) -> Result<(), String> {
    let asked = &question.question;
    let labels: Vec<String> = question
        .options
        .iter()
        .map(|option| option.label.clone())
        .collect();
    let text = answer.text.as_deref();
    for (at, option) in answer.options.iter().enumerate() {
        if !labels.contains(option) {
            return Err(format!(
                "`{option}` is no option of `{asked}`: choose from {}, or send a `text`",
                listed(&labels)
            ));
        }
        if answer.options[..at].contains(option) {
            return Err(format!(
                "`{option}` is chosen twice for `{asked}`: choose it once"
            ));
        }
    }
    if text == Some("") {
        return Err(format!(
            "the text for `{asked}` is empty: leave it out, or say something"
        ));
    }
    if text.is_some_and(|text| text.chars().count() > TEXT_MAX) {
        return Err(format!(
            "the text for `{asked}` is too long: send at most {TEXT_MAX} characters"
        ));
    }
    match answer.options.len() + usize::from(text.is_some()) {
        0 => Err(format!(
            "nothing is chosen for `{asked}`: choose from {}, or send a `text`",
            listed(&labels)
        )),
        1 => Ok(()),
        _ if question.multi_select => Ok(()),
        _ => Err(format!(
            "`{asked}` takes one answer: choose one of {}, or send a `text`",
            listed(&labels)
        )),
    }
}

/// The next key towards the answers on the present page. `back_to` is the question of the page to
/// return to.
pub(super) fn next(
    questions: &[Question],
    answers: &[Answer],
    dialog: &Dialog,
    back_to: &mut Option<usize>,
) -> Result<Key, Failure> {
    let form = match &dialog.form {
        Some(form) if dialog.kind == DialogKind::Question => form,
        _ => return Err(Failure::Unreadable("the questions")),
    };
    if let Some(submit) = form.submit {
        let is_missing = |at: &usize| !is_answered(&questions[*at], &answers[*at], form);
        *back_to = (0..questions.len()).find(is_missing);
        return Ok(match back_to {
            Some(_) => Key::Back,
            None => towards(dialog, submit)?.unwrap_or(Key::Enter),
        });
    }
    let at = page(questions, dialog)?;
    if back_to.is_some_and(|wanted| at > wanted) {
        // In a field, the key for the previous page moves within the text.
        let is_in_field = dialog.selected.is_some() && dialog.selected == form.field;
        return Ok(if is_in_field { Key::Up } else { Key::Back });
    }
    *back_to = None;
    let (question, answer) = (&questions[at], &answers[at]);
    let text = answer.text.as_deref();
    if question.multi_select {
        several(question, answer, text, dialog, form)
    } else {
        one(question, answer, text, dialog, form)
    }
}

/// Whether the last page shows this answer.
fn is_answered(question: &Question, answer: &Answer, form: &Form) -> bool {
    // The real form quotes a text with a comma within a list.
    let plain = |text: &str| bare(text).replace(['"', '\\'], "");
    let asked = bare(&question.question);
    let chosen = answer.options.iter().chain(&answer.text);
    let wanted: Vec<String> = chosen.map(|text| plain(text)).collect();
    // Several stand in a list, in any order.
    let length = wanted.iter().map(String::len).sum::<usize>() + wanted.len().saturating_sub(1);
    form.answers.iter().any(|(question, shown)| {
        let shown = plain(shown);
        *question == asked
            && shown.len() == length
            && wanted.iter().all(|text| shown.contains(text.as_str()))
    })
}

/// The question of the page.
fn page(questions: &[Question], dialog: &Dialog) -> Result<usize, Failure> {
    let has_options = |question: &Question| {
        dialog.options.len() >= question.options.len()
            && question
                .options
                .iter()
                .zip(&dialog.options)
                .all(|(option, shown)| same(shown, &option.label))
    };
    let fitting: Vec<usize> = (0..questions.len())
        .filter(|&at| has_options(&questions[at]))
        .collect();
    if let [at] = fitting[..] {
        return Ok(at);
    }
    let mut asked = fitting
        .into_iter()
        .filter(|&at| dialog.text.contains(&bare(&questions[at].question)));
    match (asked.next(), asked.next()) {
        (Some(at), None) => Ok(at),
        _ => Err(Failure::Unreadable(
            "which question it is, with all its options",
        )),
    }
}

/// The position of an option on the page; the options of the question come first.
fn place(question: &Question, label: &str) -> Option<usize> {
    question
        .options
        .iter()
        .position(|option| option.label == label)
}

/// A single-choice page: Enter on a choice is the answer.
fn one(
    question: &Question,
    answer: &Answer,
    text: Option<&str>,
    dialog: &Dialog,
    form: &Form,
) -> Result<Key, Failure> {
    let Some(text) = text else {
        let option = answer
            .options
            .first()
            .and_then(|label| place(question, label));
        let wanted = option.ok_or(Failure::Unreadable("the option"))?;
        return Ok(towards(dialog, wanted)?.unwrap_or(Key::Enter));
    };
    let field = field(question, form)?;
    Ok(match towards(dialog, field)? {
        Some(key) => key,
        None => fill(form, text).unwrap_or(Key::Enter),
    })
}

/// A multi-select page: all boxes first, then the next page.
fn several(
    question: &Question,
    answer: &Answer,
    text: Option<&str>,
    dialog: &Dialog,
    form: &Form,
) -> Result<Key, Failure> {
    for (at, option) in question.options.iter().enumerate() {
        let ticked = form
            .ticks
            .get(at)
            .copied()
            .flatten()
            .ok_or(Failure::Unreadable("which options are ticked"))?;
        if ticked != answer.options.contains(&option.label) {
            return Ok(towards(dialog, at)?.unwrap_or(Key::Toggle));
        }
    }
    if let Some(key) = fill(form, text.unwrap_or_default()) {
        let field = field(question, form)?;
        return Ok(towards(dialog, field)?.unwrap_or(key));
    }
    // A box next to a text must agree with the text.
    if let Some(Some(ticked)) = form.field.and_then(|field| form.ticks.get(field).copied())
        && ticked != text.is_some()
    {
        let field = field(question, form)?;
        return Ok(towards(dialog, field)?.unwrap_or(Key::Toggle));
    }
    let next = form.next.ok_or(Failure::Unreadable("how to go on"))?;
    Ok(towards(dialog, next)?.unwrap_or(Key::Enter))
}

fn field(question: &Question, form: &Form) -> Result<usize, Failure> {
    form.field
        .filter(|&field| field >= question.options.len())
        .ok_or(Failure::Unreadable("a field for a text"))
}

/// The next key in the field towards this text, if any.
fn fill(form: &Form, text: &str) -> Option<Key> {
    if same(&form.typed, text) {
        return None;
    }
    Some(if form.typed.is_empty() {
        Key::Text(text.to_owned())
    } else {
        Key::Clear
    })
}
