//! Decides how to start a project's agent: resume, start again, or begin a new conversation.
//! Decides from evidence, before the spawn, never by trial.
//!
//! Invariant: [`decide`] is a total function of the record and the transcript, and a new id is
//! saved by compare-and-set before any process starts with the id.

use uuid::Uuid;

/// The project's current conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    pub id: Uuid,
    /// Whether a message was ever submitted in the conversation.
    pub spoke: bool,
}

/// The state of the conversation's transcript.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transcript {
    /// No folder has a file of the id.
    Missing,
    /// A file without messages.
    Empty,
    /// A file with messages.
    Spoken,
    /// The folder of transcripts is missing.
    Away,
    /// The folder of transcripts is unreadable, or the transcript is in another folder, so nothing
    /// is known.
    Unavailable,
}

/// The state of the conversation's copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Copy {
    /// None with messages.
    Missing,
    /// The copy has messages, and the transcript holds the same or more.
    Behind,
    /// The copy has messages, and the transcript is missing, or is the beginning of the copy.
    Ahead,
}

/// The conversation cannot be judged: the id stays, and no agent starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unjudged {
    pub id: Uuid,
}

/// The way to start the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    /// The project's first conversation: save `id` by compare-and-set, then start with `id`.
    First { id: Uuid },
    /// The id was assigned, but no message was ever submitted: start with the same id again.
    Again { id: Uuid },
    /// Resume the conversation.
    Resume { id: Uuid },
    /// Write the transcript from its copy, then resume the conversation.
    Restore { id: Uuid },
    /// The conversation cannot be resumed: begin a new conversation, keep the old id in the
    /// history, report the loss.
    Lost {
        /// The old id.
        old: Uuid,
        /// The new id, saved by compare-and-set from `old` before the spawn.
        id: Uuid,
        /// The reason of the loss.
        reason: &'static str,
    },
}

impl Plan {
    /// The conversation id of the agent's start.
    #[must_use]
    pub const fn id(&self) -> Uuid {
        match *self {
            Self::First { id }
            | Self::Again { id }
            | Self::Resume { id }
            | Self::Restore { id }
            | Self::Lost { id, .. } => id,
        }
    }

    /// Whether a conversation is resumed.
    #[must_use]
    pub const fn is_resumed(&self) -> bool {
        matches!(self, Self::Resume { .. } | Self::Restore { .. })
    }

    /// Why the previous conversation is lost, if it is.
    #[must_use]
    pub const fn lost(&self) -> Option<&'static str> {
        match *self {
            Self::Lost { reason, .. } => Some(reason),
            Self::First { .. }
            | Self::Again { .. }
            | Self::Resume { .. }
            | Self::Restore { .. } => None,
        }
    }
}

/// Decides how to start the agent. `fresh` is the id for a new conversation.
///
/// # Errors
/// [`Unjudged`] when the folder of transcripts is unavailable, or is missing for a conversation
/// with messages and without a copy.
pub const fn decide(
    known: Option<Known>,
    transcript: Transcript,
    copy: Copy,
    fresh: Uuid,
) -> Result<Plan, Unjudged> {
    let Some(known) = known else {
        return Ok(Plan::First { id: fresh });
    };
    Ok(match transcript {
        // Claude Code could not write a transcript there either.
        Transcript::Unavailable => return Err(Unjudged { id: known.id }),
        _ if matches!(copy, Copy::Ahead) => Plan::Restore { id: known.id },
        Transcript::Away if known.spoke => return Err(Unjudged { id: known.id }),
        Transcript::Away => Plan::Again { id: known.id },
        Transcript::Spoken => Plan::Resume { id: known.id },
        Transcript::Missing if !known.spoke => Plan::Again { id: known.id },
        Transcript::Missing => Plan::Lost {
            old: known.id,
            id: fresh,
            reason: "its transcript is gone",
        },
        // The CLI refuses such an id both ways: for a new conversation the id is in use, and for
        // resuming there is nothing to resume.
        Transcript::Empty => Plan::Lost {
            old: known.id,
            id: fresh,
            reason: "its transcript holds no message",
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_the_contract() {
        let (old, fresh) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let id = |spoke| Some(Known { id: old, spoke });
        let lost = |reason| Plan::Lost {
            old,
            id: fresh,
            reason,
        };
        let table = [
            (None, Transcript::Missing, Plan::First { id: fresh }),
            (id(true), Transcript::Spoken, Plan::Resume { id: old }),
            (id(false), Transcript::Spoken, Plan::Resume { id: old }),
            (id(false), Transcript::Missing, Plan::Again { id: old }),
            (
                id(true),
                Transcript::Missing,
                lost("its transcript is gone"),
            ),
            (
                id(false),
                Transcript::Empty,
                lost("its transcript holds no message"),
            ),
            (
                id(true),
                Transcript::Empty,
                lost("its transcript holds no message"),
            ),
        ];
        for (known, transcript, plan) in table {
            assert_eq!(
                decide(known, transcript, Copy::Missing, fresh),
                Ok(plan),
                "{known:?} {transcript:?}"
            );
        }
        for unknown in [Transcript::Unavailable, Transcript::Away] {
            assert_eq!(
                decide(id(true), unknown, Copy::Missing, fresh),
                Err(Unjudged { id: old })
            );
        }
        let silent = |transcript| decide(id(false), transcript, Copy::Missing, fresh);
        assert_eq!(silent(Transcript::Away), Ok(Plan::Again { id: old }));
        assert_eq!(silent(Transcript::Unavailable), Err(Unjudged { id: old }));
    }

    #[test]
    fn a_copy_with_more_is_restored() {
        let (old, fresh) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let restore = Ok(Plan::Restore { id: old });
        for spoke in [true, false] {
            let known = Some(Known { id: old, spoke });
            for transcript in [
                Transcript::Missing,
                Transcript::Empty,
                Transcript::Spoken,
                Transcript::Away,
            ] {
                let plan = decide(known, transcript, Copy::Ahead, fresh);
                assert_eq!(plan, restore, "{known:?} {transcript:?}");
            }
            let resume = decide(known, Transcript::Spoken, Copy::Behind, fresh);
            assert_eq!(resume, Ok(Plan::Resume { id: old }));
        }
        let spoken = Some(Known {
            id: old,
            spoke: true,
        });
        assert_eq!(
            decide(spoken, Transcript::Unavailable, Copy::Ahead, fresh),
            Err(Unjudged { id: old }),
            "an unreadable folder is no missing one"
        );
        let first = decide(None, Transcript::Missing, Copy::Missing, fresh);
        assert_eq!(first, Ok(Plan::First { id: fresh }));
    }
}
