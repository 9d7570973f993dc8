//! The socket of the data folder, for programs of the same user on this machine.

use std::{
    fs, io,
    net::{IpAddr, Ipv4Addr},
    os::{
        fd::AsRawFd,
        unix::{
            fs::{FileTypeExt, PermissionsExt},
            net::{UnixListener as StdListener, UnixStream as StdStream},
        },
    },
    path::{Path, PathBuf},
};

use axum::Router;
use tokio::{
    net::{UnixListener, UnixStream},
    time::sleep,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{ACCEPT_PAUSE, Connection, admission::Admission, bounds::Bounds, serve};
use crate::{access::Judge, metric::Metrics};

/// The name in the data folder.
pub(crate) const SOCKET: &str = "wxcode.sock";
/// Connections to the socket; the oldest one without a request makes room for the next.
const CONNECTIONS_MAX: usize = 256;
const UNAUTHENTICATED_MAX: usize = 64;

/// The listening socket.
pub(crate) struct LocalListener {
    socket: UnixListener,
    path: PathBuf,
    judge: Judge,
    admission: Admission,
    metrics: Metrics,
}

impl LocalListener {
    /// Listens in a data folder whose lock is held. The socket of a dead server is replaced.
    ///
    /// # Errors
    /// Another program listens there, or the file system has no sockets.
    pub(crate) fn bind(data_dir: &Path, judge: Judge, metrics: Metrics) -> io::Result<Self> {
        let path = data_dir.join(SOCKET);
        // Through the folder's descriptor: a socket's address has room for only 108 bytes.
        let folder = fs::File::open(data_dir)?;
        let reached = PathBuf::from(format!("/proc/self/fd/{}/{SOCKET}", folder.as_raw_fd()));
        match fs::symlink_metadata(&path) {
            Ok(found) if !found.file_type().is_socket() => {
                return Err(io::Error::new(
                    io::ErrorKind::AlreadyExists,
                    "something else has the name: move it away",
                ));
            }
            Ok(_) if StdStream::connect(&reached).is_ok() => {
                return Err(io::Error::new(
                    io::ErrorKind::AddrInUse,
                    "another program listens there: end it",
                ));
            }
            Ok(_) => fs::remove_file(&path)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let socket = StdListener::bind(&reached)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
        socket.set_nonblocking(true)?;
        let bounds = Bounds {
            all: CONNECTIONS_MAX,
            per_address: CONNECTIONS_MAX,
            unauthenticated: UNAUTHENTICATED_MAX,
        };
        Ok(Self {
            socket: UnixListener::from_std(socket)?,
            path,
            judge,
            admission: Admission::new(bounds, metrics.clone()),
            metrics,
        })
    }

    /// Accepts connections for as long as the future is polled.
    pub(crate) async fn serve(
        &self,
        router: &Router,
        tasks: &TaskTracker,
        closing: &CancellationToken,
    ) {
        loop {
            match self.socket.accept().await {
                Ok((stream, _)) => {
                    let serving = self.connection(stream, router.clone(), closing.clone());
                    tasks.spawn(serving);
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection of the socket");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn connection(
        &self,
        stream: UnixStream,
        router: Router,
        closing: CancellationToken,
    ) -> impl Future<Output = ()> + Send + use<> {
        let permit = self.admission.admit(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let (judge, metrics) = (self.judge, self.metrics.clone());
        async move {
            // A full socket closes the connection; the next attempt may find room.
            let (Ok(permit), Ok(peer)) = (permit, stream.peer_cred()) else {
                return;
            };
            let peer = judge.judge(peer).await;
            let connection = Connection::new(permit, Some(peer));
            serve(stream, connection, router, metrics, closing).await;
        }
    }
}

impl Drop for LocalListener {
    fn drop(&mut self) {
        // Best effort: the next server replaces it.
        let _ = fs::remove_file(&self.path);
    }
}
