//! Work on files within asynchronous code.

use tokio::runtime::{Handle, RuntimeFlavor};

/// Does work that may wait for the disk. The runtime's other tasks move to another thread for that
/// time, so a slow disk holds up only the tasks that need it.
pub(crate) fn on_disk<T>(work: impl FnOnce() -> T) -> T {
    let flavor = Handle::try_current().map(|runtime| runtime.runtime_flavor());
    match flavor {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        // One thread alone, as in tests, or a thread that may wait.
        _ => work(),
    }
}
