//! A wxcode server in a temporary folder, with the bench agent in place of Claude Code.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;
use wxcode_bench::order::PRINTED;

use crate::{http, paths::Paths};

/// How long an operation may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// The polling interval for outside conditions.
const LOOK: Duration = Duration::from_millis(2);

/// A running server; on drop, all processes of the server end.
pub(crate) struct Server {
    dir: TempDir,
    pub(crate) address: SocketAddr,
    pub(crate) token: String,
    paths: Paths,
    child: Option<Child>,
}

/// A session of the server.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    /// The project's id.
    pub(crate) project: String,
    pub(crate) dir: PathBuf,
    pub(crate) workspace: PathBuf,
    pub(crate) holder: u32,
    pub(crate) agent: u32,
}

impl Server {
    pub(crate) fn start(paths: &Paths) -> anyhow::Result<Self> {
        Self::start_with(paths, "")
    }

    /// Starts with these lines of `wxcode.toml`.
    pub(crate) fn start_with(paths: &Paths, config: &str) -> anyhow::Result<Self> {
        let dir = tempfile::Builder::new().prefix("wxcode-bench-").tempdir()?;
        let mut server = Self {
            dir,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            token: format!("token-of-the-bench-{}", uuid::Uuid::new_v4().simple()),
            paths: paths.clone(),
            child: None,
        };
        fs::write(server.dir().join("wxcode.toml"), config)?;
        server.up()?;
        Ok(server)
    }

    /// Starts the program at the same address as before.
    pub(crate) fn up(&mut self) -> anyhow::Result<()> {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.dir.path().join("server.log"))?;
        let mut child = Command::new(&self.paths.wxcode)
            .args(["serve", "--listen", &self.address.to_string()])
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.dir.path())
            .env("WXCODE_DATA_DIR", self.dir.path())
            .env("WXCODE_CLAUDE", &self.paths.agent)
            .env("WXCODE_TOKEN", &self.token)
            // The rows measure the server's memory.
            .env("WXCODE_DUMPABLE", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()?;
        let out = child.stdout.take().context("the server has no output")?;
        self.child = Some(child);
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line)?;
        match line.trim().strip_prefix("listening on http://") {
            Some(address) => self.address = address.parse()?,
            None => bail!("the server did not start:\n{}", self.log()),
        }
        Ok(())
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.as_ref().map_or(0, Child::id)
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("server.log")).unwrap_or_default()
    }

    /// SIGKILL.
    pub(crate) fn crash(&mut self) -> anyhow::Result<()> {
        if let Some(mut child) = self.child.take() {
            child.kill()?;
            child.wait()?;
        }
        Ok(())
    }

    pub(crate) fn call(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Value> {
        http::call(self.address, &self.token, method, path, body)
    }

    /// The server's data folder.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// A new project with a running session.
    pub(crate) fn session(&self) -> anyhow::Result<Session> {
        self.session_in(None)
    }

    /// A new project with a running session in an existing folder.
    pub(crate) fn session_in(&self, workspace: Option<&Path>) -> anyhow::Result<Session> {
        let project = json!({ "name": "bench", "workspace_path": workspace });
        let project = self.call("POST", "/output-projects", Some(&project))?;
        let text = |value: &Value, key: &str| -> anyhow::Result<String> {
            let text = value[key].as_str();
            Ok(text.with_context(|| format!("no {key}"))?.to_owned())
        };
        let id = text(&project, "id")?;
        let path = format!("/output-projects/{id}/session");
        let session = self.call("POST", &path, Some(&json!({})))?;
        let dir = self
            .dir
            .path()
            .join("sessions")
            .join(text(&session, "session_id")?);
        let (holder, agent) = pids(&dir).context("the holder says nothing of itself")?;
        Ok(Session {
            project: id,
            dir,
            workspace: text(&project, "workspace_path")?.into(),
            holder,
            agent,
        })
    }

    /// Whether the API shows the project's session as running.
    pub(crate) fn is_running(&self, session: &Session) -> anyhow::Result<bool> {
        let path = format!("/output-projects/{}/session", session.project);
        Ok(self.call("GET", &path, None)?["status"] == "running")
    }
}

impl Session {
    /// Waits until the agent has written the printing of this number; returns the time of the
    /// writing.
    pub(crate) fn printed(&self, number: usize) -> anyhow::Result<Duration> {
        let path = self.workspace.join(PRINTED);
        wait("the printing", || {
            let text = fs::read_to_string(&path).ok()?;
            let (seen, took) = text.split_once(' ')?;
            (seen.parse() == Ok(number))
                .then(|| took.parse().ok())
                .flatten()
                .map(Duration::from_micros)
        })
    }
}

/// Waits until an outside condition holds.
pub(crate) fn wait<T>(what: &str, look: impl FnMut() -> Option<T>) -> anyhow::Result<T> {
    wait_for(PATIENCE, what, look)
}

/// Waits with this bound until an outside condition holds.
pub(crate) fn wait_for<T>(
    patience: Duration,
    what: &str,
    mut look: impl FnMut() -> Option<T>,
) -> anyhow::Result<T> {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return Ok(found);
        }
        if start.elapsed() > patience {
            bail!("not in time: {what}");
        }
        thread::sleep(LOOK);
    }
}

/// The guardian of a session's holder. A guardian ends the holder's leftovers.
pub(crate) fn guardian(dir: &Path) -> Option<u32> {
    let holder: Value = serde_json::from_slice(&fs::read(dir.join("holder.json")).ok()?).ok()?;
    u32::try_from(holder["guardian"]["pid"].as_u64()?).ok()
}

/// The holder and the agent of a session's folder.
fn pids(dir: &Path) -> Option<(u32, u32)> {
    let holder: Value = serde_json::from_slice(&fs::read(dir.join("holder.json")).ok()?).ok()?;
    let pid = |key: &str| u32::try_from(holder[key].as_u64()?).ok();
    Some((pid("pid")?, pid("agent_pid")?))
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.crash();
        let sessions = fs::read_dir(self.dir.path().join("sessions"));
        let mut killed = Vec::new();
        for dir in sessions.into_iter().flatten().flatten() {
            let Some((holder, agent)) = pids(&dir.path()) else {
                continue;
            };
            if dir.path().join("exit.json").exists() {
                continue;
            }
            for pid in [agent, holder] {
                if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
                    let _ = kill_process(pid, Signal::KILL);
                }
                killed.push(pid);
            }
            killed.extend(guardian(&dir.path()));
        }
        // The folder can be removed once no process writes into it.
        let _ = wait("the end of the holders", || {
            let gone = |pid: &u32| !Path::new(&format!("/proc/{pid}/fd/0")).exists();
            killed.iter().all(gone).then_some(())
        });
    }
}
