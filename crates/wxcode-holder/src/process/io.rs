//! The terminal, its output, and the connections that read it.

pub(super) mod feed;
pub(super) mod listener;
pub(super) mod output;
pub(super) mod peer;
pub(super) mod pty;
pub(super) mod replay;
pub(super) mod sizes;
