//! Headless runs of a project's agent, and their outcome.

use serde::{Deserialize, Serialize};

use crate::{id::Id, text::shortened};

/// Longest prompt of a run, in bytes; the kernel takes 128 KiB for a single argument.
pub const PROMPT_MAX: usize = 100 << 10;
/// Longest quote of an agent's last output in an error, in characters.
const WORDS_MAX: usize = 1_000;

/// The state of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// The agent works.
    Running,
    /// The agent reported success.
    Succeeded,
    /// Any other end; the error names the end.
    Failed,
    /// A request stopped the run.
    Stopped,
}

impl RunState {
    /// All states.
    pub const ALL: [Self; 4] = [Self::Running, Self::Succeeded, Self::Failed, Self::Stopped];
}

/// The position of an event in a run's output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// The offset of the first byte of the line.
    pub offset: u64,
    /// The index of the event in its line, from 0.
    pub part: u32,
}

/// The agent's last result line of a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Verdict {
    /// Whether the run failed.
    pub is_error: bool,
    /// The answer, or the error.
    pub text: Option<String>,
}

/// The end of the agent's process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End<'a> {
    pub code: Option<i32>,
    pub signal: Option<i32>,
    /// Whether a request stopped the run.
    pub is_stopped: bool,
    /// The holder's word for the reason.
    pub reason: &'a str,
}

/// Decides the outcome of a run, with an error for a failure. `words` is the agent's last output
/// outside of messages.
#[must_use]
pub fn outcome(
    verdict: Option<&Verdict>,
    end: &End<'_>,
    words: &str,
) -> (RunState, Option<String>) {
    match verdict {
        Some(verdict) if !verdict.is_error && end.code == Some(0) => {
            return (RunState::Succeeded, None);
        }
        _ if end.is_stopped => return (RunState::Stopped, None),
        Some(verdict) if verdict.is_error => {
            let text = verdict.text.as_deref().filter(|text| !text.is_empty());
            let text = text.unwrap_or("it gave no reason");
            let error = format!(
                "the agent reports an error: {}; see to it, then run the prompt again",
                shortened(text, WORDS_MAX)
            );
            return (RunState::Failed, Some(error));
        }
        _ => {}
    }
    let how = match (end.code, end.signal) {
        (Some(code), _) => format!("ended with code {code}"),
        (None, Some(signal)) => format!("was killed by signal {signal}"),
        (None, None) => format!("is gone ({})", end.reason),
    };
    let so = match verdict {
        Some(_) => "after its result",
        None => "without a result",
    };
    let words = match words.trim() {
        "" => String::new(),
        words => format!(", and said: {}", shortened(words, WORDS_MAX)),
    };
    let error = format!(
        "the agent {how} {so}{words}; look at the workspace for what is done, then run a prompt again"
    );
    (RunState::Failed, Some(error))
}

/// Describes a run in the way of another request.
#[must_use]
pub fn in_the_way(run: Id) -> String {
    // A close frame of a WebSocket has room for 123 bytes.
    format!(
        "a run is going on in the project: wait until it ends, or stop it (DELETE …/runs/{run})"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXITED: End<'_> = End {
        code: Some(0),
        signal: None,
        is_stopped: false,
        reason: "exited",
    };

    fn said(is_error: bool) -> Option<Verdict> {
        let text = Some("words".to_owned());
        Some(Verdict { is_error, text })
    }

    #[test]
    fn only_a_result_and_code_0_is_a_success() {
        let stopped = End {
            code: Some(143),
            is_stopped: true,
            ..EXITED
        };
        let late = End {
            is_stopped: true,
            ..EXITED
        };
        let code = End {
            code: Some(7),
            ..EXITED
        };
        let table = [
            (said(false), EXITED, RunState::Succeeded),
            (said(false), late, RunState::Succeeded),
            (said(false), code.clone(), RunState::Failed),
            (said(true), EXITED, RunState::Failed),
            (said(true), code.clone(), RunState::Failed),
            (None, EXITED, RunState::Failed),
            (None, code, RunState::Failed),
            (None, stopped.clone(), RunState::Stopped),
            (said(true), stopped, RunState::Stopped),
        ];
        for (verdict, end, state) in table {
            let (found, error) = outcome(verdict.as_ref(), &end, "");
            assert_eq!(found, state, "{verdict:?} {end:?}");
            assert_eq!(error.is_some(), state == RunState::Failed);
        }
    }

    #[test]
    fn errors_quote_the_agent() {
        let error = |verdict: Option<Verdict>, words: &str| {
            outcome(verdict.as_ref(), &EXITED, words).1.unwrap()
        };
        assert!(error(said(true), "").contains("words"));
        assert!(error(None, "Error: in use\n").contains("said: Error: in use;"));
        assert!(error(None, &"x".repeat(5_000)).len() < 1_200);
        let killed = End {
            code: None,
            signal: Some(9),
            ..EXITED
        };
        let error = outcome(None, &killed, "").1.unwrap();
        assert!(error.contains("killed by signal 9"), "{error}");
    }

    #[test]
    fn obstacles_fit_a_close_frame() {
        assert!(in_the_way(Id::from_bytes([255; 12])).len() <= 123);
    }
}
