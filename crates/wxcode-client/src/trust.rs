//! The certificates that a client takes as those of its server.

use std::{error::Error as StdError, fmt, io, sync::Arc};

use ring::digest::{SHA256, digest};
use rustls::{
    CertificateError as Cause, ClientConfig, DigitallySignedStruct, Error as TlsError, OtherError,
    RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{
        CryptoProvider, ring::default_provider, verify_tls12_signature, verify_tls13_signature,
    },
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};

/// Largest file of authorities, in bytes: the whole list of a system fits.
pub const CA_FILE_MAX: usize = 4 << 20; // 4 MiB

/// The certificates that a client takes as those of its server: by default the certificates that an
/// authority of the system signed for the server's name.
///
/// ```
/// use wxcode_client::{Server, Trust};
///
/// let printed = "2B:D8:06:C9:7F:0E:00:AF:1A:1F:C3:32:8F:A7:63:A9:\
///                26:97:23:C8:DB:8F:AC:4F:93:AF:71:DB:18:6D:6E:90";
/// let server = Server::new("https://box.example:8052".parse()?, "wxc_token")?;
/// let server = server.with_trust(Trust::fingerprint(printed)?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trust(Kind);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Kind {
    /// The authorities of the system.
    #[default]
    System,
    /// These authorities alone.
    Authorities(Arc<Vec<CertificateDer<'static>>>),
    /// The one certificate with this SHA-256.
    Fingerprint(Fingerprint),
}

/// Why a certificate is not taken, or why no certificate could be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// The server's certificate is another one than the expected one.
    #[error(
        "the server's certificate has the SHA-256 {given}, and {expected} was expected: compare \
         with the one that `wxcode serve` printed; a self-signed certificate changes once a year"
    )]
    OtherFingerprint {
        /// The SHA-256 of the server's certificate.
        given: String,
        /// The expected one.
        expected: String,
    },
    /// No trusted authority vouches for the server's certificate.
    #[error(
        "the server's certificate (SHA-256 {given}) is refused: {cause}; expected is one for \
         `{name}` that {authorities} signed: give the certificate of another authority by --ca-file \
         or WXCODE_CA_FILE, or the SHA-256 that a self-signed server printed by --fingerprint or \
         WXCODE_FINGERPRINT"
    )]
    Refused {
        /// The SHA-256 of the server's certificate.
        given: String,
        /// The name of the server in its URL.
        name: String,
        /// The trusted authorities.
        authorities: &'static str,
        /// The cause.
        cause: String,
    },
    /// The text is no SHA-256.
    #[error(
        "`{text}` is no fingerprint: give the SHA-256 that `wxcode serve --tls-self-signed` prints, \
         64 hex digits with or without colons"
    )]
    NoFingerprint {
        /// The text.
        text: String,
    },
    /// The file names no authority.
    #[error("it holds no certificate in PEM of an authority ({cause}): give one such as ca.pem")]
    NoAuthority {
        /// The cause.
        cause: String,
    },
    /// The system has no list of authorities.
    #[error(
        "the system has no list of authorities ({cause}): install the package ca-certificates, or \
         give --ca-file or --fingerprint"
    )]
    NoSystem {
        /// The cause.
        cause: String,
    },
    /// The client cannot speak TLS with these settings.
    #[error("cannot use TLS: {cause}")]
    Setup {
        /// The cause.
        cause: String,
    },
}

impl Trust {
    /// The one certificate with this SHA-256, of whatever name and authority: 64 hex digits, with
    /// or without colons.
    ///
    /// # Errors
    /// [`CertificateError::NoFingerprint`].
    pub fn fingerprint(text: &str) -> Result<Self, CertificateError> {
        let wrong = || CertificateError::NoFingerprint {
            text: text.chars().take(200).collect(),
        };
        let digits: Vec<u8> = text
            .trim()
            .bytes()
            .filter(|byte| *byte != b':')
            .map(|byte| {
                char::from(byte)
                    .to_digit(16)
                    .and_then(|digit| digit.try_into().ok())
            })
            .collect::<Option<_>>()
            .ok_or_else(wrong)?;
        let bytes: Vec<u8> = digits
            .chunks(2)
            .map(|two| two.iter().fold(0, |a, b| a << 4 | b))
            .collect();
        if digits.len() != 64 {
            return Err(wrong());
        }
        let bytes = bytes.try_into().map_err(|_| wrong())?;
        Ok(Self(Kind::Fingerprint(Fingerprint(bytes))))
    }

    /// The authorities of a file in PEM, instead of those of the system.
    ///
    /// # Errors
    /// [`CertificateError::NoAuthority`].
    pub fn authorities(pem: &[u8]) -> Result<Self, CertificateError> {
        let wrong = |cause: String| CertificateError::NoAuthority { cause };
        if pem.len() > CA_FILE_MAX {
            return Err(wrong(format!("more than {CA_FILE_MAX} bytes")));
        }
        let found: Vec<_> = CertificateDer::pem_slice_iter(pem)
            .collect::<Result<_, _>>()
            .map_err(|error| wrong(error.to_string()))?;
        let mut roots = RootCertStore::empty();
        for one in &found {
            roots
                .add(one.clone())
                .map_err(|error| wrong(error.to_string()))?;
        }
        if roots.is_empty() {
            return Err(wrong("it has none".to_owned()));
        }
        Ok(Self(Kind::Authorities(found.into())))
    }

