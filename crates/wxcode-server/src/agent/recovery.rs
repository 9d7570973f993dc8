//! Finds the agents of earlier servers: adopts, resumes, ends or deletes them.

pub(in crate::agent) mod adoption;
pub(in crate::agent) mod deletion;
pub(in crate::agent) mod orphans;
pub(in crate::agent) mod prune;
pub(in crate::agent) mod reboot;
pub(in crate::agent) mod runs;
pub(in crate::agent) mod scan;
