//! The messages of a JSON client, read as the terminal reads them.

use wxcode_protocol::{Signal, websocket::ClientFrame};

use super::{json::Json, received::Received};

/// A message of a client, as it was taken.
#[derive(Debug, PartialEq, Eq)]
pub enum Taken {
    /// Typed bytes, with the number of the input.
    Typed(u64, Vec<u8>),
    Signal(Signal),
    /// Columns and rows.
    Size(u16, u16),
    Nothing,
    /// The code and the remedy.
    Refused(&'static str, String),
    /// A request that no JSON message makes.
    Other,
}

/// Takes the messages of one client.
pub fn message<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<Taken> {
    let mut client = Json::default();
    let taken = texts.into_iter().map(|text| match client.receive(text) {
        Received::Frame(ClientFrame::Input { number, bytes }) => {
            Taken::Typed(number, bytes.to_vec())
        }
        Received::Frame(ClientFrame::Signal(signal)) => Taken::Signal(signal),
        Received::Drive(size) => Taken::Size(size.cols, size.rows),
        Received::Nothing => Taken::Nothing,
        Received::Refused(code, detail) => Taken::Refused(code, detail),
        Received::Frame(_) | Received::Left => Taken::Other,
    });
    taken.collect()
}
