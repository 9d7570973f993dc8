//! Finds the claude session id in the first init line.

use serde::Deserialize;
use uuid::Uuid;

use super::{escape::after_escapes, line::Lines};

/// Finds the id of the first `type=system, subtype=init` line in a stream of bytes, with any cuts.
///
/// Lines may end in LF, CR or both, and may hold escape sequences around the JSON and bytes outside
/// UTF-8. Other lines, and ids other than a UUID, are skipped.
#[derive(Debug, Default)]
pub struct InitCapture {
    lines: Lines,
    found: Option<Uuid>,
}

impl InitCapture {
    /// A capture at the beginning of a stream.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes and returns the id once known. Afterwards it buffers nothing.
    pub fn push(&mut self, bytes: &[u8]) -> Option<Uuid> {
        let mut rest = bytes;
        while self.found.is_none() {
            let Some(line) = self.lines.cut(&mut rest) else {
                break;
            };
            self.found = init_id(line.bytes);
            if self.found.is_some() {
                self.lines = Lines::default();
            }
        }
        self.found
    }

    /// Ends the stream: its last line may have no line end.
    pub fn finish(&mut self) -> Option<Uuid> {
        if self.found.is_none() {
            self.found = self.lines.finish().and_then(|line| init_id(line.bytes));
        }
        self.found
    }
}

