//! Reaps orphans when the server is the first process of a container: the kernel makes the first
//! process the parent of orphans.

use std::fs;

use rustix::process::{Pid, WaitOptions, waitpid};
use tokio::signal::unix::{SignalKind, signal};

/// Reaps while polled if this process is the container's first process; otherwise never ready.
pub(crate) async fn reap() {
    if std::process::id() == 1
        && let Ok(mut ended) = signal(SignalKind::child())
    {
        while ended.recv().await.is_some() {
            for pid in orphans() {
                // No other code waits for the process, so its pid is not reused yet.
                let _ = waitpid(Some(pid), WaitOptions::NOHANG);
            }
        }
    }
    std::future::pending::<()>().await;
}

/// Ended children that other processes started: such children are in other sessions than the
/// server's own children.
fn orphans() -> Vec<Pid> {
    let pids = fs::read_dir("/proc").into_iter().flatten().flatten();
    let stats = pids.filter_map(|entry| {
        entry.file_name().to_str()?.parse::<i32>().ok()?;
        fs::read_to_string(entry.path().join("stat")).ok()
    });
    let own = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let Some(own) = fields(&own).get(3).and_then(|field| field.parse().ok()) else {
        return Vec::new();
    };
    stats.filter_map(|stat| orphan(&stat, own)).collect()
}

/// The fields after the name. The name stands in parentheses and may contain anything.
fn fields(stat: &str) -> Vec<&str> {
    let behind = stat.rsplit_once(')').map_or("", |(_, behind)| behind);
    behind.split_whitespace().collect()
}

/// Parses a line of `/proc/<pid>/stat`; returns the process for a zombie orphan.
fn orphan(stat: &str, own_session: i32) -> Option<Pid> {
    let (pid, _) = stat.split_once(' ')?;
    let fields = fields(stat);
    let number = |at: usize| fields.get(at)?.parse::<i32>().ok();
    let is_orphan = fields.first() == Some(&"Z") && number(1)? == 1 && number(3)? != own_session;
    is_orphan
        .then(|| Pid::from_raw(pid.parse().ok()?))
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_dead_of_other_sessions_are_orphans() {
        let pid = |stat| orphan(stat, 1).map(|pid| pid.as_raw_nonzero().get());
        assert_eq!(pid("42 (a) b) Z 1 42 42 0 -1"), Some(42));
        assert_eq!(pid("42 (a) S 1 42 42 0 -1"), None, "it lives");
        assert_eq!(pid("42 (a) Z 7 42 42 0 -1"), None, "its parent reaps it");
        assert_eq!(pid("42 (a) Z 1 1 1 0 -1"), None, "a child of our own");
    }
}
