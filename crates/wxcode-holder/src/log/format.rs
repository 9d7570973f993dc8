//! The place and the first bytes of a log's segments.

use std::{io, path::Path};

use crate::segment;

/// The first bytes of a segment, with the format's version.
pub const MAGIC: &[u8; 8] = b"wxlog\0\0\x01";

/// The folder of the segments, in a session's folder.
pub(super) const FOLDER: &str = "log";

/// The segments of a session's log by their first offsets, in order; none without a log.
pub(super) fn segments(dir: &Path) -> io::Result<Vec<u64>> {
    segment::firsts(&dir.join(FOLDER))
}
