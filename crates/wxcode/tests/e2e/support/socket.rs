//! A terminal client.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async_with_config,
    tungstenite::{Message, client::IntoClientRequest, protocol::WebSocketConfig},
};

use super::{PATIENCE, Server};

/// An attached terminal client.
pub(crate) struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// All output so far.
    pub(crate) output: String,
    /// All other messages so far.
    pub(crate) messages: Vec<Value>,
    /// The close code and reason, once closed.
    pub(crate) closed: Option<(u16, String)>,
}

impl Socket {
    pub(crate) async fn connect(server: &Server, path: &str) -> Self {
        Self::open(
            server,
            path,
            &[("authorization", &format!("Bearer {}", server.token))],
        )
        .await
        .unwrap()
    }

    /// Connects with exactly these headers.
    pub(crate) async fn open(
        server: &Server,
        path: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, tokio_tungstenite::tungstenite::Error> {
        let url = format!("{}/api/v1{path}", server.base.replace("http://", "ws://"));
        let mut request = url.into_client_request()?;
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let config = WebSocketConfig::default()
            .max_message_size(None)
            .max_frame_size(None);
        let (stream, _) = connect_async_with_config(request, Some(config), true).await?;
        Ok(Self {
            stream,
            output: String::new(),
            messages: Vec::new(),
            closed: None,
        })
    }

    /// Handles the next message; false when the connection is closed.
    pub(crate) async fn next(&mut self) -> bool {
        let message = timeout(PATIENCE, self.stream.next())
            .await
            .unwrap_or_else(|_| {
                panic!(
                    "no message in time; messages so far: {:?}; the output ends {:?}",
                    self.messages,
                    tail(&self.output)
                )
            });
        match message {
            Some(Ok(Message::Text(text))) => {
                let message: Value = serde_json::from_str(&text).expect("messages are JSON");
                if message["type"] == "output" {
                    self.output.push_str(message["data"].as_str().unwrap());
                } else {
                    self.messages.push(message);
                }
                true
            }
            Some(Ok(Message::Close(frame))) => {
                self.closed = frame.map(|frame| (frame.code.into(), frame.reason.to_string()));
                false
            }
            Some(Ok(_)) => true,
            Some(Err(_)) | None => false,
        }
    }

    /// The next unread message of this type.
    pub(crate) async fn message(&mut self, kind: &str) -> Value {
        let mut from = 0;
        loop {
            if let Some(found) = self.messages[from..]
                .iter()
                .position(|message| message["type"] == kind)
            {
                return self.messages.remove(from + found);
            }
            from = self.messages.len();
            assert!(
                self.next().await,
                "closed ({:?}) before a message {kind}: {:?}",
                self.closed,
                self.messages
            );
        }
    }

    /// Waits until the output contains a text.
    pub(crate) async fn until(&mut self, text: &str) {
        while !self.output.contains(text) {
            assert!(
                self.next().await,
                "closed ({:?}) before {text:?}; the output ends {:?}",
                self.closed,
                tail(&self.output)
            );
        }
    }

    /// Waits until the connection is closed.
    pub(crate) async fn close_code(&mut self) -> u16 {
        while self.next().await {}
        self.closed.as_ref().expect("closed with a code").0
    }

    pub(crate) async fn send(&mut self, message: Value) {
        self.stream
            .send(Message::text(message.to_string()))
            .await
            .unwrap();
    }

    pub(crate) async fn send_raw(&mut self, message: Message) {
        self.stream.send(message).await.unwrap();
    }

    pub(crate) async fn input(&mut self, data: &str) {
        self.send(json!({ "type": "input", "data": data })).await;
    }

    /// Types a command, and Enter once the command is visible.
    pub(crate) async fn submit(&mut self, command: &str) {
        let before = self.output.len();
        self.input(command).await;
        // An earlier command may have been the same.
        while !self.output[before..].contains(command) {
            assert!(
                self.next().await,
                "closed ({:?}) before {command:?}; the output ends {:?}",
                self.closed,
                tail(&self.output)
            );
        }
        self.input("\r").await;
    }

    /// Drops the connection without a close.
    pub(crate) fn drop_connection(self) {
        drop(self.stream);
    }
}

fn tail(text: &str) -> &str {
    let mut start = text.len().saturating_sub(600);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    &text[start..]
}
