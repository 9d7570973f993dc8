//! Requests to addresses outside: one POST, without proxies and redirects, and never to a
//! link-local address.
//!
//! Invariant: the connected address is the checked one. A name is resolved once a request.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{Arc, LazyLock},
    time::Duration,
};

use bytes::Bytes;
use hyper::{Method, Request, StatusCode, client::conn::http1, header, header::HeaderName};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, lookup_host},
    time::timeout,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::ServerName},
};
use url::{Host, Url};

/// Longest request with its answer's head.
pub(super) const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest address, in bytes.
pub(crate) const URL_MAX: usize = 2_048;

/// The metadata service of a cloud on IPv6, whose address is not link-local.
const METADATA: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);

/// Why a request has no status.
#[derive(Debug, thiserror::Error)]
pub(super) enum OutsideError {
    #[error("{0}")]
    Address(#[from] AddressError),
    #[error("cannot resolve the host: {0}")]
    Resolve(io::Error),
    #[error("cannot connect: {0}")]
    Connect(io::Error),
    #[error("no answer: {0}")]
    Http(#[from] hyper::Error),
    #[error("no answer within {REQUEST_TIMEOUT:?}")]
    Late,
    #[error("the request has no valid form: {0}")]
    Form(#[from] hyper::http::Error),
}

/// Why an address outside is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AddressError {
    #[error("it is no http or https URL with a host, of at most {URL_MAX} bytes")]
    Form,
    #[error("it holds a user or a password: use the secret of the signature instead")]
    Credentials,
    #[error("{0} is link-local or no address of a single machine")]
    Forbidden(IpAddr),
}

/// Parses an address outside, and checks a literal address.
pub(crate) fn address(text: &str) -> Result<Url, AddressError> {
    let url = Url::parse(text).map_err(|_| AddressError::Form)?;
    if text.len() > URL_MAX || !matches!(url.scheme(), "http" | "https") {
        return Err(AddressError::Form);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(AddressError::Credentials);
    }
    match url.host() {
        Some(Host::Ipv4(ip)) => allowed(ip.into())?,
        Some(Host::Ipv6(ip)) => allowed(ip.into())?,
        Some(Host::Domain(_)) => {}
        None => return Err(AddressError::Form),
    }
    Ok(url)
}

/// Refuses link-local addresses, such as those of a cloud's metadata, and addresses of no machine.
fn allowed(ip: IpAddr) -> Result<(), AddressError> {
    let is_forbidden = match ip.to_canonical() {
        IpAddr::V4(ip) => is_forbidden(ip),
        IpAddr::V6(ip) => {
            let [first, ..] = ip.segments();
            // Translated addresses (NAT64, 6to4) lead to the IPv4 address in them.
            let inner = match ip.segments() {
                [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => {
                    Some(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)))
                }
                _ => None,
            };
            ip.is_unspecified()
                || ip.is_multicast()
                || first & 0xffc0 == 0xfe80
                || ip == METADATA
                || inner.is_some_and(is_forbidden)
        }
    };
    match is_forbidden {
        true => Err(AddressError::Forbidden(ip)),
        false => Ok(()),
    }
}

fn is_forbidden(ip: Ipv4Addr) -> bool {
    ip.is_link_local() || ip.is_unspecified() || ip.is_multicast() || ip.is_broadcast()
}

/// Posts a body; returns the status of the answer.
pub(super) async fn post(
    url: &Url,
    headers: &[(HeaderName, String)],
    body: Vec<u8>,
) -> Result<StatusCode, OutsideError> {
    timeout(REQUEST_TIMEOUT, unbounded_post(url, headers, body))
        .await
        .unwrap_or(Err(OutsideError::Late))
}

async fn unbounded_post(
    url: &Url,
    headers: &[(HeaderName, String)],
    body: Vec<u8>,
) -> Result<StatusCode, OutsideError> {
    let stream = connect(url).await?;
    if url.scheme() == "http" {
        return send(stream, url, headers, body).await;
    }
    let host = url.host_str().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let name = ServerName::try_from(host.to_owned()).map_err(|_| AddressError::Form)?;
    // The first use reads the list of the system.
    let tls = tokio::task::spawn_blocking(tls).await;
    let tls = tls.map_err(|error| OutsideError::Connect(error.into()))?;
    let stream = tls.connect(name, stream).await;
    send(stream.map_err(OutsideError::Connect)?, url, headers, body).await
}

async fn connect(url: &Url) -> Result<TcpStream, OutsideError> {
    let port = url.port_or_known_default().unwrap_or(443);
    let addresses: Vec<SocketAddr> = match url.host() {
        Some(Host::Ipv4(ip)) => vec![(ip, port).into()],
        Some(Host::Ipv6(ip)) => vec![(ip, port).into()],
        Some(Host::Domain(name)) => {
            let found = lookup_host((name, port)).await;
            found.map_err(OutsideError::Resolve)?.collect()
        }
        None => return Err(AddressError::Form.into()),
    };
    let mut last = OutsideError::Resolve(io::Error::other("the name has no address"));
    for address in addresses {
        // A name that has any such address may be an attempt to get there.
        allowed(address.ip())?;
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = OutsideError::Connect(error),
        }
    }
    Err(last)
}

