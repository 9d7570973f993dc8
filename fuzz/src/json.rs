//! Messages of a JSON client: taken as their JSON says, or refused with a bounded text.

use serde_json::Value;
use wxcode_protocol::{Signal, websocket::INPUT_MAX};
use wxcode_server::fuzzing::{Taken, message};

/// Longest refusal, in bytes.
const REFUSAL_MAX: usize = 1 << 10;

/// Runs one input: messages, one a line.
pub fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let texts: Vec<&str> = text.split('\n').collect();
    let taken = message(texts.iter().copied());
    assert_eq!(taken.len(), texts.len());
    let mut inputs = 0;
    for (text, taken) in texts.into_iter().zip(taken) {
        if let Taken::Refused(code, detail) = &taken {
            assert!(["VALIDATION", "TOO_LARGE"].contains(code), "{code}");
            assert!(detail.len() <= REFUSAL_MAX, "{} bytes", detail.len());
            continue;
        }
        let said: Value = serde_json::from_str(text).expect("a taken message is JSON");
        let field = |name: &str| said[name].as_str().unwrap_or_default();
        let number = |name: &str| said[name].as_u64();
        match (field("type"), taken) {
            ("input", Taken::Nothing) => assert_eq!(field("data"), ""),
            ("input", Taken::Typed(n, bytes)) => {
                inputs += 1;
                assert_eq!((n, bytes.as_slice()), (inputs, field("data").as_bytes()));
                assert!(bytes.len() <= INPUT_MAX);
            }
            ("resize", Taken::Size(cols, rows)) => {
                assert!((1..=500).contains(&cols) && (1..=500).contains(&rows));
                let said = (number("cols"), number("rows"));
                assert_eq!(said, (Some(cols.into()), Some(rows.into())));
            }
            ("signal", Taken::Typed(n, bytes)) => {
                inputs += 1;
                assert_eq!(
                    (n, bytes.as_slice(), field("signal")),
                    (inputs, &b"\x04"[..], "EOF")
                );
            }
            ("signal", Taken::Signal(Signal::Interrupt)) => assert_eq!(field("signal"), "SIGINT"),
            ("signal", Taken::Signal(Signal::Terminate)) => assert_eq!(field("signal"), "SIGTERM"),
            (kind, taken) => panic!("{kind}: {taken:?}"),
        }
    }
}
