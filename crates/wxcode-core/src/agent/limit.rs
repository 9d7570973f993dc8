//! The usage limit of the agent's account.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A usage limit at which the agent stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// The agent's words.
    pub reason: String,
    /// When the account may be used again, if the agent knows.
    pub resets_at: Option<Timestamp>,
}

impl Limit {
    /// The description for a waiting delivery.
    #[must_use]
    pub fn note(&self) -> String {
        let reason = &self.reason;
        match self.resets_at {
            Some(at) => format!(
                "usage limit: {reason}; it resets at {at}, and the command follows by itself"
            ),
            None => format!(
                "usage limit: {reason}; the time of its reset is not known: wxcode tries again, and the command follows by itself"
            ),
        }
    }
}
