//! What every screen engine promises: the trait, the size and the modes that callers may ask for.

/// The size of a screen in character cells, each side 1 to [`Size::MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Size {
    /// Columns, 1 to [`Size::MAX`].
    pub cols: u16,
    /// Rows, 1 to [`Size::MAX`].
    pub rows: u16,
}

impl Size {
    /// The longest side, in cells: a bound on the memory of one screen.
    pub const MAX: u16 = 500;

    /// A size within the bounds, or `None`.
    pub fn new(cols: u16, rows: u16) -> Option<Self> {
        let fits = |side: u16| (1..=Self::MAX).contains(&side);
        (fits(cols) && fits(rows)).then_some(Self { cols, rows })
    }
}

/// The modes of the terminal that its surroundings act on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Modes {
    /// A paste is to be wrapped in `CSI 200~` and `CSI 201~` (DEC 2004).
    pub bracketed_paste: bool,
    /// The alternate screen is shown (DEC 47, 1047, 1049).
    pub alternate_screen: bool,
    /// Some mouse tracking is on (DEC 9, 1000, 1002, 1003).
    pub mouse: bool,
    /// Focus changes are to be reported (DEC 1004).
    pub focus: bool,
    /// A synchronized update is open (DEC 2026): a snapshot now shows half a frame.
    pub synchronized: bool,
    /// The cursor is shown (DECTCEM, DEC 25).
    pub cursor_visible: bool,
    /// Cursor keys send `SS3` instead of `CSI` (DECCKM, DEC 1).
    pub application_cursor: bool,
    /// The keypad sends application sequences (DECKPAM, DEC 66).
    pub application_keypad: bool,
}

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
