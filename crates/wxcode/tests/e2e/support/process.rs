//! Processes by pid.

use std::{fs, path::Path};

use rustix::process::{Pid, Signal, kill_process};

/// Whether a process exists and is no zombie.
pub(crate) fn is_alive(pid: i32) -> bool {
    stat(pid).is_some_and(|(state, _)| state != 'Z' && state != 'X')
}

/// The parent of a process.
pub(crate) fn parent_of(pid: i32) -> i32 {
    stat(pid).expect("the process is there").1
}

fn stat(pid: i32) -> Option<(char, i32)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name may contain anything, so the fields are counted from the name's end.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}

/// A FIFO for the current user only.
pub(crate) fn make_fifo(path: &Path) {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
}

/// SIGKILL.
pub(crate) fn kill(pid: i32) {
    let pid = Pid::from_raw(pid).expect("a pid");
    // The process may be gone already.
    let _ = kill_process(pid, Signal::KILL);
}
