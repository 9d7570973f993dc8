//! Interned and bounded values behind cells: styles, clusters of several characters, and links.

mod table;

use table::Table;

use crate::cell::{Cell, StyleId};
use crate::style::{LinkId, Style};
use crate::width;

/// The characters of a cell that a single character cannot express.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Cluster {
    /// A character and its combining marks; empty for an empty cell.
    pub(crate) text: Box<str>,
    /// Columns, 0 to 2.
    pub(crate) width: u8,
    /// The style, when the cell's own index is [`StyleId::IN_CLUSTER`].
    pub(crate) style: Option<Style>,
}

/// A hyperlink (OSC 8).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Link {
    /// The application's `id=` parameter.
    pub(crate) id: Option<String>,
    /// The address.
    pub(crate) uri: String,
}

impl Link {
    /// Bytes of the address and the id.
    pub(crate) fn bytes(&self) -> usize {
        self.uri.len() + self.id.as_ref().map_or(0, String::len)
    }

    fn fits(&self) -> bool {
        self.bytes() <= Dictionary::MAX_LINK_BYTES
    }
}

/// The interned styles, clusters and links of a terminal.
#[derive(Debug)]
pub(crate) struct Dictionary {
    styles: Table<Style>,
    clusters: Table<Cluster>,
    links: Table<Link>,
    /// Recently used styles, each in the slot of its hash.
    recent: Vec<(Style, StyleId)>,
    /// The size of a table at which the next sweep looks for unused entries.
    style_mark: usize,
    cluster_mark: usize,
    /// New links since the last sweep, created or refused.
    new_links: usize,
}

impl Dictionary {
    /// Most code points in a cell; further marks are dropped.
    pub(crate) const MAX_CLUSTER_CHARS: usize = 32;
    /// Most links kept without fail on the screens and in the history; a further link may be left
    /// out.
    pub(crate) const MAX_LINKS: usize = 4096;
    /// Most links in the table. Half of the table is free after a sweep with [`Self::MAX_LINKS`] in
    /// use, so a sweep is rare.
    const LINK_TABLE: usize = 2 * Self::MAX_LINKS;
    /// Most bytes in a link's address and id together; a longer link is not created.
    pub(crate) const MAX_LINK_BYTES: usize = 2 << 10; // 2 KiB
    /// Styles within a cell's index.
    const MAX_STYLES: usize = 0x7FF;
    /// Beyond this many styles, a style with a link gets no index, so that links leave room for
    /// colours.
    const MAX_LINK_STYLES: usize = Self::MAX_STYLES / 2;
    /// Slots for recently used styles: a power of two.
    const RECENT: usize = 64;
    /// Fewest new clusters between two sweeps.
    const NEW_CLUSTERS: usize = 1 << 10;
    /// A sweep visits at most this many cells for each new cluster since the last sweep.
    const CELLS_PER_CLUSTER: usize = 16;

    pub(crate) fn new() -> Self {
        let mut styles = Table::default();
        styles.intern(Style::default());
        let mut links = Table::default();
        // Link 0 means none.
        links.intern(Link {
            id: None,
            uri: String::new(),
        });
        Self {
            styles,
            clusters: Table::default(),
            links,
            recent: vec![(Style::default(), StyleId::DEFAULT); Self::RECENT],
            style_mark: Self::MAX_STYLES,
            cluster_mark: Self::NEW_CLUSTERS,
            new_links: 0,
        }
    }

    /// Returns the index of a style: [`StyleId::IN_CLUSTER`] when none is left.
    #[inline]
    pub(crate) fn style_id(&mut self, style: Style) -> StyleId {
        let at = style.spread() & (Self::RECENT - 1);
        match self.recent.get(at) {
            Some((known, id)) if *known == style => *id,
            _ => {
                let id = self.intern_style(style);
                if let Some(place) = self
                    .recent
                    .get_mut(at)
                    .filter(|_| id != StyleId::IN_CLUSTER)
                {
                    *place = (style, id);
                }
                id
            }
        }
    }

