//! Finds the processes of a conversation, by Claude's own records: the agent's, and any other
//! processes.

use std::path::Path;

use uuid::Uuid;
use wxcode_claude::running::{self, Running};
use wxcode_files::FileError;
use wxcode_holder::ancestry::{self, Ancestry};

/// The processes and their conversations.
#[derive(Debug, Clone, Default)]
pub(in crate::agent) struct Owners {
    /// The agent's own process and record.
    pub(in crate::agent) own: Option<(u32, Running)>,
    /// Living processes of this conversation, other than the agent.
    pub(in crate::agent) others: Vec<u32>,
}

/// Reads the records of all processes. The agent is the process nearest to the started process (pid
/// and start time): the started process itself, or a child of a wrapper.
///
/// # Errors
/// When the folder of the records cannot be read.
pub(in crate::agent) fn owners(
    config_dir: &Path,
    agent: Option<(i32, u64)>,
    conversation: Uuid,
) -> Result<Owners, FileError> {
    let mut found = running::all(config_dir)?;
    found.retain(|(pid, running)| lives(*pid, running));
    let depth = |pid: u32| {
        let pid = i32::try_from(pid).ok()?;
        match ancestry::of(pid, agent?) {
            Ancestry::Below(generations) => Some(generations),
            Ancestry::Foreign | Ancestry::Unknown => None,
        }
    };
    let nearest = found
        .iter()
        .enumerate()
        .filter_map(|(at, (pid, _))| Some((depth(*pid)?, at)))
        .min();
    let own = nearest.map(|(_, at)| found.swap_remove(at));
    let others = found
        .into_iter()
        .filter(|(_, running)| running.session_id == conversation)
        .map(|(pid, _)| pid)
        .collect();
    Ok(Owners { own, others })
}

/// Whether the process of a record lives, under its own pid and no reused pid.
fn lives(pid: u32, running: &Running) -> bool {
    let started = i32::try_from(pid).ok().and_then(ancestry::started);
    started.is_some() && started == running.started
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command, Stdio};

    use super::*;

    const ID: Uuid = Uuid::from_u128(0x1111_1111_1111_4111_8111_1111_1111_1111);

    struct World {
        dir: tempfile::TempDir,
        processes: Vec<Child>,
    }

    impl Drop for World {
        fn drop(&mut self) {
            for child in &mut self.processes {
                let _ = child.kill();
                let _ = child.wait();
            }
        }
    }

    impl World {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            std::fs::create_dir(dir.path().join("sessions")).unwrap();
            Self {
                dir,
                processes: Vec::new(),
            }
        }

        /// A process with a life until the end of the test.
        fn process(&mut self) -> u32 {
            let child = Command::new("cat")
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .spawn()
                .unwrap();
            let pid = child.id();
            self.processes.push(child);
            pid
        }

        fn record(&self, pid: u32, started: u64, conversation: Uuid) {
            let text = format!(
                "{{\"sessionId\":\"{conversation}\",\"procStart\":\"{started}\",\"status\":\"idle\"}}"
            );
            let file = self.dir.path().join(format!("sessions/{pid}.json"));
            std::fs::write(file, text).unwrap();
        }
    }

    fn started(pid: u32) -> u64 {
        ancestry::started(pid.cast_signed()).unwrap()
    }

    #[test]
    fn living_processes_own_the_conversation() {
        let mut world = World::new();
        let (one, two, three) = (world.process(), world.process(), world.process());
        world.record(one, started(one), ID);
        world.record(two, started(two) + 1, ID);
        world.record(three, started(three), Uuid::from_u128(2));
        world.record(u32::MAX, 1, ID);
        let owners = owners(world.dir.path(), None, ID).unwrap();
        assert!(owners.own.is_none());
        assert_eq!(
            owners.others,
            [one],
            "neither one of its number, nor another conversation, nor a dead one"
        );
    }

    #[test]
    fn agent_is_the_nearest_descendant() {
        let mut world = World::new();
        let (child, own) = (world.process(), std::process::id());
        let agent = (own.cast_signed(), started(own));
        let others = Uuid::from_u128(2);
        world.record(child, started(child), others);
        let seen = |conversation| owners(world.dir.path(), Some(agent), conversation).unwrap();
        let wrapped = seen(ID);
        assert_eq!(wrapped.own.unwrap().0, child);
        assert_eq!(wrapped.others, Vec::<u32>::new());
        world.record(own, started(own), ID);
        let both = seen(others);
        assert_eq!(both.own.unwrap().1.session_id, ID);
        assert_eq!(both.others, [child], "a nested one is an owner too");
    }
}
