//! Tests of the shared store with a real MongoDB server.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod coexistence;
mod copy;
mod crash;
mod duplicates;
mod election;
mod feed;
mod first;
mod index;
mod other_writer;
mod outage;
mod removal;
mod repetition;
mod scale;
mod secure;
mod support;

/// The conformance suite.
mod promises {
    wxcode_store::conformance_tests!(crate::support::fresh);
}
