//! A scope of systemd for the session, requested over D-Bus.

mod bus;
pub(super) mod scope;
