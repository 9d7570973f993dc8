//! The shared store with a database that speaks MongoDB's protocol.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod again;
mod away;
mod beside;
mod copy;
mod crash;
mod duplicates;
mod election;
mod first;
mod removal;
mod support;

/// It keeps every promise.
mod promises {
    wxcode_store::conformance_tests!(crate::support::fresh);
}
