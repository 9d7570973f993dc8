//! Claude's own record of its process: when to read it, and what it says for sure.

use wxcode_claude::running::Status;

/// How often it is read while it may know something that hooks do not tell.
pub(super) const INTERVAL_MS: u64 = 1_000;

/// The readings of one session's record.
#[derive(Debug, Default)]
pub(super) struct Record {
    /// When to read it next.
    next: Option<u64>,
    /// What it said the last time, unless a hook came since.
    said: Option<Status>,
}

impl Record {
    /// It is to be read.
    pub(super) fn watch(&mut self, now: u64) {
        self.next.get_or_insert(now + INTERVAL_MS);
    }

    /// When it is to be read.
    pub(super) const fn deadline(&self) -> Option<u64> {
        self.next
    }

    /// Whether it is to be read now. Then it is not to be read again until it is watched.
    pub(super) fn is_due(&mut self, now: u64) -> bool {
        self.next.take_if(|next| now >= *next).is_some()
    }

    /// A hook came: what the record said before it is old.
    pub(super) fn outdate(&mut self) {
        self.said = None;
    }

    /// It was read: what it says, if it said the same before. It lags a little behind the hooks.
    pub(super) fn says(&mut self, status: Option<Status>) -> Option<Status> {
        let before = std::mem::replace(&mut self.said, status.clone());
        status.filter(|status| before.as_ref() == Some(status))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_said_twice_without_a_hook_in_between_counts() {
        let mut record = Record::default();
        record.watch(0);
        assert!(!record.is_due(INTERVAL_MS - 1));
        assert!(record.is_due(INTERVAL_MS));
        assert_eq!(record.deadline(), None);
        assert_eq!(record.says(Some(Status::Idle)), None);
        assert_eq!(record.says(Some(Status::Idle)), Some(Status::Idle));
        assert_eq!(record.says(Some(Status::Busy)), None);
        record.outdate();
        assert_eq!(record.says(Some(Status::Busy)), None);
        assert_eq!(record.says(None), None);
        assert_eq!(record.says(None), None);
    }
}
