//! Web Push: the keys of this server (VAPID, RFC 8292), and encrypted messages (RFC 8291, RFC 8188).

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hyper::header::{self, HeaderName};
use jiff::{SignedDuration, Timestamp};
use ring::{
    aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    agreement::{ECDH_P256, EphemeralPrivateKey, UnparsedPublicKey, agree_ephemeral},
    hkdf::{self, HKDF_SHA256, KeyType, Salt},
    rand::{SecureRandom as _, SystemRandom},
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use serde_json::json;
use url::Url;

/// The file of the private key in the data folder, PKCS #8.
const FILE: &str = "vapid.pk8";
/// Bytes of a public key: an uncompressed point of P-256.
pub(crate) const POINT: usize = 65;
/// Bytes of a browser's secret.
pub(crate) const AUTH: usize = 16;
/// Size of a record, of which a message has one.
const RECORD: u32 = 4_096;
/// A push service keeps a message this long for a browser that is away, in seconds.
const TTL_S: u32 = 24 * 60 * 60;
/// A signed permission of this server counts this long; the standard allows a day.
const TOKEN_TIME: SignedDuration = SignedDuration::from_hours(12);
/// The contact that push services want to know.
const CONTACT: &str = "mailto:wxcode@example.org";

/// The keys with which this server signs its messages.
pub(crate) struct Keys {
    pair: EcdsaKeyPair,
    random: SystemRandom,
}

/// A part of the cryptography failed.
#[derive(Debug, thiserror::Error)]
#[error("the message cannot be encrypted: is the browser's key a point of P-256?")]
pub(crate) struct PushError;

impl From<ring::error::Unspecified> for PushError {
    fn from(_: ring::error::Unspecified) -> Self {
        Self
    }
}

impl Keys {
    /// The keys of a data folder, generated once.
    pub(crate) fn open(data_dir: &Path) -> io::Result<Self> {
        let random = SystemRandom::new();
        let path = data_dir.join(FILE);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random);
                let made = made.map_err(|_| io::Error::other("cannot generate a key"))?;
                let mut file = fs::OpenOptions::new()
                    .write(true)
                    .create_new(true)
                    .mode(0o600)
                    .open(&path)?;
                file.write_all(made.as_ref())?;
                file.sync_all()?;
                made.as_ref().to_vec()
            }
            Err(error) => return Err(error),
        };
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &bytes, &random)
            .map_err(|error| {
                io::Error::other(format!(
                    "{} is no key ({error}): delete it, and subscribe the browsers again",
                    path.display()
                ))
            })?;
        Ok(Self { pair, random })
    }

    /// The public key, as a browser wants it.
    pub(crate) fn public(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.pair.public_key())
    }

    /// The headers of a message to an endpoint.
    pub(super) fn headers(
        &self,
        endpoint: &Url,
        now: Timestamp,
    ) -> Result<Vec<(HeaderName, String)>, PushError> {
        let head = json!({ "typ": "JWT", "alg": "ES256" });
        let claims = json!({
            "aud": endpoint.origin().ascii_serialization(),
            "exp": (now + TOKEN_TIME).as_second(),
            "sub": CONTACT,
        });
        let encoded = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", encoded(&head), encoded(&claims));
        let signature = self.pair.sign(&self.random, signed.as_bytes())?;
        let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature));
        Ok(vec![
            (
                header::AUTHORIZATION,
                format!("vapid t={token}, k={}", self.public()),
            ),
            (header::CONTENT_ENCODING, "aes128gcm".to_owned()),
            (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
            (HeaderName::from_static("ttl"), TTL_S.to_string()),
            (HeaderName::from_static("urgency"), "high".to_owned()),
        ])
    }

    /// Encrypts a message for a browser with this public key and secret.
    pub(super) fn encrypt(
        &self,
        p256dh: &[u8],
        auth: &[u8],
        message: &[u8],
    ) -> Result<Vec<u8>, PushError> {
        let own = EphemeralPrivateKey::generate(&ECDH_P256, &self.random)?;
        let own_public = own.compute_public_key()?;
        let mut salt = [0; 16];
        self.random.fill(&mut salt)?;
        let theirs = UnparsedPublicKey::new(&ECDH_P256, p256dh);
        let (key, nonce) = agree_ephemeral(own, &theirs, |shared| {
            content_key(shared, auth, p256dh, own_public.as_ref(), &salt)
        })??;
        // One record: the message and its end mark.
        let mut record = message.to_vec();
        record.push(2);
        let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key)?);
        let nonce = Nonce::assume_unique_for_key(nonce);
        key.seal_in_place_append_tag(nonce, Aad::empty(), &mut record)?;
        let mut body = Vec::with_capacity(16 + 4 + 1 + POINT + record.len());
        body.extend_from_slice(&salt);
        body.extend_from_slice(&RECORD.to_be_bytes());
        body.push(65);
        body.extend_from_slice(own_public.as_ref());
        body.append(&mut record);
        Ok(body)
    }
}

