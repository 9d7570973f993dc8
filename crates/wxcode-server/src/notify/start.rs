//! The tasks that queue and send.

use std::path::PathBuf;

use tokio_util::sync::CancellationToken;

use super::{Notices, queue, send};
use crate::{access::Callers, event::Events, metric::Metrics, repository::Repository};

/// Starts to queue and to send, until `closing`.
pub(crate) fn start(
    store: Repository,
    callers: Callers,
    events: Events,
    metrics: Metrics,
    data_dir: PathBuf,
    closing: CancellationToken,
) -> Notices {
    // From now on: the first event may come before the task runs.
    let cursor = events.all().newest();
    let notices = Notices::new(store, callers, events, metrics, data_dir);
    let working = notices.clone();
    tokio::spawn(async move {
        tokio::select! {
            () = queue::follow(&working, cursor) => {}
            () = send::due(&working) => {}
            () = closing.cancelled() => {}
        }
    });
    notices
}
