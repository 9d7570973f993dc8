//! Close codes of a terminal, each with its reason.

use std::borrow::Cow;

use wxcode_store::StoreError;

use crate::agent::StartError;

/// Close codes: the contract's, and RFC 6455's.
pub(super) mod code {
    pub(in crate::terminal) const ENDED: u16 = 1000;
    pub(in crate::terminal) const GOING_AWAY: u16 = 1001;
    pub(in crate::terminal) const POLICY: u16 = 1008;
    pub(in crate::terminal) const BAD_ID: u16 = 4000;
    pub(in crate::terminal) const WORKSPACE_MISSING: u16 = 4003;
    pub(in crate::terminal) const NOT_FOUND: u16 = 4004;
    pub(in crate::terminal) const AGENT: u16 = 4005;
    pub(in crate::terminal) const FINISHED: u16 = 4009;
    pub(in crate::terminal) const NOT_ALLOWED: u16 = 4401;
    pub(in crate::terminal) const ROLE: u16 = 4403;
}

/// Bytes of a reason in a close frame.
const REASON_MAX: usize = 123;

/// Why a terminal is closed.
pub(super) struct End {
    pub(super) code: u16,
    /// The code of the error message before the close.
    pub(super) error: Option<&'static str>,
    pub(super) reason: Cow<'static, str>,
    /// Whether another node has the project.
    is_elsewhere: bool,
}

impl End {
    pub(super) fn new(
        code: u16,
        error: Option<&'static str>,
        reason: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            code,
            error,
            reason: reason.into(),
            is_elsewhere: false,
        }
    }

    /// Another node has the project, as after a lost race for its start: the client connects again,
    /// and reaches that node.
    fn elsewhere(reason: String) -> Self {
        Self {
            is_elsewhere: true,
            ..Self::new(code::GOING_AWAY, None, reason)
        }
    }

    /// The same for a client whose project's node does not answer: connecting again does not help.
    pub(super) fn unreachable(self) -> Self {
        match self.is_elsewhere {
            true => Self::new(code::AGENT, Some("SESSION_ERROR"), self.reason),
            false => self,
        }
    }

    /// The reason, cut to the room of a close frame.
    pub(super) fn shortened(&self) -> &str {
        let mut end = self.reason.len().min(REASON_MAX);
        while !self.reason.is_char_boundary(end) {
            end -= 1;
        }
        &self.reason[..end]
    }

    /// The client is gone: nothing more can be sent.
    pub(super) const fn gone() -> Self {
        Self {
            code: 0,
            error: None,
            reason: Cow::Borrowed(""),
            is_elsewhere: false,
        }
    }
}

impl From<StartError> for End {
    fn from(error: StartError) -> Self {
        match error {
            StartError::NoProject => {
                Self::new(code::NOT_FOUND, Some("NOT_FOUND"), error.to_string())
            }
            StartError::Workspace(_) => Self::new(
                code::WORKSPACE_MISSING,
                Some("WORKSPACE_NOT_FOUND"),
                error.to_string(),
            ),
            // Another node, or this one later, takes the client.
            StartError::Draining | StartError::Full(_) | StartError::Closing => {
                Self::new(code::GOING_AWAY, None, error.to_string())
            }
            StartError::Elsewhere { .. } => Self::elsewhere(error.to_string()),
            StartError::GsdMissing { .. } => {
                Self::new(code::AGENT, Some("GSD_MISSING"), error.to_string())
            }
            StartError::Store(_)
            | StartError::GsdUnknown { .. }
            | StartError::Agent(_)
            | StartError::File(_)
            | StartError::Transcripts(_)
            | StartError::Folder(_)
            | StartError::Claimed(_)
            | StartError::InRun(_)
            | StartError::InSession => {
                Self::new(code::AGENT, Some("SESSION_ERROR"), error.to_string())
            }
        }
    }
}

impl From<StoreError> for End {
    fn from(error: StoreError) -> Self {
        StartError::from(error).into()
    }
}
