//! Detects kills for lack of memory, by the session's cgroup.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// The mount point of the kernel's hierarchies.
const ROOT: &str = "/sys/fs/cgroup";
/// Largest age of the count compared at an end: an earlier kill is not the reason.
const FRESH: Duration = Duration::from_secs(10);

/// The count of kills in this process's cgroup and below.
pub(crate) struct Kills {
    file: Option<PathBuf>,
    /// The last count, and the time of the count.
    known: (u64, Instant),
}

impl Kills {
    /// Reads the count for the first time.
    pub(crate) fn watch() -> Self {
        let cgroups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let file = counter(Path::new(ROOT), &cgroups);
        let count = file.as_deref().and_then(read).unwrap_or(0);
        Self {
            file,
            known: (count, Instant::now()),
        }
    }

    /// The last count.
    pub(crate) fn count(&self) -> u64 {
        self.known.0
    }

    /// Continues another program's count.
    pub(crate) fn continued(count: u64) -> Self {
        let mut kills = Self::watch();
        kills.known.0 = count.min(kills.known.0);
        kills
    }

    /// Reads the count again if the last reading is old; called when the holder wakes anyway.
    pub(crate) fn refresh(&mut self, now: Instant) {
        if now >= self.known.1 + FRESH {
            self.happened(now);
        }
    }

    /// Whether the count rose; remembers the new count.
    pub(crate) fn happened(&mut self, now: Instant) -> bool {
        let count = self.file.as_deref().and_then(read).unwrap_or(0);
        let before = std::mem::replace(&mut self.known, (count, now));
        count > before.0
    }
}

/// Finds the file with the count through `/proc/self/cgroup`: of the version 2 hierarchy with the
/// memory controller, else of the version 1 controller.
fn counter(root: &Path, cgroups: &str) -> Option<PathBuf> {
    let candidates = cgroups.lines().filter_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        let (controllers, path) = (fields.next()?, fields.next()?.trim_start_matches('/'));
        match controllers {
            "" => Some(vec![
                root.join(path).join("memory.events"),
                root.join("unified").join(path).join("memory.events"),
            ]),
            "memory" => Some(vec![
                root.join("memory").join(path).join("memory.oom_control"),
            ]),
            _ => None,
        }
    });
    candidates.flatten().find(|file| read(file).is_some())
}

fn read(file: &Path) -> Option<u64> {
    let text = fs::read_to_string(file).ok()?;
    text.lines()
        .find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: PathBuf, text: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn the_counter_of_each_hierarchy_is_found() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        let v1 = root.join("memory/a/memory.oom_control");
        write(v1.clone(), "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n");
        let cgroups = "5:memory:/a\n1:cpu:/\n0::/b.scope\n";
        assert_eq!(counter(root, cgroups), Some(v1.clone()));
        let v2 = root.join("b.scope/memory.events");
        write(v2.clone(), "low 0\noom 1\noom_kill 2\noom_group_kill 0\n");
        assert_eq!(counter(root, "0::/b.scope\n"), Some(v2.clone()));
        assert_eq!(counter(root, "0::/other\n"), None);

        let mut kills = Kills {
            file: Some(v2.clone()),
            known: (2, Instant::now()),
        };
        assert!(!kills.happened(Instant::now()));
        write(v2, "oom_kill 3\n");
        assert!(kills.happened(Instant::now()));
        assert!(!kills.happened(Instant::now()), "each is told once");
    }
}
