//! Work on files within asynchronous code.

use tokio::runtime::{Handle, RuntimeFlavor};

/// Does work on files. The runtime's other tasks move to another thread meanwhile: a slow disk holds
/// up this task alone.
pub(crate) fn on_disk<T>(work: impl FnOnce() -> T) -> T {
    let flavor = Handle::try_current().map(|runtime| runtime.runtime_flavor());
    match flavor {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        // A single thread, as in tests, or a thread that may wait.
        _ => work(),
    }
}
