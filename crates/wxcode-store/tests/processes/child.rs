//! Runs this test program again, as a separate process to be killed.

use std::{
    io::{BufRead, BufReader, Lines, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStderr, Command, ExitStatus, Stdio},
};

const FILE: &str = "WXCODE_STORE_TEST_FILE";
const ROLE: &str = "WXCODE_STORE_TEST_ROLE";
const MARK: &str = "sent: ";

/// The child's task; `None` if the test was started by hand.
pub(crate) fn task() -> Option<(PathBuf, String)> {
    let file = std::env::var_os(FILE).map(PathBuf::from);
    let task = file.zip(std::env::var(ROLE).ok());
    if task.is_none() {
        wxcode_testbed::skip("other tests start this one as a process");
    }
    task
}

/// Sends a line to the parent, in a single write.
pub(crate) fn send(what: &str) {
    std::io::stderr()
        .write_all(format!("{MARK}{what}\n").as_bytes())
        .unwrap();
}

/// A running child; killed when dropped.
pub(crate) struct Process {
    child: Child,
    lines: Lines<BufReader<ChildStderr>>,
}

impl Process {
    /// Runs the ignored test `name` on the store at `file`, through `wrapper`, unless `wrapper` is
    /// empty.
    pub(crate) fn start(wrapper: &[&str], name: &str, file: &Path, role: &str) -> Self {
        let program = std::env::current_exe().unwrap();
        let arguments = ["--exact", name, "--ignored", "--nocapture"];
        let mut command = match wrapper {
            [] => Command::new(&program),
            [first, rest @ ..] => {
                let mut command = Command::new(first);
                command.args(rest).arg(&program);
                command
            }
        };
        command.args(arguments).env(FILE, file).env(ROLE, role);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        Self { child, lines }
    }

    /// Returns the child's next line to the parent; `None` at its end. Prints other output.
    pub(crate) fn next_line(&mut self) -> Option<String> {
        loop {
            let line = self.lines.next()?.unwrap();
            match line.strip_prefix(MARK) {
                Some(what) => return Some(what.to_owned()),
                None => eprintln!("child: {line}"),
            }
        }
    }

    /// `SIGKILL`.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
    }

    /// Waits for the child's end.
    pub(crate) fn end(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
