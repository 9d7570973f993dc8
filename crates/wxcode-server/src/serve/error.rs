//! Why a server cannot start or continue.

use std::{io, net::SocketAddr, path::PathBuf};

use crate::{listen::TlsError, program::ProgramError};

/// Why a server cannot start or continue.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Another server uses the folder.
    #[error("another wxcode server uses {}: end it first, or give this one another --data-dir", .0.display())]
    Locked(PathBuf),
    /// The data folder cannot be used.
    #[error("cannot use the data folder {}: {source}; check its permissions, or give another --data-dir", path.display())]
    DataDir { path: PathBuf, source: io::Error },
    /// The program of the sessions cannot be used.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// The certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The socket for programs on this machine cannot be made.
    #[error("cannot listen on {}: {source}", path.display())]
    Socket { path: PathBuf, source: io::Error },
    /// The address cannot be listened on.
    #[error(
        "cannot listen on {address}: {source}; give another --listen address, port 0 picks a free one"
    )]
    Listen {
        address: SocketAddr,
        source: io::Error,
    },
}
