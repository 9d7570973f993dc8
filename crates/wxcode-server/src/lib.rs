//! The server: adopts the sessions of the data folder and serves them to browsers and programs.
//! Holds no screen and no PTY.
//!
//! Invariant: a panic ends one request, or one monitor for a second. A build with `panic = "abort"`
//! fails.

// They panic where the output cannot be written.
#![cfg_attr(not(test), deny(clippy::print_stdout, clippy::print_stderr))]

mod access;
pub mod agent;
mod changes;
mod conversation;
mod disk;
mod event;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod http;
mod lines;
mod listen;
mod metric;
mod milestone;
mod mirror;
mod node;
mod notify;
mod planning;
pub mod program;
mod recording;
mod repository;
mod screen;
mod serve;

mod settings;
pub mod ssh_agent;
mod sync;
mod terminal;
mod usage;
mod utf8;
mod watch;
mod workspace;

#[cfg(panic = "abort")]
compile_error!("a panic in one request would end the server: build with panic = \"unwind\"");

pub use http::openapi;
pub use listen::{CertificateFacts, TlsError, check_certificate, self_signed_files};
pub use serve::{ServeError, Server, is_locked, lock};
pub use settings::{
    BasePath, Commands, InvalidPath, InvalidSubnet, InvalidUrl, Network, Proxy, PublicUrl,
    Settings, Shared, Subnet, TlsSource, Unprotected, Web,
};
pub use wxcode_core::lease::Node;
pub use wxcode_holder::DUMPABLE;
