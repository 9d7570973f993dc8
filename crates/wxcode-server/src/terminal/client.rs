//! An attached client: the socket, the protocol and the language.

use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message};
use tokio::time::timeout;
use wxcode_holder::folder::Exit;
use wxcode_protocol::Output;
use wxcode_protocol::websocket::ServerFrame;
use wxcode_terminal::Screen as _;

use super::{
    end::{End, code},
    language::Language,
    line::{Line, Turn},
    protocol::Protocol,
};
use crate::{access::Caller, agent::Session, screen};

/// Time for a client to answer a close.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
/// Time for a client to take its last messages after the agent's end.
const LAST_TIMEOUT: Duration = Duration::from_secs(30);

/// An attached client.
pub(super) struct Client {
    pub(super) line: Line,
    pub(super) protocol: Protocol,
    pub(super) language: Language,
    pub(super) caller: Caller,
}

impl Client {
    /// The last screen of a session.
    pub(super) async fn last_screen(&mut self, session: &Session, exit: &Exit) {
        let dir = session.dir.clone();
        let read = tokio::task::spawn_blocking(move || screen::last(&dir)).await;
        if let Ok(Some(screen)) = read {
            self.send(ServerFrame::Output(Output::Snapshot {
                offset: exit.offset,
                size: screen.size(),
                bytes: screen.snapshot().into(),
            }));
        }
    }

    /// Waits until the client has its last messages.
    pub(super) async fn finish(&mut self, reason: &'static str) -> Result<End, End> {
        match timeout(LAST_TIMEOUT, self.line.flush()).await {
            Ok(true) => Ok(End::new(code::ENDED, None, reason)),
            _ => Err(End::gone()),
        }
    }

    /// Queues a message to the client.
    pub(super) fn send(&mut self, frame: ServerFrame) {
        if let Some(message) = self.protocol.send(frame) {
            self.line.push(message);
        }
    }

    /// Sends the reason, and closes.
    pub(super) async fn close(mut self, end: End) {
        if end.code == 0 {
            return;
        }
        if let Some(code) = end.error {
            self.send(ServerFrame::Output(Output::Error {
                code: code.to_owned(),
                message: end.reason.clone().into_owned(),
            }));
        }
        self.line.push(Message::Close(Some(CloseFrame {
            code: end.code,
            reason: end.shortened().to_owned().into(),
        })));
        // The close is complete with the client's answer.
        let farewell = async { while !matches!(self.line.turn(true).await, Turn::Gone) {} };
        let _ = timeout(CLOSE_TIMEOUT, farewell).await;
    }
}
