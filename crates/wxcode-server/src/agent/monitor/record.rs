//! Claude's own record of its process: when to read the record, and when to believe it.

use std::time::Duration;

use tokio::time::Instant;
use wxcode_claude::running::Status;

/// Time between two readings while the record may know more than the hooks.
pub(in crate::agent) const INTERVAL: Duration = Duration::from_secs(1);

/// The readings of a session's record.
#[derive(Debug, Default)]
pub(in crate::agent) struct ProcessRecord {
    /// The time of the next reading.
    next: Option<Instant>,
    /// The last reading, unless a hook came since.
    last: Option<Status>,
}

impl ProcessRecord {
    /// Requests a reading.
    pub(in crate::agent) fn watch(&mut self, now: Instant) {
        self.next.get_or_insert(now + INTERVAL);
    }

    /// The time of the next reading.
    pub(in crate::agent) const fn deadline(&self) -> Option<Instant> {
        self.next
    }

    /// Whether a reading is due; after a due reading, the next reading waits for a request.
    pub(in crate::agent) fn is_due(&mut self, now: Instant) -> bool {
        self.next.take_if(|next| now >= *next).is_some()
    }

    /// A hook came: earlier readings are void.
    pub(in crate::agent) fn invalidate(&mut self) {
        self.last = None;
    }

    /// Takes a reading; returns the value if the last reading was equal. Records lag slightly
    /// behind hooks.
    pub(in crate::agent) fn confirm(&mut self, status: Option<Status>) -> Option<Status> {
        let before = std::mem::replace(&mut self.last, status.clone());
        status.filter(|status| before.as_ref() == Some(status))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_readings_without_a_hook_count() {
        let mut record = ProcessRecord::default();
        let start = Instant::now();
        record.watch(start);
        assert!(!record.is_due(start + INTERVAL / 2));
        assert!(record.is_due(start + INTERVAL));
        assert_eq!(record.deadline(), None);
        assert_eq!(record.confirm(Some(Status::Idle)), None);
        assert_eq!(record.confirm(Some(Status::Idle)), Some(Status::Idle));
        assert_eq!(record.confirm(Some(Status::Busy)), None);
        record.invalidate();
        assert_eq!(record.confirm(Some(Status::Busy)), None);
        assert_eq!(record.confirm(None), None);
        assert_eq!(record.confirm(None), None);
    }
}
