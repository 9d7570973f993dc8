//! The JSON protocol of the first implementation's browser client, translated to frames.

use axum::extract::ws::Message;
use bytes::Bytes;
use wxcode_holder::client;
use wxcode_terminal::Size;

use super::{
    message::{ClientMessage, ServerMessage, Signal},
    received::Received,
};
use crate::utf8::Utf8Buffer;
use wxcode_protocol::Output;
use wxcode_protocol::websocket::{ClientFrame, INPUT_MAX, ServerFrame};

/// The client's view of the session, and its count of bytes.
#[derive(Default)]
pub(super) struct Json {
    text: Utf8Buffer,
    /// The client has received a screen.
    drawn: bool,
    inputs: u64,
}

impl Json {
    pub(super) fn receive(&mut self, text: &str) -> Received {
        let message = match ClientMessage::parse(text) {
            Ok(message) => message,
            Err(detail) => return Received::Refused("VALIDATION", detail),
        };
        match message {
            ClientMessage::Input { data } if data.len() > INPUT_MAX => {
                let length = data.len();
                let detail = format!(
                    "the input has {length} bytes: send at most {INPUT_MAX} in one message"
                );
                Received::Refused("TOO_LARGE", detail)
            }
            ClientMessage::Input { data } if data.is_empty() => Received::Nothing,
            ClientMessage::Input { data } => self.input(Bytes::from(data)),
            ClientMessage::Resize { rows, cols } => match Size::new(cols, rows) {
                Some(size) => Received::Drive(size),
                None => {
                    Received::Refused("VALIDATION", "rows and cols must be 1 to 500".to_owned())
                }
            },
            ClientMessage::Signal { signal } => match signal {
                Signal::Interrupt => {
                    Received::Frame(ClientFrame::Signal(client::Signal::Interrupt))
                }
                Signal::Terminate => {
                    Received::Frame(ClientFrame::Signal(client::Signal::Terminate))
                }
                // End of file is a key of the terminal, not a signal.
                Signal::EndOfFile => self.input(Bytes::from_static(b"\x04")),
            },
        }
    }

    fn input(&mut self, bytes: Bytes) -> Received {
        self.inputs += 1;
        let number = self.inputs;
        Received::Frame(ClientFrame::Input { number, bytes })
    }

    pub(super) fn send(&mut self, frame: ServerFrame) -> Option<Message> {
        match frame {
            ServerFrame::Status(status) => message(&ServerMessage::status(status)),
            ServerFrame::Output(Output::Snapshot { bytes, .. }) => self.screen(&bytes),
            ServerFrame::Output(Output::Output { bytes, .. }) => {
                self.drawn = true;
                let data = self.text.push(&bytes);
                output(data)
            }
            ServerFrame::Output(Output::InputRefused { reason, .. }) => {
                message(&ServerMessage::Error {
                    message: format!("the input was not taken: {reason}"),
                    code: "INPUT_REFUSED".to_owned(),
                })
            }
            ServerFrame::Output(Output::Error {
                code,
                message: text,
            }) => message(&ServerMessage::Error {
                message: text,
                code,
            }),
            ServerFrame::Output(Output::Exited(exit)) => message(&ServerMessage::Closed {
                exit_code: exit.code,
                signal: exit.signal,
            }),
            ServerFrame::Report(report) => message(&report),
            // A client of this protocol has the size that it sent, and drives by sending a size.
            ServerFrame::Output(Output::Resized { .. })
            | ServerFrame::Output(Output::InputTaken { .. })
            | ServerFrame::Role(_)
            | ServerFrame::Pong => None,
        }
    }

    fn screen(&mut self, screen: &[u8]) -> Option<Message> {
        self.text = Utf8Buffer::default();
        // The client's screen is from before the gap, so the client starts from an empty screen.
        let reset: &[u8] = match std::mem::replace(&mut self.drawn, true) {
            true => b"\x1bc",
            false => b"",
        };
        let data = self.text.push(&[reset, screen].concat());
        output(data)
    }

    pub(super) fn finish(&mut self) -> Option<Message> {
        output(self.text.finish())
    }
}

fn output(data: String) -> Option<Message> {
    match data.is_empty() {
        true => None,
        false => message(&ServerMessage::Output { data }),
    }
}

fn message(value: &impl serde::Serialize) -> Option<Message> {
    // Structs of numbers and text: their serialisation into memory cannot fail.
    let text = serde_json::to_string(value).ok()?;
    Some(Message::Text(text.into()))
}
