//! The errors of a store.

use wxcode_core::id::Id;

/// The reason of a failed operation.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The store is unreachable or refuses to write. Nothing was changed; or, if the answer of a
    /// shared store was lost for good, everything. Repeating the operation is safe.
    #[error("the store is not available: {0}; the agents keep running, try again when it is back")]
    Unavailable(String),
    /// A record or the schema is unknown to this version.
    #[error(
        "the store holds a record unknown to this version: {0}; check that no newer wxcode wrote it, \
         and mend or delete the record"
    )]
    Corrupt(String),
    /// Another project has the workspace folder; nothing was changed.
    #[error(
        "the workspace folder belongs to the output project {name} ({project}): choose another folder, or \
         work in that project"
    )]
    WorkspaceTaken {
        /// The other project.
        project: Id,
        name: String,
    },
    /// The store can never keep the record: the id is taken, or the path is no text. Nothing was
    /// changed.
    #[error("the store refuses the record: {0}")]
    Refused(String),
}

/// A result of the store.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;