    fn intern_style(&mut self, style: Style) -> StyleId {
        if let Some(index) = self.styles.find(&style) {
            return StyleId::new(index);
        }
        let most = match style.link {
            0 => Self::MAX_STYLES,
            _ => Self::MAX_LINK_STYLES,
        };
        if self.styles.live() >= most {
            return StyleId::IN_CLUSTER;
        }
        StyleId::new(self.styles.intern(style))
    }

    /// Creates a cell with one character, an empty cell, or the second half of a wide character.
    pub(crate) fn cell(&mut self, glyph: u32, id: StyleId, style: Style) -> Cell {
        if id != StyleId::IN_CLUSTER {
            return Cell::new(glyph, id);
        }
        let (text, width) = match char::from_u32(glyph) {
            Some('\0') => (String::new(), 1),
            Some(c) => (c.to_string(), width::of(glyph)),
            None => (String::new(), 0),
        };
        self.clustered(text, width, Some(style), id)
    }

    /// Creates a cell with several characters.
    pub(crate) fn cluster(&mut self, text: String, width: u8, id: StyleId, style: Style) -> Cell {
        let style = (id == StyleId::IN_CLUSTER).then_some(style);
        self.clustered(text, width, style, id)
    }

    /// Adds a character to `cell`; `width` is the new width.
    pub(crate) fn joined(&mut self, cell: Cell, code: u32, width: u8) -> Cell {
        let style = cell.cluster().and_then(|i| self.clusters.get(i)?.style);
        let mut text = self.text(cell);
        let Some(c) = char::from_u32(code) else {
            return cell;
        };
        if text.chars().count() < Self::MAX_CLUSTER_CHARS {
            text.push(c);
        }
        self.clustered(text, width, style, cell.style())
    }

    fn clustered(&mut self, text: String, width: u8, style: Option<Style>, id: StyleId) -> Cell {
        let cluster = Cluster {
            text: text.into_boxed_str(),
            width,
            style,
        };
        if self.clusters.live() >= Cell::MAX_CLUSTERS && self.clusters.find(&cluster).is_none() {
            // The first character stays; its marks go, and attributes without an index.
            let first = cluster.text.chars().next().map_or(0, u32::from);
            let glyph = if width == 0 { Cell::SECOND_HALF } else { first };
            let id = if id == StyleId::IN_CLUSTER {
                StyleId::DEFAULT
            } else {
                id
            };
            return Cell::new(glyph, id);
        }
        Cell::of_cluster(self.clusters.intern(cluster), id)
    }

    /// The style of a cell.
    pub(crate) fn style(&self, cell: Cell) -> Style {
        let own = || self.styles.get(cell.style().index()).copied();
        let in_cluster = || self.clusters.get(cell.cluster()?)?.style;
        if cell.style() == StyleId::IN_CLUSTER {
            in_cluster().unwrap_or_default()
        } else {
            own().unwrap_or_default()
        }
    }

    /// The characters of a cell; empty for an empty cell and a second half.
    pub(crate) fn text(&self, cell: Cell) -> String {
        match cell.cluster() {
            Some(index) => self
                .clusters
                .get(index)
                .map(|c| c.text.to_string())
                .unwrap_or_default(),
            None if self.has_content(cell) => char::from_u32(cell.glyph())
                .map(String::from)
                .unwrap_or_default(),
            None => String::new(),
        }
    }

    /// The columns of a cell: 0 for a second half, 1 for an empty cell.
    #[inline]
    pub(crate) fn width(&self, cell: Cell) -> u8 {
        match cell.glyph() {
            // The soft hyphen is the only such character of another width.
            0xAD => 0,
            0..0x300 => 1,
            Cell::SECOND_HALF => 0,
            glyph => match cell.cluster() {
                Some(index) => self.clusters.get(index).map_or(1, |c| c.width),
                None => width::of(glyph),
            },
        }
    }

    /// Whether a cell shows any character.
    #[inline]
    pub(crate) fn has_content(&self, cell: Cell) -> bool {
        match cell.glyph() {
            0 | Cell::SECOND_HALF => false,
            _ => match cell.cluster() {
                Some(index) => self.clusters.get(index).is_some_and(|c| !c.text.is_empty()),
                None => true,
            },
        }
    }

