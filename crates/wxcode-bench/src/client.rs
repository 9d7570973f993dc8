//! A WebSocket client of a session in a single blocking thread: the cheapest possible client.

use std::{
    io::ErrorKind,
    net::TcpStream,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use bytes::Bytes;
use memchr::memmem;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{
    Error, Message, WebSocket,
    client::{IntoClientRequest, client_with_config},
    protocol::WebSocketConfig,
};
use wxcode_bench::order::{DONE, Order, READY};
use wxcode_protocol::Output;
use wxcode_protocol::websocket::{ClientFrame, PROTOCOL, ServerFrame};

use crate::{
    echo::Echo,
    printing::Printed,
    server::{Server, Session},
};

/// How long a message may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Parsed bytes between two acknowledgements.
const ACK_EVERY: u64 = 64 << 10; // 64 KiB

/// The protocol of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Protocol {
    /// wxcode.v1
    V1,
    /// Without a sub-protocol.
    Json,
}

impl Protocol {
    /// The protocol's name in the table.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::V1 => PROTOCOL,
            Self::Json => "JSON",
        }
    }

    pub(crate) const fn other(self) -> Self {
        match self {
            Self::V1 => Self::Json,
            Self::Json => Self::V1,
        }
    }
}

/// An attached client.
pub(crate) struct Client {
    socket: WebSocket<TcpStream>,
    protocol: Protocol,
    /// The number of the last input.
    number: u64,
    /// The offset after the last received or skipped byte; a count for the JSON protocol.
    end: u64,
    acked: u64,
    received: u64,
    printings: usize,
}

/// A received message.
pub(crate) enum Heard {
    /// Bytes of the agent.
    Output(Bytes),
    /// A whole screen.
    Snapshot(Bytes),
    /// A hook's report.
    Report(Value),
    Other,
}

/// The relevant messages of the JSON protocol.
#[derive(Deserialize)]
struct JsonMessage {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    data: String,
}

