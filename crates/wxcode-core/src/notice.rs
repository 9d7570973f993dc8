//! Notices: events on their way to webhooks and browsers outside.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::Id;

/// A receiver of notices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub id: Id,
    pub created_at: Timestamp,
    /// The name of the creator's credential.
    pub created_by: String,
    /// The credential with which the target ends; `None` for a target that counts by itself.
    pub credential: Option<Id>,
    pub address: Address,
}

/// The way to a receiver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Address {
    /// A program with an address of its own.
    Webhook {
        url: String,
        /// Types of events; `*` for all, `session.*` for a group.
        events: Vec<String>,
        /// The key of the signature.
        secret: String,
    },
    /// A browser, by the push service that the browser chose.
    Push {
        endpoint: String,
        /// The browser's public key, an uncompressed point of P-256.
        p256dh: Vec<u8>,
        /// The browser's secret, 16 bytes.
        auth: Vec<u8>,
    },
}

impl Address {
    /// The form in stores.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Texts, lists and numbers always have a form in JSON.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads the form in stores.
    #[must_use]
    pub fn from_json(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

/// An event on its way to a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    pub id: Id,
    /// The [`Target::id`].
    pub target: Id,
    /// The event's id, the same for each target and each attempt.
    pub event: String,
    /// The event's type.
    pub kind: String,
    /// JSON.
    pub body: String,
    /// Failed attempts.
    pub attempts: u32,
    pub created_at: Timestamp,
    /// The time of the next attempt.
    pub due_at: Timestamp,
}

/// Whether a list of types has an event of this type.
#[must_use]
pub fn has(events: &[String], kind: &str) -> bool {
    events.iter().any(|wanted| match wanted.strip_suffix('*') {
        Some(group) => kind.starts_with(group),
        None => wanted == kind,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_listed_alone_or_in_groups() {
        let of = |list: &[&str], kind| {
            let list: Vec<String> = list.iter().map(|word| (*word).to_owned()).collect();
            has(&list, kind)
        };
        assert!(of(&["*"], "agent.state"));
        assert!(of(&["run.*", "agent.state"], "agent.state"));
        assert!(of(&["session.*"], "session.exited"));
        assert!(!of(&["session.*"], "sessions"));
        assert!(!of(&["agent"], "agent.state"));
        assert!(!of(&[], "agent.state"));
    }
}