/// Parses one line; returns the id of an init line.
pub(super) fn init_id(line: &[u8]) -> Option<Uuid> {
    #[derive(Deserialize)]
    struct Init {
        r#type: String,
        subtype: String,
        session_id: String,
    }
    // A cheap check that rules out most lines. `JSON.stringify` writes them and never escapes an
    // ASCII letter.
    memchr::memmem::find(line, b"\"init\"")?;
    let text = String::from_utf8_lossy(line);
    let mut values = serde_json::Deserializer::from_str(after_escapes(&text)).into_iter::<Init>();
    let init = values.next()?.ok()?;
    let rest = &after_escapes(&text)[values.byte_offset()..];
    let is_init =
        init.r#type == "system" && init.subtype == "init" && after_escapes(rest).is_empty();
    is_init.then(|| crate::id(&init.session_id)).flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stream::LINE_MAX;

    const ID: &str = "0d6a3f0e-54a1-4ee0-9a5a-0b6a1c7d2e11";

    fn line(id: &str) -> String {
        format!(
            r#"{{"type":"system","subtype":"init","cwd":"/w","session_id":"{id}","tools":["Bash"],"mcp_servers":[]}}"#
        )
    }

    fn capture(bytes: impl AsRef<[u8]>) -> Option<Uuid> {
        let mut capture = InitCapture::new();
        capture.push(bytes.as_ref());
        capture.finish()
    }

    fn id() -> Option<Uuid> {
        Some(Uuid::parse_str(ID).unwrap())
    }

    #[test]
    fn finds_the_init_line_among_others() {
        let other = r#"{"type":"assistant","session_id":"11111111-1111-4111-8111-111111111111"}"#;
        assert_eq!(capture(line(ID) + "\n"), id());
        assert_eq!(
            capture(format!("{other}\nnoise\n\n{}\n{other}\n", line(ID))),
            id()
        );
        assert_eq!(capture(line(ID)), id(), "the last line may have no end");
        let second = line("22222222-2222-4222-8222-222222222222");
        assert_eq!(
            capture(format!("{}\n{second}\n", line(ID))),
            id(),
            "the first one wins"
        );
    }

    #[test]
    fn output_through_a_terminal_is_read() {
        assert_eq!(capture(line(ID) + "\r\n"), id());
        assert_eq!(capture(format!("progress\r{}\r\n", line(ID))), id());
        assert_eq!(
            capture(format!(
                "\x1b[2K\x1b[?25l \x1b]0;title\x07{}\x1b[0m\n",
                line(ID)
            )),
            id()
        );
        assert_eq!(
            capture(format!("\x1b]0;title\x1b\\\x1b(B{}\n", line(ID))),
            id()
        );
        assert_eq!(capture([b"\xff\xfe\n", line(ID).as_bytes()].concat()), id());
        let broken = line(ID).replace("/w", "/\u{1}").into_bytes();
        let broken: Vec<u8> = broken
            .into_iter()
            .map(|byte| if byte == 1 { 0xff } else { byte })
            .collect();
        assert_eq!(capture(broken), id());
    }

    #[test]
    fn lines_like_an_init_line_are_refused() {
        for bad in [
            "",
            "test-123",
            "-rf",
            "../../etc",
            &ID.replace('-', ""),
            &format!("{{{ID}}}"),
            &format!("urn:uuid:{ID}"),
        ] {
            assert_eq!(capture(line(bad)), None, "{bad:?}");
        }
        let nested = format!(r#"{{"type":"user","message":{}}}"#, line(ID));
        let quoted = format!("{:?}", line(ID));
        let wrong = line(ID).replace("init", "status");
        let half = line(ID)[..60].to_owned();
        for text in [
            nested,
            quoted,
            wrong,
            half,
            format!("{} trailing", line(ID)),
            format!("said: {}", line(ID)),
        ] {
            assert_eq!(capture(&text), None, "{text}");
        }
        assert_eq!(
            capture(r#"{"type":"system","subtype":"init","session_id":7}"#),
            None
        );
    }

    #[test]
    fn field_order_and_white_space_are_free() {
        let last =
            format!(r#"{{"session_id":"{ID}","tools":[],"subtype": "init" ,"type":"system"}}"#);
        assert_eq!(capture(last), id());
    }

    #[test]
    fn a_line_of_megabytes_is_one_line() {
        let long = "x".repeat(5 << 20);
        let noise = format!(r#"{{"type":"user","said":"init {long}"}}"#);
        let init = line(ID).replace("/w", &long);
        let stream = format!("{noise}\r\n{init}\r\n");
        for size in [1 << 10, 32 << 10, stream.len()] {
            let mut capture = InitCapture::new();
            let found = stream
                .as_bytes()
                .chunks(size)
                .find_map(|piece| capture.push(piece));
            assert_eq!(found, id(), "in pieces of {size}");
        }
    }

    #[test]
    fn an_oversized_line_is_skipped_unbuffered() {
        let mut capture = InitCapture::new();
        for _ in 0..=LINE_MAX / (1 << 20) {
            assert_eq!(capture.push(&vec![b'x'; 1 << 20]), None);
            assert!(capture.lines.kept() <= 2 * LINE_MAX);
        }
        assert_eq!(capture.lines.kept(), 0, "the line is not buffered");
        assert_eq!(
            capture.push(line(ID).as_bytes()),
            None,
            "it is still the same line"
        );
        assert_eq!(capture.push(b"\n"), None);
        assert_eq!(capture.push((line(ID) + "\n").as_bytes()), id());
    }

    proptest! {
        #[test]
        fn the_result_is_independent_of_cuts(cuts in proptest::collection::vec(0_usize..400, 0..8), noise in ".{0,40}") {
            let noise: String = noise.chars().filter(|c| !c.is_control()).collect();
            let stream = format!("{noise}\r\n\x1b[0m{}\r\nafter", line(ID)).into_bytes();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(stream.len())).collect();
            cuts.extend([0, stream.len()]);
            cuts.sort_unstable();
            let mut capture = InitCapture::new();
            for pair in cuts.windows(2) {
                capture.push(&stream[pair[0]..pair[1]]);
            }
            prop_assert_eq!(capture.finish(), id());
        }

        #[test]
        fn any_bytes_are_accepted(chunks: Vec<Vec<u8>>) {
            let mut capture = InitCapture::new();
            for chunk in &chunks {
                capture.push(chunk);
            }
            capture.finish();
        }
    }
}
