//! One WebSocket to a session, in the frames of `wxcode.v1`.

use std::{fmt, io, sync::Arc, time::Duration};

use futures_util::{SinkExt, StreamExt};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream},
    time::timeout,
};
use tokio_rustls::{TlsConnector, rustls::pki_types::ServerName};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{
        self, Message,
        client::IntoClientRequest,
        error::ProtocolError,
        http::{HeaderValue, Request, header},
        protocol::WebSocketConfig,
    },
};
use wxcode_protocol::websocket::{ClientFrame, PROTOCOL, ServerFrame};

use super::retry::Lost;
use crate::{CertificateError, Server, trust};

/// Longest time for the server to accept a connection.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Largest message that is taken, in bytes: a screen of 500 × 500 cells in colours fits.
pub const MESSAGE_MAX: usize = 32 << 20; // 32 MiB

pub(super) type Stream = WebSocketStream<Box<dyn Transport>>;

/// A connection that carries a WebSocket.
pub(super) trait Transport: AsyncRead + AsyncWrite + fmt::Debug + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + fmt::Debug + Send + Unpin> Transport for T {}

/// One WebSocket, frame by frame, without acknowledgements, numbers or reconnection: the layer
/// below [`Terminal`](super::Terminal), for clients with rules of their own.
///
/// ```no_run
/// use wxcode_client::terminal::{ClientFrame, Output, ServerFrame, Socket, Target};
///
/// # async fn example(server: wxcode_client::Server) -> Result<(), Box<dyn std::error::Error>> {
/// let target = Target::new("0123456789abcdef01234567")?;
/// let mut socket = Socket::connect(&server, &target.path(None)).await?;
/// loop {
///     match socket.next().await? {
///         ServerFrame::Output(Output::Snapshot { offset, .. }) => socket.send(&ClientFrame::Ack(offset)).await?,
///         frame => println!("{frame:?}"),
///     }
/// }
/// # }
/// ```
#[derive(Debug)]
pub struct Socket(pub(super) Stream);

impl Socket {
    /// Connects to a path below `/api/v1`, such as [`Target::path`](super::Target::path), within
    /// [`CONNECT_TIMEOUT`].
    ///
    /// # Errors
    /// [`Lost::Broken`], [`Lost::Refused`], [`Lost::Foreign`], [`Lost::Certificate`].
    pub async fn connect(server: &Server, path: &str) -> Result<Self, Lost> {
        let request = request(server, path).map_err(lost)?;
        let config = WebSocketConfig::default()
            .max_message_size(Some(MESSAGE_MAX))
            .max_frame_size(Some(MESSAGE_MAX));
        let connecting = async {
            let transport = transport(server, &request).await?;
            let connected = client_async_with_config(request, transport, Some(config));
            connected.await.map_err(lost)
        };
        let (stream, _) = timeout(CONNECT_TIMEOUT, connecting)
            .await
            .map_err(|_| Lost::Broken("the server does not answer".to_owned()))??;
        Ok(Self(stream))
    }

    /// Sends a frame.
    ///
    /// # Errors
    /// [`Lost::Broken`].
    pub async fn send(&mut self, frame: &ClientFrame) -> Result<(), Lost> {
        self.send_message(Message::Binary(frame.encode())).await
    }

    /// Sends any message of a WebSocket, also one outside the protocol.
    ///
    /// # Errors
    /// [`Lost::Broken`].
    pub async fn send_message(&mut self, message: Message) -> Result<(), Lost> {
        self.0.send(message).await.map_err(lost)
    }

    /// The next frame; unknown types are passed over. The future may be dropped at any time.
    ///
    /// # Errors
    /// [`Lost::Closed`], once; [`Lost::Foreign`] for a malformed message; [`Lost::Broken`].
    pub async fn next(&mut self) -> Result<ServerFrame, Lost> {
        loop {
            if let Some(frame) = frame(self.next_message().await?)? {
                return Ok(frame);
            }
        }
    }

    /// The next message as it came. The future may be dropped at any time.
    ///
    /// # Errors
    /// [`Lost::Broken`].
    pub async fn next_message(&mut self) -> Result<Message, Lost> {
        match self.0.next().await {
            None => Err(broken_off()),
            Some(message) => message.map_err(lost),
        }
    }
}

