//! TLS: a certificate of files, read again after a change, or a self-signed one.

use std::{
    fs, io,
    net::SocketAddr,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use sha2::{Digest, Sha256};
use tokio::{io::AsyncWriteExt, net::TcpStream, time::sleep};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use wxcode_holder::folder::write_whole;

use crate::settings::TlsSource;

/// Largest file of a certificate or a key, in bytes.
const FILE_MAX: u64 = 1 << 20; // 1 MiB
/// Pause between two looks at the files of the certificate.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// A self-signed certificate is made anew after this time; it counts for twice as long.
const SELF_SIGNED_AGE: Duration = Duration::from_secs(365 * 24 * 60 * 60); // a year
/// The first byte of a TLS handshake.
const HANDSHAKE: u8 = 0x16;
/// The folder of the self-signed certificate in the data folder.
const FOLDER: &str = "tls";
const CERT: &str = "cert.pem";
const KEY: &str = "key.pem";
/// The answer to plain HTTP.
const PLAIN: &[u8] = b"HTTP/1.1 400 Bad Request\r\n\
    content-type: application/problem+json\r\n\
    connection: close\r\ncontent-length: 107\r\n\r\n\
    {\"title\":\"Bad Request\",\"status\":400,\
    \"detail\":\"this port speaks TLS: use https:// in place of http:// here\"}";

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("cannot read {}: {message}; check --tls-cert and --tls-key", path.display())]
    File { path: PathBuf, message: String },
    #[error("{} and {} are no certificate with its key: {message}", cert.display(), key.display())]
    Pair {
        cert: PathBuf,
        key: PathBuf,
        message: String,
    },
    #[error("cannot make a self-signed certificate in {}: {message}", folder.display())]
    SelfSigned { folder: PathBuf, message: String },
}

/// The certificate of the server.
#[derive(Clone)]
pub(crate) struct Tls {
    cert: PathBuf,
    key: PathBuf,
    /// The configuration of new connections, and the fingerprint of its certificate.
    config: Arc<RwLock<(Arc<ServerConfig>, String)>>,
}

/// A certificate with its key, as they are in their files.
#[derive(PartialEq, Eq)]
struct Pair {
    cert: Vec<u8>,
    key: Vec<u8>,
}

impl Tls {
    /// Loads the certificate; makes a self-signed one for these names, if none is there.
    pub(crate) fn load(
        source: &TlsSource,
        data_dir: &Path,
        names: Vec<String>,
    ) -> Result<Self, TlsError> {
        let (cert, key) = match source {
            TlsSource::Files { cert, key } => (cert.clone(), key.clone()),
            TlsSource::SelfSigned => self_signed(data_dir, names)?,
        };
        let pair = read(&cert, &key)?;
        let config = configuration(&cert, &key, &pair)?;
        Ok(Self {
            cert,
            key,
            config: Arc::new(RwLock::new(config)),
        })
    }

    /// The SHA-256 of the certificate, as browsers show it.
    pub(crate) fn fingerprint(&self) -> String {
        let config = self.config.read();
        config.unwrap_or_else(PoisonError::into_inner).1.clone()
    }

