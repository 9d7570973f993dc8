//! The last screen of an ended session.

use std::path::Path;

use wxcode_holder::{folder, log};
use wxcode_terminal::{Screen as _, Size, Terminal};

/// Returns the last screen in a session's folder: the holder's own, or a screen drawn from the log
/// of a killed holder; `None` without a session. Reads up to the whole log.
pub(crate) fn last(dir: &Path) -> Option<Terminal> {
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
