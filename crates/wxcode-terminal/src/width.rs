//! The width of characters in columns: Unicode 16, with emoji sequences, flags and selectors as
//! one character of two columns. The page counts with the same table (`web/src/terminal/widths.js`).

mod table;

/// A class of characters, as in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Class {
    /// Takes no column and joins any character: marks, most format characters, controls.
    Mark = 0,
    Narrow = 1,
    Wide = 2,
    /// Narrow; an emoji with the selector.
    Pictograph = 3,
    WidePictograph = 4,
    /// Two make a flag.
    Regional = 5,
    /// U+200D.
    Joiner = 6,
    /// U+FE0F.
    EmojiSelector = 7,
    /// U+20E3.
    Keycap = 8,
    /// A colour of skin.
    Modifier = 9,
    /// A digit, `#` or `*`.
    KeycapBase = 10,
    /// A narrow pictograph with a possible modifier.
    Person = 11,
    WidePerson = 12,
}

impl Class {
    const fn of(number: u8) -> Self {
        match number {
            0 => Self::Mark,
            2 => Self::Wide,
            3 => Self::Pictograph,
            4 => Self::WidePictograph,
            5 => Self::Regional,
            6 => Self::Joiner,
            7 => Self::EmojiSelector,
            8 => Self::Keycap,
            9 => Self::Modifier,
            10 => Self::KeycapBase,
            11 => Self::Person,
            12 => Self::WidePerson,
            _ => Self::Narrow,
        }
    }

    const fn columns(self) -> u8 {
        match self {
            Self::Mark | Self::Joiner | Self::EmojiSelector | Self::Keycap => 0,
            Self::Wide | Self::WidePictograph | Self::Modifier | Self::WidePerson => 2,
            _ => 1,
        }
    }
}

/// The kind of the character before the cursor: which further characters join it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Kind {
    #[default]
    Other,
    KeycapBase,
    KeycapSelector,
    Pictograph,
    Person,
    Joiner,
    Regional,
}

/// The character before the cursor, for marks and for REP; the default is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Join {
    pub(crate) kind: Kind,
    /// The character's columns; 0 for no character.
    pub(crate) width: u8,
}

impl Join {
    pub(crate) const NONE: Self = Self {
        kind: Kind::Other,
        width: 0,
    };

    pub(crate) fn is_none(self) -> bool {
        self.width == 0
    }

    /// The state after a printable ASCII character.
    #[inline]
    pub(crate) fn after_ascii(byte: u8) -> Self {
        let kind = match byte {
            b'0'..=b'9' | b'#' | b'*' => Kind::KeycapBase,
            _ => Kind::Other,
        };
        Self { kind, width: 1 }
    }

    /// The state after `code`, and whether `code` joins the previous character.
    #[inline]
    pub(crate) fn step(self, code: u32) -> (Self, bool) {
        let class = class(code);
        let columns = class.columns();
        if columns == 0 {
            return self.mark(class);
        }
        let new = |kind, width, joins| (Self { kind, width }, joins);
        match (class, self.kind) {
            (Class::Narrow | Class::Wide, _) => new(Kind::Other, columns, false),
            (Class::Pictograph | Class::WidePictograph, Kind::Joiner) => {
                new(Kind::Pictograph, 2, true)
            }
            (Class::Person | Class::WidePerson, Kind::Joiner) => new(Kind::Person, 2, true),
            (Class::Modifier, Kind::Person) => new(Kind::Pictograph, 2, true),
            (Class::Regional, Kind::Regional) => new(Kind::Other, 2, true),
            (Class::Pictograph | Class::WidePictograph, _) => new(Kind::Pictograph, columns, false),
            (Class::Person | Class::WidePerson, _) => new(Kind::Person, columns, false),
            (Class::Regional, _) => new(Kind::Regional, columns, false),
            (Class::KeycapBase, _) => new(Kind::KeycapBase, columns, false),
            _ => new(Kind::Other, columns, false),
        }
    }

