//! The faults of nodes, of the database, and of the network between them.

use std::{collections::BTreeMap, time::Duration};

use rustix::process::Signal;
use tokio::time::sleep;
use wxcode_testbed::proxy::Weather;

use super::{super::dice::Dice, member::Member};

/// Pause after each fault, in which the nodes work.
const CALM: Duration = Duration::from_secs(2);

#[derive(Debug, Clone, Copy)]
pub(super) enum Fault {
    /// SIGKILL of a server; its sessions live, and it starts again.
    Crash { node: usize, ms: u64 },
    /// SIGKILL of a server and all its sessions, as with their machine.
    Loss { node: usize, ms: u64 },
    /// SIGSTOP of a server; its sessions run.
    Pause { node: usize, ms: u64 },
    /// SIGSTOP of a server and all its sessions.
    Sleep { node: usize, ms: u64 },
    /// The database answers one node, or none, no more.
    Away {
        node: Option<usize>,
        cut: bool,
        ms: u64,
    },
    /// The other nodes do not reach a node.
    Partition { node: usize, cut: bool, ms: u64 },
}

impl Fault {
    pub(super) fn draw(dice: &mut Dice, nodes: usize, lease_s: u64) -> Self {
        let node = dice.place(nodes);
        // Shorter than the lease, and up to three times as long.
        let ms = 200 + dice.roll(lease_s * 3_000);
        let cut = dice.chance(50);
        match dice.roll(7) {
            0 => Self::Crash { node, ms: ms / 3 },
            1 => Self::Loss { node, ms },
            2 => Self::Pause { node, ms },
            3 => Self::Sleep { node, ms },
            4 => Self::Away {
                node: Some(node),
                cut,
                ms,
            },
            5 => Self::Away {
                node: None,
                cut,
                ms: ms / 2,
            },
            _ => Self::Partition { node, cut, ms },
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Crash { .. } => "crashes",
            Self::Loss { .. } => "lost machines",
            Self::Pause { .. } => "paused servers",
            Self::Sleep { .. } => "sleeping machines",
            Self::Away { .. } => "outages",
            Self::Partition { .. } => "partitions",
        }
    }
}

pub(super) struct Cluster {
    members: Vec<Member>,
    counts: BTreeMap<&'static str, usize>,
}

impl Cluster {
    pub(super) fn new(members: Vec<Member>) -> Self {
        Self {
            members,
            counts: BTreeMap::new(),
        }
    }

    /// A fault from its beginning to its end.
    pub(super) async fn suffer(&mut self, fault: Fault) {
        *self.counts.entry(fault.name()).or_default() += 1;
        let weather = |cut: bool| match cut {
            true => Weather::Cut,
            false => Weather::Silent,
        };
        match fault {
            Fault::Crash { node, ms } => {
                self.members[node].server.crash().await;
                sleep(Duration::from_millis(ms)).await;
                self.members[node].server.up().await;
            }
            Fault::Loss { node, ms } => {
                let member = &mut self.members[node];
                let sessions = member.sessions();
                member.server.crash().await;
                for process in sessions {
                    process.signal(Signal::KILL);
                }
                sleep(Duration::from_millis(ms)).await;
                self.members[node].server.up().await;
            }
            Fault::Pause { node, ms } | Fault::Sleep { node, ms } => {
                let member = &self.members[node];
                let mut all = match fault {
                    Fault::Sleep { .. } => member.sessions(),
                    _ => Vec::new(),
                };
                all.extend(super::super::table::Process::of(member.server.pid()));
                for process in &all {
                    process.signal(Signal::STOP);
                }
                sleep(Duration::from_millis(ms)).await;
                for process in &all {
                    process.signal(Signal::CONT);
                }
            }
            Fault::Away { node, cut, ms } => {
                let is_meant = |at: usize| node.is_none_or(|node| node == at);
                for (at, member) in self.members.iter().enumerate() {
                    if is_meant(at) {
                        member.store.be(weather(cut));
                    }
                }
                sleep(Duration::from_millis(ms)).await;
                self.fair();
            }
            Fault::Partition { node, cut, ms } => {
                self.members[node].front.be(weather(cut));
                sleep(Duration::from_millis(ms)).await;
                self.fair();
            }
        }
        sleep(CALM).await;
    }

    fn fair(&self) {
        self.members.iter().for_each(Member::fair);
    }

    /// Ends all faults.
    pub(super) async fn heal(&mut self) {
        self.fair();
        sleep(CALM).await;
    }

    /// The numbers of the faults.
    pub(super) fn told(&self) -> String {
        let counts = self.counts.iter();
        let counts: Vec<String> = counts
            .map(|(name, count)| format!("{count} {name}"))
            .collect();
        counts.join(", ")
    }

    /// The ends of the servers' logs.
    pub(super) fn logs(&self) -> String {
        let tail = |member: &Member| {
            let log = member.server.log();
            let lines: Vec<&str> = log.lines().collect();
            let last = &lines[lines.len().saturating_sub(40)..];
            format!("{}:\n{}", member.server.base, last.join("\n"))
        };
        let all: Vec<String> = self.members.iter().map(tail).collect();
        all.join("\n")
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for member in &self.members {
            for (process, _) in super::super::table::about(member.server.data_dir()) {
                process.signal(Signal::KILL);
            }
        }
    }
}
