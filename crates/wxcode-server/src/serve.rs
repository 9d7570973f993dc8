//! The server's life: lock, adopt, accept, and a clean end that leaves the agents running.

use std::{
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use axum::Router;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use wxcode_holder::folder::write_whole;
use wxcode_store::Store;

use crate::{
    Settings,
    event::{Events, Telling},
    http::{self, Access, App},
    metric::{Measured, Metrics},
    planning::Planning,
    program::{self, ProgramError},
    session::Sessions,
};

/// Connections at a time; more wait to be accepted.
const CONNECTIONS_MAX: usize = 4096;
/// Connections that the system keeps until they are accepted.
const BACKLOG: u32 = 1024;
/// Bytes that the system takes of what a client has not; it doubles them for its own needs. A client that stopped reading
/// has so much old output before the newest screen.
const SEND_BUFFER: u32 = 128 << 10; // 128 KiB
/// Bytes of an HTTP answer that wait for a client in the server, and the largest head of a request; the library's own is 408 KiB, which
/// each follower of events that is behind would have.
const HTTP_BUFFER: usize = 64 << 10; // 64 KiB
/// How long a client may take for the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// How long open requests may take when the server ends.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a server that was just killed may take to let go of the data folder, and how often that is looked at.
const LOCK_TIMEOUT: Duration = Duration::from_secs(2);
const LOCK_RETRY: Duration = Duration::from_millis(20);
/// File in the data folder: where the running server listens, and its process.
const FOUND: &str = "server.json";
/// How long to wait before accepting again when the system is out of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Why a server could not start or go on.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Another server uses the folder.
    #[error("another wxcode server uses {}: end it first, or give this one another --data-dir", .0.display())]
    Locked(PathBuf),
    /// The data folder cannot be used.
    #[error("cannot use the data folder {}: {source}; check its permissions, or give another --data-dir", path.display())]
    DataDir {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The program of the sessions cannot be used.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// The address cannot be listened on.
    #[error(
        "cannot listen on {address}: {source}; give another --listen address, port 0 picks a free one"
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
}

/// A server that has its data folder and its address, and has adopted its sessions.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    sessions: Sessions,
    events: Events,
    metrics: Metrics,
    router: Router,
    closing: CancellationToken,
    clients: TaskTracker,
    data_dir: PathBuf,
    /// Held for as long as the server lives.
    _lock: fs::File,
}

/// Takes the data folder for this server alone; blocks for up to two seconds. The system lets go of it when the
/// process ends, however it ends.
///
/// # Errors
/// When another server has it, or it cannot be used.
pub fn lock(data_dir: &Path) -> Result<fs::File, ServeError> {
    use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
    let failed = |source| ServeError::DataDir {
        path: data_dir.to_owned(),
        source,
    };
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(data_dir)
        .map_err(failed)?;
    let path = data_dir.join("server.lock");
    let file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(failed)?;
    let give_up = Instant::now() + LOCK_TIMEOUT;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(fs::TryLockError::WouldBlock) if Instant::now() < give_up => {
                std::thread::sleep(LOCK_RETRY);
            }
            Err(fs::TryLockError::WouldBlock) => {
                return Err(ServeError::Locked(data_dir.to_owned()));
            }
            Err(fs::TryLockError::Error(source)) => return Err(failed(source)),
        }
    }
}

