//! What wxcode is about, without any I/O: output projects, milestones, deliveries and agent states
//! as types, and the decisions over them as pure functions.

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
pub mod project;
pub mod provenance;
pub mod run;
pub mod spawn;
pub mod time;
pub mod work;
