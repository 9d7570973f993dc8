//! Pastes through `wxcode attach` stay inside their brackets.

use super::{SIZE, read};
use crate::support::{Agent, Attached, Server, eventually};

const BEGIN: &str = "\x1b[200~";
const END: &str = "\x1b[201~";

/// An agent in raw mode with bracketed paste and a record of its input.
fn recorder() -> Agent {
    let script = "stty raw -echo; printf '\\033[?2004hready'; cat > \"$HOME/read\"";
    Agent::script(script)
}

/// An attached terminal with bracketed paste.
async fn attached() -> (Server, Attached) {
    let server = Server::start(recorder()).await;
    server.project("p").await;
    let attached = Attached::start(&server, &["p"], SIZE);
    attached.until_shows("ready");
    attached
        .terminal
        .wait_output(|bytes| bytes.windows(8).any(|w| w == b"\x1b[?2004h"));
    (server, attached)
}

/// The agent's whole input, once the input ends with `end`.
async fn read_until(server: &Server, end: &str) -> String {
    eventually("the last key", || read(server).ends_with(end.as_bytes())).await;
    String::from_utf8(read(server)).unwrap()
}

#[tokio::test]
async fn control_characters_are_pasted_as_text() {
    let (server, attached) = attached().await;
    let every: String = (0..=0x9f_u8).map(char::from).collect();
    attached.keys(&format!("{BEGIN}{every}{END}"));
    attached.keys("k");
    let printable: String = (0x20..=0x7e_u8).map(char::from).collect();
    // Tab, line feed, vertical tab, form feed, carriage return; next line.
    let typed = format!("\t\r\r\r\r{printable}\r");
    assert_eq!(
        read_until(&server, "k").await,
        format!("{BEGIN}{typed}{END}k")
    );
}

#[tokio::test]
async fn invalid_utf8_is_not_pasted() {
    let (server, attached) = attached().await;
    let raw: Vec<u8> = (0x80..=0x9f).collect();
    let paste = [BEGIN.as_bytes(), b"a", &raw, b"b", END.as_bytes(), b"k"].concat();
    attached.terminal.write(&paste).unwrap();
    assert_eq!(read_until(&server, "k").await, format!("{BEGIN}ab{END}k"));
}

#[tokio::test]
async fn a_pasted_end_marker_ends_nothing() {
    let (server, attached) = attached().await;
    let hostile = format!("harmless {END}\x15!id\r");
    let typed = format!("{BEGIN}harmless [201~!id\r{END}");
    attached.keys(&format!("{BEGIN}{hostile}{END}"));
    attached.keys("1");
    assert_eq!(read_until(&server, "1").await, format!("{typed}1"));
    // Also in pieces, and with a look-alike of another paste afterwards.
    let twice = format!("{BEGIN}harmless {END}\x1d\x03{BEGIN}!id\r{END}");
    let (first, second) = twice.split_at(BEGIN.len() + 12);
    attached.keys(first);
    eventually("the first piece is read", || {
        read(&server).ends_with(b"harmless ")
    })
    .await;
    attached.keys(second);
    attached.keys("2");
    let pieces = format!("{BEGIN}harmless [201~[200~!id\r{END}");
    assert_eq!(read_until(&server, "2").await, format!("{typed}1{pieces}2"));
    // Keys keep their meaning.
    attached.keys("\x03\x1b[A\x1d");
    assert_eq!(attached.ended().code, 0);
    eventually("the last keys are read", || {
        read(&server).ends_with(b"2\x03\x1b[A")
    })
    .await;
}

#[tokio::test]
async fn line_ends_are_pasted_as_carriage_returns() {
    let (server, attached) = attached().await;
    attached.keys(&format!("{BEGIN}a\r\nb\nc\rd\n\ne{END}"));
    attached.keys("k");
    assert_eq!(
        read_until(&server, "k").await,
        format!("{BEGIN}a\rb\rc\rd\r\re{END}k")
    );
}
