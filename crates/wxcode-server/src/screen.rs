//! The last screen of an ended session.

use std::{fs, io, path::Path};

use wxcode_holder::{
    folder::{self, write_whole},
    log,
};
use wxcode_terminal::{Screen as _, Size, Terminal};

use crate::disk::on_disk;

/// Returns the last screen in a session's folder: the one before its hibernation, the holder's own,
/// or the one drawn from the log of a killed holder; `None` without a session. Reads up to the whole
/// log.
pub(crate) fn last(dir: &Path) -> Option<Terminal> {
    if let Some(LastScreen { size, snapshot }) = LastScreen::read(dir) {
        let mut screen = Terminal::new(size);
        screen.feed(&snapshot, &mut Vec::new());
        return Some(screen);
    }
    let first = || {
        let spec = folder::read_spec(dir).ok()?;
        Size::new(spec.cols, spec.rows)
    };
    match folder::last_screen(dir) {
        Some(snapshot) => {
            let mut screen = Terminal::new(log::last_size(dir).or_else(first)?);
            screen.feed(&snapshot, &mut Vec::new());
            Some(screen)
        }
        None => log::screen(dir).or_else(|| first().map(Terminal::new)),
    }
}

/// The screen of a session that is asked to hibernate: an agent clears its screen as it ends.
pub(crate) struct LastScreen {
    pub(crate) size: Size,
    pub(crate) snapshot: Vec<u8>,
}

impl LastScreen {
    /// The file in the session's folder: columns and rows, 16 bits each, then the snapshot.
    pub(crate) const HIBERNATING: &str = "hibernating";

    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub(crate) fn write(&self, dir: &Path) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(4 + self.snapshot.len());
        bytes.extend(self.size.cols.to_be_bytes());
        bytes.extend(self.size.rows.to_be_bytes());
        bytes.extend(&self.snapshot);
        on_disk(|| write_whole(dir, Self::HIBERNATING, &bytes)).map_err(io::Error::other)
    }

    fn read(dir: &Path) -> Option<Self> {
        let bytes = on_disk(|| fs::read(dir.join(Self::HIBERNATING))).ok()?;
        let (&[a, b, c, d], snapshot) = bytes.split_first_chunk()?;
        Some(Self {
            size: Size::new(u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]))?,
            snapshot: snapshot.to_vec(),
        })
    }
}
