//! Filters bracketed pastes from the outer terminal: finds their true ends and removes control
//! characters from their text.
//!
//! Some terminals do not filter `ESC [201~` out of a pasted text. A terminal ends a paste once, so
//! an end mark counts only if no second one follows in the same burst of bytes. Keys and mouse
//! reports of a user never make a burst.

mod text;

use std::time::{Duration, Instant};

use self::text::Text;

const BEGIN: &[u8] = b"\x1b[200~";
const END: &[u8] = b"\x1b[201~";

/// How long an end mark stays in doubt.
const SETTLE: Duration = Duration::from_millis(100);
/// More bytes than this within [`SETTLE`] are a burst. Keys and a fast mouse make fewer.
const BY_HAND_MAX: usize = 2 << 10; // 2 KiB
/// The most bytes held back after an end mark. A longer burst is text of the paste.
const HELD_MAX: usize = 256 << 10; // 256 KiB

/// The filter of the outer terminal's input.
#[derive(Debug, Default)]
pub(super) struct Pastes {
    at: Place,
    text: Text,
    /// Drop the rest of the current paste.
    is_abandoned: bool,
}

/// The parser's state.
#[derive(Debug)]
enum Place {
    /// Between pastes, after `begun` bytes of [`BEGIN`].
    Keys { begun: usize },
    /// In a paste. `ending` is a prefix of [`END`] at the end of the last read.
    Paste { ending: Vec<u8> },
    /// After an end mark in doubt.
    Ended {
        /// The bytes after the mark.
        held: Vec<u8>,
        /// The time of the next check.
        due: Instant,
        /// Bytes since the last check.
        recent: usize,
    },
}

impl Default for Place {
    fn default() -> Self {
        Self::Keys { begun: 0 }
    }
}

impl Place {
    fn paste(ending: &[u8]) -> Self {
        let ending = ending.to_vec();
        Self::Paste { ending }
    }

    /// Takes out the bytes held back, when `more` bytes arrive.
    fn waiting(&mut self, more: usize) -> Vec<u8> {
        match self {
            Self::Keys { .. } => Vec::new(),
            Self::Paste { ending } => std::mem::take(ending),
            Self::Ended { held, recent, .. } => {
                *recent += more;
                std::mem::take(held)
            }
        }
    }
}

impl Pastes {
    /// Filters one read.
    pub(super) fn take(&mut self, bytes: &[u8], now: Instant) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len());
        self.feed(bytes, now, &mut out);
        out
    }

    /// When to call [`Self::settle`].
    pub(super) fn due(&self) -> Option<Instant> {
        match &self.at {
            Place::Ended { due, .. } => Some(*due),
            Place::Keys { .. } | Place::Paste { .. } => None,
        }
    }

    /// Accepts the end mark in doubt, unless a burst goes on. Returns it and the keys after it.
    pub(super) fn settle(&mut self, now: Instant) -> Vec<u8> {
        let mut out = Vec::new();
        if let Place::Ended { held, due, recent } = &mut self.at
            && *due <= now
        {
            if *recent > BY_HAND_MAX {
                (*due, *recent) = (now + SETTLE, 0);
            } else {
                let held = std::mem::take(held);
                self.end(&mut out);
                self.feed(&held, now, &mut out);
            }
        }
        out
    }

    /// How many bytes are held back.
    pub(super) fn held(&self) -> usize {
        match &self.at {
            Place::Ended { held, .. } => held.len(),
            Place::Keys { .. } | Place::Paste { .. } => 0,
        }
    }

    /// Drops the rest of the current paste with its end mark: the session that got the beginning is
    /// gone.
    pub(super) fn abandon(&mut self) {
        self.is_abandoned = !matches!(self.at, Place::Keys { .. });
    }

    /// Closes an open bracket at the end of the input. Otherwise the keys of other clients would
    /// land in it.
    pub(super) fn close(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        if !matches!(self.at, Place::Keys { .. }) {
            self.end(&mut out);
        }
        out
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        if !std::mem::take(&mut self.is_abandoned) {
            out.extend_from_slice(END);
        }
        (self.at, self.text) = Default::default();
    }

    fn feed(&mut self, bytes: &[u8], now: Instant, out: &mut Vec<u8>) {
        let mut whole = self.at.waiting(bytes.len());
        whole.extend_from_slice(bytes);
        let mut rest = whole.as_slice();
        loop {
            rest = match &mut self.at {
                Place::Keys { .. } if rest.is_empty() => return,
                Place::Keys { begun } => {
                    let (keys, behind, paste) = until_begin(begun, rest);
                    out.extend_from_slice(keys);
                    if paste {
                        self.at = Place::paste(&[]);
                    }
                    behind
                }
                Place::Paste { .. } => {
                    let Some(at) = find(rest, END) else {
                        let (text, ending) = rest.split_at(rest.len() - begun(END, rest));
                        self.paste(text, out);
                        self.at = Place::paste(ending);
                        return;
                    };
                    let (text, behind) = (&rest[..at], &rest[at + END.len()..]);
                    self.paste(text, out);
                    self.at = Place::Ended {
                        held: Vec::new(),
                        due: now + SETTLE,
                        recent: behind.len(),
                    };
                    behind
                }
                Place::Ended { held, .. } => {
                    if let Some(behind) = rest.strip_prefix(BEGIN) {
                        // The next paste. If the text wrote both marks, it only splits its paste.
                        self.end(out);
                        out.extend_from_slice(BEGIN);
                        self.at = Place::paste(&[]);
                        behind
                    } else if find(rest, END).is_some() || rest.len() > HELD_MAX {
                        // The mark was text of the paste.
                        self.paste(END, out);
                        self.at = Place::paste(&[]);
                        rest
                    } else {
                        *held = rest.to_vec();
                        return;
                    }
                }
            };
        }
    }

    fn paste(&mut self, text: &[u8], out: &mut Vec<u8>) {
        if !self.is_abandoned {
            self.text.take(text, out);
        }
    }
}