/// TLS with the authorities of the system and the built-in ones: a container may have no list.
fn tls() -> TlsConnector {
    static CONFIG: LazyLock<Option<Arc<ClientConfig>>> = LazyLock::new(|| {
        let mut roots = RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .ok()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Some(Arc::new(config))
    });
    match &*CONFIG {
        Some(config) => TlsConnector::from(Arc::clone(config)),
        // The provider has the default versions.
        None => unreachable!("no version of TLS"),
    }
}

async fn send<S>(
    stream: S,
    url: &Url,
    headers: &[(HeaderName, String)],
    body: Vec<u8>,
) -> Result<StatusCode, OutsideError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // Ends with the sender; the answer's body is not read.
    let connection = tokio::spawn(connection);
    let path = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    let host = url.host_str().unwrap_or_default();
    let host = match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    };
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(path)
        .header(header::HOST, host)
        .header(
            header::USER_AGENT,
            concat!("wxcode/", env!("CARGO_PKG_VERSION")),
        )
        .header(header::CONNECTION, "close");
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let request = request.body(axum::body::Body::from(Bytes::from(body)))?;
    let answer = sender.send_request(request).await;
    let status = answer.map(|answer| answer.status());
    connection.abort();
    Ok(status?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn link_local_addresses_are_refused_in_every_form() {
        for refused in [
            "http://169.254.169.254/latest/meta-data",
            "http://0xA9FEA9FE/",
            "http://2852039166/",
            "http://169.254.43518/",
            "http://[fe80::1]/",
            "http://[::ffff:169.254.169.254]/",
            "http://[64:ff9b::a9fe:a9fe]/",
            "http://[2002:a9fe:a9fe::]/",
            "http://[fd00:ec2::254]/",
            "http://0.0.0.0/",
            "http://[::]/",
            "http://224.0.0.1/",
            "http://255.255.255.255/",
        ] {
            let error = address(refused).unwrap_err();
            assert!(
                matches!(error, AddressError::Forbidden(_)),
                "{refused}: {error}"
            );
        }
        for refused in ["", "ftp://a/", "file:///etc/passwd", "/hook", "http://"] {
            assert_eq!(address(refused), Err(AddressError::Form), "{refused}");
        }
        let long = format!("http://a/{}", "x".repeat(URL_MAX));
        assert_eq!(address(&long), Err(AddressError::Form));
        assert_eq!(address("http://a:b@c/"), Err(AddressError::Credentials));
        for taken in [
            "http://127.0.0.1:1/a?b=c",
            "https://example.org",
            "http://[::1]/",
            "http://10.0.0.1/",
        ] {
            assert!(address(taken).is_ok(), "{taken}");
        }
    }
}
