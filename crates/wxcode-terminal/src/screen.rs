//! The interface of a screen engine.

use wxcode_protocol::{Modes, Size};

/// A screen derived from a stream of bytes. A screen can also be written as a stream.
///
/// Start with [`crate::Terminal::new`], feed the program's output with [`Screen::feed`], and send
/// the replies back to the program. A client that attaches reads the snapshot first and the
/// following bytes of the stream after it.
///
/// ```
/// use wxcode_terminal::{Screen, Size, Terminal};
///
/// let mut screen = Terminal::new(Size::new(80, 24).unwrap());
/// let mut replies = Vec::new();
/// screen.feed(b"\x1b[1mhello\x1b[0m\x1b[5n", &mut replies);
/// assert_eq!(replies, b"\x1b[0n");
///
/// let mut copy = Terminal::new(screen.size());
/// copy.feed(&screen.snapshot(), &mut Vec::new());
/// assert_eq!(copy.text(), screen.text());
/// ```
pub trait Screen {
    /// Takes the next bytes of the stream, cut anywhere, also within a character or a sequence.
    /// Appends replies to queries in the bytes to `replies`, in stream order.
    fn feed(&mut self, bytes: &[u8], replies: &mut Vec<u8>);

    /// Changes the size; moves and reflows the content like the browser's terminal.
    fn resize(&mut self, size: Size);

    /// The present size.
    fn size(&self) -> Size;

    /// Returns a snapshot: a stream that gives this screen when a freshly reset terminal of the
    /// same size reads it. The snapshot covers cells, attributes, links, cursor, modes, title, tab
    /// stops, character sets, scroll region and saved cursors, of the primary and the alternate
    /// screen. If the stream so far ends within a character or a sequence, so does the snapshot,
    /// and the following bytes continue the snapshot. A snapshot contains no query.
    fn snapshot(&self) -> Vec<u8>;

    /// The visible screen as text: rows joined by `\n`, without the trailing blanks of each row.
    fn text(&self) -> String;

    /// The present modes.
    fn modes(&self) -> Modes;

    /// The window title last set by OSC 0 or 2; empty before the first.
    fn title(&self) -> &str;

    /// The cursor as row and column, counted from 0 at the top left; the column equals the width
    /// while a wrap is pending.
    fn cursor(&self) -> (u16, u16);
}
