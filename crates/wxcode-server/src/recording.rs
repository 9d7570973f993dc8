//! Exports a session's log as an asciicast, version 3:
//! <https://docs.asciinema.org/manual/asciicast/v3/>.

use std::{fmt::Display, io, path::Path, time::Duration};

use serde_json::json;
use wxcode_holder::{
    folder::{self, Exit},
    log::{Item, Reader, Record, What},
};
use wxcode_terminal::Size;

use crate::utf8::Utf8Buffer;

/// Size of a finished part of a recording, in bytes; a part may hold one more record.
const PART: usize = 64 << 10; // 64 KiB
/// Added to the signal in a shell's exit status of a killed process.
const SIGNALED: i32 = 128;

/// A recording, made part by part from a log.
pub(crate) struct Recording {
    items: Reader,
    /// The first item, source of the header.
    first: Option<Item>,
    header: Option<String>,
    size: Size,
    /// The time of the last event, since the Unix epoch.
    last: Duration,
    text: Utf8Buffer,
    /// The output starts again, possibly within a character.
    torn: bool,
}

impl Recording {
    /// Opens the recording of the session in `dir`. Without a log the recording has a header and no
    /// events.
    ///
    /// # Errors
    /// The folder is not readable, or is gone.
    pub(crate) fn open(dir: &Path) -> io::Result<Self> {
        let spec = folder::read_spec(dir).map_err(io::Error::other)?;
        let mut items = Reader::open(dir)?;
        let first = items.next();
        let (size, start) = match &first {
            Some(Item::Record(record)) => (
                match record.what {
                    What::Resized(size) => Some(size),
                    _ => None,
                },
                Some(record),
            ),
            _ => (None, None),
        };
        let size = size.or_else(|| Size::new(spec.cols, spec.rows));
        let size = size.ok_or_else(|| io::Error::other("the session's size is out of bounds"))?;
        let last = start.map_or(Duration::ZERO, at);
        let mut header = json!({
            "version": 3,
            "term": { "cols": size.cols, "rows": size.rows, "type": "xterm-256color" },
        });
        if start.is_some() {
            header["timestamp"] = last.as_secs().into();
        }
        let torn = start.is_some_and(|record| record.offset > 0);
        Ok(Self {
            items,
            first,
            header: Some(format!("{header}\n")),
            size,
            last,
            text: Utf8Buffer::default(),
            torn,
        })
    }

    /// The next part, whole lines; `None` at the end.
    pub(crate) fn next_part(&mut self) -> Option<String> {
        let mut part = self.header.take().unwrap_or_default();
        while part.len() < PART {
            let Some(item) = self.first.take().or_else(|| self.items.next()) else {
                let rest = self.text.finish();
                self.output(&mut part, self.last, &rest);
                break;
            };
            match item {
                Item::Record(record) => self.record(&mut part, record),
                Item::Gap { from, to } => {
                    let rest = self.text.finish();
                    self.output(&mut part, self.last, &rest);
                    let label = format!("{} bytes of output are missing here", to - from);
                    self.event(&mut part, self.last, 'm', &label);
                    self.torn = true;
                }
            }
        }
        (!part.is_empty()).then_some(part)
    }

    fn record(&mut self, part: &mut String, record: Record) {
        let at = at(&record);
        match record.what {
            What::Output(bytes) => {
                let mut bytes = &bytes[..];
                if std::mem::take(&mut self.torn) {
                    bytes = from_a_character_on(bytes);
                }
                let text = self.text.push(bytes);
                self.output(part, at, &text);
            }
            // Segments begin with the size before the segment.
            What::Resized(size) if size == self.size => {}
            What::Resized(size) => {
                self.size = size;
                let text = format!("{}x{}", size.cols, size.rows);
                self.event(part, at, 'r', &text);
            }
            What::Exited(exit) => {
                let rest = self.text.finish();
                self.output(part, at, &rest);
                self.event(part, at, 'x', &status(&exit).to_string());
            }
        }
    }

    fn output(&mut self, part: &mut String, at: Duration, text: &str) {
        if !text.is_empty() {
            self.event(part, at, 'o', text);
        }
    }

    fn event(&mut self, part: &mut String, at: Duration, code: char, data: &str) {
        // A clock set back makes no negative interval.
        let interval = at.saturating_sub(self.last);
        self.last = at;
        let data: &dyn Display = &serde_json::Value::from(data);
        let (s, ms) = (interval.as_secs(), interval.subsec_millis());
        part.push_str(&format!("[{s}.{ms:03}, \"{code}\", {data}]\n"));
    }
}

/// The time of a record, since the Unix epoch.
fn at(record: &Record) -> Duration {
    Duration::from_millis(record.at_ms)
}

/// The exit status as a shell gives it.
fn status(exit: &Exit) -> i32 {
    exit.code
        .or(exit.signal.map(|signal| SIGNALED + signal))
        .unwrap_or_default()
}

/// The bytes without the rest of a character with a lost beginning.
fn from_a_character_on(bytes: &[u8]) -> &[u8] {
    let rest = bytes
        .iter()
        .take(3)
        .take_while(|byte| **byte & 0xc0 == 0x80);
    bytes.get(rest.count()..).unwrap_or_default()
}
