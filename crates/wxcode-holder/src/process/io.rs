//! The terminal, the output, and the connections of readers.

pub(super) mod feed;
pub(super) mod listener;
pub(super) mod output;
pub(super) mod peer;
pub(super) mod pty;
pub(super) mod replay;
pub(super) mod sizes;
