//! `wxcode serve`.

use std::{
    io::{IsTerminal, stderr, stdout},
    path::PathBuf,
    thread,
};

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;
use wxcode_server::Server;

use crate::{
    cli::{Common, ServeOptions},
    config::{self, Resolved},
    confinement, init,
    log::{self, Log},
    node, permission, token,
};

pub(crate) fn run(common: &Common, options: &ServeOptions) -> anyhow::Result<()> {
    if std::env::var_os(wxcode_server::DUMPABLE).is_none() {
        wxcode_holder::protect();
    }
    let resolved = config::resolve(common, options)?;
    let filter = EnvFilter::try_new(&resolved.log)
        .with_context(|| format!("`{}` is not a log filter: try `info`", resolved.log))?;
    let log = Log::start(stderr()).context("cannot start the thread of the log")?;
    let writer = log.clone();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(move || writer.clone())
        .with_ansi(stderr().is_terminal())
        // Printing to standard error may block or fail.
        .log_internal_errors(false)
        .init();
    log.report_panics();
    let served = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?
        .block_on(serve(common, resolved, &log));
    log.finish();
    served
}

async fn serve(common: &Common, resolved: Resolved, log: &Log) -> anyhow::Result<()> {
    let Resolved {
        listen,
        store,
        mut settings,
        node: own,
        ..
    } = resolved;
    // Before any file is read or created: two servers on the same folder would start two agents.
    let lock = wxcode_server::lock(&settings.data_dir)?;
    let data_dir = settings.data_dir.clone();
    if settings.protect_data {
        confinement::check(&data_dir)?;
    }
    close(data_dir.clone()).await?;
    settings.token = token::of_server(common)?;
    let shared = node::load(&own, &data_dir)?;
    settings.node = shared.node.clone();
    settings.shared = store.is_shared().then_some(shared);
    settings.advertise = own.advertise;
    settings.capacity = own.capacity;
    settings.drain = own.drain;
    settings.takes_over = own.takes_over;
    settings.store = store.to_string();
    settings.log_lines_lost = log.lost();
    let store = store.open(&data_dir).await?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    // A caught SIGXFSZ makes a write beyond the limit of a file's size an error like a full disk;
    // by default the signal ends the process.
    let size_limit = SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw());
    let _size_limit = signal(size_limit).context("cannot listen for SIGXFSZ")?;
    let server = Server::open(listen, settings, store, lock).await?;
    let address = server.address();
    announce(format!("listening on {}://{address}\n", server.scheme()))?;
    if let Some(fingerprint) = server.fingerprint() {
        log.line(&format!(
            "the certificate has the SHA-256 {fingerprint}: compare it with the one that the browser shows"
        ));
    }
    log.line(&format!(
        "open {} to log in: the link counts once, for ten minutes; `wxcode login` prints another one",
        server.login_link(),
    ));
    server
        .run(async {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
                () = init::reap() => {}
            }
        })
        .await;
    Ok(())
}

/// Prints the line for scripts in a separate thread, because standard output may block.
fn announce(line: String) -> anyhow::Result<()> {
    thread::Builder::new()
        .name("announcement".to_owned())
        .spawn(move || log::write(&stdout(), line.as_bytes()))
        .context("cannot start the thread that prints the address")?;
    Ok(())
}

/// Closes files that an earlier version, a copy or a redirected log left open to other users.
async fn close(data_dir: PathBuf) -> anyhow::Result<()> {
    let closing = tokio::task::spawn_blocking(move || permission::close(&data_dir));
    let closed = closing.await.context("cannot check the data folder")?;
    if closed.count > 0 {
        tracing::warn!("{closed}");
    }
    for failure in &closed.failures {
        tracing::warn!("{failure}");
    }
    Ok(())
}
