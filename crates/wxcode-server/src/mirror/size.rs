//! The sizes of copies, and the bounds of side files.

use std::{collections::HashMap, fs, path::Path, sync::Mutex};

use wxcode_core::id::Id;

/// Deepest folder of side files below a conversation's own.
pub(super) const DEPTH_MAX: usize = 4;
/// Most side files of a conversation.
pub(crate) const SIDE_FILES_MAX: usize = 2_000;

/// The sizes of projects' copies, where they are known.
pub(super) type Sizes = Mutex<HashMap<Id, Size>>;

/// The size of a project's copies.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Size {
    /// The number of changes so far.
    pub(super) changes: u64,
    /// The size in bytes, unless a change came after the last look.
    pub(super) bytes: Option<u64>,
}

/// The bytes of the files in a folder, while `left` entries last.
pub(super) fn size_below(folder: &Path, left: &mut usize, depth: usize) -> u64 {
    let mut sum = 0;
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if *left == 0 {
            break;
        }
        *left -= 1;
        match entry.metadata() {
            Ok(found) if found.is_file() => sum += found.len(),
            Ok(found) if found.is_dir() && depth > 0 => {
                sum += size_below(&entry.path(), left, depth - 1);
            }
            Ok(_) | Err(_) => {}
        }
    }
    sum
}
