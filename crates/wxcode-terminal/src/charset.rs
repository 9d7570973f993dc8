//! Character sets designated by `ESC (` and its relatives, with the replacements of xterm.js.

/// A designated set; [`Charset::ASCII`] replaces nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Charset(u8);

/// The final bytes of a set's designation, and the set's replacements.
type Set = (&'static [u8], &'static [(u8, char)]);

/// All sets except ASCII.
const SETS: &[Set] = &[
    (
        b"0",
        &[
            (b'`', '◆'),
            (b'a', '▒'),
            (b'b', '␉'),
            (b'c', '␌'),
            (b'd', '␍'),
            (b'e', '␊'),
            (b'f', '°'),
            (b'g', '±'),
            (b'h', '␤'),
            (b'i', '␋'),
            (b'j', '┘'),
            (b'k', '┐'),
            (b'l', '┌'),
            (b'm', '└'),
            (b'n', '┼'),
            (b'o', '⎺'),
            (b'p', '⎻'),
            (b'q', '─'),
            (b'r', '⎼'),
            (b's', '⎽'),
            (b't', '├'),
            (b'u', '┤'),
            (b'v', '┴'),
            (b'w', '┬'),
            (b'x', '│'),
            (b'y', '≤'),
            (b'z', '≥'),
            (b'{', 'π'),
            (b'|', '≠'),
            (b'}', '£'),
            (b'~', '·'),
        ],
    ),
    (b"A", &[(b'#', '£')]),
    (
        b"4",
        &[
            (b'#', '£'),
            (b'@', '¾'),
            (b'[', 'i'),
            (b'\\', '½'),
            (b']', '|'),
            (b'{', '¨'),
            (b'|', 'f'),
            (b'}', '¼'),
            (b'~', '´'),
        ],
    ),
    (
        b"C5",
        &[
            (b'[', 'Ä'),
            (b'\\', 'Ö'),
            (b']', 'Å'),
            (b'^', 'Ü'),
            (b'`', 'é'),
            (b'{', 'ä'),
            (b'|', 'ö'),
            (b'}', 'å'),
            (b'~', 'ü'),
        ],
    ),
    (
        b"R",
        &[
            (b'#', '£'),
            (b'@', 'à'),
            (b'[', '°'),
            (b'\\', 'ç'),
            (b']', '§'),
            (b'{', 'é'),
            (b'|', 'ù'),
            (b'}', 'è'),
            (b'~', '¨'),
        ],
    ),
    (
        b"Q",
        &[
            (b'@', 'à'),
            (b'[', 'â'),
            (b'\\', 'ç'),
            (b']', 'ê'),
            (b'^', 'î'),
            (b'`', 'ô'),
            (b'{', 'é'),
            (b'|', 'ù'),
            (b'}', 'è'),
            (b'~', 'û'),
        ],
    ),
    (
        b"K",
        &[
            (b'@', '§'),
            (b'[', 'Ä'),
            (b'\\', 'Ö'),
            (b']', 'Ü'),
            (b'{', 'ä'),
            (b'|', 'ö'),
            (b'}', 'ü'),
            (b'~', 'ß'),
        ],
    ),
    (
        b"Y",
        &[
            (b'#', '£'),
            (b'@', '§'),
            (b'[', '°'),
            (b'\\', 'ç'),
            (b']', 'é'),
            (b'`', 'ù'),
            (b'{', 'à'),
            (b'|', 'ò'),
            (b'}', 'è'),
            (b'~', 'ì'),
        ],
    ),
    (
        b"E6",
        &[
            (b'@', 'Ä'),
            (b'[', 'Æ'),
            (b'\\', 'Ø'),
            (b']', 'Å'),
            (b'^', 'Ü'),
            (b'`', 'ä'),
            (b'{', 'æ'),
            (b'|', 'ø'),
            (b'}', 'å'),
            (b'~', 'ü'),
        ],
    ),
    (
        b"Z",
        &[
            (b'#', '£'),
            (b'@', '§'),
            (b'[', '¡'),
            (b'\\', 'Ñ'),
            (b']', '¿'),
            (b'{', '°'),
            (b'|', 'ñ'),
            (b'}', 'ç'),
        ],
    ),
    (
        b"H7",
        &[
            (b'@', 'É'),
            (b'[', 'Ä'),
            (b'\\', 'Ö'),
            (b']', 'Å'),
            (b'^', 'Ü'),
            (b'`', 'é'),
            (b'{', 'ä'),
            (b'|', 'ö'),
            (b'}', 'å'),
            (b'~', 'ü'),
        ],
    ),
    (
        b"=",
        &[
            (b'#', 'ù'),
            (b'@', 'à'),
            (b'[', 'é'),
            (b'\\', 'ç'),
            (b']', 'ê'),
            (b'^', 'î'),
            (b'_', 'è'),
            (b'`', 'ô'),
            (b'{', 'ä'),
            (b'|', 'ö'),
            (b'}', 'ü'),
            (b'~', 'û'),
        ],
    ),
];

impl Charset {
    /// The default: characters stand for themselves.
    pub(crate) const ASCII: Self = Self(0);

    /// The set designated by a final byte, if the terminal knows the set.
    pub(crate) fn designated_by(last: u8) -> Option<Self> {
        if last == b'B' {
            return Some(Self::ASCII);
        }
        let found = SETS.iter().position(|(names, _)| names.contains(&last))?;
        u8::try_from(found + 1).ok().map(Self)
    }

    /// The final byte for designating this set.
    pub(crate) fn designator(self) -> u8 {
        self.set()
            .and_then(|set| set.0.first().copied())
            .unwrap_or(b'B')
    }

    /// The character for `code` in this set.
    pub(crate) fn replace(self, code: u32) -> u32 {
        let pairs = self.set().map_or(&[][..], |set| set.1);
        let found = pairs.iter().find(|pair| u32::from(pair.0) == code);
        found.map_or(code, |pair| u32::from(pair.1))
    }

    /// The code that this set replaces by `shown`.
    pub(crate) fn unreplace(self, shown: u32) -> u32 {
        if self.replace(shown) == shown {
            return shown;
        }
        let pairs = self.set().map_or(&[][..], |set| set.1);
        let found = pairs.iter().find(|pair| u32::from(pair.1) == shown);
        found.map_or(shown, |pair| u32::from(pair.0))
    }

    fn set(self) -> Option<&'static Set> {
        SETS.get(usize::from(self.0).checked_sub(1)?)
    }
}

#[cfg(test)]
mod tests {
    use super::Charset;

    #[test]
    fn line_drawing_replaces_lower_case() {
        let drawing = Charset::designated_by(b'0').unwrap();
        assert_eq!(drawing.replace(u32::from('q')), u32::from('─'));
        assert_eq!(drawing.replace(u32::from('A')), u32::from('A'));
        assert_eq!(drawing.designator(), b'0');
        assert_eq!(Charset::designated_by(b'5'), Charset::designated_by(b'C'));
        assert_eq!(Charset::designated_by(b'!'), None);
    }

    #[test]
    fn shown_characters_can_be_printed() {
        let dutch = Charset::designated_by(b'4').unwrap();
        assert_eq!(
            dutch.replace(dutch.unreplace(u32::from('|'))),
            u32::from('|')
        );
    }
}
