//! `wxcode answer`: shows what the agent asks, and answers it.

use std::{fmt::Write as _, time::Duration};

use anyhow::{anyhow, bail};
use serde_json::Value;
use tokio::time::{Instant, sleep};
use wxcode_client::{Answer, Ask, AskKind, Project, Question, QuestionAnswer, Session};

use crate::{
    cli::{AnswerOptions, Common},
    output::{self, plain},
    remote::{Remote, block_on},
};

/// Longest wait for the choices on the agent's screen.
const CHOICES_TIMEOUT: Duration = Duration::from_secs(5);
/// Pause between two looks at a session.
const LOOK: Duration = Duration::from_millis(100);
/// Longest shown value of a tool's input, in characters.
const VALUE_MAX: usize = 1_000;

pub(crate) fn run(common: &Common, options: &AnswerOptions) -> anyhow::Result<()> {
    let remote = Remote::find(common)?;
    block_on(async {
        let project = remote.project(&options.named.project).await?;
        let ask = pending(&remote, &project).await?;
        if let Some(text) = &options.text {
            let answer = in_own_words(&ask, text)?;
            return send(&remote, &project, &ask, answer).await;
        }
        if !options.options.is_empty() {
            let answer = chosen(&ask, &options.options)?;
            return send(&remote, &project, &ask, answer).await;
        }
        if options.json {
            return output::print(serde_json::to_string_pretty(&ask)?);
        }
        output::print(described(&ask).trim_end())?;
        output::note(hint(&ask, &project));
        Ok(())
    })
}

async fn send(remote: &Remote, project: &Project, ask: &Ask, answer: Answer) -> anyhow::Result<()> {
    let answer = answer.to(&ask.id);
    remote.client().answer(&project.id, &answer).await?;
    Ok(())
}

/// The pending question, with its choices as soon as the server has read them from the screen.
async fn pending(remote: &Remote, project: &Project) -> anyhow::Result<Ask> {
    let deadline = Instant::now() + CHOICES_TIMEOUT;
    loop {
        let session = remote.client().session(&project.id).await?;
        let Some(ask) = session.asks else {
            bail!("{}", nothing(project, &session));
        };
        let is_known = !ask.options.is_empty() || !ask.questions.is_empty();
        if is_known || Instant::now() >= deadline {
            return Ok(ask);
        }
        sleep(LOOK).await;
    }
}

fn nothing(project: &Project, session: &Session) -> String {
    let name = plain(&project.name);
    match serde_json::to_value(session.agent_state) {
        Ok(Value::String(state)) if state != "unknown" => {
            format!("the agent of {name} asks nothing: it is {state}")
        }
        _ => format!(
            "no agent of {name} runs, so nothing is asked: `wxcode resume {}` starts it",
            project.id
        ),
    }
}

/// The question as text, with its numbered choices.
fn described(ask: &Ask) -> String {
    let mut out = String::new();
    match (ask.kind, &ask.tool_name) {
        (AskKind::Permission, Some(tool)) => {
            let _ = writeln!(out, "{} needs permission", plain(tool));
        }
        (AskKind::Question, _) if !ask.questions.is_empty() => {}
        _ => {
            let _ = writeln!(out, "the agent shows the dialog {}", plain(&ask.dialog));
        }
    }
    if ask.questions.is_empty() {
        for (name, value) in ask.tool_input.iter().filter_map(Value::as_object).flatten() {
            let _ = writeln!(out, "  {}: {}", plain(name), shown(value));
        }
        for (at, option) in ask.options.iter().enumerate() {
            let mark = if ask.selected == Some(at) { '>' } else { ' ' };
            let _ = writeln!(out, "{mark} {}  {}", at + 1, plain(option));
        }
        return out;
    }
    for question in &ask.questions {
        let several = if question.multi_select {
            " (several are possible)"
        } else {
            ""
        };
        let _ = writeln!(out, "{}{several}", plain(&question.question));
        for (at, option) in question.options.iter().enumerate() {
            let _ = write!(out, "  {}  {}", at + 1, plain(&option.label));
            if !option.description.is_empty() {
                let _ = write!(out, ": {}", plain(&option.description));
            }
            out.push('\n');
        }
    }
    out
}

fn shown(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), plain);
    let cut: String = text.chars().take(VALUE_MAX).collect();
    match cut.len() < text.len() {
        true => format!("{cut}…"),
        false => cut,
    }
}

/// The next command, to be pasted.
fn hint(ask: &Ask, project: &Project) -> String {
    let id = &project.id;
    match (&ask.questions[..], &ask.options[..]) {
        ([], []) => format!("the choices are not known: look with `wxcode attach {id}`"),
        ([], _) => format!("answer with `wxcode answer {id} NUMBER`"),
        (questions, _) => {
            let each = "NUMBER ".repeat(questions.len());
            let each = each.trim_end();
            format!("answer with `wxcode answer {id} {each}`, or in your own words with --text")
        }
    }
}

