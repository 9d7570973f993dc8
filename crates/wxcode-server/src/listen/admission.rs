//! Admits connections: caps in all, per address, and without authentication.
//!
//! At a cap the oldest connection without authentication makes room. Silent connections never shut
//! others out.

use std::{
    collections::{BTreeMap, HashMap},
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::bounds::Bounds;
use crate::{
    metric::{Counted, Metrics},
    sync::lock,
};

/// Time in which a new connection does not make room: its request may be on the way.
const SAFE: Duration = Duration::from_millis(500);

/// The reason for a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Full {
    /// All connections are in use by authenticated clients.
    All,
    /// All connections of the address are in use by authenticated clients.
    Address,
    /// Too many connections have sent no request yet, and all are new.
    Unauthenticated,
}

/// The open connections.
#[derive(Clone)]
pub(super) struct Admission {
    bounds: Bounds,
    metrics: Metrics,
    table: Arc<Mutex<Table>>,
}

#[derive(Default)]
struct Table {
    next: u64,
    addresses: HashMap<IpAddr, usize>,
    /// By age, oldest first.
    unauthenticated: BTreeMap<u64, Unauthenticated>,
    authenticated: HashMap<u64, IpAddr>,
}

struct Unauthenticated {
    address: IpAddr,
    since: Instant,
    evicted: CancellationToken,
    _counted: Counted,
}

/// The right to be connected, until it is dropped.
pub(super) struct Permit {
    id: u64,
    /// The client's own address.
    address: IpAddr,
    table: Arc<Mutex<Table>>,
    evicted: CancellationToken,
    _counted: Counted,
}

impl Admission {
    pub(super) fn new(bounds: Bounds, metrics: Metrics) -> Self {
        Self {
            bounds,
            metrics,
            table: Arc::default(),
        }
    }

    /// Admits a connection from this address.
    pub(super) fn admit(&self, address: IpAddr) -> Result<Permit, Full> {
        self.admit_at(address, Instant::now())
    }

    fn admit_at(&self, given: IpAddr, now: Instant) -> Result<Permit, Full> {
        let address = network_of(given);
        let mut table = lock(&self.table);
        if table.addresses.get(&address).copied().unwrap_or(0) >= self.bounds.per_address {
            table.evict(now, Some(address), Full::Address)?;
        }
        if table.unauthenticated.len() >= self.bounds.unauthenticated {
            table.evict(now, None, Full::Unauthenticated)?;
        }
        if table.unauthenticated.len() + table.authenticated.len() >= self.bounds.all {
            table.evict(now, None, Full::All)?;
        }
        let id = table.next;
        table.next += 1;
        *table.addresses.entry(address).or_default() += 1;
        let evicted = CancellationToken::new();
        let entry = Unauthenticated {
            address,
            since: now,
            evicted: evicted.clone(),
            _counted: self.metrics.unauthenticated(),
        };
        table.unauthenticated.insert(id, entry);
        Ok(Permit {
            id,
            address: given,
            table: Arc::clone(&self.table),
            evicted,
            _counted: self.metrics.connection(),
        })
    }
}

impl Table {
    /// Closes the oldest connection without authentication, of this address if one is given.
    fn evict(&mut self, now: Instant, of: Option<IpAddr>, full: Full) -> Result<(), Full> {
        let mut entries = self.unauthenticated.iter();
        let found = entries.find(|(_, entry)| of.is_none_or(|address| entry.address == address));
        let (id, entry) = found.ok_or(full)?;
        if now.saturating_duration_since(entry.since) < SAFE {
            return Err(Full::Unauthenticated);
        }
        let id = *id;
        entry.evicted.cancel();
        self.release(id);
        Ok(())
    }

    fn authenticate(&mut self, id: u64) {
        // An evicted connection stays evicted.
        if let Some(entry) = self.unauthenticated.remove(&id) {
            self.authenticated.insert(id, entry.address);
        }
    }

    fn release(&mut self, id: u64) {
        let unauthenticated = self.unauthenticated.remove(&id).map(|entry| entry.address);
        let Some(address) = unauthenticated.or_else(|| self.authenticated.remove(&id)) else {
            return;
        };
        if let Some(count) = self.addresses.get_mut(&address) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.addresses.remove(&address);
            }
        }
    }
}

impl Permit {
    /// The client's own address.
    pub(super) fn address(&self) -> IpAddr {
        self.address
    }

    /// A request of the connection was authenticated.
    pub(super) fn authenticate(&self) {
        lock(&self.table).authenticate(self.id);
    }

    /// Ready when the connection must make room for another one.
    pub(super) async fn evicted(&self) {
        self.evicted.cancelled().await;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        lock(&self.table).release(self.id);
    }
}

/// The unit of the cap per address: an IPv4 address, or a /64 network of IPv6, which belongs to one
/// host.
fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => IpAddr::V6(Ipv6Addr::from_bits(
            address.to_bits() & !u128::from(u64::MAX),
        )),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));

    fn admission(all: usize, per_address: usize, unauthenticated: usize) -> Admission {
        let bounds = Bounds {
            all,
            per_address,
            unauthenticated,
        };
        Admission::new(bounds, Metrics::default())
    }

    #[test]
    fn the_oldest_without_authentication_makes_room() {
        let admission = admission(10, 10, 2);
        let first = admission.admit(HERE).unwrap();
        first.authenticate();
        let second = admission.admit(HERE).unwrap();
        let third = admission.admit(HERE).unwrap();
        let full = admission.admit(HERE).err();
        assert_eq!(full, Some(Full::Unauthenticated), "all are new");
        let later = Instant::now() + SAFE;
        let _fourth = admission.admit_at(HERE, later).unwrap();
        assert!(!first.evicted.is_cancelled());
        assert!(second.evicted.is_cancelled());
        assert!(!third.evicted.is_cancelled());
    }

    #[test]
    fn an_address_is_full_of_authenticated_connections() {
        let admission = admission(10, 2, 10);
        let taken = [(); 2].map(|()| admission.admit(HERE).unwrap());
        for permit in &taken {
            permit.authenticate();
        }
        assert_eq!(admission.admit(HERE).err(), Some(Full::Address));
        let _other = admission.admit(THERE).unwrap();
        drop(taken);
        let _again = admission.admit(HERE).unwrap();
    }

    #[test]
    fn all_connections_are_authenticated() {
        let admission = admission(2, 2, 2);
        let taken = [HERE, THERE].map(|address| admission.admit(address).unwrap());
        for permit in &taken {
            permit.authenticate();
        }
        assert_eq!(admission.admit(HERE).err(), Some(Full::All));
        drop(taken);
        assert!(lock(&admission.table).addresses.is_empty());
    }

    #[test]
    fn an_evicted_connection_is_counted_once() {
        let admission = admission(10, 10, 1);
        let first = admission.admit(HERE).unwrap();
        let later = Instant::now() + SAFE;
        let second = admission.admit_at(HERE, later).unwrap();
        first.authenticate();
        drop(first);
        assert_eq!(lock(&admission.table).addresses[&HERE], 1);
        drop(second);
        assert!(lock(&admission.table).addresses.is_empty());
    }

    #[test]
    fn a_host_commands_a_64_bit_network() {
        let of = |text: &str| network_of(text.parse().unwrap()).to_string();
        assert_eq!(of("::ffff:10.0.0.1"), "10.0.0.1");
        assert_eq!(of("2001:db8::1:2:3:4"), "2001:db8::");
        assert_eq!(of("::1"), "::1");
    }
}
