//! The keys of deliveries, so that no delivery is typed twice.

use std::collections::{HashSet, VecDeque};

use crate::state::MAX_KEYS;

/// The newest [`MAX_KEYS`] keys. The set forgets older keys: a server repeats only the keys of open
/// deliveries, and open deliveries have the newest keys.
#[derive(Debug, Default)]
pub(super) struct Keys {
    known: HashSet<String>,
    /// The same keys, the oldest first.
    order: VecDeque<String>,
}

impl Keys {
    /// Continues another program's keys, the oldest first.
    pub(super) fn continued(keys: Vec<String>) -> Self {
        let mut continued = Self::default();
        for key in keys {
            continued.insert(key);
        }
        continued
    }

    /// The keys, the oldest first.
    pub(super) fn list(&self) -> Vec<String> {
        self.order.iter().cloned().collect()
    }

    pub(super) fn contains(&self, key: &str) -> bool {
        self.known.contains(key)
    }

    /// Remembers a key as the newest.
    pub(super) fn insert(&mut self, key: String) {
        if !self.known.insert(key.clone()) {
            return;
        }
        self.order.push_back(key);
        if self.order.len() > MAX_KEYS
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
    }

    /// Forgets the key of a delivery that was not typed.
    pub(super) fn remove(&mut self, key: &str) {
        // The key is among the newest.
        if self.known.remove(key)
            && let Some(at) = self.order.iter().rposition(|known| known == key)
        {
            self.order.remove(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_key_is_forgotten() {
        let mut keys = Keys::default();
        for n in 0..=MAX_KEYS {
            keys.insert(n.to_string());
        }
        assert!(!keys.contains("0") && keys.contains("1"));
        keys.remove(&MAX_KEYS.to_string());
        keys.insert("again".to_owned());
        assert!(keys.contains("1") && !keys.contains(&MAX_KEYS.to_string()));
        let continued = Keys::continued(keys.list());
        assert_eq!(continued.list(), keys.list());
        assert_eq!(keys.list().len(), MAX_KEYS);
    }
}
