//! Accepts TCP connections and serves HTTP/1.1 on them, with a deadline for each silent one.
//!
//! Nothing else in the server accepts connections from the network. HTTP/2 is off, because its
//! version detection reads before any deadline runs.

mod admission;
mod bounds;
mod connection;
mod local;
mod stream;
mod tls;

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    http::{Request, Response, StatusCode},
};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use rustix::net::sockopt;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpSocket, TcpStream},
    time::{Instant, sleep},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt as _;

pub use self::tls::{CertificateFacts, TlsError, check_certificate, self_signed_files};
use self::{
    admission::{Admission, Full, Permit},
    stream::{Answering, Watched},
};
pub(crate) use self::{
    bounds::Bounds,
    connection::Connection,
    local::{LocalListener, SOCKET},
    tls::{Tls, fingerprint, names},
};
use crate::metric::{Cut, Metrics};

/// Accept queue of the listening socket.
const BACKLOG: u32 = 1024;
/// Send buffer of the system, in bytes; Linux doubles the value. A stalled client gets this much
/// old output before the newest screen.
const SEND_BUFFER: u32 = 128 << 10; // 128 KiB
/// Idle time before the system asks a client's machine for a sign of life, and the pause between two
/// questions.
const PROBE_EVERY: Duration = Duration::from_secs(20);
/// Questions without an answer before the system closes the connection: 60 s in all.
const PROBES_MAX: u32 = 2;
/// Longest time for which sent bytes may wait for the client's machine to take them.
const UNTAKEN_MAX: Duration = Duration::from_secs(60);
/// Bytes of an HTTP answer that wait for a client in the server, and the largest head of a request.
/// The library's default, 408 KiB, would be a cost for each slow follower of events.
const HTTP_BUFFER: usize = 64 << 10; // 64 KiB
/// Pause before accepting again without free descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Time for other connections to authenticate before a new one is refused, and the pause between
/// looks.
const ADMISSION_WAIT: Duration = Duration::from_secs(2);
const ADMISSION_LOOK: Duration = Duration::from_millis(10);
/// The answer to a connection above a cap.
const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\n\
    content-type: application/problem+json\r\n\
    connection: close\r\nretry-after: 5\r\ncontent-length: 149\r\n\r\n\
    {\"title\":\"Service Unavailable\",\"status\":503,\
    \"detail\":\"too many connections: close some and try again, \
    or raise the caps in [network] of wxcode.toml\"}";

/// Makes the system close connections whose client's machine is gone without a word: a stream of
/// events has no answer that would show it. Accepted sockets inherit the settings.
fn notice_lost_peers(socket: &TcpSocket) -> io::Result<()> {
    socket.set_keepalive(true)?;
    sockopt::set_tcp_keepidle(socket, PROBE_EVERY)?;
    sockopt::set_tcp_keepintvl(socket, PROBE_EVERY)?;
    sockopt::set_tcp_keepcnt(socket, PROBES_MAX)?;
    let untaken = u32::try_from(UNTAKEN_MAX.as_millis()).unwrap_or(u32::MAX);
    Ok(sockopt::set_tcp_user_timeout(socket, untaken)?)
}

/// A listening socket and the caps for its connections.
pub(crate) struct Listener {
    socket: TcpListener,
    tls: Option<Tls>,
    admission: Admission,
    metrics: Metrics,
}

impl Listener {
    /// Listens on `address`.
    ///
    /// # Errors
    /// The address cannot be used.
    pub(crate) fn bind(address: SocketAddr, bounds: Bounds, metrics: Metrics) -> io::Result<Self> {
        let socket = match address {
            SocketAddr::V4(_) => TcpSocket::new_v4()?,
            SocketAddr::V6(_) => TcpSocket::new_v6()?,
        };
        socket.set_reuseaddr(true)?;
        // Accepted sockets inherit it.
        socket.set_send_buffer_size(SEND_BUFFER)?;
        notice_lost_peers(&socket)?;
        socket.bind(address)?;
        Ok(Self {
            socket: socket.listen(BACKLOG)?,
            tls: None,
            admission: Admission::new(bounds, metrics.clone()),
            metrics,
        })
    }

    /// Speaks TLS from now on.
    pub(crate) fn protect(&mut self, tls: Tls) {
        self.tls = Some(tls);
    }

    /// The address, with the port that the system chose.
    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Accepts connections for as long as the future is polled. The connections are tasks of
    /// `tasks`; once `closing` is cancelled, they finish their requests and end.
    pub(crate) async fn serve(
        &self,
        router: &Router,
        tasks: &TaskTracker,
        closing: &CancellationToken,
    ) {
        loop {
            match self.accept().await {
                Ok(Some((stream, permit))) => {
                    let connection = Connection::new(permit, None);
                    let (router, metrics) = (router.clone(), self.metrics.clone());
                    let closing = closing.clone();
                    match self.tls.clone() {
                        None => {
                            tasks.spawn(serve(stream, connection, router, metrics, closing));
                        }
                        Some(tls) => {
                            let stream = (stream, tls);
                            tasks.spawn(serve_tls(stream, connection, router, metrics, closing));
                        }
                    }
                }
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    /// The next connection; `None` after a refusal.
    async fn accept(&self) -> io::Result<Option<(TcpStream, Permit)>> {
        let (stream, peer) = self.socket.accept().await?;
        match self.admit(peer.ip()).await {
            Ok(permit) => {
                // A keystroke's echo must not wait for more bytes.
                let _ = stream.set_nodelay(true);
                Ok(Some((stream, permit)))
            }
            Err(full) => {
                self.metrics.cut(match full {
                    Full::Address => Cut::Address,
                    Full::All | Full::Unauthenticated => Cut::Full,
                });
                tracing::debug!(%peer, ?full, "refused a connection");
                // The buffer of a new socket has room for it.
                let _ = stream.try_write(FULL);
                Ok(None)
            }
        }
    }

    /// Waits during a burst of new connections; refuses where waiting does not help.
    async fn admit(&self, address: IpAddr) -> Result<Permit, Full> {
        let give_up = Instant::now() + ADMISSION_WAIT;
        loop {
            match self.admission.admit(address) {
                Err(Full::Unauthenticated) if Instant::now() < give_up => {
                    sleep(ADMISSION_LOOK).await;
                }
                result => return result,
            }
        }
    }
}

/// Shakes hands within the connection's deadline, then serves.
async fn serve_tls(
    (stream, tls): (TcpStream, Tls),
    connection: Arc<Connection>,
    router: Router,
    metrics: Metrics,
    closing: CancellationToken,
) {
    let stream = tokio::select! {
        accepted = tls.accept(stream) => match accepted {
            Ok(stream) => stream,
            Err(error) => {
                tracing::debug!(%error, "a TLS handshake failed");
                return;
            }
        },
        why = connection.expired() => {
            metrics.cut(why);
            return;
        }
        () = closing.cancelled() => return,
    };
    serve(stream, connection, router, metrics, closing).await;
}

/// Serves one connection until it ends, is upgraded, or exceeds a deadline.
async fn serve(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    connection: Arc<Connection>,
    router: Router,
    metrics: Metrics,
    closing: CancellationToken,
) {
    let answering = Arc::clone(&connection);
    let service = service_fn(move |request: Request<Incoming>| {
        answer(router.clone(), Arc::clone(&answering), request)
    });
    let mut builder = http1::Builder::new();
    // The connection's own deadlines also cover the time before and between requests.
    builder.header_read_timeout(None).max_buf_size(HTTP_BUFFER);
    let io = TokioIo::new(Watched::new(stream, Arc::clone(&connection)));
    let mut serving = Box::pin(builder.serve_connection(io, service).with_upgrades());
    let mut is_closing = false;
    loop {
        tokio::select! {
            result = &mut serving => {
                if let Err(error) = result {
                    tracing::debug!(%error, "a connection ended");
                }
                return;
            }
            why = connection.expired() => {
                metrics.cut(why);
                tracing::debug!(why = why.as_str(), "closed a connection");
                return;
            }
            () = closing.cancelled(), if !is_closing => {
                is_closing = true;
                serving.as_mut().graceful_shutdown();
            }
        }
    }
}

/// Answers one request; reports its begin and end to the connection.
async fn answer(
    router: Router,
    connection: Arc<Connection>,
    request: Request<Incoming>,
) -> Result<Response<Body>, std::convert::Infallible> {
    connection.request_began();
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(Arc::clone(&connection));
    let response = router.oneshot(request).await?;
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        connection.upgraded();
        return Ok(response);
    }
    Ok(response.map(|body| Body::new(Answering::new(body, connection))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_of_a_full_server_is_whole() {
        let text = std::str::from_utf8(FULL).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(
            head.contains(&format!("content-length: {}", body.len())),
            "{} bytes",
            body.len()
        );
        let problem: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(problem["status"], 503);
    }
}
