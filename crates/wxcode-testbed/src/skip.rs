//! Skips a test visibly.

/// Set to `1` where nothing may be skipped.
pub const REQUIRE: &str = "WXCODE_TEST_REQUIRE";

/// Prints a countable line about a test that cannot run here; the caller returns afterwards.
///
/// # Panics
/// `WXCODE_TEST_REQUIRE=1` is set.
pub fn skip(reason: &str) {
    assert!(
        std::env::var_os(REQUIRE).is_none_or(|value| value != "1"),
        "{REQUIRE}=1, but {reason}"
    );
    tell(reason);
}

/// Prints a countable line about a test beside the main ones, such as the page in a second engine:
/// such a test is skipped even with `WXCODE_TEST_REQUIRE=1`.
pub fn skip_extra(reason: &str) {
    tell(reason);
}

fn tell(reason: &str) {
    // Bypasses the capture of the test harness, which hides the output of passing tests.
    use std::io::Write as _;
    let thread = std::thread::current();
    // The harness runs each test in a thread with the test's name.
    let test = thread.name().unwrap_or("?");
    let _ = writeln!(std::io::stderr().lock(), "SKIPPED: {reason} ({test})");
}