impl Server {
    /// Adopts the sessions of the data folder, then listens. `lock` is what [`lock`] gave.
    ///
    /// # Errors
    /// When the folder or the address cannot be used.
    pub async fn open(
        listen: SocketAddr,
        mut settings: Settings,
        store: Arc<dyn Store>,
        lock: fs::File,
    ) -> Result<Self, ServeError> {
        let data_dir = settings.data_dir.clone();
        settings.holder = program::prepare(&settings.holder, &data_dir).await?;
        let closing = CancellationToken::new();
        let settings = Arc::new(settings);
        let metrics = Metrics::default();
        let store: Arc<dyn Store> = Arc::new(Measured::new(store, metrics.clone()));
        let events = Events::new(data_dir.join("events"), Arc::clone(&store), metrics.clone());
        let store: Arc<dyn Store> = Arc::new(Telling::new(store, events.clone()));
        let planning = Planning::new(
            data_dir.join("planning"),
            Arc::clone(&store),
            events.clone(),
            closing.clone(),
        );
        let sessions = Sessions::new(
            Arc::clone(&settings),
            Arc::clone(&store),
            events.clone(),
            planning.clone(),
            closing.clone(),
        );
        let failed = |source| ServeError::DataDir {
            path: data_dir.clone(),
            source,
        };
        sessions.finish_deletions().await;
        let cut_off = sessions.adopt().await.map_err(failed)?;
        sessions.adopt_runs().await.map_err(failed)?;
        let listener = bind(listen).map_err(|source| ServeError::Listen {
            address: listen,
            source,
        })?;
        let address = listener.local_addr().map_err(|source| ServeError::Listen {
            address: listen,
            source,
        })?;
        let access = Access::new(address, &settings.allowed_hosts, &settings.token);
        let clients = TaskTracker::new();
        let app = App {
            clients: clients.clone(),
            settings,
            store,
            events: events.clone(),
            planning,
            metrics: metrics.clone(),
            sessions: sessions.clone(),
            access,
            closing: closing.clone(),
        };
        if app.settings.resume_on_start {
            let sessions = sessions.clone();
            tokio::spawn(async move { sessions.resume_all(cut_off).await });
        }
        let router = http::router(app);
        let found = serde_json::json!({ "address": format!("http://{address}"), "pid": std::process::id() });
        write_whole(&data_dir, FOUND, found.to_string().as_bytes())
            .map_err(|error| failed(error.into()))?;
        Ok(Self {
            listener,
            address,
            sessions,
            events,
            metrics,
            router,
            closing,
            clients,
            data_dir,
            _lock: lock,
        })
    }

    /// The address it listens on.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `end` is ready, then ends cleanly. The agents run on.
    pub async fn run(self, end: impl Future<Output = ()>) {
        let slots = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let graceful = GracefulShutdown::new();
        tokio::pin!(end);
        loop {
            let accepted = tokio::select! {
                accepted = accept(&self.listener, &slots) => accepted,
                () = &mut end => break,
            };
            match accepted {
                Ok((stream, slot)) => self.connect(stream, slot, &graceful),
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        drop(self.listener);
        self.closing.cancel();
        self.clients.close();
        if timeout(DRAIN_TIMEOUT, async {
            tokio::join!(
                graceful.shutdown(),
                self.clients.wait(),
                self.sessions.close()
            )
        })
        .await
        .is_err()
        {
            tracing::warn!("some requests were still open");
        }
        self.events.settle();
        // Best effort: a stale one names a pid that is gone.
        let _ = fs::remove_file(self.data_dir.join(FOUND));
    }

    fn connect(&self, stream: TcpStream, slot: OwnedSemaphorePermit, graceful: &GracefulShutdown) {
        // A keystroke's echo must not wait for more bytes.
        let _ = stream.set_nodelay(true);
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .max_buf_size(HTTP_BUFFER);
        let service = TowerToHyperService::new(self.router.clone());
        let connection = builder
            .serve_connection_with_upgrades(TokioIo::new(stream), service)
            .into_owned();
        let connection = graceful.watch(connection);
        let counted = self.metrics.connection();
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(error, "a connection ended");
            }
            drop((slot, counted));
        });
    }
}

fn bind(listen: SocketAddr) -> io::Result<TcpListener> {
    let socket = match listen {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(true)?;
    // What is accepted has it too.
    socket.set_send_buffer_size(SEND_BUFFER)?;
    socket.bind(listen)?;
    socket.listen(BACKLOG)
}

async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let slot = Arc::clone(slots)
        .acquire_owned()
        .await
        .map_err(io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    Ok((stream, slot))
}
