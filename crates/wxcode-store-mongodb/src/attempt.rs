//! The tries of one operation, and its mark, by which it recognizes its own work.

use mongodb::bson::oid::ObjectId;

/// One try of an operation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attempt {
    /// Whether an earlier try may have been executed.
    pub(crate) is_again: bool,
    /// The operation's mark in the documents it writes, the same in each try. A driver or a proxy
    /// repeats it with the request.
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
