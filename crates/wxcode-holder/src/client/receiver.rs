//! The receiving side of a connection.

use std::io;

use bytes::Bytes;

use super::{ClientError, Event, Welcome, socket::Reader};
use wxcode_protocol::holder::Malformed;
use wxcode_protocol::holder::frame::{Decoder, Type};

/// The receiving side of a connection.
#[derive(Debug)]
pub struct Receiver {
    socket: Reader,
    decoder: Decoder,
}

impl Receiver {
    pub(super) fn new(socket: Reader) -> Self {
        Self {
            socket,
            decoder: Decoder::default(),
        }
    }

    /// Returns the next event; `None` after the holder closed the connection. Cancel-safe.
    ///
    /// # Errors
    /// The connection broke, or the holder violates the protocol.
    pub async fn next(&mut self) -> Result<Option<Event>, ClientError> {
        loop {
            let Some((kind, payload)) = self.frame().await? else {
                return Ok(None);
            };
            if let Some(event) = Event::decode(kind, payload)? {
                return Ok(Some(event));
            }
        }
    }

    /// Returns an event, if an event has already arrived.
    ///
    /// # Errors
    /// The holder violates the protocol.
    pub fn ready(&mut self) -> Result<Option<Event>, ClientError> {
        while let Some((kind, payload)) = self.decoder.next_frame()? {
            if let Some(event) = Event::decode(kind, payload)? {
                return Ok(Some(event));
            }
        }
        Ok(None)
    }

    pub(super) async fn welcome(&mut self) -> Result<Welcome, ClientError> {
        let gone = || ClientError::Gone(io::ErrorKind::UnexpectedEof.into());
        let (kind, payload) = self.frame().await?.ok_or_else(gone)?;
        match kind {
            Type::Welcome => {
                Ok(serde_json::from_slice(&payload).map_err(|_| Malformed("Welcome"))?)
            }
            Type::Error => Err(ClientError::Refused(
                String::from_utf8_lossy(&payload).into_owned(),
            )),
            other => Err(Malformed(other.name()).into()),
        }
    }

    async fn frame(&mut self) -> Result<Option<(Type, Bytes)>, ClientError> {
        loop {
            if let Some(frame) = self.decoder.next_frame()? {
                return Ok(Some(frame));
            }
            let buffer = self.decoder.buffer();
            if self.socket.read(buffer).await? == 0 {
                return match buffer.is_empty() {
                    true => Ok(None),
                    false => Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
                };
            }
        }
    }
}