/// Connects to the server of a request.
async fn transport(server: &Server, request: &Request<()>) -> Result<Box<dyn Transport>, Lost> {
    if let Some(path) = server.address().socket() {
        return Ok(Box::new(UnixStream::connect(path).await.map_err(broken)?));
    }
    let tls = server.tls().map_err(Lost::Certificate)?;
    let uri = request.uri();
    let host = uri.host().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let default = if tls.is_some() { 443 } else { 80 };
    let port = uri.port_u16().unwrap_or(default);
    let stream = TcpStream::connect((bare, port)).await.map_err(broken)?;
    // A key must not wait for more bytes.
    stream.set_nodelay(true).map_err(broken)?;
    let Some(config) = tls else {
        return Ok(Box::new(stream));
    };
    let name = ServerName::try_from(bare.to_owned()).map_err(|error| {
        let cause = format!("{bare} is no name of a server: {error}");
        Lost::Certificate(CertificateError::Setup { cause })
    })?;
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream);
    Ok(Box::new(stream.await.map_err(broken)?))
}

fn broken(error: io::Error) -> Lost {
    match trust::refusal(&error) {
        Some(refusal) => Lost::Certificate(refusal),
        None => Lost::Broken(error.to_string()),
    }
}

/// The frame of a message, if it is one.
pub(super) fn frame(message: Message) -> Result<Option<ServerFrame>, Lost> {
    match message {
        Message::Binary(bytes) => {
            ServerFrame::decode(bytes).map_err(|error| Lost::Foreign(error.to_string()))
        }
        Message::Close(frame) => {
            // Without a code it is 1005.
            let (code, reason) = frame.map_or((1005, String::new()), |frame| {
                (frame.code.into(), frame.reason.to_string())
            });
            Err(Lost::Closed { code, reason })
        }
        Message::Text(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => Ok(None),
    }
}

fn request(server: &Server, path: &str) -> Result<Request<()>, tungstenite::Error> {
    let base = server.address().as_str();
    // `http` becomes `ws`, and `https` becomes `wss`.
    let rest = base.strip_prefix("http").unwrap_or(base);
    let mut request = format!("ws{rest}/api/v1{path}").into_client_request()?;
    let headers = request.headers_mut();
    if let Some(token) = server.token() {
        let mut bearer = HeaderValue::try_from(format!("Bearer {token}"))
            .map_err(tungstenite::http::Error::from)?;
        bearer.set_sensitive(true);
        headers.insert(header::AUTHORIZATION, bearer);
    }
    let protocol = HeaderValue::from_static(PROTOCOL);
    headers.insert(header::SEC_WEBSOCKET_PROTOCOL, protocol);
    Ok(request)
}

pub(super) fn lost(error: tungstenite::Error) -> Lost {
    match error {
        tungstenite::Error::Http(response) => Lost::Refused {
            status: response.status().as_u16(),
        },
        tungstenite::Error::Protocol(ProtocolError::SecWebSocketSubProtocolError(_)) => {
            Lost::Foreign(format!("it does not speak {PROTOCOL}"))
        }
        tungstenite::Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => broken_off(),
        tungstenite::Error::Io(error) => Lost::Broken(error.to_string()),
        error => Lost::Broken(error.to_string()),
    }
}

pub(super) fn broken_off() -> Lost {
    Lost::Broken("the connection broke off".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(address: &str) -> Server {
        Server::new(address.parse().unwrap(), "secret-token").unwrap()
    }

    #[test]
    fn a_request_carries_token_and_protocol() {
        let request = request(&server("http://127.0.0.1:8052"), "/x?client=a").unwrap();
        assert_eq!(request.uri(), "ws://127.0.0.1:8052/api/v1/x?client=a");
        assert_eq!(request.headers()["authorization"], "Bearer secret-token");
        assert_eq!(request.headers()["sec-websocket-protocol"], "wxcode.v1");
        assert!(request.headers()["authorization"].is_sensitive());
        let request = super::request(&server("https://box.example/wx"), "/x").unwrap();
        assert_eq!(request.uri(), "wss://box.example/wx/api/v1/x");
    }

    #[tokio::test]
    async fn an_absent_server_breaks_the_connection() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = server(&format!("http://{}", listener.local_addr().unwrap()));
        drop(listener);
        let lost = Socket::connect(&server, "/x").await.unwrap_err();
        assert!(matches!(lost, Lost::Broken(_)), "{lost:?}");
    }
}
