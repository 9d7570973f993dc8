//! The caller of a forwarded request, signed with the key of the nodes.
//!
//! The header holds a JSON document and its HMAC-SHA256, both in hexadecimal digits. The document
//! names the two nodes and the request, so that the signature serves no other request. The receiver
//! checks the caller's credential again.

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use uuid::Uuid;
use wxcode_core::{
    access::{Grant, Role},
    id::Id,
    node::NodeRecord,
};
use wxcode_store::{NODE_KEY, Result};

use super::Nodes;
use crate::access::{Caller, secret};

/// The header with the caller.
pub(crate) const HEADER: &str = "x-wxcode-forwarded";
/// Longest value of the header, in bytes.
const HEADER_MAX: usize = 32 << 10; // 32 KiB

/// A request came from a peer.
#[derive(Debug, Clone)]
pub(crate) struct Forwarded {
    /// The project of a client's request; `None` for a question of the peer itself.
    pub(crate) project: Option<Id>,
    /// The name of the peer.
    pub(crate) node: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Carried {
    from: Uuid,
    node: String,
    to: Uuid,
    method: String,
    path: String,
    project: Option<Id>,
    name: String,
    role: Role,
    only: Option<Id>,
    credential: Option<Id>,
    address: String,
}

/// Why a forwarded request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The signature is not of a node of this store, or for another request.
    Signature,
    /// The caller's credential does not count any more.
    Credential,
    /// The store is away.
    Unknown,
}

impl Nodes {
    pub(super) async fn key(&self) -> Result<[u8; NODE_KEY]> {
        let read = async || {
            // 256 random bits, as the digits of a secret.
            let secret = secret::generate();
            let proposed = <Sha256 as sha2::Digest>::digest(secret.as_bytes()).into();
            self.0.store.node_key(proposed).await
        };
        self.0.key.get_or_try_init(read).await.copied()
    }

    /// The header's value for a request to this peer.
    pub(super) async fn sign(
        &self,
        (method, path): (&str, &str),
        caller: &Caller,
        project: Option<Id>,
        to: &NodeRecord,
    ) -> Result<String> {
        let carried = Carried {
            from: self.0.own.id,
            node: self.0.own.name.clone(),
            to: to.id,
            method: method.to_owned(),
            path: path.to_owned(),
            project,
            name: caller.name.clone(),
            role: caller.grant.role,
            only: caller.grant.project,
            credential: caller.credential,
            address: caller.from.clone(),
        };
        let json = serde_json::to_vec(&carried).unwrap_or_default();
        let mut mac = mac(&self.key().await?);
        mac.update(&json);
        Ok(format!(
            "{}.{}",
            hex(&json),
            hex(&mac.finalize().into_bytes())
        ))
    }

    /// The caller of a forwarded request with this value of the header.
    pub(crate) async fn verify(
        &self,
        value: &[u8],
        (method, path): (&str, &str),
    ) -> std::result::Result<(Caller, Forwarded), Refused> {
        let carried = match self.key().await {
            Ok(key) => open(&key, value),
            Err(_) => return Err(Refused::Unknown),
        };

        let is_meant = |carried: &Carried| {
            self.0.is_shared
                && carried.to == self.0.own.id
                && carried.method == method
                && carried.path == path
        };
        let carried = carried.filter(is_meant).ok_or(Refused::Signature)?;
        let grant = Grant {
            role: carried.role,
            project: carried.only,
        };
        if let Some(id) = carried.credential {
            match self.0.callers.grant(id).await {
                Ok(found) if found == Some(grant) => {}
                Ok(_) => return Err(Refused::Credential),
                Err(_) => return Err(Refused::Unknown),
            }
        }
        let caller = Caller {
            name: carried.name,
            grant,
            credential: carried.credential,
            source: None,
            is_of_proxy: false,
            from: carried.address,
        };
        let forwarded = Forwarded {
            project: carried.project,
            node: carried.node,
        };
        Ok((caller, forwarded))
    }
}

#[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
fn mac(key: &[u8; NODE_KEY]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes a key of any length")
}

/// The document of a value with the right signature.
fn open(key: &[u8; NODE_KEY], value: &[u8]) -> Option<Carried> {
    if value.len() > HEADER_MAX {
        return None;
    }
    let (json, signature) = std::str::from_utf8(value).ok()?.split_once('.')?;
    let (json, signature) = (bytes(json)?, bytes(signature)?);
    let mut mac = mac(key);
    mac.update(&json);
    mac.verify_slice(&signature).ok()?;
    serde_json::from_slice(&json).ok()
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble & 15)]);
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(*byte)])
        .collect()
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    if !hex.len().is_multiple_of(2) || !hex.is_ascii() {
        return None;
    }
    let pairs = (0..hex.len()).step_by(2);
    pairs
        .map(|at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(key: &[u8; NODE_KEY]) -> String {
        let carried = Carried {
            from: Uuid::nil(),
            node: "a".to_owned(),
            to: Uuid::max(),
            method: "GET".to_owned(),
            path: "/x".to_owned(),
            project: Some("0123456789abcdef01234567".parse().unwrap()),
            name: "João".to_owned(),
            role: Role::Viewer,
            only: None,
            credential: None,
            address: "127.0.0.1".to_owned(),
        };
        let json = serde_json::to_vec(&carried).unwrap();
        let mut mac = mac(key);
        mac.update(&json);
        format!("{}.{}", hex(&json), hex(&mac.finalize().into_bytes()))
    }

    #[test]
    fn only_the_key_opens_a_caller() {
        let key = [7; NODE_KEY];
        let value = signed(&key);
        let carried = open(&key, value.as_bytes()).unwrap();
        assert_eq!(
            (carried.name.as_str(), carried.role),
            ("João", Role::Viewer)
        );
        assert!(open(&[8; NODE_KEY], value.as_bytes()).is_none());
        // Another role under the old signature.
        let (json, signature) = value.split_once('.').unwrap();
        let other = String::from_utf8(bytes(json).unwrap()).unwrap();
        let other = other.replace("viewer", "admin");
        let forged = format!("{}.{signature}", hex(other.as_bytes()));
        assert!(open(&key, forged.as_bytes()).is_none());
        for broken in ["", ".", "zz.00", "7b7d", "é.é", "0.0"] {
            assert!(open(&key, broken.as_bytes()).is_none(), "{broken}");
        }
    }
}
