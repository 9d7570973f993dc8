//! Caps on connections: those of `[network]`, within the process's limit on descriptors.

use rustix::process::{Resource, getrlimit};

use crate::settings::Network;

/// Most connections under a generous limit on descriptors.
const CONNECTIONS_MAX: usize = 4096;
/// Fewest connections under any limit on descriptors.
const CONNECTIONS_MIN: usize = 16;
/// Descriptors for the store, logs, sessions without clients and the runtime.
const DESCRIPTORS_KEPT: usize = 128;
/// Descriptors of a client: its own connection, and one to the session's holder.
const DESCRIPTORS_EACH: usize = 2;
/// The share of one address in all connections: a single address never shuts the others out. A
/// browser needs 6 connections and one for each open terminal; a proxy needs the connections of all
/// its users.
const PER_ADDRESS_PART: usize = 2;
/// The share of connections without authentication in all. Each stays one only until its first
/// request, and may cost twice the 64 KiB of a head and a body.
const UNAUTHENTICATED_PART: usize = 8;

/// Caps on connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// In all.
    pub(super) all: usize,
    /// From one IPv4 address, or one /64 network of IPv6.
    pub(super) per_address: usize,
    /// Without a request so far, or with an unauthenticated last one.
    pub(super) unauthenticated: usize,
}

impl Bounds {
    /// The caps of `network` within this process's limit on descriptors.
    pub(crate) fn of(network: &Network) -> Self {
        let descriptors = getrlimit(Resource::Nofile).current;
        Self::within(network, descriptors)
    }

    fn within(network: &Network, descriptors: Option<u64>) -> Self {
        let descriptors = descriptors.map_or(usize::MAX, |limit| {
            usize::try_from(limit).unwrap_or(usize::MAX)
        });
        let room = descriptors.saturating_sub(DESCRIPTORS_KEPT) / DESCRIPTORS_EACH;
        let given = |value: Option<std::num::NonZeroU32>| {
            value.map(|value| usize::try_from(value.get()).unwrap_or(usize::MAX))
        };
        let wanted = given(network.connections).unwrap_or(CONNECTIONS_MAX);
        let all = wanted.min(room.max(CONNECTIONS_MIN));
        let part = |value, part| given(value).unwrap_or(all / part).clamp(1, all);
        Self {
            all,
            per_address: part(network.connections_per_address, PER_ADDRESS_PART),
            unauthenticated: part(network.connections_unauthenticated, UNAUTHENTICATED_PART),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    fn numbers(network: &Network, descriptors: Option<u64>) -> [usize; 3] {
        let bounds = Bounds::within(network, descriptors);
        [bounds.all, bounds.per_address, bounds.unauthenticated]
    }

    #[test]
    fn the_limit_on_descriptors_lowers_the_caps() {
        let network = Network::default();
        assert_eq!(numbers(&network, None), [4096, 2048, 512]);
        assert_eq!(numbers(&network, Some(65_536)), [4096, 2048, 512]);
        assert_eq!(numbers(&network, Some(1024)), [448, 224, 56]);
        assert_eq!(numbers(&network, Some(20)), [16, 8, 2]);
    }

    #[test]
    fn given_caps_count_up_to_the_descriptors() {
        let network = Network {
            connections: NonZeroU32::new(10_000),
            connections_per_address: NonZeroU32::new(3),
            connections_unauthenticated: NonZeroU32::new(20_000),
        };
        assert_eq!(numbers(&network, None), [10_000, 3, 10_000]);
        assert_eq!(numbers(&network, Some(1024)), [448, 3, 448]);
    }
}
