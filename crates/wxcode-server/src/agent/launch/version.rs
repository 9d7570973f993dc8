//! Logs once when an agent's version differs from the tested one.

use std::sync::OnceLock;

use wxcode_claude::TESTED_VERSION;

static LOGGED: OnceLock<()> = OnceLock::new();

/// An agent of this version was seen.
pub(in crate::agent) fn seen(version: &str) {
    if version != TESTED_VERSION && LOGGED.set(()).is_ok() {
        tracing::warn!(
            version,
            tested = TESTED_VERSION,
            "Claude Code is of another version than the one that wxcode was tested with; `make conformance` in its sources tells whether what it relies on still holds"
        );
    }
}
