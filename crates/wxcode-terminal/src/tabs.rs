//! Tab stops.

/// The columns with a tab stop, 0 to 511.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tabs([u64; 8]);

impl Tabs {
    /// Columns between the initial stops.
    pub(crate) const STEP: usize = 8;

    /// Creates a stop at every eighth column below `cols`.
    pub(crate) fn new(cols: usize) -> Self {
        let mut tabs = Self([0; 8]);
        (0..cols).step_by(Self::STEP).for_each(|at| tabs.set(at));
        tabs
    }

    /// Whether there is a stop at `at`.
    pub(crate) fn has(&self, at: usize) -> bool {
        self.0
            .get(at / 64)
            .is_some_and(|bits| bits >> (at % 64) & 1 == 1)
    }

    /// Sets a stop.
    pub(crate) fn set(&mut self, at: usize) {
        if let Some(bits) = self.0.get_mut(at / 64) {
            *bits |= 1 << (at % 64);
        }
    }

    /// Removes a stop.
    pub(crate) fn clear(&mut self, at: usize) {
        if let Some(bits) = self.0.get_mut(at / 64) {
            *bits &= !(1 << (at % 64));
        }
    }

    /// Removes all stops.
    pub(crate) fn clear_all(&mut self) {
        self.0 = [0; 8];
    }

    /// The next stop right of `at`, or the last column.
    pub(crate) fn next(&self, at: usize, cols: usize) -> usize {
        (at + 1..cols).find(|x| self.has(*x)).unwrap_or(cols - 1)
    }

    /// The next stop left of `at`, or the first column.
    pub(crate) fn previous(&self, at: usize, cols: usize) -> usize {
        let found = (0..at).rev().find(|x| self.has(*x)).unwrap_or(0);
        found.min(cols - 1)
    }

    /// Continues the pattern up to a new width, like xterm.js, from the last stop on. Stops beyond
    /// the width stay and reappear when the width grows.
    pub(crate) fn widen(&mut self, cols: usize) {
        let from = if self.has(cols) {
            cols
        } else {
            self.previous(cols, cols)
        };
        (from..cols).step_by(Self::STEP).for_each(|at| self.set(at));
    }
}
