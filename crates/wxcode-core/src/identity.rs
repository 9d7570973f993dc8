//! A project's current conversation, and the history of all its conversations.
//!
//! Invariants: the last `SessionStart` of the project's own agent, or the last init line of its own
//! run, names the current conversation. A hook, by its number, and a line, by its offset, change
//! the current conversation at most once. No entry ever leaves the history.

use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A conversation id of a project, with the reasons of its start and end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// Claude Code's conversation id.
    pub id: Uuid,
    /// The time at which the conversation became current.
    pub since: Timestamp,
    /// The time of replacement by another conversation; `None` for the current conversation.
    pub until: Option<Timestamp>,
    pub source: Source,
    /// The reason for leaving the conversation; `None` for the current conversation.
    pub reason: Option<String>,
    /// The path of the transcript, once a hook named the path.
    pub transcript_path: Option<PathBuf>,
    /// Whether a message was ever submitted in the conversation; no new conversation can start with
    /// such an id.
    #[serde(default)]
    pub spoke: bool,
}

/// The origin of a conversation id. The first four are values of `SessionStart`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A new conversation.
    Startup,
    /// An existing conversation, resumed.
    Resume,
    /// `/clear`.
    Clear,
    /// Compaction.
    Compact,
    /// A new conversation in place of a lost one.
    Lost,
    /// A headless run.
    Headless,
}

impl Source {
    /// The word in the API and the stores.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Startup => "startup",
            Self::Resume => "resume",
            Self::Clear => "clear",
            Self::Compact => "compact",
            Self::Lost => "lost",
            Self::Headless => "headless",
        }
    }
}

/// The history after `new` replaced `old` as the current id; both stores write this history.
///
/// A returning id (of a resumed older conversation) gets a new entry at the end. Its earlier
/// entries stay, and the new entry inherits `spoke` from the earlier entries.
#[must_use]
pub fn rotated(
    mut history: Vec<HistoryEntry>,
    new: Uuid,
    source: Source,
    reason: &str,
    transcript_path: Option<PathBuf>,
    at: Timestamp,
) -> Vec<HistoryEntry> {
    if let Some(current) = history.last_mut()
        && current.until.is_none()
    {
        current.until = Some(at);
        current.reason = Some(reason.to_owned());
    }
    let earlier = history.iter().rev().find(|entry| entry.id == new);
    let spoke = earlier.is_some_and(|entry| entry.spoke);
    let transcript_path =
        transcript_path.or_else(|| earlier.and_then(|entry| entry.transcript_path.clone()));
    history.push(HistoryEntry {
        id: new,
        since: at,
        until: None,
        source,
        reason: None,
        transcript_path,
        spoke,
    });
    history
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotation_closes_the_current_entry_and_keeps_all() {
        let (a, b) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let at = |second| Timestamp::from_second(second).unwrap();
        let history = rotated(Vec::new(), a, Source::Startup, "", None, at(1));
        let mut history = rotated(
            history,
            b,
            Source::Clear,
            "clear",
            Some("/t/b".into()),
            at(2),
        );
        assert_eq!(history.len(), 2);
        assert_eq!(
            (history[0].until, history[0].reason.as_deref()),
            (Some(at(2)), Some("clear"))
        );
        assert_eq!((history[1].id, history[1].until), (b, None));

        history[0].spoke = true;
        let history = rotated(history, a, Source::Resume, "resume", None, at(3));
        assert_eq!(
            history.iter().map(|entry| entry.id).collect::<Vec<_>>(),
            [a, b, a]
        );
        assert!(
            history[2].spoke,
            "an id that spoke still has when it comes back"
        );
        assert_eq!(history[1].until, Some(at(3)));
    }
}