/// Splits after the first [`BEGIN`]; the flag tells whether there is one. `begun` counts its bytes
/// in earlier reads.
fn until_begin<'a>(begun: &mut usize, bytes: &'a [u8]) -> (&'a [u8], &'a [u8], bool) {
    for (at, byte) in bytes.iter().enumerate() {
        *begun = match BEGIN.get(*begun) == Some(byte) {
            true => *begun + 1,
            false => usize::from(BEGIN.first() == Some(byte)),
        };
        if *begun == BEGIN.len() {
            *begun = 0;
            let (keys, rest) = bytes.split_at(at + 1);
            return (keys, rest, true);
        }
    }
    (bytes, &[], false)
}

fn find(bytes: &[u8], mark: &[u8]) -> Option<usize> {
    bytes.windows(mark.len()).position(|window| window == mark)
}

/// The length of the longest prefix of `mark` at the end of `bytes`.
fn begun(mark: &[u8], bytes: &[u8]) -> usize {
    let longest = bytes.len().min(mark.len() - 1);
    let fits = |len: &usize| bytes.ends_with(&mark[..*len]);
    (0..=longest).rev().find(fits).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct Case {
        case: String,
        text: String,
        typed: String,
    }

    fn cases() -> Vec<Case> {
        let cases = include_str!("../../../wxcode-claude/pastes/cases.json");
        serde_json::from_str(cases).unwrap()
    }

    fn pasted(text: &str) -> String {
        format!("\x1b[200~{text}\x1b[201~")
    }

    /// The output for a burst of reads, and for `later` after a pause.
    fn all(reads: &[&[u8]], later: &[u8]) -> String {
        let now = Instant::now();
        let mut pastes = Pastes::default();
        let mut out: Vec<u8> = Vec::new();
        for read in reads {
            out.extend(pastes.take(read, now));
        }
        while let Some(due) = pastes.due() {
            out.extend(pastes.settle(due));
        }
        out.extend(pastes.take(later, now + SETTLE));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_paste_is_its_text_by_the_shared_rule() {
        for Case { case, text, typed } in cases() {
            let stream = format!("k{}", pasted(&text));
            let wanted = format!("k{}l", pasted(&typed.replace('\n', "\r")));
            let stream = stream.as_bytes();
            assert_eq!(all(&[stream], b"l"), wanted, "{case}");
            for cut in 0..stream.len() {
                let (first, second) = stream.split_at(cut);
                assert_eq!(all(&[first, second], b"l"), wanted, "{case}, cut at {cut}");
            }
            let bytes: Vec<&[u8]> = stream.chunks(1).collect();
            assert_eq!(all(&bytes, b"l"), wanted, "{case}, byte by byte");
        }
    }

    #[test]
    fn keys_pass_at_once_and_unchanged() {
        let now = Instant::now();
        let mut pastes = Pastes::default();
        for keys in [
            b"a\x03\x1b[A\x1b".as_slice(),
            b"\x9b\xff\x1b[20",
            b"\x1b[201~",
            b"\x1b[2",
            b"00x",
        ] {
            assert_eq!(pastes.take(keys, now), keys);
            assert_eq!(pastes.due(), None);
        }
    }

    #[test]
    fn keys_after_a_paste_wait() {
        let now = Instant::now();
        let mut pastes = Pastes::default();
        assert_eq!(
            pastes.take(b"\x1b[200~text\x1b[201~\r", now),
            b"\x1b[200~text"
        );
        assert_eq!(pastes.due(), Some(now + SETTLE));
        assert_eq!(pastes.settle(now + SETTLE / 2), b"");
        // Reports of the mouse do not hold it up.
        assert_eq!(pastes.take(b"\x1b[<35;1;1M", now + SETTLE / 2), b"");
        assert_eq!(pastes.settle(now + SETTLE), b"\x1b[201~\r\x1b[<35;1;1M");
        assert_eq!(pastes.take(b"k", now + SETTLE), b"k");
    }

    #[test]
    fn consecutive_pastes_stay_two() {
        let two = format!("{}{}", pasted("a"), pasted("b"));
        assert_eq!(all(&[two.as_bytes()], b"k"), format!("{two}k"));
        for cut in 0..two.len() {
            let (first, second) = two.as_bytes().split_at(cut);
            let out = all(&[first, second], b"k");
            assert_eq!(out, format!("{two}k"), "cut at {cut}");
        }
    }

    #[test]
    fn a_burst_after_an_end_is_text() {
        let now = Instant::now();
        let mut pastes = Pastes::default();
        let mut out = pastes.take(b"\x1b[200~a\x1b[201~", now);
        let junk = vec![b'x'; BY_HAND_MAX + 1];
        let mut at = now;
        for _ in 0..(2 * HELD_MAX / junk.len()) {
            out.extend(pastes.take(&junk, at));
            at += SETTLE;
            out.extend(pastes.settle(at));
            assert!(pastes.held() <= HELD_MAX + junk.len());
        }
        out.extend(pastes.take(b"\x15!id\r\x1b[201~k", at));
        out.extend(pastes.settle(at + SETTLE));
        let out = String::from_utf8(out).unwrap();
        assert!(out.starts_with("\x1b[200~a[201~xxx"), "{:?}", &out[..20]);
        assert!(out.ends_with("xxx!id\r\x1b[201~k"));
        assert_eq!(out.matches('\x1b').count(), 2);
    }

    #[test]
    fn a_million_ends_are_text() {
        let ends = END.repeat(1_000_000);
        let stream = [BEGIN, &ends, END].concat();
        let reads: Vec<&[u8]> = stream.chunks(64 << 10).collect();
        let out = all(&reads, b"k");
        assert_eq!(out, format!("{}k", pasted(&"[201~".repeat(1_000_000))));
    }

    #[test]
    fn an_abandoned_paste_ends_silently() {
        let now = Instant::now();
        let mut pastes = Pastes::default();
        assert_eq!(pastes.take(b"\x1b[200~old", now), b"\x1b[200~old");
        pastes.abandon();
        assert_eq!(pastes.take(b" words\x1b[201~", now), b"");
        assert_eq!(pastes.settle(now + SETTLE), b"");
        let next = b"k\x1b[200~new\x1b[201~";
        assert_eq!(pastes.take(next, now + SETTLE), b"k\x1b[200~new");
        assert_eq!(pastes.close(), b"\x1b[201~");
        assert_eq!(pastes.close(), b"");
    }

    proptest! {
        #[test]
        fn no_text_leaves_its_bracket(
            text: Vec<u8>,
            marks in prop::collection::vec(0..3_u8, 0..4),
            cut: prop::sample::Index,
        ) {
            let mut hostile = text.clone();
            for mark in marks {
                let mark = match mark {
                    0 => END,
                    1 => BEGIN,
                    _ => b"\x03\r",
                };
                hostile.extend_from_slice(mark);
                hostile.extend_from_slice(&text);
            }
            let stream = [BEGIN, &hostile, END].concat();
            let (first, second) = stream.split_at(cut.index(stream.len()));
            let out = all(&[first, second], b"");
            // Nothing outside of brackets, no control characters inside.
            let mut rest = out.as_str();
            while let Some(inner) = rest.strip_prefix("\x1b[200~") {
                let (text, behind) = inner.split_once("\x1b[201~").unwrap();
                prop_assert!(!text.contains(|c: char| c.is_control() && !matches!(c, '\r' | '\t')));
                rest = behind;
            }
            prop_assert_eq!(rest, "");
        }
    }
}
