//! Processes by pid.

use std::{fs, path::Path};

use rustix::process::{Pid, Signal, kill_process};

/// Whether a process exists and is no zombie.
pub(crate) fn is_alive(pid: i32) -> bool {
    of(pid).is_some_and(|(state, _)| state != 'Z' && state != 'X')
}

/// Whether all threads of a process are stopped.
pub(crate) fn is_stopped(pid: i32) -> bool {
    let mut threads = fs::read_dir(format!("/proc/{pid}/task")).expect("the process is there");
    threads.all(|thread| {
        let path = thread.expect("a thread").path();
        stat(&path).is_some_and(|(state, _)| state == 'T')
    })
}

/// The parent of a process.
pub(crate) fn parent_of(pid: i32) -> i32 {
    of(pid).expect("the process is there").1
}

fn of(pid: i32) -> Option<(char, i32)> {
    stat(Path::new(&format!("/proc/{pid}")))
}

/// The state of a process or thread, and its parent.
fn stat(dir: &Path) -> Option<(char, i32)> {
    let stat = fs::read_to_string(dir.join("stat")).ok()?;
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
