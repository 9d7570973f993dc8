//! The life of a session: the start, the descendants, the end, and the guardian.

pub(super) mod detach;
pub(super) mod ending;
pub(super) mod family;
mod files;
pub(super) mod guardian;
pub(super) mod life;
pub(super) mod oom;
pub(super) mod start;
