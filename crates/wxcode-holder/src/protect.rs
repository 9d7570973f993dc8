//! Closes wxcode's processes to other processes of their user.

use std::fs;

use rustix::process::{DumpableBehavior, set_dumpable_behavior};

/// Closes this process and its later children, up to their next program, to other processes of the
/// user, agents included: its memory, its environment and its descriptors.
///
/// A `/proc` with `hidepid` shows such a process to nobody. There the server could not see its
/// holders, and no holder could judge the server, so the process stays open.
pub fn protect() {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    if !hides_processes(&mounts) {
        // Best effort: `wxcode doctor` says whether it holds.
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}

/// Whether `/proc` is mounted with `hidepid`, in a list of mounts.
fn hides_processes(mounts: &str) -> bool {
    mounts.lines().any(|line| {
        let mut fields = line.split(' ').skip(1);
        fields.next() == Some("/proc")
            && fields
                .nth(1)
                .is_some_and(|options| options.contains("hidepid="))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hiding_proc_is_recognised() {
        let root = "/dev/sda1 / ext4 rw 0 0\n";
        let proc = |options: &str| format!("{root}proc /proc proc {options} 0 0\n");
        assert!(hides_processes(&proc("rw,nosuid,hidepid=invisible")));
        assert!(hides_processes(&proc("rw,hidepid=2,gid=4")));
        for open in [root.to_owned(), proc("rw,nosuid,nodev,noexec,relatime")] {
            assert!(!hides_processes(&open), "{open}");
        }
    }
}
