//! Timestamps as the API and both stores write them: UTC, whole milliseconds.

use jiff::Timestamp;

/// Cuts `at` to whole milliseconds, the precision of the shared store's dates, so that a record
/// reads back equal from either store.
#[must_use]
pub fn to_millis(at: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_cut_to_milliseconds() {
        let at: Timestamp = "2026-01-02T03:04:05.678912Z".parse().unwrap();
        assert_eq!(to_millis(at).to_string(), "2026-01-02T03:04:05.678Z");
    }
}
