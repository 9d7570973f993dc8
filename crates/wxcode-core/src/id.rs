//! Ids of records: 24 hexadecimal digits, laid out as a MongoDB `ObjectId`.

use std::{
    fmt,
    str::FromStr,
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The id of an output project, a milestone, a delivery or a session.
///
/// Twelve bytes: seconds since 1970, five random bytes of this process, a counter. Later ids of a
/// process sort later.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id([u8; 12]);

/// The text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an id is 24 hexadecimal digits: check the id, or list the records to find it")]
pub struct InvalidId;

impl Id {
    /// Creates an id, unique among all processes on the same store.
    #[must_use]
    pub fn generate(now: Timestamp) -> Self {
        static PROCESS: OnceLock<([u8; 5], AtomicU32)> = OnceLock::new();
        let (process, counter) = PROCESS.get_or_init(|| {
            let random = *uuid::Uuid::new_v4().as_bytes();
            let counter = u32::from_be_bytes([0, random[5], random[7], random[9]]);
            (
                [random[0], random[1], random[2], random[3], random[4]],
                AtomicU32::new(counter),
            )
        });
        // The layout has 32 bits for the seconds, enough until 2106.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the layout keeps the low 32 bits"
        )]
        let seconds = (now.as_second() as u32).to_be_bytes();
        let count = counter.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        let mut bytes = [0; 12];
        bytes[..4].copy_from_slice(&seconds);
        bytes[4..9].copy_from_slice(process);
        bytes[9..].copy_from_slice(&count[1..]);
        Self(bytes)
    }

    /// The twelve bytes, for a store with binary ids.
    #[must_use]
    pub const fn bytes(self) -> [u8; 12] {
        self.0
    }

    /// Restores an id from the twelve bytes of a store.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 12]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Id {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let digits = text.as_bytes();
        if digits.len() != 24 {
            return Err(InvalidId);
        }
        let mut bytes = [0; 12];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
        }
        Ok(Self(bytes))
    }
}

const fn nibble(digit: u8) -> Result<u8, InvalidId> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        b'A'..=b'F' => Ok(digit - b'A' + 10),
        _ => Err(InvalidId),
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ids_are_unique_and_sort_by_creation() {
        let now = Timestamp::UNIX_EPOCH;
        let made: Vec<Id> = (0..1000).map(|_| Id::generate(now)).collect();
        let mut sorted = made.clone();
        sorted.sort();
        sorted.dedup();
        assert_eq!(sorted.len(), 1000);
    }

    #[test]
    fn refuses_anything_but_24_hex_digits() {
        for text in [
            "",
            "abc",
            "zzzzzzzzzzzzzzzzzzzzzzzz",
            "0123456789abcdef012345678",
            "0123456789abcdef0123456é",
        ] {
            assert_eq!(text.parse::<Id>(), Err(InvalidId), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn text_and_bytes_name_the_same_id(bytes: [u8; 12]) {
            let id = Id::from_bytes(bytes);
            prop_assert_eq!(id.to_string().parse::<Id>(), Ok(id));
            prop_assert_eq!(id.to_string().to_uppercase().parse::<Id>(), Ok(id));
            prop_assert_eq!(serde_json::from_str::<Id>(&serde_json::to_string(&id).unwrap()).unwrap(), id);
        }
    }
}
