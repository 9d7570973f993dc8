//! Output projects: a workspace folder and its one conversation.

mod settings;

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use self::settings::{AgentSettings, EnvPatch, SettingsPatch};
use crate::{id::Id, identity::HistoryEntry};

/// Longest project or element name, in characters.
pub const NAME_MAX: usize = 200;

/// An output project, with the field names of the shared store's documents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputProject {
    pub id: Id,
    /// The knowledge base, if any: an opaque reference.
    pub kb_id: Option<String>,
    /// The name for people, 1 to [`NAME_MAX`] characters.
    pub name: String,
    /// The target stack, if any: an opaque reference.
    pub stack_id: Option<String>,
    /// The configuration of the knowledge base, if any: an opaque reference.
    pub configuration_id: Option<String>,
    /// The agent's working folder, absolute.
    pub workspace_path: PathBuf,
    /// The project's own settings for the agent.
    #[serde(default)]
    pub settings: AgentSettings,
    pub status: ProjectStatus,
    /// The current conversation, if there ever was a conversation.
    pub claude_session_id: Option<Uuid>,
    /// Every conversation of the project, oldest first, current last. No entry is ever deleted.
    pub claude_session_history: Vec<HistoryEntry>,
    /// The last hook with a change of the identity; reading the hook again changes nothing.
    pub identity_cursor: Option<HookCursor>,
    /// The delivery of the project's first command, if queued or was submitted.
    pub new_project_delivery: Option<Id>,
    pub created_at: Timestamp,
    /// The time of the last change of the record's own fields.
    pub updated_at: Timestamp,
}

impl OutputProject {
    /// The conversations of the history, each once, the newest first.
    #[must_use]
    pub fn conversations(&self) -> Vec<Uuid> {
        let mut ids = Vec::new();
        for entry in self.claude_session_history.iter().rev() {
            if !ids.contains(&entry.id) {
                ids.push(entry.id);
            }
        }
        ids
    }

    /// The path of a conversation's transcript, as an agent reported it last.
    #[must_use]
    pub fn reported_transcript(&self, conversation: Uuid) -> Option<&Path> {
        let mut entries = self.claude_session_history.iter().rev();
        entries.find_map(|entry| {
            let path = entry.transcript_path.as_deref();
            path.filter(|_| entry.id == conversation)
        })
    }
}

/// The status of an output project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProjectStatus {
    /// No milestone's command has reached the agent yet.
    Created,
    /// The project's first command was submitted.
    Initialized,
    /// A milestone was completed.
    Active,
}

impl ProjectStatus {
    /// All statuses.
    pub const ALL: [Self; 3] = [Self::Created, Self::Initialized, Self::Active];

    /// The word in the API and the stores.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Initialized => "initialized",
            Self::Active => "active",
        }
    }
}

/// A position in the hook events of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HookCursor {
    /// The session whose holder numbered the event.
    pub session_id: Id,
    pub seq: u64,
}

impl HookCursor {
    /// Whether an event at `self` is covered by `last`.
    #[must_use]
    pub fn is_behind(self, last: Option<Self>) -> bool {
        last.is_some_and(|last| last.session_id == self.session_id && self.seq <= last.seq)
    }
}

/// The folder name of a project without a given folder: `<slug>_<8 hex>`.
///
/// The slug is the lower-case name with every character outside `a-z0-9_` replaced by `_`, at most
/// 50 long.
#[must_use]
pub fn folder_name(name: &str, id: Id) -> String {
    let slug: String = name
        .to_lowercase()
        .chars()
        .take(50)
        .map(|c| {
            if c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' {
                c
            } else {
                '_'
            }
        })
        .collect();
    // The id ends in the process's random bytes and counter. Both differ between projects.
    let [.., a, b, c, d] = id.bytes();
    format!("{slug}_{a:02x}{b:02x}{c:02x}{d:02x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folder_names_are_safe_path_segments() {
        let id: Id = "0123456789abcdef89abcdef".parse().unwrap();
        assert_eq!(
            folder_name("My Project/Test", id),
            "my_project_test_89abcdef"
        );
        assert_eq!(folder_name("../..", id), "______89abcdef");
        assert_eq!(folder_name("Ação", id), "a__o_89abcdef");
        assert_eq!(folder_name(&"x".repeat(300), id).len(), 59);
    }

    #[test]
    fn cursors_compare_only_within_a_session() {
        let a = Id::from_bytes([1; 12]);
        let b = Id::from_bytes([2; 12]);
        let at = |session_id, seq| HookCursor { session_id, seq };
        assert!(at(a, 3).is_behind(Some(at(a, 3))));
        assert!(!at(a, 4).is_behind(Some(at(a, 3))));
        assert!(!at(b, 1).is_behind(Some(at(a, 3))));
        assert!(!at(a, 0).is_behind(None));
    }
}
