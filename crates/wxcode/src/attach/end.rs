//! How attaching ended, and what is said about it when the terminal is the shell's again.

use std::io::{Write, stderr, stdout};

use anyhow::anyhow;
use wxcode_client::terminal::{Exit, Lost};

/// How it ended.
#[derive(Debug)]
pub(crate) enum End {
    /// The user left.
    Detached {
        /// Whether something that was typed did not go to the server.
        unsent: bool,
    },
    /// The agent ended.
    Exited {
        /// How, where that is known.
        exit: Option<Exit>,
        /// The last screen's text.
        screen: String,
    },
    /// There is nothing to be looked at.
    NeverRan,
    /// A signal that asks to end.
    Signal(&'static str),
    /// The user's terminal is gone.
    Hangup,
    /// The session cannot be had any more.
    Lost(Lost),
}

impl End {
    /// Says on the terminal, which is the shell's again, how it ended.
    ///
    /// # Errors
    /// It ended otherwise than the user or the agent wanted.
    pub(crate) fn tell(&self, project: &str) -> anyhow::Result<()> {
        let text = match self {
            Self::Detached { unsent } => {
                let lost = if *unsent {
                    ", but what you typed last did not reach it"
                } else {
                    ""
                };
                format!("detached: the agent goes on{lost}; `wxcode attach {project}` comes back")
            }
            Self::Exited { exit, screen } => {
                let _ = writeln!(stdout(), "{screen}");
                let how = exit.as_ref().map(how).unwrap_or_default();
                format!("the agent ended{how}; `wxcode attach {project}` starts it again")
            }
            Self::NeverRan => {
                format!(
                    "no session runs in {project} yet; `wxcode attach {project}` starts the agent"
                )
            }
            Self::Signal(name) => {
                return Err(anyhow!("left after {name}: the agent goes on"));
            }
            Self::Hangup => return Err(anyhow!("the terminal is gone: the agent goes on")),
            Self::Lost(lost) => return Err(lost.clone().into()),
        };
        let _ = writeln!(stderr(), "wxcode: {text}");
        Ok(())
    }
}

fn how(exit: &Exit) -> String {
    match (exit.code, exit.signal) {
        (_, Some(signal)) => format!(" (signal {signal})"),
        (Some(code), None) => format!(" (code {code})"),
        (None, None) => format!(" ({})", exit.reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_says_how() {
        let exit = |code, signal, reason: &str| Exit {
            code,
            signal,
            at: String::new(),
            reason: reason.to_owned(),
            offset: 0,
        };
        assert_eq!(how(&exit(Some(3), None, "exited")), " (code 3)");
        assert_eq!(how(&exit(None, Some(9), "signaled")), " (signal 9)");
        assert_eq!(how(&exit(None, None, "stopped")), " (stopped)");
    }
}
