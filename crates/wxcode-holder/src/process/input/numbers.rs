//! Remembers the newest input number of each client, so that a returning client types nothing
//! twice.

use std::collections::HashMap;

use crate::state::Client;

/// Most remembered clients; the longest silent one is dropped.
const MAX_CLIENTS: usize = 256;

/// A client's name, chosen by the client.
pub(crate) type Name = [u8; 16];

/// The newest number of each client.
#[derive(Default)]
pub(crate) struct Numbers {
    clients: HashMap<Name, Count>,
    clock: u64,
}

struct Count {
    newest: u64,
    used: u64,
    /// The connection that identified itself last by the name; `None` after an upgrade.
    connection: Option<u64>,
}

impl Numbers {
    /// The newest input number taken from a client; 0 for none. Remembers the client from here on.
    pub(crate) fn newest(&mut self, name: Name) -> u64 {
        self.count(name).newest
    }

    /// Gives a name to a connection, and takes the name from any earlier connection; returns the
    /// newest number.
    pub(crate) fn identify(&mut self, name: Name, connection: u64) -> u64 {
        let count = self.count(name);
        count.connection = Some(connection);
        count.newest
    }

    /// Whether another connection has the name now. Two clients with the same name would take each
    /// other's numbers for repetitions.
    pub(crate) fn is_taken_over(&self, name: Name, connection: u64) -> bool {
        let count = self.clients.get(&name);
        count.is_some_and(|count| count.connection.is_some_and(|other| other != connection))
    }

    /// An input was taken.
    pub(crate) fn take(&mut self, name: Name, number: u64) {
        let count = self.count(name);
        count.newest = count.newest.max(number);
    }

    /// All clients, the longest silent one first.
    pub(crate) fn clients(&self) -> Vec<Client> {
        let mut clients: Vec<_> = self.clients.iter().collect();
        clients.sort_unstable_by_key(|(_, count)| count.used);
        let client = |(name, count): (&Name, &Count)| Client {
            name: *name,
            newest: count.newest,
        };
        clients.into_iter().map(client).collect()
    }

    /// Continues another program's clients.
    pub(crate) fn continued(clients: &[Client]) -> Self {
        let mut numbers = Self::default();
        for client in clients {
            numbers.take(client.name, client.newest);
        }
        numbers
    }

    fn count(&mut self, name: Name) -> &mut Count {
        self.clock += 1;
        if self.clients.len() >= MAX_CLIENTS && !self.clients.contains_key(&name) {
            let silent = self.clients.iter().min_by_key(|(_, count)| count.used);
            if let Some(silent) = silent.map(|(name, _)| *name) {
                self.clients.remove(&silent);
            }
        }
        let used = self.clock;
        let count = self.clients.entry(name).or_insert(Count {
            newest: 0,
            used,
            connection: None,
        });
        count.used = used;
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(n: usize) -> Name {
        (n as u128).to_be_bytes()
    }

    #[test]
    fn each_client_has_its_newest_number() {
        let mut numbers = Numbers::default();
        assert_eq!(numbers.newest(name(1)), 0);
        numbers.take(name(1), 3);
        numbers.take(name(1), 2);
        numbers.take(name(2), 1);
        assert_eq!((numbers.newest(name(1)), numbers.newest(name(2))), (3, 1));
    }

    #[test]
    fn the_longest_silent_client_is_dropped() {
        let mut numbers = Numbers::default();
        for n in 0..MAX_CLIENTS {
            numbers.take(name(n), 9);
        }
        numbers.newest(name(0));
        numbers.take(name(MAX_CLIENTS), 9);
        assert_eq!(numbers.clients.len(), MAX_CLIENTS);
        assert_eq!((numbers.newest(name(0)), numbers.newest(name(1))), (9, 0));
    }
}
