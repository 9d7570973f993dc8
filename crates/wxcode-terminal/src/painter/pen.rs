//! Sets the reader's pen for the next cells.

use std::io::Write as _;

use super::Painter;
use crate::style::{Color, Flags, Style};

impl Painter<'_> {
    /// Opens or closes the link.
    fn open(&mut self, link: u16) {
        if link == self.link {
            return;
        }
        self.link = link;
        match self.dictionary.link(link) {
            Some(to) => {
                self.link_bytes += to.bytes();
                let id = to
                    .id
                    .as_ref()
                    .map(|id| format!("id={id}"))
                    .unwrap_or_default();
                let _ = write!(self.out, "\x1b]8;{id};{}\x07", to.uri);
            }
            None => self.put(b"\x1b]8;;\x07"),
        }
        self.pen.link = link;
        self.pen.update_extended();
    }

    /// Toggles the link once more. The toggle sets or clears the flag that a restored cursor split
    /// from the link.
    pub(crate) fn link_again(&mut self, link: u16) {
        self.link = u16::MAX;
        self.open(link);
    }

    /// Sets the pen to draw cells like `style`.
    pub(crate) fn pen(&mut self, style: Style) {
        let style = self.affordable(style.drawn());
        if style == self.pen.drawn() {
            return;
        }
        if style.is_plain() {
            self.plain(style);
        } else {
            self.torn(style);
        }
    }

    /// The style, without its link when the stream has too many bytes of links already.
    fn affordable(&self, mut style: Style) -> Style {
        if style.link == 0 || style.link == self.link || self.link_bytes < Self::MAX_LINK_BYTES {
            return style;
        }
        style.link = 0;
        style.set_underline(u8::from(style.flags.has(Flags::UNDERLINE)));
        style
    }

    /// Sets a style that SGR and OSC 8 can express.
    fn plain(&mut self, style: Style) {
        self.open(style.link);
        let mut sgr = Vec::new();
        let loses = Flags::SGR
            .iter()
            .any(|(f, _, _)| self.pen.flags.has(*f) && !style.flags.has(*f));
        let extended = style.flags.has(Flags::EXTENDED);
        let recolors = extended && self.pen.underline_color != style.underline_color;
        let loses_color = recolors && style.underline_color == Color::DEFAULT;
        let loses_line = self.pen.flags.has(Flags::UNDERLINE) && !style.flags.has(Flags::UNDERLINE);
        let loses_protection =
            self.pen.flags.has(Flags::PROTECTED) && !style.flags.has(Flags::PROTECTED);
        if loses || loses_color || loses_line || loses_protection || is_torn(self.pen) {
            sgr.extend_from_slice(b";0");
            self.pen.reset();
        }
        for (flag, on, _) in Flags::SGR {
            if style.flags.has(flag) && !self.pen.flags.has(flag) {
                let _ = write!(sgr, ";{on}");
            }
        }
        if style.flags.has(Flags::UNDERLINE) {
            let line = if style.link == 0 { style.underline } else { 1 };
            if line != self.pen.underline {
                let _ = if line == 1 {
                    write!(sgr, ";4")
                } else {
                    write!(sgr, ";4:{line}")
                };
                self.pen.underline = line;
            }
        }
        for (new, old, base) in [(style.fg, self.pen.fg, 30), (style.bg, self.pen.bg, 40)] {
            if new != old {
                sgr.push(b';');
                new.sgr(base, &mut sgr);
            }
        }
        if extended && self.pen.underline_color != style.underline_color {
            sgr.push(b';');
            style.underline_color.sgr(58, &mut sgr);
            self.pen.underline_color = style.underline_color;
        }
        if let Some(sgr) = sgr.get(1..) {
            self.put(b"\x1b[");
            self.put(if sgr == b"0" { b"" } else { sgr });
            self.put(b"m");
        }
        if style.flags.has(Flags::PROTECTED) && !self.pen.flags.has(Flags::PROTECTED) {
            self.put(b"\x1b[1\"q");
        }
        self.pen.fg = style.fg;
        self.pen.bg = style.bg;
        self.pen.flags = style.flags;
    }

    /// Sets a style that only a restored cursor gives: the flags of one pen with the underline of
    /// another. Overwrites the reader's saved cursor; no wrap may be pending.
    fn torn(&mut self, style: Style) {
        self.flags(style);
        if style.flags.has(Flags::UNDERLINE) && !style.flags.has(Flags::EXTENDED) {
            return;
        }
        self.leave();
        self.put(b"\x1b7");
        self.open(0);
        self.put(b"\x1b[m");
        self.pen.reset();
        if style.underline != 0 {
            let _ = write!(self.out, "\x1b[4:{}m", style.underline);
        }
        if style.underline_color != Color::DEFAULT {
            self.put(b"\x1b[");
            let mut sgr = Vec::new();
            style.underline_color.sgr(58, &mut sgr);
            self.put(&sgr);
            self.put(b"m");
        }
        self.put(b"\x1b8");
        self.come_back();
        self.pen = style;
    }

    fn leave(&mut self) {
        self.overwrote_saved = true;
        self.put(if self.detours { b"\x1b[?47h" } else { b"" });
    }

    fn come_back(&mut self) {
        self.put(if self.detours { b"\x1b[?47l" } else { b"" });
    }

    /// Gives the pen the colours and flags of `style`, with any underline.
    pub(crate) fn flags(&mut self, style: Style) {
        let bare = |underline, link| Style {
            underline,
            link,
            underline_color: Color::DEFAULT,
            ..style
        };
        match (
            style.flags.has(Flags::EXTENDED),
            style.flags.has(Flags::UNDERLINE),
        ) {
            (false, false) => self.plain(bare(0, 0)),
            (true, true) => self.plain(bare(1, 0)),
            (true, false) => {
                let mut flags = style.flags;
                flags.set(Flags::EXTENDED, false);
                self.plain(Style {
                    flags,
                    ..bare(0, 0)
                });
                // Any link sets the flag.
                self.put(b"\x1b]8;;wxcode:\x07");
                self.link = u16::MAX;
                self.pen.link = u16::MAX;
                self.pen.update_extended();
            }
            (false, true) => {
                let mut flags = style.flags;
                flags.set(Flags::EXTENDED, true);
                self.plain(Style {
                    flags,
                    ..bare(1, 0)
                });
                self.leave();
                self.put(b"\x1b7\x1b[m\x1b8\x1b]8;;\x07");
                self.come_back();
                self.pen = bare(0, 0);
                self.link = 0;
            }
        }
    }

    /// Sets the whole pen from scratch, with fields that draw no cell yet.
    pub(crate) fn whole_pen(&mut self, pen: Style) {
        self.reset_pen();
        self.underline_and_link(pen);
        let mut flags = pen.flags;
        flags.set(Flags::UNDERLINE, self.pen.flags.has(Flags::UNDERLINE));
        flags.set(Flags::EXTENDED, self.pen.flags.has(Flags::EXTENDED));
        self.colors_and_flags(Style { flags, ..pen });
    }

    /// Sets the pen of a fresh terminal, also in fields without a visible effect.
    pub(crate) fn reset_pen(&mut self) {
        if self.pen != Style::default() {
            self.open(0);
            self.put(b"\x1b[m");
            self.pen = Style::default();
        }
    }

    /// Parts of a pen missing in a saved cursor.
    pub(crate) fn underline_and_link(&mut self, pen: Style) {
        self.reset_pen();
        if pen.underline != 0 {
            let _ = write!(self.out, "\x1b[4:{}m", pen.underline);
            self.pen.set_underline(pen.underline);
        }
        if pen.underline_color != Color::DEFAULT {
            let mut sgr = Vec::new();
            pen.underline_color.sgr(58, &mut sgr);
            self.put(b"\x1b[");
            self.put(&sgr);
            self.put(b"m");
            self.pen.underline_color = pen.underline_color;
        }
        self.open(pen.link);
    }

    /// DECRC: gives the pen the colours and flags of `kept`.
    pub(crate) fn restore(&mut self, kept: Style) {
        self.put(b"\x1b8");
        self.pen = Style {
            fg: kept.fg,
            bg: kept.bg,
            flags: kept.flags,
            ..self.pen
        };
    }

    /// Changes colours and flags without touching underline and link.
    pub(crate) fn colors_and_flags(&mut self, pen: Style) {
        let mut sgr = Vec::new();
        for (flag, _, off) in Flags::SGR {
            if self.pen.flags.has(flag) && !pen.flags.has(flag) {
                let _ = write!(sgr, ";{off}");
                if off == 22 {
                    self.pen.flags.set(Flags::BOLD, false);
                    self.pen.flags.set(Flags::DIM, false);
                }
            }
        }
        for (flag, on, _) in Flags::SGR {
            if pen.flags.has(flag) && !self.pen.flags.has(flag) {
                let _ = write!(sgr, ";{on}");
            }
        }
        for (new, old, base) in [(pen.fg, self.pen.fg, 30), (pen.bg, self.pen.bg, 40)] {
            if new != old {
                sgr.push(b';');
                new.sgr(base, &mut sgr);
            }
        }
        if let Some(sgr) = sgr.get(1..) {
            self.put(b"\x1b[");
            self.put(sgr);
            self.put(b"m");
        }
        if pen.flags.has(Flags::PROTECTED) != self.pen.flags.has(Flags::PROTECTED) {
            self.put(if pen.flags.has(Flags::PROTECTED) {
                b"\x1b[1\"q"
            } else {
                b"\x1b[0\"q"
            });
        }
        self.pen.fg = pen.fg;
        self.pen.bg = pen.bg;
        self.pen.flags = pen.flags;
    }
}

/// Whether the flags of a reader's pen disagree with its underline and link.
fn is_torn(pen: Style) -> bool {
    let mut same = pen;
    same.update_extended();
    same != pen || pen.flags.has(Flags::UNDERLINE) != (pen.underline != 0)
}
