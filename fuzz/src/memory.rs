//! How much memory something takes, counted by the allocator of the whole process.

use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// Runs `what` and gives what it gave, with the most bytes that were allocated at once meanwhile.
pub(crate) fn peak<T>(what: impl FnOnce() -> T) -> (T, usize) {
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    let value = what();
    (value, ALLOCATOR.peak_usage().saturating_sub(before))
}
