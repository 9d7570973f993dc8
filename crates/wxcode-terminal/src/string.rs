//! Executes operating system commands and device control strings: title, links, colours, status
//! requests.

use crate::dictionary::Link;
use crate::palette::{self, Slot};
use crate::terminal::Terminal;

impl Terminal {
    /// Executes an operating system command; `done` is false for a cancelled command.
    pub(crate) fn osc(&mut self, done: bool, replies: &mut Vec<u8>) {
        let Some(text) = self.parser.take_string().filter(|_| done) else {
            return;
        };
        let (number, data) = text.split_once(';').unwrap_or((&text, ""));
        if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
            return;
        }
        match number.parse::<u32>() {
            Ok(0 | 2) => self.set_title(data),
            Ok(4) => self.indexed_colors(data, replies),
            Ok(8) => self.set_link(data),
            Ok(first @ 10..=12) => self.special_colors(first, data, replies),
            Ok(104) if data.is_empty() => self.palette.restore_indexed(),
            Ok(104) => data
                .split(';')
                .filter_map(index)
                .for_each(|slot| self.palette.restore(slot)),
            Ok(110) => self.palette.restore(Slot::Foreground),
            Ok(111) => self.palette.restore(Slot::Background),
            Ok(112) => self.palette.restore(Slot::Cursor),
            _ => {}
        }
    }

    /// Executes a device control string; `done` is false for a cancelled string.
    pub(crate) fn dcs(&mut self, done: bool, replies: &mut Vec<u8>) {
        let text = self.parser.take_string();
        if done && self.parser.is_status_request() {
            self.answer_status(&text.unwrap_or_default(), replies);
        }
    }

    fn set_title(&mut self, title: &str) {
        let mut end = title.len().min(Self::MAX_TITLE_BYTES);
        while !title.is_char_boundary(end) {
            end -= 1;
        }
        self.title = title.get(..end).unwrap_or_default().to_owned();
    }

    /// OSC 8: opens or closes a link.
    fn set_link(&mut self, data: &str) {
        let Some((params, uri)) = data.split_once(';') else {
            return;
        };
        let params = params.trim();
        if uri.is_empty() {
            if params.is_empty() {
                self.link_pen(0);
            }
            return;
        }
        let id = params
            .split(':')
            .find_map(|param| param.strip_prefix("id="));
        let link = Link {
            id: id.filter(|id| !id.is_empty()).map(str::to_owned),
            uri: uri.to_owned(),
        };
        if self.dictionary.is_crowded_for(&link) {
            self.sweep();
        }
        let id = self.dictionary.link_id(link).unwrap_or(0);
        self.link_pen(id);
    }

    fn link_pen(&mut self, link: u16) {
        self.pen.link = link;
        self.pen.update_extended();
        self.update_cells();
    }

    /// OSC 4: pairs of an index and a colour or `?`.
    fn indexed_colors(&mut self, data: &str, replies: &mut Vec<u8>) {
        let mut parts = data.split(';');
        while let (Some(at), Some(spec)) = (parts.next(), parts.next()) {
            let Some(slot) = index(at) else { continue };
            if spec == "?" {
                self.answer_color(slot, replies);
            } else if let Some(color) = palette::parse(spec) {
                self.palette.set(slot, color);
            }
        }
    }

    /// OSC 10, 11 and 12: a colour or `?` for this number and the following numbers.
    fn special_colors(&mut self, first: u32, data: &str, replies: &mut Vec<u8>) {
        let slots = [Slot::Foreground, Slot::Background, Slot::Cursor];
        let slots = slots.into_iter().skip((first - 10) as usize);
        for (slot, spec) in slots.zip(data.split(';')) {
            if spec == "?" {
                self.answer_color(slot, replies);
            } else if let Some(color) = palette::parse(spec) {
                self.palette.set(slot, color);
            }
        }
    }
}

fn index(text: &str) -> Option<Slot> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits
        .then(|| text.parse::<u64>().ok())?
        .and_then(|n| u8::try_from(n).ok())
        .map(Slot::Indexed)
}
