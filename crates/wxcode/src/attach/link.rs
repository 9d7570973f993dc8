//! One WebSocket connection to a session, in the frames of `wxcode.v1`.

use std::{pin::Pin, time::Duration};

use futures_util::{
    FutureExt, SinkExt, StreamExt,
    stream::{SplitSink, SplitStream},
};
use tokio::{
    net::TcpStream,
    sync::mpsc,
    task::JoinHandle,
    time::{Instant, MissedTickBehavior, Sleep, interval_at, sleep, timeout},
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async_with_config,
    tungstenite::{
        self, Bytes, Message,
        client::IntoClientRequest,
        error::ProtocolError,
        http::{HeaderValue, Request, header},
        protocol::WebSocketConfig,
    },
};
use wxcode_protocol::websocket::{ClientFrame, PROTOCOL, ServerFrame};

use super::retry::Lost;

/// How long the server may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How often the server is asked for a sign of life.
const PING_EVERY: Duration = Duration::from_secs(15);
/// A server that gave no sign of life for so long is not there any more.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// How long the last frames may take to go out when the user leaves.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// The largest message that is taken, in bytes: a screen of 500 × 500 cells in colours fits.
const MESSAGE_MAX: usize = 32 << 20; // 32 MiB
/// Frames that may wait for the socket.
const OUTBOX: usize = 16;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Where the session is, and who comes.
#[derive(Clone, Debug)]
pub(crate) struct Address {
    /// Such as `http://127.0.0.1:8052`.
    pub(crate) base: String,
    /// The API token.
    pub(crate) token: String,
    /// The project's id.
    pub(crate) project: String,
    /// The client's name: 32 hexadecimal digits.
    pub(crate) client: String,
    /// The language of the server's texts for people.
    pub(crate) language: &'static str,
    /// Only to look.
    pub(crate) read_only: bool,
}

/// Up to where a client that comes back has seen which session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Since {
    /// The session's id.
    pub(crate) session: String,
    /// The offset up to which it has parsed.
    pub(crate) offset: u64,
}

/// A connection.
#[derive(Debug)]
pub(crate) struct Link {
    stream: SplitStream<Socket>,
    outbox: mpsc::Sender<ClientFrame>,
    sender: JoinHandle<()>,
    silence: Pin<Box<Sleep>>,
}

impl Address {
    fn request(&self, since: Option<&Since>) -> Result<Request<()>, tungstenite::Error> {
        let host = self.base.strip_prefix("http://").unwrap_or(&self.base);
        let mut url = format!(
            "ws://{host}/api/v1/output-projects/{}/terminal?client={}&lang={}",
            self.project, self.client, self.language
        );
        if self.read_only {
            url.push_str("&read_only=true");
        }
        if let Some(Since { session, offset }) = since {
            url.push_str(&format!("&session={session}&since={offset}"));
        }
        let mut request = url.into_client_request()?;
        let headers = request.headers_mut();
        let mut bearer = HeaderValue::try_from(format!("Bearer {}", self.token))
            .map_err(tungstenite::http::Error::from)?;
        bearer.set_sensitive(true);
        headers.insert(header::AUTHORIZATION, bearer);
        let protocol = HeaderValue::from_static(PROTOCOL);
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, protocol);
        Ok(request)
    }
}

impl Link {
    /// Connects.
    pub(crate) async fn connect(address: &Address, since: Option<&Since>) -> Result<Self, Lost> {
        let request = address.request(since).map_err(lost)?;
        let config = WebSocketConfig::default()
            .max_message_size(Some(MESSAGE_MAX))
            .max_frame_size(Some(MESSAGE_MAX));
        let connecting = connect_async_with_config(request, Some(config), true);
        let (socket, _) = timeout(CONNECT_TIMEOUT, connecting)
            .await
            .map_err(|_| Lost::Broken("the server does not answer".to_owned()))?
            .map_err(lost)?;
        let (sink, stream) = socket.split();
        let (outbox, frames) = mpsc::channel(OUTBOX);
        Ok(Self {
            stream,
            outbox,
            sender: tokio::spawn(send(sink, frames)),
            silence: Box::pin(sleep(SILENCE_MAX)),
        })
    }

    /// Where frames are put that are to go out.
    pub(crate) fn outbox(&self) -> mpsc::Sender<ClientFrame> {
        self.outbox.clone()
    }

