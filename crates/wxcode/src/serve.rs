//! `wxcode serve`.

use std::{
    io::{IsTerminal, Write},
    path::PathBuf,
};

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;
use wxcode_server::Server;

use crate::{
    cli::{Common, ServeOptions},
    config::{self, Resolved},
    init, node, permission, token,
};

pub(crate) fn run(common: &Common, options: &ServeOptions) -> anyhow::Result<()> {
    let resolved = config::resolve(common, options)?;
    let filter = EnvFilter::try_new(&resolved.log)
        .with_context(|| format!("`{}` is no log filter: try `info`", resolved.log))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?
        .block_on(serve(common, resolved))
}

async fn serve(common: &Common, resolved: Resolved) -> anyhow::Result<()> {
    let Resolved {
        listen,
        store,
        mut settings,
        node: own,
        ..
    } = resolved;
    // Before anything is read or made: two servers on one folder would start two agents.
    let lock = wxcode_server::lock(&settings.data_dir)?;
    let data_dir = settings.data_dir.clone();
    close(data_dir.clone()).await?;
    settings.token = token::load(common, &settings.data_dir)?;
    if store.is_shared() {
        settings.shared = Some(node::load(own, &data_dir)?);
    }
    settings.store = store.to_string();
    let store = store.open(&data_dir).await?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    let server = Server::open(listen, settings, store, lock).await?;
    let address = server.address();
    // Scripts wait for this line, so it must not stay in a buffer.
    let mut stdout = std::io::stdout();
    writeln!(stdout, "listening on http://{address}")
        .and_then(|()| stdout.flush())
        .context("cannot write to standard output")?;
    eprintln!(
        "open http://{address}/ and log in with the token in {}/token (`wxcode token` prints it)",
        data_dir.display()
    );
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

/// Closes what an earlier version, a copy or a redirected log left open to other users.
async fn close(data_dir: PathBuf) -> anyhow::Result<()> {
    let closing = tokio::task::spawn_blocking(move || permission::close(&data_dir));
    let closed = closing.await.context("cannot look at the data folder")?;
    if closed.count > 0 {
        tracing::warn!("{closed}");
    }
    for failure in &closed.failures {
        tracing::warn!("{failure}");
    }
    Ok(())
}
