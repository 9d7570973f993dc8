//! A receiver of webhooks: reads a request, then answers as the test says.

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpListener,
    sync::mpsc,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;

use crate::support::PATIENCE;

pub(super) struct Receiver {
    base: String,
    requests: mpsc::Receiver<(Received, Box<dyn Stream>)>,
    was_asked: Arc<AtomicBool>,
}

/// A connection, with or without TLS.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A request.
pub(super) struct Received {
    pub(super) line: String,
    headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Received {
    #[track_caller]
    pub(super) fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(header, _)| header == name);
        &found
            .unwrap_or_else(|| panic!("no {name}: {:?}", self.headers))
            .1
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

impl Receiver {
    pub(super) async fn start() -> Self {
        Self::start_with(None).await
    }

    /// A receiver at `https://localhost:PORT`, with the files `cert` and `key` of a folder.
    pub(super) async fn start_tls(folder: &Path) -> Self {
        let read = |name| fs::read(folder.join(name)).unwrap();
        let cert = CertificateDer::from_pem_slice(&read("cert")).unwrap();
        let key = PrivateKeyDer::from_pem_slice(&read("key")).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![cert], key)
            .unwrap();
        Self::start_with(Some(Arc::new(config).into())).await
    }

    async fn start_with(tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let base = match tls {
            Some(_) => format!("https://localhost:{}", address.port()),
            None => format!("http://{address}"),
        };
        let (sender, requests) = mpsc::channel(64);
        let was_asked = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&was_asked);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                asked.store(true, Ordering::Relaxed);
                let mut stream: Box<dyn Stream> = match &tls {
                    None => Box::new(stream),
                    Some(tls) => match tls.accept(stream).await {
                        Ok(stream) => Box::new(stream),
                        // The server does not trust this receiver.
                        Err(_) => continue,
                    },
                };
                // A server that was killed meanwhile leaves half a request.
                let Some(request) = read(&mut stream).await else {
                    continue;
                };
                if sender.send((request, stream)).await.is_err() {
                    return;
                }
            }
        });
        Self {
            base,
            requests,
            was_asked,
        }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    pub(super) fn was_asked(&self) -> bool {
        self.was_asked.load(Ordering::Relaxed)
    }

    /// The next request, answered with this status.
    pub(super) async fn next(&mut self, status: u16) -> Received {
        self.answer(&format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n"))
            .await
    }

    /// Answers the next request with a redirect.
    pub(super) async fn redirect(&mut self, to: &str) -> Received {
        let head = format!("HTTP/1.1 307 X\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n");
        self.answer(&head).await
    }

    async fn answer(&mut self, head: &str) -> Received {
        let request = timeout(PATIENCE, self.requests.recv()).await;
        let (request, mut stream) = request.expect("a request in time").unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
        request
    }
}

async fn read(stream: &mut Box<dyn Stream>) -> Option<Received> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let text = String::from_utf8(bytes[..head].to_vec()).unwrap();
    let mut lines = text.lines();
    let line = lines.next()?.to_owned();
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length: usize = length.map_or(0, |(_, value)| value.parse().unwrap());
    let mut body = bytes[head + 4..].to_vec();
    while body.len() < length {
        if stream.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    Some(Received {
        line,
        headers,
        body,
    })
}
