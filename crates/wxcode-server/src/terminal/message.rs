//! The messages of the JSON protocol.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use wxcode_core::text::shortened;
use wxcode_protocol::websocket::{Notice, Status};

/// Longest reason of a refusal, in characters.
const ERROR_MAX: usize = 150;

/// A message of a client.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ClientMessage {
    /// Keys and pastes.
    Input {
        /// The input as the terminal would send it.
        data: String,
    },
    /// The client's size; the client drives from now on.
    Resize {
        /// 1 to 500.
        rows: u16,
        /// 1 to 500.
        cols: u16,
    },
    /// A signal to the program in the foreground.
    Signal { signal: Signal },
}

/// A signal for clients to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) enum Signal {
    /// `SIGINT`.
    #[serde(rename = "SIGINT")]
    Interrupt,
    /// `SIGTERM`.
    #[serde(rename = "SIGTERM")]
    Terminate,
    /// The end-of-file key.
    #[serde(rename = "EOF")]
    EndOfFile,
}

impl ClientMessage {
    /// Reads a message; the error names the valid messages.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|error| {
            // The error of an unknown word quotes the word.
            let error = shortened(&error.to_string(), ERROR_MAX);
            format!(
                "not a message ({error}): send {{\"type\":\"input\",\"data\":…}}, {{\"type\":\"resize\",\"rows\":1..500,\"cols\":1..500}} \
                 or {{\"type\":\"signal\",\"signal\":\"SIGINT\"|\"SIGTERM\"|\"EOF\"}}"
            )
        })
    }
}

/// A message of the server. Absent values are sent as `null`, like the first implementation.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ServerMessage {
    /// The connection and its session.
    Status {
        connected: bool,
        session_id: Option<String>,
        claude_session_id: Option<Uuid>,
        /// Whether the client returns to an existing session or conversation.
        resumed: bool,
        message: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        notice: Option<Notice>,
    },
    /// Output of the agent.
    Output { data: String },
    /// A refused request; the connection stays open, unless a close follows.
    Error { message: String, code: String },
    /// The agent ended; a close follows.
    Closed {
        exit_code: Option<i32>,
        signal: Option<i32>,
    },
}

impl ServerMessage {
    /// The first message.
    pub(super) fn status(status: Status) -> Self {
        Self::Status {
            connected: status.connected,
            session_id: Some(status.session_id).filter(|id| !id.is_empty()),
            claude_session_id: status.claude_session_id,
            resumed: status.resumed,
            message: status.message,
            notice: status.notice,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_short() {
        let long = "x".repeat(1 << 20);
        let refused = ClientMessage::parse(&format!("{{\"type\":\"{long}\"}}"));
        let detail = refused.unwrap_err();
        assert!(
            detail.len() < 1_024 && detail.contains("\"resize\""),
            "{detail}"
        );
    }

    #[test]
    fn client_messages_parse() {
        let parse = ClientMessage::parse;
        assert_eq!(
            parse(r#"{"type":"input","data":"a\u001b"}"#),
            Ok(ClientMessage::Input {
                data: "a\u{1b}".into()
            })
        );
        assert_eq!(
            parse(r#"{"type":"resize","rows":24,"cols":80,"more":1}"#),
            Ok(ClientMessage::Resize { rows: 24, cols: 80 })
        );
        assert_eq!(
            parse(r#"{"type":"signal","signal":"EOF"}"#),
            Ok(ClientMessage::Signal {
                signal: Signal::EndOfFile
            })
        );
        for bad in [
            "",
            "{",
            "[]",
            "{}",
            r#"{"data":"x"}"#,
            r#"{"type":"input"}"#,
            r#"{"type":"resize","rows":-1,"cols":80}"#,
            r#"{"type":"signal","signal":"SIGKILL"}"#,
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn absent_values_are_null() {
        let closed = ServerMessage::Closed {
            exit_code: None,
            signal: Some(9),
        };
        assert_eq!(
            serde_json::to_string(&closed).unwrap(),
            r#"{"type":"closed","exit_code":null,"signal":9}"#
        );
    }
}
