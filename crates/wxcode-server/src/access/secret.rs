//! Texts of credentials: `ID_SECRET` in cookies and links, `wxc_ID_SECRET_CHECKSUM` as tokens.

use sha2::{Digest, Sha256};
use uuid::Uuid;
use wxcode_core::id::Id;

/// The beginning of each token, for scanners that look for leaked ones.
const PREFIX: &str = "wxc_";
/// Digits of the checksum, which tells a mistyped token from a revoked one.
const CHECKSUM: usize = 8;

/// A new secret: 244 random bits.
pub(crate) fn generate() -> String {
    format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}

/// The hash kept in place of a secret.
pub(super) fn hashed(secret: &str) -> String {
    hex(&Sha256::digest(secret))
}

pub(super) fn text(id: Id, secret: &str) -> String {
    format!("{id}_{secret}")
}

pub(super) fn parse(text: &str) -> Option<(Id, &str)> {
    let (id, secret) = text.split_once('_')?;
    Some((id.parse().ok()?, secret))
}

pub(super) fn token(id: Id, secret: &str) -> String {
    let body = format!("{PREFIX}{}", text(id, secret));
    let checksum = checksum(&body);
    format!("{body}_{checksum}")
}

pub(super) fn parse_token(token: &str) -> Option<(Id, &str)> {
    let (body, given) = token.rsplit_once('_')?;
    if given != checksum(body) {
        return None;
    }
    parse(body.strip_prefix(PREFIX)?)
}

fn checksum(body: &str) -> String {
    let mut sum = hex(&Sha256::digest(body));
    sum.truncate(CHECKSUM);
    sum
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_read_back_unless_mistyped() {
        let id = Id::generate(jiff::Timestamp::UNIX_EPOCH);
        let secret = generate();
        let token = token(id, &secret);
        assert_eq!(parse_token(&token), Some((id, secret.as_str())));
        assert_eq!(parse(&text(id, &secret)), Some((id, secret.as_str())));
        let wrong = token.replace(&secret[..1], "-");
        for text in ["", "wxc_", "wxc_1_2_3", &token[1..], &wrong, &secret] {
            assert_eq!(parse_token(text), None, "{text}");
        }
        assert_ne!(generate(), secret);
    }
}
