//! Sizes of the terminal: coalesces requests, and remembers the offset of each change.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use wxcode_terminal::Size;

use crate::state::{Change, Sizing, Wish};

/// Shortest time between two changes; the newest request wins.
pub(crate) const COALESCE: Duration = Duration::from_millis(250);
/// Changes remembered for lagging clients.
const REMEMBERED: usize = 64;

/// The present size, the requested size, and the changes so far.
pub(crate) struct Sizes {
    now: Size,
    changed: Option<Instant>,
    requested: Option<Size>,
    past: VecDeque<Change>,
    next: u64,
    /// The offset of the newest forgotten change.
    forgotten: Option<u64>,
}

impl Sizes {
    pub(crate) fn new(size: Size) -> Self {
        Self {
            now: size,
            changed: None,
            requested: None,
            past: VecDeque::new(),
            next: 0,
            forgotten: None,
        }
    }

    /// Everything, for handing over.
    pub(crate) fn state(&self) -> Sizing {
        Sizing {
            now: self.now,
            wished: self.requested.map(|size| Wish { size }),
            past: self.past.iter().copied().collect(),
            next: self.next,
            forgotten: self.forgotten,
        }
    }

    /// Continues another program's sizes, as if the last change were of this moment.
    pub(crate) fn continued(kept: &Sizing, now: Instant) -> Self {
        Self {
            now: kept.now,
            changed: (kept.next > 0).then_some(now),
            requested: kept.wished.map(|wish| wish.size),
            past: kept.past.iter().copied().collect(),
            next: kept.next,
            forgotten: kept.forgotten,
        }
    }

    pub(crate) fn request(&mut self, size: Size) {
        self.requested = (size != self.now).then_some(size);
    }

    /// When the request is due.
    pub(crate) fn due(&self) -> Option<Instant> {
        let changed = self.changed;
        self.requested
            .map(|_| changed.map_or_else(Instant::now, |at| at + COALESCE))
    }

    /// The request, if it is due.
    pub(crate) fn take_due(&mut self, now: Instant) -> Option<Size> {
        if self.changed.is_some_and(|at| now < at + COALESCE) {
            return None;
        }
        self.requested.take()
    }

    /// Records the terminal's new size from this offset on.
    pub(crate) fn changed(&mut self, offset: u64, size: Size, now: Instant) {
        self.now = size;
        self.changed = Some(now);
        if self.past.len() == REMEMBERED {
            self.forgotten = self.past.pop_front().map(|change| change.offset);
        }
        self.past.push_back(Change {
            number: self.next,
            offset,
            size,
        });
        self.next += 1;
    }

    /// The number of the next change.
    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    /// The number of the first change at or after an offset; `None` when some are forgotten.
    pub(crate) fn since(&self, offset: u64) -> Option<u64> {
        if self.forgotten.is_some_and(|forgotten| forgotten >= offset) {
            return None;
        }
        let first = self.past.iter().find(|change| change.offset >= offset);
        Some(first.map_or(self.next, |change| change.number))
    }

    /// A change by its number: `Ok(None)` for a future change, `Err` for a forgotten change.
    pub(crate) fn get(&self, number: u64) -> Result<Option<Change>, Forgotten> {
        let first = self.next - self.past.len() as u64;
        let index = number.checked_sub(first).ok_or(Forgotten)?;
        Ok(self.past.get(index as usize).copied())
    }
}

/// A forgotten change.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Forgotten;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_requested_size_wins() {
        let size = |cols| Size::new(cols, 24).unwrap();
        let mut sizes = Sizes::new(size(80));
        let start = Instant::now();
        sizes.request(size(90));
        assert_eq!(sizes.take_due(start), Some(size(90)));
        sizes.changed(5, size(90), start);
        sizes.request(size(91));
        sizes.request(size(92));
        assert_eq!(sizes.take_due(start + COALESCE / 2), None);
        assert_eq!(sizes.due(), Some(start + COALESCE));
        assert_eq!(sizes.take_due(start + COALESCE), Some(size(92)));
        sizes.request(size(90));
        assert_eq!(sizes.due(), None, "it has that size");
    }

    #[test]
    fn recent_changes_are_found_by_offset() {
        let mut sizes = Sizes::new(Size::new(80, 24).unwrap());
        let now = Instant::now();
        for n in 0..70u16 {
            let size = Size::new(100 + n, 24).unwrap();
            sizes.changed(u64::from(n) * 10, size, now);
        }
        assert_eq!(sizes.since(50), None);
        assert_eq!(sizes.since(51), Some(6));
        assert_eq!(sizes.since(695), Some(70));
        assert_eq!(sizes.get(5), Err(Forgotten));
        assert_eq!(sizes.get(6).unwrap().unwrap().offset, 60);
        assert_eq!(sizes.get(70), Ok(None));
    }
}