    /// The next frame; it may be waited for anew at any time.
    pub(crate) async fn next(&mut self) -> Result<ServerFrame, Lost> {
        loop {
            let message = tokio::select! {
                biased;
                message = self.stream.next() => message,
                () = &mut self.silence => {
                    let silence = SILENCE_MAX.as_secs();
                    return Err(Lost::Broken(format!("nothing was heard for {silence} s")));
                }
            };
            self.silence.as_mut().reset(Instant::now() + SILENCE_MAX);
            let message = match message {
                None => return Err(broken_off()),
                Some(Err(error)) => return Err(lost(error)),
                Some(Ok(message)) => message,
            };
            match message {
                Message::Binary(bytes) => match ServerFrame::decode(bytes) {
                    Ok(Some(frame)) => return Ok(frame),
                    // A newer server's.
                    Ok(None) => {}
                    Err(error) => return Err(Lost::Foreign(error.to_string())),
                },
                Message::Close(frame) => {
                    // Without a code it is 1005.
                    let (code, reason) = frame.map_or((1005, String::new()), |frame| {
                        (frame.code.into(), frame.reason.to_string())
                    });
                    return Err(Lost::Closed { code, reason });
                }
                Message::Text(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            }
        }
    }

    /// What has come already, without waiting.
    pub(crate) fn next_at_once(&mut self) -> Option<Result<ServerFrame, Lost>> {
        self.next().now_or_never()
    }

    /// Sends what waits in the outbox and these last frames, and takes leave.
    pub(crate) async fn close(self, last: impl Iterator<Item = ClientFrame>) {
        let Self { outbox, sender, .. } = self;
        let out = async {
            for frame in last {
                if outbox.send(frame).await.is_err() {
                    break;
                }
            }
            drop(outbox);
            // However it ends, there is no more to do.
            let _ = sender.await;
        };
        // A server that takes nothing sees the end of the connection.
        let _ = timeout(CLOSE_TIMEOUT, out).await;
    }
}

/// Carries frames to the socket until there are no more to come.
async fn send(mut sink: SplitSink<Socket, Message>, mut frames: mpsc::Receiver<ClientFrame>) {
    let mut pings = interval_at(Instant::now() + PING_EVERY, PING_EVERY);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let message = tokio::select! {
            frame = frames.recv() => match frame {
                Some(frame) => Message::Binary(frame.encode()),
                None => break,
            },
            _ = pings.tick() => Message::Ping(Bytes::new()),
        };
        // The reading side sees and tells what happened.
        if sink.send(message).await.is_err() {
            return;
        }
    }
    let _ = sink.close().await;
}

fn lost(error: tungstenite::Error) -> Lost {
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

fn broken_off() -> Lost {
    Lost::Broken("the connection broke off".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address() -> Address {
        Address {
            base: "http://127.0.0.1:8052".to_owned(),
            token: "secret-token".to_owned(),
            project: "00112233445566778899aabb".to_owned(),
            client: "0123456789abcdef0123456789abcdef".to_owned(),
            language: "pt-BR",
            read_only: false,
        }
    }

    #[test]
    fn a_first_connection_says_who_comes() {
        let request = address().request(None).unwrap();
        assert_eq!(
            request.uri(),
            "ws://127.0.0.1:8052/api/v1/output-projects/00112233445566778899aabb/terminal?client=0123456789abcdef0123456789abcdef&lang=pt-BR"
        );
        assert_eq!(request.headers()["authorization"], "Bearer secret-token");
        assert_eq!(request.headers()["sec-websocket-protocol"], "wxcode.v1");
    }

    #[test]
    fn a_return_says_up_to_where_it_has_seen_what() {
        let mut address = address();
        address.read_only = true;
        let since = Since {
            session: "s1".to_owned(),
            offset: 1 << 40,
        };
        let request = address.request(Some(&since)).unwrap();
        let query = request.uri().query().unwrap();
        assert!(query.ends_with("&read_only=true&session=s1&since=1099511627776"));
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_told() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut address = address();
        address.base = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        let lost = Link::connect(&address, None).await.unwrap_err();
        assert!(matches!(lost, Lost::Broken(_)), "{lost:?}");
    }
}
