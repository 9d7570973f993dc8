//! The terminal's palette: set and queried by OSC 4, 10, 11 and 12.

use std::collections::BTreeMap;

/// Red, green and blue, 0 to 255 each.
pub(crate) type Rgb = [u8; 3];

/// A colour that a program can set: a colour among 256, the text's, the background's or the
/// cursor's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Slot {
    Indexed(u8),
    Foreground,
    Background,
    Cursor,
}

/// The colours of the page's theme, and the program's changes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Palette {
    set: BTreeMap<Slot, Rgb>,
}

/// The page's theme: the first 16 colours.
const BASIC: [Rgb; 16] = [
    [0x2a, 0x2f, 0x35],
    [0xf0, 0x77, 0x6d],
    [0x7c, 0xc9, 0x8f],
    [0xe2, 0xb5, 0x67],
    [0x79, 0xa9, 0xf2],
    [0xc7, 0x95, 0xe8],
    [0x62, 0xc5, 0xba],
    [0xcd, 0xd3, 0xd8],
    [0x7d, 0x87, 0x90],
    [0xff, 0x9a, 0x90],
    [0x9a, 0xe0, 0xaa],
    [0xf3, 0xcd, 0x8b],
    [0xa0, 0xc4, 0xff],
    [0xdc, 0xb5, 0xf5],
    [0x8b, 0xe0, 0xd6],
    [0xf3, 0xf5, 0xf7],
];

impl Palette {
    /// The colour in use.
    pub(crate) fn get(&self, slot: Slot) -> Rgb {
        self.set.get(&slot).copied().unwrap_or_else(|| theme(slot))
    }

    /// Sets a colour (OSC 4, 10, 11, 12).
    pub(crate) fn set(&mut self, slot: Slot, color: Rgb) {
        self.set.insert(slot, color);
    }

    /// Restores the theme's colour (OSC 104, 110, 111, 112).
    pub(crate) fn restore(&mut self, slot: Slot) {
        self.set.remove(&slot);
    }

    /// Restores all 256 colours of the theme (OSC 104 alone).
    pub(crate) fn restore_indexed(&mut self) {
        self.set.retain(|slot, _| !matches!(slot, Slot::Indexed(_)));
    }

    /// The colours set by the program.
    pub(crate) fn changes(&self) -> impl Iterator<Item = (Slot, Rgb)> {
        self.set.iter().map(|(slot, color)| (*slot, *color))
    }
}

fn theme(slot: Slot) -> Rgb {
    match slot {
        Slot::Foreground => [0xd9, 0xdd, 0xe1],
        Slot::Background => [0x14, 0x17, 0x1a],
        Slot::Cursor => [0x5c, 0xc9, 0xbb],
        Slot::Indexed(i @ 0..16) => BASIC[usize::from(i)],
        Slot::Indexed(i @ 16..232) => {
            let step = |n: u8| if n == 0 { 0 } else { 55 + 40 * n };
            let i = i - 16;
            [step(i / 36), step(i / 6 % 6), step(i % 6)]
        }
        Slot::Indexed(i) => [8 + 10 * (i - 232); 3],
    }
}

/// Reads `rgb:r/g/b` with one to four digits each, or `#` with 3, 6, 9 or 12 digits.
pub(crate) fn parse(text: &str) -> Option<Rgb> {
    let low = text.to_ascii_lowercase();
    if let Some(parts) = low.strip_prefix("rgb:") {
        let parts: Vec<&str> = parts.split('/').collect();
        let [r, g, b] = parts.as_slice() else {
            return None;
        };
        if r.len() != g.len() || g.len() != b.len() || !(1..=4).contains(&r.len()) {
            return None;
        }
        let most = (1u32 << (4 * r.len())) - 1;
        let scale = |part: &str| Some(((hex(part)? * 255 * 2 + most) / (2 * most)) as u8);
        return Some([scale(r)?, scale(g)?, scale(b)?]);
    }
    let digits = low.strip_prefix('#')?;
    if !matches!(digits.len(), 3 | 6 | 9 | 12) || !digits.is_ascii() {
        return None;
    }
    let n = digits.len() / 3;
    let part = |i: usize| {
        let value = hex(digits.get(i * n..(i + 1) * n)?)?;
        Some(match n {
            1 => value << 4,
            2 => value,
            3 => value >> 4,
            _ => value >> 8,
        } as u8)
    };
    Some([part(0)?, part(1)?, part(2)?])
}

fn hex(text: &str) -> Option<u32> {
    let digits = text.bytes().all(|b| b.is_ascii_hexdigit());
    (digits && !text.is_empty()).then(|| u32::from_str_radix(text, 16).ok())?
}
