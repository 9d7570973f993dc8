//! Takes OSC 7501 (Program Status Protocol) out of a program's output: the query, and the reports.
//!
//! A program asks `ESC ] 7501 ; ? ESC \` and reports its state once a terminal has given the same
//! sequence back: `ESC ] 7501 ; state=blocked:app=NAME:kind=permission:msg=BASE64 BEL`. Claude Code
//! 2.1.329 writes these fields. A record with `id=` is about a part of the program, and no report
//! about the program itself.
//!
//! Invariant: the filter holds at most [`StatusFilter::MAX_BODY`] bytes, whatever the program
//! writes, and each other byte passes in order.

use wxcode_protocol::holder::{BlockKind, ProgramState, ProgramStatus};

/// The beginning of a query and of a report.
const INTRO: &[u8] = b"\x1b]7501;";
const BEL: u8 = 0x07;
const CANCEL: u8 = 0x18;
const SUBSTITUTE: u8 = 0x1A;
const ESCAPE: u8 = 0x1B;

/// An item of a program's output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatusItem<'a> {
    /// Bytes for the screen.
    Output(&'a [u8]),
    /// The program asks whether its reports are welcome; [`StatusFilter::ANSWER`] says yes.
    Query,
    /// The program reports its state.
    Report(ProgramStatus),
}

/// The position of the output within a sequence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Position {
    /// Outside.
    #[default]
    Text,
    /// This many bytes of [`INTRO`] have arrived.
    Intro(usize),
    /// Within a query or a report.
    Body,
    /// After an escape in a body.
    Escape,
}

/// Separates status sequences from the rest of a program's output, in chunks cut anywhere.
///
/// ```
/// use wxcode_terminal::{StatusFilter, StatusItem};
///
/// let mut filter = StatusFilter::default();
/// let mut shown = Vec::new();
/// for chunk in [&b"one \x1b]75"[..], b"01;?\x1b", b"\\two"] {
///     filter.feed(chunk, |item| match item {
///         StatusItem::Output(bytes) => shown.extend_from_slice(bytes),
///         StatusItem::Query => shown.extend_from_slice(b"(query) "),
///         StatusItem::Report(_) => unreachable!(),
///     });
/// }
/// assert_eq!(shown, b"one (query) two");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StatusFilter {
    position: Position,
    body: Vec<u8>,
    /// The body is longer than [`Self::MAX_BODY`].
    too_long: bool,
}

impl StatusFilter {
    /// The answer to a query.
    pub const ANSWER: &'static [u8] = b"\x1b]7501;?\x1b\\";
    /// Longest query or report, in bytes; a longer query or report is dropped.
    pub const MAX_BODY: usize = 8 << 10; // 8 KiB

    /// Takes output, and passes the output to `sink` in order, without status sequences.
    pub fn feed(&mut self, bytes: &[u8], mut sink: impl FnMut(StatusItem<'_>)) {
        // Bytes of `INTRO` from earlier chunks that `sink` has not received.
        let mut carried = match self.position {
            Position::Intro(seen) => seen,
            Position::Escape | Position::Text | Position::Body => 0,
        };
        // The first byte that `sink` has not received.
        let mut from = 0;
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            match self.position {
                Position::Text => {
                    let rest = bytes.get(at..).unwrap_or_default();
                    let Some(escape) = rest.iter().position(|byte| *byte == ESCAPE) else {
                        break;
                    };
                    self.position = Position::Intro(1);
                    at += escape + 1;
                }
                Position::Intro(seen) if INTRO.get(seen) == Some(&byte) => {
                    at += 1;
                    self.position = Position::Intro(seen + 1);
                    if seen + 1 == INTRO.len() {
                        let before = at - (INTRO.len() - carried);
                        give(bytes.get(from..before), &mut sink);
                        carried = 0;
                        self.begin_body();
                    }
                }
                Position::Intro(_) => {
                    give(INTRO.get(..carried), &mut sink);
                    carried = 0;
                    // The byte may begin another sequence.
                    self.position = Position::Text;
                }
                Position::Body => {
                    at += 1;
                    match byte {
                        BEL => self.end(&mut sink),
                        CANCEL | SUBSTITUTE => self.position = Position::Text,
                        ESCAPE => self.position = Position::Escape,
                        _ => self.collect(byte),
                    }
                    from = at;
                }
                Position::Escape if byte == b'\\' => {
                    at += 1;
                    from = at;
                    self.end(&mut sink);
                }
                Position::Escape => {
                    // The escape begins another sequence and leaves the present sequence
                    // unfinished.
                    self.position = Position::Intro(1);
                    (carried, from) = (1, at);
                }
            }
        }
        match self.position {
            Position::Text => give(bytes.get(from..), &mut sink),
            Position::Intro(seen) => {
                let held = seen - carried;
                give(bytes.get(from..bytes.len() - held), &mut sink);
            }
            Position::Body | Position::Escape => {}
        }
    }

