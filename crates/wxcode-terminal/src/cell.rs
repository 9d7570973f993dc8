//! A cell of the screen in 32 bits: a glyph and the index of a style.

/// 21 bits of glyph below 11 bits of style index.
///
/// A glyph is nothing (0), a character, the second half of a wide character, or an index into the
/// dictionary's clusters. The default cell, all zero, is empty and unstyled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cell(u32);

/// An index of a style in the dictionary, 0 to [`StyleId::IN_CLUSTER`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct StyleId(u16);

impl StyleId {
    /// No attributes at all.
    pub(crate) const DEFAULT: Self = Self(0);
    /// The index when the dictionary has none left: the style stands in the cell's cluster.
    pub(crate) const IN_CLUSTER: Self = Self(0x7FF);

    /// The style at `index`; `index` is below [`StyleId::IN_CLUSTER`].
    pub(crate) fn new(index: usize) -> Self {
        Self((index & 0x7FF) as u16)
    }

    /// The position in the dictionary.
    pub(crate) fn index(self) -> usize {
        usize::from(self.0)
    }
}

impl Cell {
    /// The first glyph value after all characters.
    const FIRST_SPECIAL: u32 = 0x11_0000;
    /// The second half of a wide character.
    pub(crate) const SECOND_HALF: u32 = Self::FIRST_SPECIAL;
    /// The glyph of cluster 0.
    const FIRST_CLUSTER: u32 = Self::FIRST_SPECIAL + 1;
    /// Number of clusters that a glyph can name.
    pub(crate) const MAX_CLUSTERS: usize = (0x20_0000 - Self::FIRST_CLUSTER) as usize;

    /// Creates a cell with `glyph`.
    #[inline]
    pub(crate) fn new(glyph: u32, style: StyleId) -> Self {
        Self(glyph | u32::from(style.0) << 21)
    }

    /// Creates a cell with a cluster.
    pub(crate) fn of_cluster(index: usize, style: StyleId) -> Self {
        Self::new(Self::FIRST_CLUSTER + index as u32, style)
    }

    /// The glyph of the cell.
    #[inline]
    pub(crate) fn glyph(self) -> u32 {
        self.0 & 0x1F_FFFF
    }

    /// The style of the cell.
    #[inline]
    pub(crate) fn style(self) -> StyleId {
        StyleId((self.0 >> 21) as u16)
    }

    /// The cell's cluster, if any.
    #[inline]
    pub(crate) fn cluster(self) -> Option<usize> {
        let glyph = self.glyph();
        (glyph >= Self::FIRST_CLUSTER).then(|| (glyph - Self::FIRST_CLUSTER) as usize)
    }

    /// An ASCII character with the style bits of this cell.
    #[inline]
    pub(crate) fn with_ascii(self, byte: u8) -> Self {
        Self(self.0 | u32::from(byte))
    }
}
