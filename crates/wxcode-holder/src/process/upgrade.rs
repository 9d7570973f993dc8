//! Replaces the holder's program by another build, in the same process.
//!
//! Invariant: a holder becomes another program only after that program has read exactly the state
//! that it will receive. Until the call of `execve` the holder can continue as before.

pub(super) mod attempt;
pub(super) mod candidate;
pub(super) mod exec;
pub(super) mod memfd;
pub(super) mod pending;
pub(super) mod resume;
