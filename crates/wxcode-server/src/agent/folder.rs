//! The folder of an agent: asks the agent's holder to end the agent, and reads the end.

use std::path::Path;

use tokio::time::timeout;
use wxcode_holder::{
    client::{self, Request},
    folder::{self, Exit, State},
};

use crate::agent::{STOP_GRACE, STOP_TIMEOUT};

/// File in a session's folder: the session ended, and all consequences are recorded.
pub(in crate::agent) const SETTLED: &str = "settled";

/// Asks the holder in `dir` to end the agent's whole tree, and waits for `ended`.
pub(in crate::agent) async fn stop<T>(dir: &Path, ended: impl Future<Output = T>) -> bool {
    let ended = async {
        match client::connect(dir).await {
            Ok(connection) => {
                let grace_ms = u64::try_from(STOP_GRACE.as_millis()).unwrap_or(u64::MAX);
                if let Err(error) = connection.sender.send(Request::Stop { grace_ms }).await {
                    tracing::warn!(dir = %dir.display(), %error, "could not ask the holder to stop");
                }
                // The connection stays open until the end, so that the holder reads the request.
                ended.await;
                drop(connection);
            }
            // The session's monitor finds a vanished holder and marks the session as lost.
            Err(error) => {
                tracing::warn!(dir = %dir.display(), %error, "the holder does not answer");
                ended.await;
            }
        }
    };
    timeout(STOP_TIMEOUT, ended).await.is_ok()
}

/// Reads the agent's end from the folder of a silent holder, if the agent ended.
pub(in crate::agent) async fn gone(dir: &Path) -> Option<Exit> {
    let folder = dir.to_owned();
    let looked = tokio::task::spawn_blocking(move || match folder::inspect(&folder) {
        Ok(State::Lost(holder)) => {
            let exit = folder::mark_lost(&folder, &holder, holder.loss())?;
            Ok(State::Exited(Some(holder), exit))
        }
        looked => looked,
    });
    let state = match looked.await.ok()? {
        // The agent ran: the holder rolled the start back, or the holder's record is lost.
        Ok(State::Unfinished) => wxcode_holder::repair(dir).await,
        Err(error) if error.is_repairable() => wxcode_holder::repair(dir).await,
        state => state,
    };
    match state {
        Ok(State::Exited(_, exit)) => Some(exit),
        Ok(_) => None,
        Err(error) => {
            tracing::warn!(%error, "cannot read the folder of an agent");
            None
        }
    }
}
