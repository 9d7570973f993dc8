//! One-time codes of login links.

use std::{collections::HashMap, time::Duration};

use tokio::time::Instant;
use wxcode_core::{access::Grant, id::Id};

use super::secret;

/// How long a code counts.
pub(crate) const CODE_TIME: Duration = Duration::from_secs(600);
/// Most unused codes; the oldest goes first.
const CODES_MAX: usize = 100;

/// The unused codes, by their hashes.
#[derive(Default)]
pub(super) struct Codes(HashMap<String, Code>);

struct Code {
    made: Instant,
    source: Source,
}

/// The origin of a login: its rights, and the credential with which the login ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source {
    /// The name of the credential.
    pub(crate) name: String,
    pub(crate) grant: Grant,
    /// `None`: the login counts by itself.
    pub(crate) credential: Option<Id>,
}

impl Codes {
    pub(super) fn make(&mut self, now: Instant, source: Source) -> String {
        self.0.retain(|_, code| now - code.made < CODE_TIME);
        if self.0.len() >= CODES_MAX {
            let oldest = self.0.iter().min_by_key(|(_, code)| code.made);
            if let Some(hash) = oldest.map(|(hash, _)| hash.clone()) {
                self.0.remove(&hash);
            }
        }
        let code = secret::generate();
        self.0
            .insert(secret::hashed(&code), Code { made: now, source });
        code
    }

    pub(super) fn take(&mut self, now: Instant, code: &str) -> Option<Source> {
        let code = self.0.remove(&secret::hashed(code))?;
        (now - code.made < CODE_TIME).then_some(code.source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_counts_once_and_not_for_long() {
        let mut codes = Codes::default();
        let source = Source {
            name: "a".to_owned(),
            grant: Grant::ADMIN,
            credential: None,
        };
        let now = Instant::now();
        let code = codes.make(now, source.clone());
        assert_eq!(codes.take(now, "another"), None);
        let taken = codes.take(now + CODE_TIME - Duration::from_millis(1), &code);
        assert_eq!(taken, Some(source.clone()));
        assert_eq!(codes.take(now, &code), None);
        let code = codes.make(now, source.clone());
        assert_eq!(codes.take(now + CODE_TIME, &code), None);
        for _ in 0..2 * CODES_MAX {
            codes.make(now, source.clone());
        }
        assert_eq!(codes.0.len(), CODES_MAX);
    }
}