    /// Passes the held beginning of a sequence on, after a pause of the output. The rest of the
    /// sequence passes as well.
    pub fn release(&mut self) -> &'static [u8] {
        match self.position {
            Position::Intro(_) => self.finish(),
            Position::Text | Position::Body | Position::Escape => &[],
        }
    }

    /// Gives out the held beginning of a sequence after the program's end.
    pub fn finish(&mut self) -> &'static [u8] {
        match std::mem::take(&mut self.position) {
            Position::Intro(seen) => INTRO.get(..seen).unwrap_or_default(),
            Position::Text | Position::Body | Position::Escape => &[],
        }
    }

    /// The unfinished sequence, for a successor's [`Self::continued`].
    #[must_use]
    pub fn held(&self) -> Vec<u8> {
        match self.position {
            Position::Text => Vec::new(),
            Position::Intro(seen) => INTRO.get(..seen).unwrap_or_default().to_vec(),
            Position::Body => [INTRO, &self.body, self.excess()].concat(),
            Position::Escape => [INTRO, &self.body, self.excess(), &[ESCAPE]].concat(),
        }
    }

    /// Continues another filter after its unfinished sequence.
    #[must_use]
    pub fn continued(held: &[u8]) -> Self {
        let mut filter = Self::default();
        filter.feed(held, |_| ());
        filter
    }

    /// A byte more than fits, for a body of excessive length.
    fn excess(&self) -> &'static [u8] {
        if self.too_long { b"." } else { b"" }
    }

    fn begin_body(&mut self) {
        self.position = Position::Body;
        self.body = Vec::new();
        self.too_long = false;
    }

    fn collect(&mut self, byte: u8) {
        // A terminal ignores other control characters within the sequence.
        if byte < b' ' {
            return;
        }
        if self.body.len() == Self::MAX_BODY {
            self.too_long = true;
        } else {
            self.body.push(byte);
        }
    }

    fn end(&mut self, sink: &mut impl FnMut(StatusItem<'_>)) {
        self.position = Position::Text;
        let body = std::mem::take(&mut self.body);
        if self.too_long {
            return;
        }
        if body == b"?" {
            sink(StatusItem::Query);
        } else if let Some(report) = parse(&body) {
            sink(StatusItem::Report(report));
        }
    }
}

fn give(bytes: Option<&[u8]>, sink: &mut impl FnMut(StatusItem<'_>)) {
    if let Some(bytes @ [_, ..]) = bytes {
        sink(StatusItem::Output(bytes));
    }
}

/// The report in a sequence; `None` for a malformed report, and for a report about a part of the
/// program.
fn parse(body: &[u8]) -> Option<ProgramStatus> {
    let body = std::str::from_utf8(body).ok()?;
    let (mut state, mut kind, mut message) = (None, None, String::new());
    for field in body.split(':') {
        let (name, value) = field.split_once('=')?;
        match name {
            "state" if state.is_some() => return None,
            "state" => {
                state = Some(match value {
                    "idle" => ProgramState::Idle,
                    "working" => ProgramState::Working,
                    "blocked" => ProgramState::Blocked,
                    "done" => ProgramState::Done,
                    "error" => ProgramState::Error,
                    "clear" => ProgramState::Clear,
                    _ => return None,
                });
            }
            "kind" => {
                kind = match value {
                    "permission" => Some(BlockKind::Permission),
                    "question" => Some(BlockKind::Question),
                    "auth" => Some(BlockKind::Auth),
                    _ => None,
                };
            }
            "id" => return None,
            "msg" => message = clean(&decode(value)?),
            _ => {}
        }
    }
    Some(ProgramStatus {
        state: state?,
        kind,
        message,
    })
}

/// A text without control characters, and without characters for changing the direction of a text.
fn clean(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut clean = String::new();
    for character in text.chars() {
        let is_control = character.is_control()
            || matches!(character, '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        let character = if is_control { ' ' } else { character };
        if clean.len() + character.len_utf8() > ProgramStatus::MAX_MESSAGE {
            break;
        }
        clean.push(character);
    }
    clean
}

/// Decodes Base64 with or without padding; `None` for anything else.
fn decode(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=');
    if text.len() - digits.len() > 2 || digits.len() % 4 == 1 {
        return None;
    }
    let mut bytes = Vec::with_capacity(digits.len() * 3 / 4);
    let (mut bits, mut count) = (0_u32, 0);
    for digit in digits.bytes() {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests;
