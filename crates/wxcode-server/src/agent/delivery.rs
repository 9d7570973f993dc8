//! Carries a project's deliveries into its session.

mod prompts;
pub(in crate::agent) mod queue;
mod room;
pub(in crate::agent) mod schedule;
pub(in crate::agent) mod settle;
pub(in crate::agent) mod unknown;
pub(in crate::agent) mod waiting;
pub(in crate::agent) mod worker;
