//! Chaos: many sessions under random faults from a seed, with the invariants checked after every
//! step.
//!
//! `make verify VERIFY=chaos` starts a run. The same seed gives the same steps; the timing of the
//! processes differs.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on panics"
)]

mod attached;
mod client;
mod count;
mod dice;
mod end;
mod follower;
mod memory;
mod nodes;
mod perform;
mod plan;
mod process;
mod removal;
mod run;
mod settle;
mod slot;
mod step;
#[path = "../e2e/support/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the other tests need more of it")]
mod support;
mod table;
mod taken;
mod tape;
mod world;
