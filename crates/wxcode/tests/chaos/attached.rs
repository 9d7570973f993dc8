//! The program `wxcode attach` in a terminal, stopped and continued.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{
    support::{Attached, Server},
    table::Process,
};

/// Larger than any session here, so nothing is cut off.
const WINDOW: (u16, u16) = (170, 80);

/// A viewer.
pub(crate) struct Watcher {
    attached: Attached,
    project: String,
}

impl Watcher {
    pub(crate) fn start(server: &Server, project: &str) -> Self {
        Self {
            attached: Attached::start(server, &[project, "--viewer"], WINDOW),
            project: project.to_owned(),
        }
    }

    /// The viewer's process, unless it has ended.
    pub(crate) async fn process(&self) -> Option<Process> {
        let process = Process::of(self.attached.pid().await)?;
        process.is_alive().then_some(process)
    }

    pub(crate) fn is_of(&self, project: &str) -> bool {
        self.project == project
    }

    /// Waits until the viewer shows the session's screen; false on a timeout or an end.
    pub(crate) async fn shows(&self, screen: &str, patience: Duration) -> bool {
        let lines: Vec<&str> = screen.lines().map(str::trim_end).collect();
        let until = Instant::now() + patience;
        while self.process().await.is_some() && Instant::now() < until {
            let shown = self.attached.screen();
            if lines.iter().all(|line| shown.contains(line)) {
                return true;
            }
            sleep(Duration::from_millis(200)).await;
        }
        false
    }
}
