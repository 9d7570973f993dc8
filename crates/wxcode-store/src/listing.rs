//! Pages of records.

/// Largest page of a listing, in records.
pub const PAGE_MAX: u64 = 1000;

/// A part of a listing, in the order of creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// The number of records to skip.
    pub skip: u64,
    /// Most records to return; a number above [`PAGE_MAX`] counts as [`PAGE_MAX`].
    pub limit: u64,
}

/// A page of records and the number of all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing<T> {
    pub items: Vec<T>,
    /// The number of records without paging.
    pub total: u64,
}
