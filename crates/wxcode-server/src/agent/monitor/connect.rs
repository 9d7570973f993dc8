//! Follows an agent's holder to the agent's end, over any number of connections.

use std::{path::Path, time::Duration};

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use wxcode_holder::{
    client::{self, ClientError, Connection},
    folder::Exit,
};

use crate::agent::folder::gone;

/// First pause before the next try of an unreachable holder; the pause doubles up to
/// [`RECONNECT_MAX`].
const RECONNECT_FIRST: Duration = Duration::from_millis(50);
/// Longest pause before an unreachable holder is tried again.
const RECONNECT_MAX: Duration = Duration::from_secs(2);

/// Why a connection ended.
pub(super) enum ConnectionEnd {
    Exited(Exit),
    /// The holder skipped to its newest output: the part in between is in its log.
    Behind,
    Disconnected,
    Closing,
}

/// A monitor of a single connection at a time.
pub(super) trait Follow {
    /// Follows a connection to its end.
    fn follow(
        &mut self,
        connection: Connection,
    ) -> impl Future<Output = Result<ConnectionEnd, ClientError>> + Send;
}

/// Connects again until the agent has ended; `None` when the server closes first.
pub(super) async fn to_the_end(
    monitor: &mut impl Follow,
    dir: &Path,
    closing: &CancellationToken,
) -> Option<Exit> {
    let mut wait = RECONNECT_FIRST;
    loop {
        if let Ok(connection) = client::connect(dir).await {
            wait = RECONNECT_FIRST;
            match monitor.follow(connection).await {
                Ok(ConnectionEnd::Exited(exit)) => return Some(exit),
                Ok(ConnectionEnd::Closing) => return None,
                Ok(ConnectionEnd::Behind) => continue,
                Ok(ConnectionEnd::Disconnected) => {}
                Err(error) => tracing::debug!(agent = %dir.display(), %error, "lost the holder"),
            }
        }
        if let Some(exit) = gone(dir).await {
            return Some(exit);
        }
        tokio::select! {
            () = sleep(wait) => wait = (wait * 2).min(RECONNECT_MAX),
            () = closing.cancelled() => return None,
        }
    }
}
