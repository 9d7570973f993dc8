//! Follows agents to their end: hooks and screen of a session, standard output of a run.

pub(in crate::agent) mod begin;
mod connect;
pub(in crate::agent) mod crosscheck;
pub(in crate::agent) mod hook_filter;
pub(in crate::agent) mod limit;
pub(in crate::agent) mod output;
pub(in crate::agent) mod owner;
pub(in crate::agent) mod record;
#[cfg(test)]
mod recorded;
pub(in crate::agent) mod report;
pub(in crate::agent) mod run;
pub(in crate::agent) mod screen;
pub(in crate::agent) mod session;
pub(in crate::agent) mod supervise;
pub(in crate::agent) mod trouble;
pub(in crate::agent) mod upgrade;
