//! The size and the modes of a terminal.

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

    /// Returns a size within the bounds, or `None`.
    ///
    /// ```
    /// use wxcode_protocol::Size;
    ///
    /// assert!(Size::new(120, 40).is_some());
    /// assert!(Size::new(0, 40).is_none());
    /// assert!(Size::new(Size::MAX + 1, 40).is_none());
    /// ```
    #[must_use]
    pub fn new(cols: u16, rows: u16) -> Option<Self> {
        let fits = |side: u16| (1..=Self::MAX).contains(&side);
        (fits(cols) && fits(rows)).then_some(Self { cols, rows })
    }
}

/// The terminal's modes with an effect on its input or its drawing; all off after a reset except
/// the cursor.
///
/// The numbers are those of `DECSET` (`CSI ? n h`), in xterm's control sequences.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Modes {
    /// A client wraps a paste in `CSI 200~` and `CSI 201~` (DEC 2004).
    pub bracketed_paste: bool,
    /// The alternate screen is shown (DEC 47, 1047, 1049).
    pub alternate_screen: bool,
    /// Some mouse tracking is on (DEC 9, 1000, 1002, 1003).
    pub mouse: bool,
    /// A client reports focus changes (DEC 1004).
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
