//! The tries of an operation, and the operation's mark; by the mark an operation recognizes its own
//! work.

use mongodb::bson::oid::ObjectId;

/// A try of an operation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attempt {
    /// Whether an earlier try may have been executed.
    pub(crate) is_again: bool,
    /// The operation's mark in written documents, the same in each try. A driver or a proxy repeats
    /// the mark with the request.
    pub(crate) mark: ObjectId,
}

impl Attempt {
    pub(crate) fn first() -> Self {
        Self {
            is_again: false,
            mark: ObjectId::new(),
        }
    }
}
