//! `wxcode hook`: hands one event of Claude Code to the holder, and never fails the agent.

use std::{io::Read, path::Path};

use crate::output;

/// Largest payload that is read, in bytes; what is beyond it is not part of any event that matters.
const READ_MAX: u64 = 64 << 20; // 64 MiB
/// Largest payload that is handed on, in bytes; long strings in a larger one are cut.
const PAYLOAD_MAX: usize = 4 << 20; // 4 MiB

pub(crate) fn run(file: &Path) {
    let mut payload = Vec::new();
    let read = std::io::stdin()
        .lock()
        .take(READ_MAX)
        .read_to_end(&mut payload);
    // Claude shows what a hook prints only in its debug log, which is where this belongs.
    if let Err(error) = read {
        output::note(format_args!("wxcode hook: cannot read the event: {error}"));
        return;
    }
    let payload = wxcode_claude::hook::compact(payload, PAYLOAD_MAX);
    if let Err(error) = wxcode_holder::hook::report(file, &payload) {
        output::note(format_args!("wxcode hook: {error}"));
    }
}