impl Client {
    /// Attaches and waits for the first screen.
    pub(crate) fn attach(
        server: &Server,
        session: &Session,
        protocol: Protocol,
    ) -> anyhow::Result<(Self, Bytes)> {
        let url = format!(
            "ws://{}/api/v1/output-projects/{}/terminal",
            server.address, session.project
        );
        let mut request = url.into_client_request()?;
        let headers = request.headers_mut();
        headers.insert("authorization", format!("Bearer {}", server.token).parse()?);
        if protocol == Protocol::V1 {
            headers.insert("sec-websocket-protocol", PROTOCOL.parse()?);
        }
        let stream = TcpStream::connect(server.address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let config = WebSocketConfig::default()
            .max_message_size(None)
            .max_frame_size(None);
        let (socket, _) = client_with_config(request, stream, Some(config))
            .map_err(|error| anyhow::anyhow!("cannot attach: {error}"))?;
        let mut client = Self {
            socket,
            protocol,
            number: 0,
            end: 0,
            acked: 0,
            received: 0,
            printings: 0,
        };
        let screen = loop {
            match client.hear()? {
                Heard::Snapshot(bytes) | Heard::Output(bytes) => break bytes,
                Heard::Report(_) | Heard::Other => {}
            }
        };
        client.received = 0;
        Ok((client, screen))
    }

    /// Attaches to a session and waits until the session's agent is ready.
    pub(crate) fn ready(
        server: &Server,
        session: &Session,
        protocol: Protocol,
    ) -> anyhow::Result<Self> {
        let (mut client, screen) = Self::attach(server, session, protocol)?;
        if memmem::find(&screen, READY.as_bytes()).is_none() {
            client.until(READY.as_bytes())?;
        }
        Ok(client)
    }

    /// The next message.
    pub(crate) fn hear(&mut self) -> anyhow::Result<Heard> {
        let message = loop {
            match self.socket.read() {
                Err(Error::Io(error)) if error.kind() == ErrorKind::Interrupted => {}
                message => break message.context("the server is silent")?,
            }
        };
        match message {
            Message::Binary(message) => self.take(message),
            Message::Text(text) => self.take_json(&text),
            Message::Close(frame) => bail!("the server closed: {frame:?}"),
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => Ok(Heard::Other),
        }
    }

    fn take(&mut self, message: Bytes) -> anyhow::Result<Heard> {
        let heard = match ServerFrame::decode(message)? {
            Some(ServerFrame::Output(Output::Output { offset, bytes })) => {
                if offset != self.end {
                    bail!("a gap: {offset} after {}", self.end);
                }
                self.end += bytes.len() as u64;
                self.received += bytes.len() as u64;
                Heard::Output(bytes)
            }
            Some(ServerFrame::Output(Output::Snapshot { offset, bytes, .. })) => {
                self.end = offset;
                Heard::Snapshot(bytes)
            }
            Some(ServerFrame::Report(report)) => Heard::Report(report),
            Some(ServerFrame::Output(Output::InputRefused { reason, .. })) => {
                bail!("refused: {reason}")
            }
            Some(ServerFrame::Output(Output::Error { message, .. })) => {
                bail!("the server answered: {message}")
            }
            Some(ServerFrame::Output(Output::Exited(exit))) => bail!("the agent ended: {exit:?}"),
            _ => Heard::Other,
        };
        let snapshot = matches!(heard, Heard::Snapshot(_));
        if self.end - self.acked >= ACK_EVERY || snapshot {
            self.acked = self.end;
            let ack = ClientFrame::Ack(self.end).encode();
            self.socket.send(Message::Binary(ack))?;
        }
        Ok(heard)
    }

    fn take_json(&mut self, text: &str) -> anyhow::Result<Heard> {
        let message: JsonMessage = serde_json::from_str(text)?;
        Ok(match message.kind.as_str() {
            // Whole screens begin with a reset, except the first screen.
            "output" if message.data.starts_with("\x1bc") => Heard::Snapshot(message.data.into()),
            "output" => {
                self.received += message.data.len() as u64;
                Heard::Output(message.data.into())
            }
            "status" => Heard::Other,
            "closed" => bail!("the agent ended"),
            "error" => bail!("refused: {text}"),
            _ => Heard::Report(serde_json::from_str(text)?),
        })
    }

    /// Received bytes of output, without whole screens.
    pub(crate) const fn received(&self) -> u64 {
        self.received
    }

    pub(crate) fn type_bytes(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        let message = match self.protocol {
            Protocol::V1 => {
                self.number += 1;
                let bytes = Bytes::copy_from_slice(bytes);
                let number = self.number;
                Message::Binary(ClientFrame::Input { number, bytes }.encode())
            }
            Protocol::Json => {
                let data = std::str::from_utf8(bytes)?;
                Message::text(json!({ "type": "input", "data": data }).to_string())
            }
        };
        Ok(self.socket.send(message)?)
    }

    pub(crate) fn order(&mut self, order: Order) -> anyhow::Result<()> {
        self.type_bytes(order.to_string().as_bytes())
    }

    /// Makes the agent echo from now on.
    pub(crate) fn echoing(mut self) -> anyhow::Result<Self> {
        self.order(Order::Echo)?;
        self.until(READY.as_bytes())?;
        Ok(self)
    }

    /// Orders a printing without reading the printing; returns its number for
    /// [`Client::until_printed`].
    pub(crate) fn begin(&mut self, lines: usize) -> anyhow::Result<usize> {
        self.printings += 1;
        self.order(Order::Print(lines))?;
        Ok(self.printings)
    }

    /// Reads until the end of a printing.
    pub(crate) fn until_printed(&mut self, number: usize) -> anyhow::Result<()> {
        self.until(format!("{DONE} {number} ").as_bytes())
    }

    /// Orders a printing and receives the printing.
    pub(crate) fn print(&mut self, lines: usize) -> anyhow::Result<Printed> {
        let received = self.received;
        let start = Instant::now();
        let number = self.begin(lines)?;
        self.until_printed(number)?;
        Ok(Printed {
            took: start.elapsed(),
            received: self.received - received,
        })
    }

    /// Reads until a text has come.
    fn until(&mut self, text: &[u8]) -> anyhow::Result<()> {
        let finder = memmem::Finder::new(text);
        // The end of the last output, where the text may have begun.
        let mut tail = Vec::new();
        loop {
            let (Heard::Output(bytes) | Heard::Snapshot(bytes)) = self.hear()? else {
                continue;
            };
            tail.extend_from_slice(&bytes[..bytes.len().min(text.len())]);
            if finder.find(&bytes).is_some() || finder.find(&tail).is_some() {
                return Ok(());
            }
            if let Some(from) = bytes.len().checked_sub(text.len()) {
                tail.clear();
                tail.extend_from_slice(&bytes[from..]);
            }
            let from = tail.len().saturating_sub(text.len());
            tail.drain(..from);
        }
    }
}

impl Echo for Client {
    fn round(&mut self, byte: u8) -> anyhow::Result<Duration> {
        let start = Instant::now();
        self.type_bytes(&[byte])?;
        loop {
            if let Heard::Output(bytes) = self.hear()?
                && bytes.contains(&byte)
            {
                return Ok(start.elapsed());
            }
        }
    }
}