    /// The configuration of connections.
    pub(crate) fn config(&self) -> Result<ClientConfig, CertificateError> {
        let setup = |cause: &dyn fmt::Display| CertificateError::Setup {
            cause: cause.to_string(),
        };
        let provider = Arc::new(default_provider());
        let signed_by = |roots: RootCertStore| {
            WebPkiServerVerifier::builder_with_provider(roots.into(), Arc::clone(&provider))
                .build()
                .map_err(|error| setup(&error))
        };
        let check = match &self.0 {
            Kind::System => Check::Signed(signed_by(of_system()?)?, "an authority of the system"),
            Kind::Authorities(found) => {
                let mut roots = RootCertStore::empty();
                roots.add_parsable_certificates(found.iter().cloned());
                Check::Signed(signed_by(roots)?, "an authority of the given file")
            }
            Kind::Fingerprint(expected) => Check::Fingerprint(*expected),
        };
        let verifier = Verifier {
            check,
            provider: Arc::clone(&provider),
        };
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| setup(&error))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }
}

fn of_system() -> Result<RootCertStore, CertificateError> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let cause = found.errors.first().map(ToString::to_string);
        let cause = cause.unwrap_or_else(|| "none was found".to_owned());
        return Err(CertificateError::NoSystem { cause });
    }
    Ok(roots)
}

/// The refusal of a certificate among the causes of an error.
pub(crate) fn refusal(error: &(dyn StdError + 'static)) -> Option<CertificateError> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(TlsError::InvalidCertificate(Cause::Other(OtherError(cause)))) =
            error.downcast_ref()
        {
            return cause.downcast_ref().cloned();
        }
        // The source of such an error leaves the error within out.
        let within = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        next = within.map_or_else(|| error.source(), |within| Some(within));
    }
    None
}

/// The SHA-256 of a certificate.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Fingerprint([u8; 32]);

impl Fingerprint {
    fn of(certificate: &CertificateDer<'_>) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest(&SHA256, certificate).as_ref());
        Self(bytes)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes: Vec<String> = self.0.iter().map(|byte| format!("{byte:02X}")).collect();
        f.write_str(&bytes.join(":"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The check of a server's certificate; a refusal carries a [`CertificateError`].
#[derive(Debug)]
struct Verifier {
    check: Check,
    provider: Arc<CryptoProvider>,
}

#[derive(Debug)]
enum Check {
    /// By authorities, which have this name in messages.
    Signed(Arc<WebPkiServerVerifier>, &'static str),
    Fingerprint(Fingerprint),
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        let given = Fingerprint::of(certificate);
        let refusal = match &self.check {
            Check::Fingerprint(expected) if *expected == given => {
                return Ok(ServerCertVerified::assertion());
            }
            Check::Fingerprint(expected) => CertificateError::OtherFingerprint {
                given: given.to_string(),
                expected: expected.to_string(),
            },
            Check::Signed(by, authorities) => {
                match by.verify_server_cert(certificate, chain, name, ocsp, now) {
                    Ok(verified) => return Ok(verified),
                    Err(error) => CertificateError::Refused {
                        given: given.to_string(),
                        name: name.to_str().into_owned(),
                        authorities,
                        cause: match error {
                            TlsError::InvalidCertificate(Cause::UnknownIssuer) => {
                                "no known authority signed it".to_owned()
                            }
                            TlsError::InvalidCertificate(cause) => cause.to_string(),
                            error => error.to_string(),
                        },
                    },
                }
            }
        };
        Err(Cause::Other(OtherError(Arc::new(refusal))).into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_have_sixty_four_digits() {
        let digits = "2bd806c97f0e00af1a1fc3328fa763a9269723c8db8fac4f93af71db186d6e90";
        let trust = Trust::fingerprint(digits).unwrap();
        let Kind::Fingerprint(taken) = &trust.0 else {
            panic!("{trust:?}");
        };
        let printed = taken.to_string();
        assert!(printed.starts_with("2B:D8:06:C9:"), "{printed}");
        assert_eq!(Trust::fingerprint(&printed).unwrap(), trust);
        for text in [
            "",
            "2b",
            &digits[1..],
            &format!("{digits}0"),
            &digits.replace('b', "x"),
        ] {
            let error = Trust::fingerprint(text).unwrap_err();
            assert!(error.to_string().contains("64 hex digits"), "{error}");
        }
    }

    #[test]
    fn a_file_without_certificates_is_refused() {
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for pem in ["", "no certificate", broken] {
            let error = Trust::authorities(pem.as_bytes()).unwrap_err();
            assert!(
                matches!(error, CertificateError::NoAuthority { .. }),
                "{pem}"
            );
        }
    }

    #[test]
    fn a_refusal_is_found_below_other_errors() {
        let refusal = CertificateError::Setup {
            cause: "x".to_owned(),
        };
        let tls: TlsError = Cause::Other(OtherError(Arc::new(refusal.clone()))).into();
        let error = io::Error::other(io::Error::new(io::ErrorKind::InvalidData, tls));
        assert_eq!(super::refusal(&error), Some(refusal));
        assert_eq!(super::refusal(&io::Error::other("another")), None);
    }
}
