//! The shared store as a source of copies, and why an exchange fails.

use std::io::{self};

use wxcode_core::lease::Node;
use wxcode_store::StoreError;

use crate::repository::Repository;

/// Why copies are not exchanged with the shared store.
#[derive(Debug, thiserror::Error)]
pub(in crate::mirror) enum SharedError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the copy on this node: {0}")]
    Io(#[from] io::Error),
}

pub(super) type Result<T> = std::result::Result<T, SharedError>;

/// The shared store, and this node.
pub(in crate::mirror) struct Shared {
    pub(in crate::mirror) store: Repository,
    pub(in crate::mirror) node: Node,
}