fn chosen(ask: &Ask, given: &[String]) -> anyhow::Result<Answer> {
    if ask.questions.is_empty() {
        let [given] = given else {
            bail!("give one choice:\n{}", described(ask).trim_end());
        };
        if ask.options.is_empty() {
            // The server judges it by the screen.
            return Ok(Answer::option(given.as_str()));
        }
        let options: Vec<&str> = ask.options.iter().map(String::as_str).collect();
        let option = one(&options, given).map_err(|why| among(&why, ask))?;
        return Ok(Answer::option(option));
    }
    if given.len() != ask.questions.len() {
        bail!(
            "{} answers to {} questions: give one choice for each:\n{}",
            given.len(),
            ask.questions.len(),
            described(ask).trim_end()
        );
    }
    let pairs = ask.questions.iter().zip(given);
    let answers: anyhow::Result<Vec<QuestionAnswer>> = pairs
        .map(|(question, given)| of_question(question, given))
        .collect();
    let answers = answers.map_err(|why| among(&why, ask))?;
    Ok(Answer::questions(answers))
}

/// The error about an unfit choice, with the choices.
fn among(why: &anyhow::Error, ask: &Ask) -> anyhow::Error {
    anyhow!("{why}: choose one of these\n{}", described(ask).trim_end())
}

fn of_question(question: &Question, given: &str) -> anyhow::Result<QuestionAnswer> {
    let labels: Vec<&str> = question
        .options
        .iter()
        .map(|option| option.label.as_str())
        .collect();
    let single = one(&labels, given);
    if !question.multi_select || single.is_ok() {
        return Ok(QuestionAnswer::option(single?));
    }
    let mut answer = QuestionAnswer::default();
    for part in given.split(',') {
        answer.options.push(one(&labels, part.trim())?.to_owned());
    }
    Ok(answer)
}

/// The choice that a text names: by its words, in any case, by its number, or by its beginning.
fn one<'a>(options: &[&'a str], given: &str) -> anyhow::Result<&'a str> {
    let wanted = given.to_lowercase();
    let exact = options.iter().find(|option| **option == given);
    let exact = exact.or_else(|| {
        options
            .iter()
            .find(|option| option.to_lowercase() == wanted)
    });
    if let Some(option) = exact {
        return Ok(option);
    }
    let number = given.parse::<usize>().ok();
    if let Some(option) = number.and_then(|number| options.get(number.checked_sub(1)?)) {
        return Ok(option);
    }
    let begins = |option: &&&str| !wanted.is_empty() && option.to_lowercase().starts_with(&wanted);
    let found: Vec<&&str> = options.iter().filter(begins).collect();
    match found[..] {
        [only] => Ok(only),
        [] => bail!("`{given}` is none of the choices"),
        _ => bail!("`{given}` is the beginning of {} choices", found.len()),
    }
}

fn in_own_words(ask: &Ask, text: &str) -> anyhow::Result<Answer> {
    match ask.questions.len() {
        1 => Ok(Answer::questions([QuestionAnswer::text(text)])),
        0 => bail!(
            "only a question takes an answer in your own words: choose one of:\n{}",
            described(ask).trim_end()
        ),
        several => bail!("there are {several} questions: give one choice for each"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: [&str; 4] = ["Yes", "Yes, and don't ask again", "No", "2"];

    #[test]
    fn choices_are_named_by_word_number_or_beginning() {
        for (given, option) in [
            ("Yes", "Yes"),
            ("yes", "Yes"),
            ("1", "Yes"),
            ("2", "2"),
            ("3", "No"),
            ("n", "No"),
            ("yes,", "Yes, and don't ask again"),
        ] {
            assert_eq!(one(&OPTIONS, given).unwrap(), option, "{given}");
        }
        for (wrong, why) in [
            ("ye", "2 choices"),
            ("0", "none"),
            ("5", "none"),
            ("", "none"),
        ] {
            let error = one(&OPTIONS, wrong).unwrap_err().to_string();
            assert!(error.contains(why), "{wrong}: {error}");
        }
    }

    #[test]
    fn several_choices_have_commas() {
        let question: Question = serde_json::from_value(serde_json::json!({
            "question": "Which?", "header": "", "multi_select": true,
            "options": [{ "label": "A", "description": "" }, { "label": "B, or C", "description": "" }],
        }))
        .unwrap();
        let options = |given: &str| of_question(&question, given).map(|answer| answer.options);
        assert_eq!(options("1, 2").unwrap(), ["A", "B, or C"]);
        assert_eq!(options("B, or C").unwrap(), ["B, or C"]);
        assert!(options("1,4").is_err());
    }
}
