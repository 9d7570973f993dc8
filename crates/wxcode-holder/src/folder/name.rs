//! The names of the files in a session's folder.

pub(super) const SPEC: &str = "spec.json";
pub(crate) const HOLDER: &str = "holder.json";
pub(crate) const EXIT: &str = "exit.json";
pub(crate) const HOOK: &str = "hook.json";
pub(crate) const SCREEN: &str = "screen.snapshot";
pub(crate) const SOCKET: &str = "holder.sock";
#[cfg(feature = "client")]
pub(crate) const LOG: &str = "holder.log";
