//! The tries of one operation, and the mark by which it recognizes its own work.

use mongodb::bson::oid::ObjectId;

/// One try of an operation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attempt {
    /// Whether an earlier try may have been carried out.
    pub(crate) is_again: bool,
    /// What the operation leaves in the documents that it writes, the same in each try. A driver or a proxy that repeats a
    /// request repeats it as well.
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
