//! The token in the environment of the server.

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use wxcode_core::id::Id;

/// The server's own token, hashed.
pub(super) struct OwnToken {
    hash: [u8; 32],
    /// Stands for the token as a source: another token has another id.
    id: Id,
}

impl OwnToken {
    pub(super) fn new(token: &str) -> Self {
        // Of 1970, unlike the id of any record.
        let mut id = [0; 12];
        id[4..].copy_from_slice(&hash(&format!("the id of the token {token}"))[..8]);
        Self {
            hash: hash(token),
            id: Id::from_bytes(id),
        }
    }

    /// The token's id, if `given` is the token.
    pub(super) fn check(&self, given: &str) -> Option<Id> {
        let is_own: bool = hash(given).ct_eq(&self.hash).into();
        is_own.then_some(self.id)
    }

    pub(super) fn has_id(&self, id: Id) -> bool {
        self.id == id
    }
}

/// Whether the id stands for the own token of some server.
pub(super) fn is_of_own_token(id: Id) -> bool {
    id.bytes().starts_with(&[0; 4])
}

fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}
