//! Connections to peers: plain, or TLS with the certificate that the peer's record names.
//!
//! Nodes trust the database, not authorities: it holds their key and their fingerprints. So a
//! self-signed certificate serves, and a certificate of anybody else does not.

use std::{
    collections::HashMap,
    io,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use axum::http::Uri;
use futures_util::future::BoxFuture;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::{
    client::legacy::connect::{Connected, Connection, HttpConnector},
    rt::TokioIo,
};
use rustls::{
    ClientConfig, DigitallySignedStruct, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tower::Service;

use super::bound::CONNECT_MAX;
use crate::{listen::fingerprint, sync::lock};

/// The fingerprints of the peers' certificates, by authority (host and port).
#[derive(Clone, Default)]
pub(super) struct Pins(Arc<Mutex<HashMap<String, String>>>);

impl Pins {
    /// Expects this certificate of a peer from here on.
    pub(super) fn expect(&self, address: &str, fingerprint: Option<&str>) {
        let authority = address.parse::<Uri>().ok();
        let authority = authority.as_ref().and_then(Uri::authority);
        let Some(authority) = authority.map(ToString::to_string) else {
            return;
        };
        match fingerprint {
            Some(fingerprint) => drop(lock(&self.0).insert(authority, fingerprint.to_owned())),
            None => drop(lock(&self.0).remove(&authority)),
        }
    }

    fn of(&self, uri: &Uri) -> Option<String> {
        let authority = uri.authority()?.to_string();
        lock(&self.0).get(&authority).cloned()
    }
}

/// Connects to peers.
#[derive(Clone)]
pub(super) struct Connector {
    plain: HttpConnector,
    pins: Pins,
}

impl Connector {
    pub(super) fn new(pins: Pins) -> Self {
        let mut plain = HttpConnector::new();
        plain.set_connect_timeout(Some(CONNECT_MAX));
        plain.set_nodelay(true);
        plain.enforce_http(false);
        Self { plain, pins }
    }
}

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<Stream>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.plain.poll_ready(context).map_err(io::Error::other)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let pin = self.pins.of(&uri);
        let connecting = self.plain.call(uri.clone());
        Box::pin(async move {
            let stream = connecting.await.map_err(io::Error::other)?;
            if uri.scheme_str() != Some("https") {
                return Ok(Stream::Plain(stream));
            }
            let pin = pin.ok_or_else(|| {
                io::Error::other("the node's record names no certificate: update that node")
            })?;
            let host = uri.host().unwrap_or_default();
            let host = host.trim_start_matches('[').trim_end_matches(']');
            let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
            let connector = TlsConnector::from(configuration(pin)?);
            let shaken = timeout(CONNECT_MAX, connector.connect(name, stream.into_inner()));
            let stream = shaken.await.map_err(io::Error::other)??;
            Ok(Stream::Tls(Box::new(TokioIo::new(stream))))
        })
    }
}

fn configuration(pin: String) -> io::Result<Arc<ClientConfig>> {
    let provider = Arc::new(ring::default_provider());
    let verifier = Pinned {
        pin,
        provider: Arc::clone(&provider),
    };
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Takes exactly one certificate, and its key's signature.
#[derive(Debug)]
struct Pinned {
    pin: String,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let found = fingerprint(certificate);
        match found == self.pin {
            true => Ok(ServerCertVerified::assertion()),
            false => Err(rustls::Error::General(format!(
                "the certificate {found} is not the one of the node's record"
            ))),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let known = &self.provider.signature_verification_algorithms;
        known.supported_schemes()
    }
}

/// A connection to a peer.
pub(super) enum Stream {
    Plain(TokioIo<TcpStream>),
    Tls(Box<TokioIo<TlsStream<TcpStream>>>),
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl Read for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl Write for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;
    use crate::{listen::Tls, settings::TlsSource};

    #[tokio::test]
    async fn only_the_recorded_certificate_counts() {
        let folder = tempfile::tempdir().unwrap();
        let names = vec!["127.0.0.1".to_owned()];
        let tls = Tls::load(&TlsSource::SelfSigned, folder.path(), names).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("https://{}", listener.local_addr().unwrap());
        let accepting = tls.clone();
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                drop(accepting.accept(stream).await);
            }
        });
        let pins = Pins::default();
        let mut connector = Connector::new(pins.clone());
        let uri: Uri = address.parse().unwrap();
        let own = tls.fingerprint();
        for (pin, counts) in [(None, false), (Some("AB:CD"), false), (Some(&*own), true)] {
            pins.expect(&address, pin);
            let connected = connector.call(uri.clone()).await;
            assert_eq!(connected.is_ok(), counts, "{pin:?}");
        }
        server.abort();
    }
}