    /// Takes a changed certificate for new connections, for as long as the future is polled. A
    /// broken one leaves the last good one.
    pub(crate) async fn follow(&self) {
        let mut last = None;
        loop {
            let (cert, key) = (self.cert.clone(), self.key.clone());
            let looked = tokio::task::spawn_blocking(move || {
                let pair = read(&cert, &key)?;
                let config = configuration(&cert, &key, &pair);
                Ok::<_, TlsError>((pair, config))
            });
            match looked.await {
                Ok(Ok((pair, config))) if last.as_ref() != Some(&pair) => {
                    let is_first = last.is_none();
                    last = Some(pair);
                    match config {
                        Ok(config) => {
                            let fingerprint = config.1.clone();
                            *self.config.write().unwrap_or_else(PoisonError::into_inner) = config;
                            if !is_first {
                                tracing::info!(fingerprint, "took the changed certificate");
                            }
                        }
                        Err(error) => {
                            tracing::warn!(%error, "the certificate before stays in use");
                        }
                    }
                }
                Ok(Ok(_)) | Err(_) => {}
                Ok(Err(error)) => {
                    tracing::debug!(%error, "the certificate before stays in use");
                }
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// Shakes hands; plain HTTP gets an answer that names the remedy.
    pub(crate) async fn accept(&self, mut stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let mut first = [0];
        let count = stream.peek(&mut first).await?;
        if count == 1 && first != [HANDSHAKE] {
            stream.write_all(PLAIN).await?;
            return Err(io::Error::other("it speaks plain HTTP"));
        }
        let config = self.config.read();
        let config = Arc::clone(&config.unwrap_or_else(PoisonError::into_inner).0);
        TlsAcceptor::from(config).accept(stream).await
    }
}

/// A usable certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFacts {
    /// The SHA-256, as browsers show it.
    pub fingerprint: String,
    /// The end of its validity, in seconds since 1970.
    pub not_after: i64,
}

/// Checks that the files are a certificate and its key.
///
/// # Errors
/// [`TlsError`].
pub fn check_certificate(cert: &Path, key: &Path) -> Result<CertificateFacts, TlsError> {
    let pair = read(cert, key)?;
    let (_, fingerprint) = configuration(cert, key, &pair)?;
    let unreadable = |message: String| TlsError::Pair {
        cert: cert.to_owned(),
        key: key.to_owned(),
        message,
    };
    let first = CertificateDer::from_pem_slice(&pair.cert);
    let first = first.map_err(|error| unreadable(error.to_string()))?;
    let (_, parsed) = x509_parser::parse_x509_certificate(&first)
        .map_err(|error| unreadable(error.to_string()))?;
    Ok(CertificateFacts {
        fingerprint,
        not_after: parsed.validity().not_after.timestamp(),
    })
}

/// The files of a data folder's self-signed certificate.
#[must_use]
pub fn self_signed_files(data_dir: &Path) -> (PathBuf, PathBuf) {
    let folder = data_dir.join(FOLDER);
    (folder.join(CERT), folder.join(KEY))
}

fn read(cert: &Path, key: &Path) -> Result<Pair, TlsError> {
    let read = |path: &Path| {
        let file = path.to_owned();
        wxcode_files::wait(path, move || wxcode_files::read(&file, FILE_MAX)).map_err(|error| {
            TlsError::File {
                path: path.to_owned(),
                message: error.to_string(),
            }
        })
    };
    Ok(Pair {
        cert: read(cert)?,
        key: read(key)?,
    })
}

/// The configuration of new connections, and the fingerprint of its certificate.
fn configuration(
    cert: &Path,
    key: &Path,
    pair: &Pair,
) -> Result<(Arc<ServerConfig>, String), TlsError> {
    let failed = |message: String| TlsError::Pair {
        cert: cert.to_owned(),
        key: key.to_owned(),
        message,
    };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&pair.cert)
        .collect::<Result<_, _>>()
        .map_err(|error| failed(error.to_string()))?;
    let first = chain
        .first()
        .ok_or_else(|| failed("the first file has no certificate in PEM".to_owned()))?;
    let fingerprint = fingerprint(first);
    let key =
        PrivateKeyDer::from_pem_slice(&pair.key).map_err(|error| failed(error.to_string()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|error| failed(error.to_string()))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok((Arc::new(config), fingerprint))
}

/// The SHA-256 of a certificate, as browsers show it.
pub(crate) fn fingerprint(certificate: &[u8]) -> String {
    let digest = Sha256::digest(certificate);
    let digits: Vec<String> = digest.iter().map(|byte| format!("{byte:02X}")).collect();
    digits.join(":")
}

/// The files of the self-signed certificate of a data folder.
fn self_signed(data_dir: &Path, names: Vec<String>) -> Result<(PathBuf, PathBuf), TlsError> {
    let folder = data_dir.join(FOLDER);
    let failed = |message: String| TlsError::SelfSigned {
        folder: folder.clone(),
        message,
    };
    let (cert, key) = (folder.join(CERT), folder.join(KEY));
    let is_young = |path: &Path| {
        let made = fs::metadata(path).and_then(|found| found.modified());
        made.is_ok_and(|made| {
            let age = SystemTime::now().duration_since(made).unwrap_or_default();
            age < SELF_SIGNED_AGE
        })
    };
    if is_young(&cert) && key.exists() {
        return Ok((cert, key));
    }
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&folder)
        .map_err(|error| failed(error.to_string()))?;
    let made = || -> Result<_, rcgen::Error> {
        let pair = rcgen::KeyPair::generate()?;
        let mut params = rcgen::CertificateParams::new(names)?;
        let name = rcgen::DnType::CommonName;
        params
            .distinguished_name
            .push(name, "wxcode on this machine");
        let now = SystemTime::now();
        params.not_before = (now - SELF_SIGNED_AGE / 365).into();
        params.not_after = (now + 2 * SELF_SIGNED_AGE).into();
        let cert = params.self_signed(&pair)?;
        Ok((cert.pem(), pair.serialize_pem()))
    };
    let (cert_text, key_text) = made().map_err(|error| failed(error.to_string()))?;
    for (name, text) in [(KEY, key_text), (CERT, cert_text)] {
        write_whole(&folder, name, text.as_bytes()).map_err(|error| failed(error.to_string()))?;
    }
    Ok((cert, key))
}

/// The names of a self-signed certificate.
pub(crate) fn names(listen: SocketAddr, hosts: &[String]) -> Vec<String> {
    let mut names = ["localhost", crate::http::LOCAL_NAME, "127.0.0.1", "::1"]
        .map(str::to_owned)
        .to_vec();
    if !listen.ip().is_unspecified() {
        names.push(listen.ip().to_string());
    }
    names.extend(hosts.iter().cloned());
    names.sort();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_to_plain_http_is_whole() {
        let text = std::str::from_utf8(PLAIN).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let length = format!("content-length: {}", body.len());
        assert!(head.contains(&length), "{} bytes", body.len());
        let problem: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(problem["status"], 400);
    }

    #[test]
    fn a_self_signed_certificate_stays() {
        let folder = tempfile::tempdir().unwrap();
        let names = || names("127.0.0.1:1".parse().unwrap(), &["box.example".to_owned()]);
        let load = || Tls::load(&TlsSource::SelfSigned, folder.path(), names()).unwrap();
        let first = load();
        assert_eq!(first.fingerprint().len(), 32 * 3 - 1);
        assert_eq!(load().fingerprint(), first.fingerprint());
        fs::write(&first.key, "no key").unwrap();
        assert!(Tls::load(&TlsSource::SelfSigned, folder.path(), names()).is_err());
    }
}
