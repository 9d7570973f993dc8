//! The processes of a project: stopping, killing, and checking that they are gone.

use std::time::Duration;

use rustix::process::Signal;
use tokio::time::{Instant, sleep};

use super::{
    attached::Watcher,
    slot::Family,
    step::Who,
    table::{self, Process},
    world::{Verdict, World},
};

/// The command of an agent's daemon; the daemon ends by itself should everything else fail.
pub(crate) const DAEMON: &str = "sleep 600";

/// How long holders and guardians may take to end after their agents.
pub(crate) const LAST_STEPS: Duration = Duration::from_secs(60);

/// The processes of a project.
pub(crate) struct Tree {
    /// Holders and guardians.
    pub(crate) keepers: Vec<Process>,
    /// Agents and their descendants.
    pub(crate) agents: Vec<Process>,
}

impl World {
    pub(crate) async fn pause_one(&mut self, who: Who, ms: u64) -> bool {
        let process = match who {
            Who::Server => self.process().ok(),
            Who::Holder(slot) => self.family(slot).map(|family| family.holder),
            Who::Agent(slot) => self.family(slot).map(|family| family.agent),
            Who::Guardian(slot) => self.family(slot).and_then(|family| family.guardian),
            Who::Attach => {
                let project = &self.slots[0].id;
                let is_there = match &self.attached {
                    Some(watcher) => watcher.is_of(project) && watcher.process().await.is_some(),
                    None => false,
                };
                if !is_there {
                    self.attached = Some(Watcher::start(&self.server, project));
                }
                match &self.attached {
                    Some(watcher) => watcher.process().await,
                    None => None,
                }
            }
        };
        process.is_some_and(|process| self.pause(process, ms))
    }

    pub(crate) fn kill(&mut self, slot: usize, holder: bool, guardian: bool) -> bool {
        let Some(family) = self.family(slot) else {
            return false;
        };
        if guardian {
            self.slots[slot].is_unguarded = true;
            if let Some(guardian) = family.guardian {
                guardian.signal(Signal::KILL);
            }
        }
        if !holder {
            return true;
        }
        let held = table::tree(&[family.holder.pid]);
        let doomed = held.into_iter().filter(|process| *process != family.holder);
        self.slots[slot].doomed.extend(doomed);
        family.holder.signal(Signal::KILL)
    }

    /// Ends the daemons of an agent whose guardian was killed: without a scope the server cannot
    /// find them.
    pub(crate) fn sweep(&self, slot: usize) {
        let place = &self.slots[slot];
        if place.is_unguarded {
            for (process, line) in table::about(&place.workspace) {
                if line.trim_end() == DAEMON {
                    process.signal(Signal::KILL);
                }
            }
        }
    }

    /// The processes of all existing sessions of the project.
    pub(crate) fn tree(&self, slot: usize) -> Tree {
        let families = self.slots[slot].families(self.server.data_dir());
        let keepers = families.iter().flat_map(|family| {
            let own = [Some(family.holder), family.guardian];
            own.into_iter()
                .flatten()
                .filter(|process| process.is_alive())
        });
        let keepers: Vec<Process> = keepers.collect();
        let mut agents = table::tree(&keepers.iter().map(|keeper| keeper.pid).collect::<Vec<_>>());
        agents.retain(|process| !keepers.contains(process));
        Tree { keepers, agents }
    }

    /// Checks that nothing of the agents' trees is left. Holders and guardians may still be ending.
    pub(crate) async fn all_gone(&self, slot: usize, tree: &Tree) -> Verdict {
        let left = |processes: &[Process]| -> Vec<String> {
            let alive = processes.iter().filter(|process| process.is_alive());
            alive.map(|process| process.to_string()).collect()
        };
        let agents = left(&tree.agents);
        if !agents.is_empty() && !self.slots[slot].is_unguarded {
            return Err(self.of(
                slot,
                &format!("the session ended, but these processes live: {agents:?}"),
            ));
        }
        let until = Instant::now() + LAST_STEPS;
        loop {
            let all = [left(&tree.agents), left(&tree.keepers)].concat();
            if all.is_empty() {
                return Ok(());
            }
            if Instant::now() > until {
                return Err(self.of(
                    slot,
                    &format!("the session ended, but these processes remain: {all:?}"),
                ));
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// The processes of the project's running session.
    pub(crate) fn family(&self, slot: usize) -> Option<Family> {
        self.slots[slot].family(self.server.data_dir())
    }
}
