//! Replaces the holder's program by another build, in the same process.
//!
//! Invariant: the other program reads the holder's state first, in a trial; only after a trial
//! without loss does the holder become that program. Until the call of `execve` the holder can continue as before.

pub(super) mod attempt;
pub(super) mod candidate;
pub(super) mod exec;
pub(super) mod memfd;
pub(super) mod pending;
pub(super) mod resume;
