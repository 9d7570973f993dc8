//! Interned values with a stable index each.

use std::hash::{BuildHasher as _, Hash, RandomState};

use hashbrown::HashTable;

/// Values with a stable index each. An unused index is given out again.
#[derive(Debug)]
pub(super) struct Table<T> {
    values: Vec<Option<T>>,
    free: Vec<u32>,
    /// The index of each value, by the value's hash: each value is stored once.
    index: HashTable<u32>,
    hasher: RandomState,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self {
            values: Vec::new(),
            free: Vec::new(),
            index: HashTable::new(),
            hasher: RandomState::new(),
        }
    }
}

impl<T: Eq + Hash> Table<T> {
    /// Returns the index of an equal value, or stores the value.
    pub(super) fn intern(&mut self, value: T) -> usize {
        if let Some(index) = self.find(&value) {
            return index;
        }
        let hash = self.hasher.hash_one(&value);
        let at = self.free.pop().unwrap_or(self.values.len() as u32);
        match self.values.get_mut(at as usize) {
            Some(slot) => *slot = Some(value),
            None => self.values.push(Some(value)),
        }
        let (values, hasher) = (&self.values, &self.hasher);
        self.index.insert_unique(hash, at, |at| {
            let value = values.get(*at as usize).and_then(Option::as_ref);
            value.map_or(0, |value| hasher.hash_one(value))
        });
        at as usize
    }

    pub(super) fn find(&self, value: &T) -> Option<usize> {
        let equal = |at: &u32| self.get(*at as usize) == Some(value);
        let at = self.index.find(self.hasher.hash_one(value), equal)?;
        Some(*at as usize)
    }

    pub(super) fn get(&self, index: usize) -> Option<&T> {
        self.values.get(index)?.as_ref()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.values.iter().flatten()
    }

    /// Values in use.
    pub(super) fn live(&self) -> usize {
        self.values.len() - self.free.len()
    }

    /// Indices given out so far.
    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// Removes the values whose mark is false.
    pub(super) fn retain(&mut self, marks: &[bool]) {
        let stays = |at: u32| marks.get(at as usize).copied().unwrap_or(true);
        self.index.retain(|at| stays(*at));
        for (at, slot) in (0..).zip(&mut self.values) {
            if slot.is_some() && !stays(at) {
                *slot = None;
                self.free.push(at);
            }
        }
    }
}
