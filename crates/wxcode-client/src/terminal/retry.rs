//! Decides after the end of a connection: leave, or connect again, and when.

use std::time::Duration;

use crate::{CertificateError, backoff::Backoff};

/// The reason for a missing connection.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Lost {
    /// The server closed the connection.
    #[error("{}", closed(*code, reason))]
    Closed {
        /// A close code of docs/protocol.md.
        code: u16,
        /// The server's text, possibly empty.
        reason: String,
    },
    /// The server answered the request with something other than a WebSocket.
    #[error("the server refused the connection with status {status}{}", advice(*status))]
    Refused {
        /// The HTTP status.
        status: u16,
    },
    /// The server speaks another protocol.
    #[error(
        "the server speaks another protocol ({0}): use the same version of wxcode on both sides"
    )]
    Foreign(String),
    /// The server's certificate is refused.
    #[error(transparent)]
    Certificate(CertificateError),
    /// The network failed, or no server listens.
    #[error("no connection to the server ({0}): start it with `wxcode serve`, then attach again")]
    Broken(String),
}

/// The decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Connect again after this pause.
    Again(Duration),
    /// The agent has ended.
    Ended,
    /// A further attempt would fail the same way.
    Fail,
}

/// The pauses between attempts.
#[derive(Debug)]
pub(super) struct Retry {
    backoff: Backoff,
    /// Whether there ever was a connection; a failed first connection is not repeated.
    was_attached: bool,
}

impl Retry {
    pub(super) fn new() -> Self {
        Self {
            backoff: Backoff::new(),
            was_attached: false,
        }
    }

    /// The session is there: the next failure counts as the first one.
    pub(super) fn attached(&mut self) {
        self.backoff.reset();
        self.was_attached = true;
    }

    /// Decides after a lost or failed connection.
    pub(super) fn lost(&mut self, why: &Lost) -> Next {
        match why {
            Lost::Closed { code: 1000, .. } => return Next::Ended,
            Lost::Closed {
                code: 4000..=4999, ..
            }
            | Lost::Refused { status: 400..=499 }
            | Lost::Foreign(_)
            | Lost::Certificate(_) => return Next::Fail,
            _ if !self.was_attached => return Next::Fail,
            Lost::Closed { .. } | Lost::Refused { .. } | Lost::Broken(_) => {}
        }
        Next::Again(self.backoff.next())
    }
}

fn closed(code: u16, reason: &str) -> String {
    let (what, todo) = match code {
        4000 => ("this is not an id", "`wxcode ls` lists the projects"),
        4003 => (
            "the project's workspace folder is missing",
            "put it back, then attach again",
        ),
        4004 => ("there is no such project", "`wxcode ls` lists them"),
        4005 => (
            "the agent could not start",
            "fix the cause, then attach again",
        ),
        4401 => (
            "the server refuses this token",
            "run `wxcode token` on the server's machine, and give its output by --token-file or WXCODE_TOKEN",
        ),
        _ => ("the server closed the connection", "attach again"),
    };
    // Prefer the server's own text.
    match reason {
        "" => format!("{what} ({code}): {todo}"),
        reason if code == 4401 => format!("{reason} ({code}): {todo}"),
        reason => format!("{reason} ({code})"),
    }
}

fn advice(status: u16) -> &'static str {
    match status {
        401 => {
            ": run `wxcode token` on the server's machine, and give its output by --token-file or WXCODE_TOKEN"
        }
        403 => ": use an address of the server, or add its name to allowed_hosts",
        404 => ": is --server the address of a wxcode server?",
        _ => ": see the server's log",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FIRST_PAUSE;

    fn closed_with(code: u16) -> Lost {
        Lost::Closed {
            code,
            reason: String::new(),
        }
    }

    #[test]
    fn pauses_double_and_reset() {
        let mut retry = Retry::new();
        retry.attached();
        let mut pauses = Vec::new();
        for _ in 0..7 {
            let Next::Again(pause) = retry.lost(&Lost::Broken("gone".to_owned())) else {
                panic!("it is tried again");
            };
            pauses.push(pause.as_millis());
        }
        assert_eq!(pauses, [200, 400, 800, 1600, 3200, 5000, 5000]);
        retry.attached();
        let going = retry.lost(&closed_with(1001));
        assert_eq!(going, Next::Again(FIRST_PAUSE));
    }

    #[test]
    fn close_codes_decide_on_reconnecting() {
        let mut retry = Retry::new();
        retry.attached();
        assert_eq!(retry.lost(&closed_with(1000)), Next::Ended);
        for code in [4000, 4003, 4004, 4005, 4009, 4401] {
            assert_eq!(retry.lost(&closed_with(code)), Next::Fail, "{code}");
        }
        for code in [1001, 1005, 1006, 1011, 1012] {
            let next = retry.lost(&closed_with(code));
            assert!(matches!(next, Next::Again(_)), "{code}");
        }
        let refused = |status| Lost::Refused { status };
        assert_eq!(retry.lost(&refused(403)), Next::Fail);
        assert!(matches!(retry.lost(&refused(503)), Next::Again(_)));
    }

    #[test]
    fn a_first_failure_is_final() {
        let mut retry = Retry::new();
        assert_eq!(retry.lost(&Lost::Broken("refused".to_owned())), Next::Fail);
        assert_eq!(retry.lost(&closed_with(1001)), Next::Fail);
    }

    #[test]
    fn every_reason_names_a_remedy() {
        assert!(closed_with(4401).to_string().contains("wxcode token"));
        assert!(closed_with(4004).to_string().contains("wxcode ls"));
        let lost = Lost::Closed {
            code: 4005,
            reason: "claude is not installed: install it".to_owned(),
        };
        assert_eq!(
            lost.to_string(),
            "claude is not installed: install it (4005)"
        );
        assert!(
            Lost::Refused { status: 404 }
                .to_string()
                .contains("--server")
        );
    }
}
