//! Domain types of wxcode and pure decisions, without I/O: output projects, milestones, deliveries,
//! agent states.

// The printing macros panic where the output cannot be written.
#![cfg_attr(not(test), deny(clippy::print_stdout, clippy::print_stderr))]

pub mod access;
pub mod agent;
pub mod answer;
pub mod ask;
pub mod delivery;
pub mod event;
pub mod excerpt;
pub mod id;
pub mod identity;
pub mod lease;
pub mod milestone;
pub mod node;
pub mod notice;
pub mod placement;
pub mod project;
pub mod provenance;
pub mod run;
pub mod spawn;
pub mod text;
pub mod time;
pub mod work;
