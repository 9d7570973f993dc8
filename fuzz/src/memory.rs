//! Measures memory with the allocator of the whole process.

use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// Runs `what`; returns its result, and the most bytes allocated at once meanwhile.
pub(crate) fn peak<T>(what: impl FnOnce() -> T) -> (T, usize) {
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    let value = what();
    (value, ALLOCATOR.peak_usage().saturating_sub(before))
}
