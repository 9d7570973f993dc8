//! The files of a log.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The first bytes of a segment, with the format's version.
pub const MAGIC: &[u8; 8] = b"wxlog\0\0\x01";

pub(super) const FOLDER: &str = "log";

/// The segments of a session's log by their first offsets, in order; none without a log.
pub(super) fn segments(dir: &Path) -> io::Result<Vec<u64>> {
    let entries = match fs::read_dir(dir.join(FOLDER)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut firsts = Vec::new();
    for entry in entries {
        let name = entry?.file_name();
        let first = name.to_str().and_then(|name| name.strip_suffix(".seg"));
        firsts.extend(first.and_then(|first| first.parse::<u64>().ok()));
    }
    firsts.sort_unstable();
    Ok(firsts)
}

pub(super) fn segment(folder: &Path, first: u64) -> PathBuf {
    folder.join(format!("{first:020}.seg"))
}
