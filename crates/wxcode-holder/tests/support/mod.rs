//! A session in a temporary folder, with a real holder and a real agent, ended on drop.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::expect_used)] // each test file uses its part

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use wxcode_protocol::Output;

use bytes::Bytes;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use wxcode_holder::{
    LaunchError,
    client::{Connection, Event, Request, connect},
    folder::{self, Exit, HolderFile, Spec, State},
    launch,
};

/// A bound for every wait, longer than any expected wait.
pub const LONG: Duration = Duration::from_secs(60);

pub struct Session {
    pub tmp: TempDir,
    pub dir: PathBuf,
    pub file: HolderFile,
}

pub fn exe() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_wxcode-holder"))
}

pub fn spec(argv: &[&str], cwd: &Path) -> Spec {
    Spec {
        version: folder::VERSION,
        session_id: "0123456789abcdef01234567".into(),
        argv: argv.iter().map(|arg| (*arg).to_owned()).collect(),
        input: None,
        cwd: cwd.to_owned(),
        cols: 80,
        rows: 24,
        secret: "a secret of this test".into(),
        note: serde_json::json!({"kept": "as it is"}),
        program: exe().to_owned(),
        scope: None,
        umask: 0o022,
        created_at: "2026-01-01T00:00:00Z".into(),
    }
}

pub fn env() -> Vec<(OsString, OsString)> {
    let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/bin:/bin".into());
    vec![
        ("PATH".into(), path),
        ("TERM".into(), "xterm-256color".into()),
        ("LANG".into(), "C.UTF-8".into()),
        ("MARK".into(), "handed on".into()),
    ]
}

pub async fn try_start(dir: &Path, spec: &Spec) -> Result<HolderFile, LaunchError> {
    folder::write_spec(dir, spec).unwrap();
    launch(exe(), dir, env()).await
}

impl Session {
    /// A session with a shell script as its agent.
    pub async fn shell(script: &str) -> Self {
        Self::run(&["/bin/bash", "-c", script]).await
    }

    pub async fn run(argv: &[&str]) -> Self {
        let tmp = tempfile::tempdir().unwrap();
        let dir = tmp.path().join("session");
        let file = try_start(&dir, &spec(argv, tmp.path())).await.unwrap();
        Self { tmp, dir, file }
    }

    pub async fn connect(&self) -> Connection {
        connect(&self.dir).await.unwrap()
    }

    /// A connection to the output, from an offset or from the screen.
    pub async fn attach(&self, since: Option<u64>) -> Connection {
        let conn = self.connect().await;
        let history = 40 << 10;
        let attach = Request::Attach { since, history };
        conn.sender.send(attach).await.unwrap();
        conn
    }

    /// Waits until the holder has written the exit.
    pub async fn exit(&self) -> Exit {
        let file = self.file.clone();
        tokio::task::spawn_blocking(move || wait_gone(file.pid))
            .await
            .unwrap();
        match folder::inspect(&self.dir).unwrap() {
            State::Exited(_, exit) => exit,
            other => panic!("{other:?}, log: {}", self.log()),
        }
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.join("holder.log")).unwrap_or_default()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Ok(State::Live(file)) = folder::inspect(&self.dir) {
            kill(file.pid, Signal::KILL);
            wait_gone(file.pid);
            let _ = folder::mark_lost(&self.dir, &file, "test_over");
        }
    }
}

pub fn kill(pid: i32, signal: Signal) {
    let _ = kill_process(Pid::from_raw(pid).unwrap(), signal);
}

/// Waits for the end of a process, child or not.
pub fn wait_gone(pid: i32) {
    use rustix::{event, process};
    let Ok(pidfd) = process::pidfd_open(Pid::from_raw(pid).unwrap(), process::PidfdFlags::empty())
    else {
        return;
    };
    let timeout = event::Timespec::try_from(LONG).unwrap();
    let mut fds = [event::PollFd::new(&pidfd, event::PollFlags::IN)];
    assert_eq!(event::poll(&mut fds, Some(&timeout)), Ok(1), "{pid} lives");
}

pub fn is_alive(pid: i32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit(')').next().unwrap().trim().starts_with('Z'))
}

/// The next event.
pub async fn next(conn: &mut Connection) -> Event {
    tokio::time::timeout(LONG, conn.receiver.next())
        .await
        .expect("an event in time")
        .expect("a whole event")
        .expect("an open connection")
}

/// The first matching event.
pub async fn until<T>(conn: &mut Connection, mut fits: impl FnMut(Event) -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = fits(next(conn).await) {
            return found;
        }
        assert!(start.elapsed() < LONG, "no such event");
    }
}

/// Output from the connection's position until it ends with `end`.
pub async fn output_until(conn: &mut Connection, end: &str) -> String {
    let mut seen = Vec::new();
    until(conn, |event| {
        if let Event::Output(Output::Output { bytes, .. })
        | Event::Output(Output::Snapshot { bytes, .. }) = event
        {
            seen.extend_from_slice(&bytes);
        }
        let text = String::from_utf8_lossy(&seen);
        text.contains(end).then(|| text.into_owned())
    })
    .await
}

/// All output from an offset on until the exit, without a gap.
pub async fn to_the_end(conn: &mut Connection, from: u64) -> (Vec<u8>, Exit) {
    let mut seen = Vec::new();
    let exit = until(conn, |event| match event {
        Event::Output(Output::Output { offset, bytes }) => {
            assert_eq!(offset, from + seen.len() as u64, "a gap");
            seen.extend_from_slice(&bytes);
            None
        }
        Event::Output(Output::Exited(exit)) => Some(exit),
        Event::Output(Output::Snapshot { .. }) => panic!("a snapshot where bytes were due"),
        _ => None,
    })
    .await;
    (seen, exit)
}

pub async fn type_in(conn: &Connection, seq: u64, text: &str) {
    let bytes = Bytes::copy_from_slice(text.as_bytes());
    conn.sender
        .send(Request::Input { seq, bytes })
        .await
        .unwrap();
}

/// Checks that no process has this folder on its command line.
pub fn no_process_of(dir: &Path) -> bool {
    let dir = dir.to_str().unwrap();
    std::fs::read_dir("/proc").unwrap().flatten().all(|entry| {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        !String::from_utf8_lossy(&line).contains(dir)
    })
}
