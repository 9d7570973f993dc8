//! A changed file, and the bounds of an answer.

use serde::Serialize;
use utoipa::ToSchema;

/// Longest patch, in bytes.
pub(crate) const PATCH_MAX: usize = 2 << 20; // 2 MiB
/// Most files of an answer.
pub(crate) const FILES_MAX: usize = 5_000;

/// A changed file.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct ChangedFile {
    /// The path in the workspace.
    pub(super) path: String,
    /// `added`, `modified`, `deleted` or `type_changed`.
    pub(super) status: &'static str,
    /// Lines added; `null` for a binary file.
    pub(super) additions: Option<u64>,
    /// Lines deleted; `null` for a binary file.
    pub(super) deletions: Option<u64>,
}