    /// Whether a cell is the second half of a wide character.
    #[inline]
    pub(crate) fn is_second_half(&self, cell: Cell) -> bool {
        self.width(cell) == 0 && !self.has_content(cell)
    }

    /// Returns the index of a link. `None` when the link is too long or there are too many.
    pub(crate) fn link_id(&mut self, link: Link) -> Option<LinkId> {
        if !link.fits() {
            return None;
        }
        let index = match self.links.find(&link) {
            Some(index) => index,
            None => {
                self.new_links += 1;
                // Link 0 takes a place, too.
                (self.links.live() <= Self::LINK_TABLE).then(|| self.links.intern(link))?
            }
        };
        LinkId::try_from(index).ok()
    }

    /// The link at `id`.
    pub(crate) fn link(&self, id: LinkId) -> Option<&Link> {
        (id != 0).then(|| self.links.get(usize::from(id))).flatten()
    }

    /// Whether a call of [`Dictionary::sweep`] would be worth its time: the tables of styles or
    /// clusters grew enough since the last sweep.
    #[inline]
    pub(crate) fn is_crowded(&self) -> bool {
        self.styles.live() >= self.style_mark || self.clusters.live() >= self.cluster_mark
    }

    /// Whether more than half of the places for links are taken.
    pub(crate) fn has_many_links(&self) -> bool {
        self.links.live() > Self::MAX_LINKS
    }

    /// Whether a call of [`Dictionary::sweep`] would be worth its time before this link gets an
    /// index.
    pub(crate) fn is_crowded_for(&self, link: &Link) -> bool {
        self.links.live() > Self::LINK_TABLE
            && self.new_links >= Self::MAX_LINKS
            && link.fits()
            && self.links.find(link).is_none()
    }

    /// Removes all styles, clusters and links that neither `cells` nor `pens` use.
    pub(crate) fn sweep<'a>(&mut self, cells: impl Iterator<Item = &'a Cell>, pens: &[Style]) {
        self.recent.fill((Style::default(), StyleId::DEFAULT));
        let mut styles = vec![false; self.styles.len()];
        let mut clusters = vec![false; self.clusters.len()];
        let mut links = vec![false; self.links.len()];
        mark(&mut styles, 0);
        mark(&mut links, 0);
        let mut visited = 0;
        for cell in cells {
            visited += 1;
            mark(&mut styles, cell.style().index());
            if let Some(index) = cell.cluster() {
                mark(&mut clusters, index);
            }
        }
        for pen in pens {
            mark(&mut links, usize::from(pen.link));
            if let Some(index) = self.styles.find(&pen.drawn()) {
                mark(&mut styles, index);
            }
            if let Some(index) = self.styles.find(&pen.erased()) {
                mark(&mut styles, index);
            }
        }
        self.styles.retain(&styles);
        self.clusters.retain(&clusters);
        for style in self.styles.iter() {
            mark(&mut links, usize::from(style.link));
        }
        for cluster in self.clusters.iter() {
            mark(&mut links, cluster.style.map_or(0, |s| usize::from(s.link)));
        }
        self.links.retain(&links);
        // Sweep again only after many new entries; otherwise every new entry would cost a sweep.
        self.style_mark = Self::MAX_STYLES.max(self.styles.live() + Self::MAX_STYLES / 4);
        if self.styles.live() < Self::MAX_STYLES * 3 / 4 {
            self.style_mark = Self::MAX_STYLES;
        }
        let new = Self::NEW_CLUSTERS.max(visited / Self::CELLS_PER_CLUSTER);
        let room = Cell::MAX_CLUSTERS.saturating_sub(self.clusters.live());
        self.cluster_mark = self.clusters.live() + if room < new / 4 { new } else { new.min(room) };
        self.new_links = 0;
    }
}

fn mark(marks: &mut [bool], index: usize) {
    if let Some(mark) = marks.get_mut(index) {
        *mark = true;
    }
}
