//! The server's life: lock the data folder, adopt sessions, accept connections, end without ending
//! agents.
//!
//! A data folder has one server, by a lock that the system releases with the process.
//!
//! Invariant: one server per data folder, by a lock that the system releases with the process.

mod address;
mod error;
mod lock;

use std::{fs, io, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use axum::Router;
use tokio::time::timeout;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use wxcode_core::access::Grant;
use wxcode_holder::folder::write_whole;
use wxcode_store::Store;

use self::{
    address::{page_url, peer_address},
    lock::FOUND,
};
pub use self::{
    error::ServeError,
    lock::{is_locked, lock},
};
use crate::{
    Settings,
    access::{Callers, Judge, Source},
    agent::{Manager, keep_transcripts},
    event::Events,
    http::{self, Access, App, Elsewhere, EventStreams, Front, Overview, Projects},
    listen::{Bounds, Listener, LocalListener, SOCKET, Tls, names},
    metric::{Metrics, Scrape},
    milestone::Milestones,
    node::{Nodes, Relay},
    notify,
    planning::Planning,
    program::{self},
    repository::Repository,
    ssh_agent,
    terminal::Terminals,
};

/// Time for open requests when the server ends.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);
/// A server with its data folder, its address and its adopted sessions.
pub struct Server {
    listener: Listener,
    local: LocalListener,
    address: SocketAddr,
    scheme: &'static str,
    fingerprint: Option<String>,
    url: String,
    callers: Callers,
    sessions: Manager,
    events: Events,
    router: Router,
    closing: CancellationToken,
    clients: TaskTracker,
    data_dir: PathBuf,
    /// Time for turns before the end.
    drain: Duration,
    /// Held for the server's life.
    _lock: fs::File,
}

/// Lets the agents' SSH agent be that of the server's login.
async fn follow_ssh_agent(settings: &Settings) {
    let mut variables = settings.environment.iter();
    let socket = variables.find(|(name, _)| name == ssh_agent::VARIABLE);
    let socket = socket.map(|(_, value)| value.clone());
    let data_dir = settings.data_dir.clone();
    let follow = move || ssh_agent::follow(&data_dir, socket.as_deref());
    if let Ok(Err(error)) = tokio::task::spawn_blocking(follow).await {
        tracing::warn!(%error, "agents cannot reach the SSH agent of this login");
    }
}

/// The certificate, if the server has one.
async fn load_tls(settings: &Settings, address: SocketAddr) -> Result<Option<Tls>, ServeError> {
    let Some(source) = settings.web.tls.clone() else {
        return Ok(None);
    };
    let (data_dir, names) = (
        settings.data_dir.clone(),
        names(address, &settings.allowed_hosts),
    );
    let loading = tokio::task::spawn_blocking(move || Tls::load(&source, &data_dir, names));
    match loading.await {
        Ok(loaded) => Ok(Some(loaded?)),
        Err(error) => Err(ServeError::DataDir {
            path: settings.data_dir.clone(),
            source: io::Error::other(error),
        }),
    }
}

impl Server {
    /// Adopts the sessions of the data folder, then listens. `lock` comes from [`lock`].
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
        follow_ssh_agent(&settings).await;
        let closing = CancellationToken::new();
        let settings = Arc::new(settings);
        let metrics = Metrics::default();
        let events = Events::new(data_dir.join("events"), Arc::clone(&store), metrics.clone());
        let store = Repository::new(store, events.clone(), metrics.clone());
        let planning = Planning::new(
            data_dir.join("planning"),
            store.clone(),
            events.clone(),
            closing.clone(),
        );
        let sessions = Manager::new(
            Arc::clone(&settings),
            store.clone(),
            events.clone(),
            planning.clone(),
            closing.clone(),
        );
        let failed = |source| ServeError::DataDir {
            path: data_dir.clone(),
            source,
        };
        sessions.finish_deletions().await;
        let interrupted = sessions.adopt().await.map_err(failed)?;
        sessions.adopt_runs().await.map_err(failed)?;
        let refused = |source| ServeError::Listen {
            address: listen,
            source,
        };
        let bounds = Bounds::of(&settings.network);
        let mut listener = Listener::bind(listen, bounds, metrics.clone()).map_err(refused)?;
        let address = listener.address().map_err(refused)?;
        let tls = load_tls(&settings, address).await?;
        if let Some(tls) = &tls {
            listener.protect(tls.clone());
            let (tls, closing) = (tls.clone(), closing.clone());
            tokio::spawn(async move {
                tokio::select! {
                    () = tls.follow() => {}
                    () = closing.cancelled() => {}
                }
            });
        }
        let judge = Judge {
            agents_may: settings.agents_may_use_api,
        };
        let local = LocalListener::bind(&data_dir, judge, metrics.clone()).map_err(|source| {
            ServeError::Socket {
                path: data_dir.join(SOCKET),
                source,
            }
        })?;
        let callers = Callers::new(store.clone(), settings.token.as_deref(), closing.clone());
        let front = Front::new(&settings.web);
        let access = Access::new(address, &settings.allowed_hosts, front, callers.clone());
        let clients = TaskTracker::new();
        if settings.shared.is_some() {
            callers.share();
        }
        let nodes = Nodes::new(
            &settings,
            (peer_address(&settings, address), tls.clone()),
            store.clone(),
            sessions.clone(),
            callers.clone(),
            closing.clone(),
            clients.clone(),
        );
        // Peers find this node before its clients do.
        if let Err(error) = nodes.register().await {
            tracing::warn!(%error, "could not register this node; the next heartbeat tries again");
        }
        let projects = Projects {
            store: store.clone(),
            sessions: sessions.clone(),
        };
        let milestones = Milestones::new(Arc::clone(&settings), store.clone(), sessions.clone());
        let overview = Overview {
            projects: projects.clone(),
            settings: Arc::clone(&settings),
            events: events.clone(),
            planning: planning.clone(),
            elsewhere: Elsewhere::new(nodes.clone()),
        };
        let told = store.clone();
        let notices = notify::start(
            store.clone(),
            callers.clone(),
            events.clone(),
            metrics.clone(),
            data_dir.clone(),
            closing.clone(),
        );
        let app = App {
            access,
            notices,
            metrics: metrics.clone(),
            settings: Arc::clone(&settings),
            planning: planning.clone(),
            terminals: Terminals {
                store: store.clone(),
                sessions: sessions.clone(),
                milestones: milestones.clone(),
                metrics: metrics.clone(),
                closing: closing.clone(),
                callers: callers.clone(),
                clients: clients.clone(),
            },
            event_streams: EventStreams {
                projects: projects.clone(),
                events: events.clone(),
                planning: planning.clone(),
                metrics: metrics.clone(),
                closing: closing.clone(),
                overview: overview.clone(),
                relay: Relay::new(nodes.clone(), events.all(), closing.clone()),
                callers: callers.clone(),
            },
            scrape: Scrape {
                metrics,
                settings: Arc::clone(&settings),
                store: store.clone(),
                sessions: sessions.clone(),
                planning,
            },
            overview: overview.clone(),
            nodes: nodes.clone(),
            changes: sessions.changes(),
            projects,
            milestones,
        };
        tokio::spawn(keep_transcripts(
            Arc::clone(&settings),
            store,
            closing.clone(),
        ));
        tokio::spawn(sessions.mirror().clone().remove_deleted(closing.clone()));
        tokio::spawn(sessions.indexer().clone().run(closing.clone()));
        if settings.resume_on_start {
            let sessions = sessions.clone();
            tokio::spawn(async move { sessions.resume_interrupted(interrupted).await });
        }
        let waiting = sessions.clone();
        tokio::spawn(async move { waiting.look_for_waiting().await });
        let ends = closing.clone();
        tokio::spawn(async move { told.follow_changes(&ends).await });
        if settings.takes_over {
            let sessions = sessions.clone();
            tokio::spawn(async move { sessions.take_over().await });
        }
        tokio::spawn(async move { nodes.keep_registered().await });
        let idle = sessions.clone();
        tokio::spawn(async move { idle.hibernate_idle().await });
        let router = http::router(app);
        let scheme = if tls.is_some() { "https" } else { "http" };
        let url = page_url(&settings, scheme, address).await;
        let found = serde_json::json!({
            "address": format!("{scheme}://{address}"), "url": url, "pid": std::process::id(),
        });
        write_whole(&data_dir, FOUND, found.to_string().as_bytes())
            .map_err(|error| failed(error.into()))?;
        Ok(Self {
            listener,
            local,
            address,
            scheme,
            fingerprint: tls.map(|tls| tls.fingerprint()),
            url,
            callers,
            sessions,
            events,
            router,
            closing,
            clients,
            data_dir,
            drain: settings.drain,
            _lock: lock,
        })
    }

    /// A link that logs a browser in as an admin, once, within ten minutes.
    #[must_use]
    pub fn login_link(&self) -> String {
        let code = self.callers.login_code(Source {
            name: "the login link".to_owned(),
            grant: Grant::ADMIN,
            credential: None,
        });
        format!("{}/login?code={code}", self.url)
    }

    /// `http`, or `https` with TLS.
    #[must_use]
    pub const fn scheme(&self) -> &'static str {
        self.scheme
    }

    /// The SHA-256 of the certificate, with TLS.
    #[must_use]
    pub fn fingerprint(&self) -> Option<&str> {
        self.fingerprint.as_deref()
    }

    /// The address of the listener.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `end` is ready, then ends cleanly. The agents run on.
    pub async fn run(self, end: impl Future<Output = ()>) {
        let connections = TaskTracker::new();
        let (sessions, drain) = (self.sessions.clone(), self.drain);
        let end = async move {
            end.await;
            if !drain.is_zero() {
                sessions.settle(drain).await;
            }
        };
        tokio::select! {
            () = self.listener.serve(&self.router, &connections, &self.closing) => {}
            () = self.local.serve(&self.router, &connections, &self.closing) => {}
            () = end => {}
        }
        // New connections are refused from here on.
        drop((self.listener, self.local, self.router));
        connections.close();
        self.closing.cancel();
        self.clients.close();
        if timeout(DRAIN_TIMEOUT, async {
            tokio::join!(
                connections.wait(),
                self.clients.wait(),
                self.sessions.close()
            )
        })
        .await
        .is_err()
        {
            tracing::warn!("ending with requests still open");
        }
        self.callers.flush().await;
        self.events.settle();
        // Best effort: a stale file names a dead pid.
        let _ = fs::remove_file(self.data_dir.join(FOUND));
    }
}
