//! The end of an attach, and its message in the restored terminal.

use std::io::{Write, stderr, stdout};

use anyhow::anyhow;
use wxcode_client::terminal::{Exit, Lost};

#[derive(Debug)]
pub(crate) enum End {
    /// The user detached.
    Detached {
        /// Whether typed input did not reach the server.
        unsent: bool,
    },
    /// The agent ended.
    Exited {
        /// The agent's exit, where it is known.
        exit: Option<Exit>,
        /// The last screen's text.
        screen: String,
    },
    /// There is no session to view.
    NeverRan,
    /// A signal that asks the process to end.
    Signal(&'static str),
    /// The user's terminal is gone.
    Hangup,
    /// The session is no longer available.
    Lost(Lost),
}

impl End {
    /// Prints the end in the restored terminal.
    ///
    /// # Errors
    /// Neither the user nor the agent caused the end.
    pub(crate) fn tell(&self, project: &str) -> anyhow::Result<()> {
        let text = match self {
            Self::Detached { unsent } => {
                let lost = if *unsent {
                    ", but your last input did not reach it"
                } else {
                    ""
                };
                format!("detached: the agent goes on{lost}; `wxcode attach {project}` reattaches")
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
    fn each_end_has_its_message() {
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
