//! Colours, attributes, underline and link of a cell; the pen for new cells.

/// A colour: the kind in bits 24 and 25 (default, 16 colours, 256 colours, RGB), the value below.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Color(u32);

impl Color {
    /// The default colour of text, background or underline.
    pub(crate) const DEFAULT: Self = Self(0);

    /// A colour among the first 16, set by 30 to 37, 90 to 97 and their relatives.
    pub(crate) fn basic(index: u8) -> Self {
        Self(1 << 24 | u32::from(index))
    }

    /// A colour among 256, set by `38;5`.
    pub(crate) fn indexed(index: u8) -> Self {
        Self(2 << 24 | u32::from(index))
    }

    /// An RGB colour, set by `38;2`.
    pub(crate) fn rgb(r: u8, g: u8, b: u8) -> Self {
        Self(3 << 24 | u32::from(r) << 16 | u32::from(g) << 8 | u32::from(b))
    }

    /// The SGR parameters that set this colour; `base` is 30, 40 or 58.
    pub(crate) fn sgr(self, base: u8, out: &mut Vec<u8>) {
        use std::io::Write as _;
        let [kind, r, g, b] = self.0.to_be_bytes();
        let extended = if base == 58 { 58 } else { base + 8 };
        // Writing to a Vec cannot fail.
        let _ = match kind {
            0 => write!(out, "{}", extended + 1),
            // With colons, so that a terminal without support skips the whole parameter.
            1 | 2 if base == 58 => write!(out, "58:5:{b}"),
            3 if base == 58 => write!(out, "58:2::{r}:{g}:{b}"),
            1 if b < 8 => write!(out, "{}", base + b),
            1 => write!(out, "{}", base + 52 + b),
            2 => write!(out, "{extended};5;{b}"),
            _ => write!(out, "{extended};2;{r};{g};{b}"),
        };
    }
}

/// A set of attributes, a bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Flags(u16);

impl Flags {
    pub(crate) const BOLD: Self = Self(1);
    pub(crate) const DIM: Self = Self(1 << 1);
    pub(crate) const ITALIC: Self = Self(1 << 2);
    pub(crate) const UNDERLINE: Self = Self(1 << 3);
    pub(crate) const BLINK: Self = Self(1 << 4);
    pub(crate) const INVERSE: Self = Self(1 << 5);
    pub(crate) const INVISIBLE: Self = Self(1 << 6);
    pub(crate) const STRIKE: Self = Self(1 << 7);
    pub(crate) const OVERLINE: Self = Self(1 << 8);
    /// Spared by selective erasing (DECSCA).
    pub(crate) const PROTECTED: Self = Self(1 << 9);
    /// The underline style, the underline's colour and the link are in effect. xterm.js keeps this
    /// flag in a separate place, and restoring a cursor restores the flag without style, colour and
    /// link.
    pub(crate) const EXTENDED: Self = Self(1 << 10);

    /// Attributes of a plain SGR number, with the numbers that set and clear each.
    pub(crate) const SGR: [(Self, u8, u8); 8] = [
        (Self::BOLD, 1, 22),
        (Self::DIM, 2, 22),
        (Self::ITALIC, 3, 23),
        (Self::BLINK, 5, 25),
        (Self::INVERSE, 7, 27),
        (Self::INVISIBLE, 8, 28),
        (Self::STRIKE, 9, 29),
        (Self::OVERLINE, 53, 55),
    ];

    pub(crate) fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub(crate) fn set(&mut self, other: Self, on: bool) {
        if on {
            self.0 |= other.0;
        } else {
            self.0 &= !other.0;
        }
    }
}

/// An underline's style as in `4:n`: 0 none, 1 single, 2 double, 3 curly, 4 dotted, 5 dashed.
pub(crate) type Underline = u8;

/// An index into the dictionary's links; 0 is none.
pub(crate) type LinkId = u16;

/// The style of a cell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Style {
    pub(crate) fg: Color,
    pub(crate) bg: Color,
    pub(crate) flags: Flags,
    /// In effect only with [`Flags::EXTENDED`], like the two below.
    pub(crate) underline: Underline,
    pub(crate) underline_color: Color,
    pub(crate) link: LinkId,
}

impl Style {
    /// A quick hash.
    #[inline]
    pub(crate) fn spread(self) -> usize {
        let low = u64::from(self.fg.0) | u64::from(self.bg.0) << 32;
        let high =
            u64::from(self.flags.0) | u64::from(self.underline) << 16 | u64::from(self.link) << 24;
        let mixed =
            low.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ high.wrapping_mul(0xC2B2_AE3D_27D4_EB4F);
        (mixed.wrapping_add(u64::from(self.underline_color.0)) >> 40) as usize
    }

    /// The style of cells erased with this pen: only the background.
    pub(crate) fn erased(self) -> Self {
        Self {
            bg: self.bg,
            ..Self::default()
        }
    }

    /// The style of cells drawn with this pen, without ineffective fields.
    pub(crate) fn drawn(self) -> Self {
        if !self.flags.has(Flags::EXTENDED) {
            return Self {
                underline: 0,
                underline_color: Color::DEFAULT,
                link: 0,
                ..self
            };
        }
        // A link has a separate underline.
        let underline = if self.link == 0 { self.underline } else { 0 };
        Self { underline, ..self }
    }

    /// Sets or clears [`Flags::EXTENDED`] by whether there is an underline style or a link.
    pub(crate) fn update_extended(&mut self) {
        let on = self.underline != 0 || self.link != 0;
        self.flags.set(Flags::EXTENDED, on);
    }

    /// SGR 4, 21 and 24: the flag and the style of the underline.
    pub(crate) fn set_underline(&mut self, style: Underline) {
        self.underline = style;
        self.flags.set(Flags::UNDERLINE, style != 0);
        self.update_extended();
    }

    /// SGR 0: everything but the link.
    pub(crate) fn reset(&mut self) {
        *self = Self {
            link: self.link,
            ..Self::default()
        };
        self.update_extended();
    }

    /// Whether plain SGR and OSC 8 can produce this style: the flags agree with the underline and
    /// the link.
    pub(crate) fn is_plain(self) -> bool {
        let mut same = self;
        same.update_extended();
        let underlined = self.flags.has(Flags::UNDERLINE);
        same == self && (underlined == (self.underline != 0) || self.link != 0)
    }
}
