//! Starts agents: lease, evidence, decision, identity, folder, holder.

pub(in crate::agent) mod error;
pub(in crate::agent) mod held_lease;
pub(in crate::agent) mod lease;
pub(in crate::agent) mod plan;
pub(in crate::agent) mod run;
pub(in crate::agent) mod scope;
pub(in crate::agent) mod session;
pub(in crate::agent) mod start;
pub(in crate::agent) mod version;
