//! Reasons to refuse a database as the store.

use std::fmt;

use wxcode_store::StoreError;

use crate::address::AddressError;

/// The reason to refuse a database as the store.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The address is invalid.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// Two documents share a value that must be unique.
    #[error(transparent)]
    Duplicates(#[from] Duplicates),
    /// The database is unreachable, refuses the user, or fails.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Documents with an equal value where a unique value is required.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Duplicates {
    /// Their collection.
    pub collection: &'static str,
    /// The shared field, within a project.
    pub field: &'static str,
    /// Up to 20 groups: the project, the value, and the ids of the documents.
    pub groups: Vec<(String, String, Vec<String>)>,
}

impl fmt::Display for Duplicates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the collection {} has several documents where there may be one; keep one of each, remove `{}` from the \
             others or delete them, and start again:",
            self.collection, self.field
        )?;
        for (project, value, ids) in &self.groups {
            write!(
                f,
                "\n  project {project}, {} {value}: {}",
                self.field,
                ids.join(", ")
            )?;
        }
        Ok(())
    }
}
