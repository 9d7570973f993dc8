//! What wxcode is about, without any I/O: output projects, milestones, deliveries and agent states
//! as types, and the decisions over them as pure functions.

// They panic where the output cannot be written.
#![cfg_attr(not(test), deny(clippy::print_stdout, clippy::print_stderr))]

pub mod agent;
pub mod answer;
pub mod ask;
pub mod delivery;
pub mod event;
pub mod id;
pub mod identity;
pub mod lease;
pub mod milestone;
pub mod project;
pub mod provenance;
pub mod run;
pub mod spawn;
pub mod time;
pub mod work;
