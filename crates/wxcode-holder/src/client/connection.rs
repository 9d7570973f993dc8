//! Connects to a holder, with the handshake.

use std::{os::fd::AsRawFd, path::Path};

use tokio::{net::UnixStream, time::timeout};

use super::{CONNECT_TIMEOUT, ClientError, Hello, Receiver, Sender, Welcome, socket};
use crate::folder::SOCKET;

/// A connection to a holder.
#[derive(Debug)]
pub struct Connection {
    /// The holder's first message.
    pub welcome: Welcome,
    /// Sends requests; can be cloned.
    pub sender: Sender,
    /// Receives events.
    pub receiver: Receiver,
}

/// Connects to the holder of the session in `dir`.
///
/// # Errors
/// No process listens there, or the process does not answer within [`CONNECT_TIMEOUT`], or speaks
/// another protocol.
pub async fn connect(dir: &Path) -> Result<Connection, ClientError> {
    timeout(CONNECT_TIMEOUT, shake_hands(dir))
        .await
        .unwrap_or(Err(ClientError::Timeout))
}

async fn shake_hands(dir: &Path) -> Result<Connection, ClientError> {
    // Through the folder's descriptor: a socket's address has room for only 108 bytes.
    let folder = crate::hook::open_folder(dir).map_err(ClientError::Gone)?;
    let path = format!("/proc/self/fd/{}/{SOCKET}", folder.as_raw_fd());
    let stream = UnixStream::connect(path).await.map_err(ClientError::Gone)?;
    let (reader, writer) = socket::split(stream.into_std()?)?;
    let (mut receiver, sender) = (Receiver::new(reader), Sender::new(writer));
    sender
        .greet(&Hello::ours())
        .await
        .map_err(ClientError::Gone)?;
    let welcome = match receiver.welcome().await {
        // The holder ended meanwhile.
        Err(ClientError::Io(error)) => return Err(ClientError::Gone(error)),
        welcome => welcome?,
    };
    Ok(Connection {
        welcome,
        sender,
        receiver,
    })
}
