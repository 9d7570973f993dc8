//! A scope of systemd for the session, requested over D-Bus.

#[cfg(feature = "fuzzing")]
pub(crate) use bus::read_all;

mod bus;
pub(super) mod scope;