/// The length of a derived key.
#[derive(Clone, Copy)]
struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

fn derived<const N: usize>(
    salt: &[u8],
    secret: &[u8],
    info: &[&[u8]],
) -> Result<[u8; N], PushError> {
    let mut out = [0; N];
    let key: hkdf::Prk = Salt::new(HKDF_SHA256, salt).extract(secret);
    key.expand(info, Length(N))?.fill(&mut out)?;
    Ok(out)
}

/// The key and the nonce of a message's only record.
fn content_key(
    shared: &[u8],
    auth: &[u8],
    theirs: &[u8],
    own: &[u8],
    salt: &[u8],
) -> Result<([u8; 16], [u8; 12]), PushError> {
    let secret: [u8; 32] = derived(auth, shared, &[b"WebPush: info\0", theirs, own])?;
    let key = derived(salt, &secret, &[b"Content-Encoding: aes128gcm\0"])?;
    let nonce = derived(salt, &secret, &[b"Content-Encoding: nonce\0"])?;
    Ok((key, nonce))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey as Signer};

    use super::*;

    fn bytes(text: &str) -> Vec<u8> {
        URL_SAFE_NO_PAD.decode(text).unwrap()
    }

    /// Appendix A of RFC 8291.
    #[test]
    fn derived_keys_are_those_of_the_standard() {
        let shared = bytes("kyrL1jIIOHEzg3sM2ZWRHDRB62YACZhhSlknJ672kSs");
        let auth = bytes("BTBZMqHH6r4Tts7J_aSIgg");
        let theirs = bytes(
            "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
        );
        let own = bytes(
            "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8",
        );
        let salt = bytes("DGv6ra1nlYgDCS1FRnbzlw");
        let (key, nonce) = content_key(&shared, &auth, &theirs, &own, &salt).unwrap();
        assert_eq!(key.to_vec(), bytes("oIhVW04MRdy2XN9CiKLxTg"));
        assert_eq!(nonce.to_vec(), bytes("4h_95klXJ5E_qnoN"));
    }

    #[test]
    fn a_browser_reads_its_message() {
        let dir = tempfile::tempdir().unwrap();
        let keys = Keys::open(dir.path()).unwrap();
        let random = SystemRandom::new();
        let browser = EphemeralPrivateKey::generate(&ECDH_P256, &random).unwrap();
        let public = browser.compute_public_key().unwrap();
        let auth = [7; AUTH];
        let body = keys.encrypt(public.as_ref(), &auth, b"hello").unwrap();
        let (salt, rest) = body.split_at(16);
        assert_eq!(rest[..5], [0, 0, 16, 0, 65]);
        let (own, record) = rest[5..].split_at(POINT);
        let theirs = UnparsedPublicKey::new(&ECDH_P256, own);
        let (key, nonce) = agree_ephemeral(browser, &theirs, |shared| {
            content_key(shared, &auth, public.as_ref(), own, salt).unwrap()
        })
        .unwrap();
        let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key).unwrap());
        let mut record = record.to_vec();
        let nonce = Nonce::assume_unique_for_key(nonce);
        let read = key.open_in_place(nonce, Aad::empty(), &mut record).unwrap();
        assert_eq!(read, b"hello\x02");
        assert!(keys.encrypt(&[4; POINT], &auth, b"hello").is_err());
    }

    #[test]
    fn keys_stay_and_sign_for_the_endpoint() {
        let dir = tempfile::tempdir().unwrap();
        let keys = Keys::open(dir.path()).unwrap();
        assert_eq!(Keys::open(dir.path()).unwrap().public(), keys.public());
        let mode = fs::metadata(dir.path().join(FILE)).unwrap().permissions();
        assert_eq!(mode.mode() & 0o777, 0o600);
        let endpoint = Url::parse("https://push.example:8443/v1/abc?d").unwrap();
        let now: Timestamp = "2026-01-31T18:00:00Z".parse().unwrap();
        let headers = keys.headers(&endpoint, now).unwrap();
        let (_, value) = &headers[0];
        let value = value.strip_prefix("vapid t=").unwrap();
        let (token, key) = value.split_once(", k=").unwrap();
        assert_eq!(key, keys.public());
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let signer = Signer::new(&ECDSA_P256_SHA256_FIXED, bytes(key));
        signer.verify(signed.as_bytes(), &bytes(signature)).unwrap();
        let (_, claims) = signed.split_once('.').unwrap();
        let claims: serde_json::Value = serde_json::from_slice(&bytes(claims)).unwrap();
        assert_eq!(claims["aud"], "https://push.example:8443");
        assert_eq!(claims["exp"], now.as_second() + 12 * 3_600);
    }
}