    /// The state after a character without columns.
    fn mark(self, class: Class) -> (Self, bool) {
        if self.is_none() {
            return (Self::NONE, false);
        }
        let (kind, width) = match (class, self.kind) {
            (Class::EmojiSelector, Kind::Pictograph | Kind::Person) => (Kind::Pictograph, 2),
            (Class::EmojiSelector, Kind::KeycapBase) => (Kind::KeycapSelector, self.width),
            (Class::Keycap, Kind::KeycapSelector) => (Kind::Other, 2),
            (Class::Joiner, Kind::Pictograph | Kind::Person) => (Kind::Joiner, self.width),
            (_, Kind::Pictograph | Kind::Person | Kind::Joiner) => (Kind::Pictograph, self.width),
            _ => (Kind::Other, self.width),
        };
        (Self { kind, width }, true)
    }

    /// The state after `text` in a row, printed from none.
    pub(crate) fn after(text: &str) -> Self {
        text.chars()
            .fold(Self::NONE, |join, c| join.step(u32::from(c)).0)
    }
}

/// The table covers characters below; the few ranges above are wide or marks.
const TABLE: usize = 0x2_0000;

/// Four bits for each character of the first two planes: 64 KiB of read-only memory.
static CLASSES: [u8; TABLE / 2] = classes();

const fn classes() -> [u8; TABLE / 2] {
    let mut classes = [0x11; TABLE / 2];
    let mut i = 0;
    while i < table::RANGES.len() {
        let (first, last, class) = table::RANGES[i];
        let mut code = first as usize;
        while code <= last as usize && code < TABLE {
            let shift = (code & 1) * 4;
            classes[code / 2] = classes[code / 2] & !(15 << shift) | class << shift;
            code += 1;
        }
        i += 1;
    }
    classes
}

#[inline]
fn class(code: u32) -> Class {
    let code = code as usize;
    Class::of(if code < TABLE {
        CLASSES[code / 2] >> ((code & 1) * 4) & 15
    } else {
        above(code)
    })
}

fn above(code: usize) -> u8 {
    let found = table::RANGES
        .iter()
        .rev()
        .take_while(|(_, last, _)| *last as usize >= TABLE)
        .find(|(first, last, _)| (*first as usize..=*last as usize).contains(&code));
    found.map_or(Class::Narrow as u8, |(_, _, class)| *class)
}

/// The columns of `code` alone: 0, 1 or 2.
#[inline]
pub(crate) fn of(code: u32) -> u8 {
    class(code).columns()
}

#[cfg(test)]
mod tests {
    use super::Join;

    /// Columns as Claude Code counts them, measured with its runtime.
    #[test]
    fn widths_are_those_of_claude_code() {
        let cases = [
            ("é", 1),
            ("e\u{301}\u{308}", 1),
            ("─", 1),
            ("漢", 2),
            ("한", 2),
            ("\u{1112}\u{1161}\u{11ab}", 2),
            ("𠀀", 2),
            ("\u{303F}", 1),
            ("🎉", 2),
            ("❤", 1),
            ("❤\u{fe0f}", 2),
            ("⌚\u{fe0e}", 2),
            ("👨\u{200d}👩\u{200d}👧", 2),
            ("❤\u{fe0f}\u{200d}🔥", 2),
            ("🇧🇷", 2),
            ("🇧🇷🇧", 3),
            ("1\u{fe0f}\u{20e3}", 2),
            ("1\u{fe0f}", 1),
            ("👋🏽", 2),
            ("⛹🏽", 2),
            ("a🏽", 3),
            ("a\u{200d}b", 2),
            ("🎉\u{200d}a", 3),
            ("ก็", 1),
            ("\u{1fae9}", 2),
        ];
        for (text, width) in cases {
            let mut join = Join::NONE;
            let mut columns = 0;
            for c in text.chars() {
                let (next, joins) = join.step(u32::from(c));
                columns += next.width - if joins { join.width } else { 0 };
                join = next;
            }
            assert_eq!(columns, width, "{text:?}");
        }
    }
}
