//! The sending side of a connection.

use std::{io, sync::Arc};

use bytes::BytesMut;
use tokio::sync::Mutex;

use super::{ClientError, Hello, Request, socket::Writer};
use wxcode_protocol::holder::frame::{
    self, MAX_GRACE_MS, MAX_INPUT, MAX_KEY, MAX_LOCK_MS, MAX_SMALL, Type,
};

/// Most bytes waiting for the holder: two deliveries, and small requests besides.
pub const MAX_UNSENT: usize = 2 * MAX_INPUT + (1 << 20); // 9 MiB

/// The sending side of a connection; clones share the connection.
#[derive(Clone, Debug)]
pub struct Sender {
    half: Arc<Mutex<Half>>,
}

#[derive(Debug)]
struct Half {
    socket: Writer,
    /// Bytes not yet taken by the system; frames are never torn.
    unsent: BytesMut,
}

impl Sender {
    pub(super) fn new(socket: Writer) -> Self {
        Self {
            half: Arc::new(Mutex::new(Half {
                socket,
                unsent: BytesMut::new(),
            })),
        }
    }

    /// Sends the first message.
    pub(super) async fn greet(&self, hello: &Hello) -> io::Result<()> {
        let mut half = self.half.lock().await;
        frame::write_json(&mut half.unsent, Type::Hello, hello);
        half.flush().await
    }

    /// Sends a request; returns when the system has taken the request. Answers arrive at the
    /// `Receiver`; the caller must read the answers meanwhile. A cancelled `send` may still go out
    /// with the next request.
    ///
    /// # Errors
    /// The request is beyond a bound, or the connection broke.
    pub async fn send(&self, request: Request) -> Result<(), ClientError> {
        self.enqueue(request).await?;
        self.flush().await
    }

    /// Sends as much of a request as the system takes at once; [`Sender::drain`] sends the rest.
    /// The caller can read from the `Receiver` meanwhile: caller and holder never wait for each
    /// other.
    ///
    /// # Errors
    /// The request is beyond a bound, or the connection broke.
    pub async fn post(&self, request: Request) -> Result<(), ClientError> {
        self.enqueue(request).await?;
        Ok(self.half.lock().await.begin()?)
    }

    /// Writes all waiting and meanwhile posted requests; returns only when the connection broke.
    /// Cancel-safe.
    pub async fn drain(&self) -> ClientError {
        match self.flush().await {
            Ok(()) => std::future::pending().await,
            Err(error) => error,
        }
    }

    /// Takes a request for the next [`Sender::flush`].
    ///
    /// # Errors
    /// The request is beyond a bound, or more than [`MAX_UNSENT`] wait.
    pub async fn enqueue(&self, request: Request) -> Result<(), ClientError> {
        let (what, len, limit) = match &request {
            Request::Input { bytes, .. } | Request::LockedInput { bytes, .. } => {
                ("an input", bytes.len(), MAX_INPUT)
            }
            Request::Deliver { key, .. } | Request::LockedDeliver { key, .. }
                if key.len() > MAX_KEY =>
            {
                ("a key", key.len(), MAX_KEY)
            }
            Request::Deliver { bytes, .. } | Request::LockedDeliver { bytes, .. } => {
                ("a delivery", bytes.len(), MAX_INPUT)
            }
            Request::Lock { for_ms, .. } => {
                ("an input lock", *for_ms as usize, MAX_LOCK_MS as usize)
            }
            Request::Stop { grace_ms } => ("a grace", *grace_ms as usize, MAX_GRACE_MS as usize),
            Request::Upgrade { build, program } => {
                let len = 4 + build.len() + program.as_os_str().len();
                ("the path of a program", len, MAX_SMALL)
            }
            _ => ("", 0, 0),
        };
        if len > limit {
            return Err(ClientError::TooLarge { what, len, limit });
        }
        let mut half = self.half.lock().await;
        if half.unsent.len() > MAX_UNSENT {
            return Err(ClientError::Stuck(half.unsent.len()));
        }
        request.encode(&mut half.unsent);
        Ok(())
    }

    /// Returns when the system has taken the whole queue. Cancel-safe.
    ///
    /// # Errors
    /// The connection broke.
    pub async fn flush(&self) -> Result<(), ClientError> {
        let mut half = self.half.lock().await;
        half.flush().await?;
        half.unsent = BytesMut::new();
        Ok(())
    }
}

impl Half {
    /// Writes as much as the system takes.
    fn begin(&mut self) -> io::Result<()> {
        self.socket.begin(&mut self.unsent).map(drop)
    }

    async fn flush(&mut self) -> io::Result<()> {
        self.socket.write(&mut self.unsent).await
    }
}
