//! The conversation id in the `stream-json` output of a run without a terminal.

use serde::Deserialize;
use uuid::Uuid;

/// Longest line that is looked at, in bytes; measured init lines have tens of kilobytes. A longer
/// one is passed over up to its end.
pub const LINE_MAX: usize = 8 << 20; // 8 MiB

/// Finds the id of the first `type=system, subtype=init` line in a stream of bytes, however it is
/// cut.
///
/// Lines may end in LF, CR or both, may carry escape sequences around the JSON and bytes that are
/// not UTF-8. What is not such a line, or has an id that is not a UUID, is passed over.
#[derive(Debug, Default)]
pub struct InitCapture {
    line: Vec<u8>,
    overlong: bool,
    found: Option<Uuid>,
}

impl InitCapture {
    /// A capture at the beginning of a stream.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes and gives the id as soon as it is known. After that nothing is kept.
    pub fn push(&mut self, bytes: &[u8]) -> Option<Uuid> {
        let mut rest = bytes;
        while self.found.is_none() {
            let Some(end) = memchr::memchr2(b'\n', b'\r', rest) else {
                self.keep(rest);
                break;
            };
            self.keep(&rest[..end]);
            self.end_line();
            rest = &rest[end + 1..];
        }
        self.found
    }

    /// Says that the stream is over: its last line may have no line end.
    pub fn finish(&mut self) -> Option<Uuid> {
        if self.found.is_none() {
            self.end_line();
        }
        self.found
    }

    fn keep(&mut self, bytes: &[u8]) {
        if self.overlong || self.line.len() + bytes.len() > LINE_MAX {
            self.overlong = true;
            self.line = Vec::new();
        } else {
            self.line.extend_from_slice(bytes);
        }
    }

    fn end_line(&mut self) {
        if !self.overlong {
            self.found = init_id(&self.line);
        }
        self.overlong = false;
        if self.found.is_some() {
            self.line = Vec::new();
        } else {
            self.line.clear();
        }
    }
}

/// The id of one line, if it is an init line.
fn init_id(line: &[u8]) -> Option<Uuid> {
    #[derive(Deserialize)]
    struct Init {
        r#type: String,
        subtype: String,
        session_id: String,
    }
    let text = String::from_utf8_lossy(line);
    let mut values = serde_json::Deserializer::from_str(without_escapes(&text)).into_iter::<Init>();
    let init = values.next()?.ok()?;

    (init.r#type == "system" && init.subtype == "init").then_some(())?;
    crate::id(&init.session_id)
}

fn without_escapes(text: &str) -> &str {
    text
}
