//! Limits on memory and descriptors, and the check that nothing is left at the end.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::time::{Instant, sleep};

use super::{
    count::Account,
    step::Step,
    table::{self, Process},
    world::{Verdict, World},
};

/// Most descriptors of a server, apart from descriptors for sessions and clients.
const SERVER_DESCRIPTORS: usize = 60;
/// Descriptors per session, per terminal client, and per follower of events.
const EACH: usize = 3;
/// Most descriptors of a holder, apart from the clients' descriptors.
const HOLDER_DESCRIPTORS: usize = 24;
/// Most memory of a holder in KiB: the ring buffer, the screen with 1,000 rows of history, and a
/// snapshot on its way, in a debug build.
const HOLDER_MEMORY: u64 = 8 << 10;
/// Most anonymous memory of a server in KiB, in a debug build; measured: 9 to 29 MiB, a third of
/// them in the allocator's arenas, one a thread. Another check bounds the growth.
const SERVER_MEMORY: u64 = 40 << 10;
/// Descriptors of additional store connections, two each, and of the search index: three.
const STORE_DESCRIPTORS: usize = 12;
/// How long the removal of processes and folders may take.
const PATIENCE: Duration = Duration::from_secs(60);
impl World {
    /// Checks memory and descriptors at every rest.
    pub(crate) fn measure(&mut self, step: &Step, account: &mut Account) -> Verdict {
        if *step != Step::Settle {
            return Ok(());
        }
        let server = self.process()?;
        let memory = server.anonymous().unwrap_or_default();
        let descriptors = server.descriptors().unwrap_or_default();
        account.peak("KiB of memory of the server", memory);
        account.peak("descriptors of the server", descriptors as u64);
        let clients: usize = self
            .slots
            .iter()
            .map(|slot| slot.clients.iter().flatten().count())
            .sum();
        let allowed = SERVER_DESCRIPTORS + EACH * (clients + 2 * self.slots.len());
        if descriptors > allowed {
            return Err(format!(
                "the server has {descriptors} descriptors, {allowed} are enough"
            ));
        }
        let accepted: u64 = self
            .slots
            .iter()
            .map(|slot| slot.accepted.len() as u64)
            .sum();
        let commands = accepted + account.deliveries.values().sum::<u64>();
        account.memory.note(server, commands, memory);
        if memory > SERVER_MEMORY {
            return Err(format!(
                "the server has {memory} KiB of memory, {SERVER_MEMORY} are enough"
            ));
        }
        for slot in 0..self.slots.len() {
            for holder in self.holders(slot) {
                let memory = holder.memory().unwrap_or_default();
                let descriptors = holder.descriptors().unwrap_or_default();
                account.peak("KiB of memory of a holder", memory);
                account.peak("descriptors of a holder", descriptors as u64);
                let clients = self.slots[slot].clients.iter().flatten().count();
                if memory > HOLDER_MEMORY || descriptors > HOLDER_DESCRIPTORS + EACH * clients {
                    let wrong = format!("holder {holder}: {memory} KiB, {descriptors} descriptors");
                    return Err(self.of(slot, &wrong));
                }
            }
        }
        account.checks += 2;
        Ok(())
    }

    fn holders(&self, slot: usize) -> Vec<Process> {
        let families = self.slots[slot].families(self.server.data_dir());
        let holders = families.iter().map(|family| family.holder);
        holders.filter(|holder| holder.is_alive()).collect()
    }

    /// Takes everything down and checks that no process, descriptor or folder is left.
    pub(crate) async fn end(&mut self, account: &mut Account) -> Verdict {
        account.memory.judge()?;
        self.attached = None;
        for slot in 0..self.slots.len() {
            self.remove(slot, account).await?;
        }
        self.slots.clear();
        let until = Instant::now() + PATIENCE;
        loop {
            // Folders are removed in the background.
            let kinds = ["sessions", "runs", "events", "planning", "deleting"]
                .map(|kind| self.server.data_dir().join(kind));
            let left = kinds
                .iter()
                .flat_map(|kind| entries(kind))
                .collect::<Vec<_>>();
            if left.is_empty() {
                break;
            }
            if Instant::now() > until {
                return Err(format!("all projects are deleted, but {left:?} remain"));
            }
            sleep(Duration::from_millis(50)).await;
        }
        let server = self.process()?;
        let until = Instant::now() + PATIENCE;
        while server.descriptors().unwrap_or_default() > self.descriptors + STORE_DESCRIPTORS {
            if Instant::now() > until {
                let links = fs::read_dir(format!("/proc/{}/fd", server.pid));
                let links = links.into_iter().flatten().flatten();
                let links: Vec<_> = links.flat_map(|link| fs::read_link(link.path())).collect();
                return Err(format!(
                    "the server began with {} descriptors and has {links:?}",
                    self.descriptors
                ));
            }
            sleep(Duration::from_millis(50)).await;
        }
        let code = self.server.terminate().await;
        if code != Some(0) {
            return Err(format!("the server ended with {code:?}"));
        }
        let until = Instant::now() + PATIENCE;
        loop {
            let left = table::about(self.server.data_dir());
            if left.is_empty() {
                break;
            }
            if Instant::now() > until {
                return Err(format!("everything has ended, but {left:?} remain"));
            }
            sleep(Duration::from_millis(50)).await;
        }
        let left = entries(self.temporary.path());
        match left.is_empty() {
            true => Ok(()),
            false => Err(format!("temporary files remain: {left:?}")),
        }
    }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}
