//! Parts of lists.

/// A part of a list.
///
/// ```
/// use wxcode_client::Page;
///
/// let second = Page { skip: 100, ..Page::default() };
/// assert_eq!(second.limit, 100);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Records to leave out at the beginning.
    pub skip: u64,
    /// Most records in the part, 1 to [`Page::MAX`].
    pub limit: u64,
}

impl Page {
    /// Most records in an answer of the server.
    pub const MAX: u64 = 1000;

    pub(crate) fn query(self) -> String {
        format!("skip={}&limit={}", self.skip, self.limit)
    }
}

impl Default for Page {
    /// The first 100 records.
    fn default() -> Self {
        Self {
            skip: 0,
            limit: 100,
        }
    }
}
