//! The trait of a screen.

use wxcode_protocol::{Modes, Size};

/// A screen that is derived from a stream of bytes and can be written out as one.
pub trait Screen {
    /// Takes the next bytes of the stream; they may be cut anywhere, also within a character or a
    /// sequence. The answers to terminal queries among them are appended to `replies` in the
    /// order of the stream.
    fn feed(&mut self, bytes: &[u8], replies: &mut Vec<u8>);

    /// Changes the size, moving and rewrapping what is on the screen as the browser's terminal does.
    fn resize(&mut self, size: Size);

    /// The size now.
    fn size(&self) -> Size;

    /// A stream that, written to a freshly reset terminal of the same size, gives this screen: cells,
    /// attributes, links, cursor, modes, title, tab stops, character sets, scroll region and saved
    /// cursors, of the primary and the alternate screen. Where the stream so far ends within a
    /// character or a sequence, so does the dump, and the bytes that follow continue it. A dump
    /// asks nothing of the terminal.
    fn dump(&self) -> Vec<u8>;

    /// The visible screen as text: rows joined by `\n`, trailing blanks of each row left
    /// out.
    fn text(&self) -> String;

    /// The modes now.
    fn modes(&self) -> Modes;

    /// The window title last set by OSC 0 or 2; empty when none was.
    fn title(&self) -> &str;

    /// The cursor as row and column, counted from 0 at the top left; the column equals the width
    /// while a wrap is pending.
    fn cursor(&self) -> (u16, u16);
}
