//! A wxcode server in a temporary folder.

mod api;
mod store;

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use reqwest::Client;
use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::{Instant, sleep, timeout},
};
use wxcode_client::Server as Remote;

use self::store::store;
pub(crate) use self::{api::Answer, store::shared_store};
use super::{Agent, Socket, is_alive, kill};

/// The variable with the server's own token; the other commands do without.
pub(crate) const TOKEN: &str = "WXCODE_TOKEN";
/// How long an operation may take before a test fails, on a machine with ten times as many busy
/// processes as processors. No test waits so long where all is well.
pub(crate) const PATIENCE: Duration = Duration::from_secs(180);
/// How long an answer of the server may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(300);
/// The polling interval for conditions outside the event stream.
pub(crate) const LOOK: Duration = Duration::from_millis(20);

/// A running server; on drop, all processes of the server end.
pub(crate) struct Server {
    pub(crate) agent: Agent,
    pub(crate) dir: TempDir,
    pub(crate) base: String,
    pub(crate) token: String,
    /// Of any server: each call names a server.
    rest: wxcode_client::Client,
    /// For requests against the rules.
    client: Client,
    child: Option<Child>,
    listen: String,
    /// Further flags of `serve`.
    pub(crate) flags: Vec<String>,
    /// The program, after the launcher, if any.
    pub(crate) program: Vec<OsString>,
    /// A launcher starts the server, and the server's pids mean other processes here.
    is_elsewhere: bool,
    /// The store, if other than the default store.
    store: Option<String>,
    /// Standard output and standard error of the next start, if other than the tests' own.
    outputs: Option<(Stdio, Stdio)>,
}

impl Server {
    /// A server whose agents are `agent`.
    pub(crate) async fn start(agent: Agent) -> Self {
        Self::start_on(agent, store().await).await
    }

    /// A server with another store than the tests' own.
    pub(crate) async fn start_on(agent: Agent, store: Option<String>) -> Self {
        let mut server = Self::new(agent, store);
        server.up().await;
        server
    }

    /// A server of another user, for tests that run as root.
    pub(crate) async fn start_as(agent: Agent, user: u32) -> Self {
        let mut server = Self::new(agent, None);
        fs::write(server.data_dir().join("server.log"), "").unwrap();
        let own = |path: &Path| {
            let owned = std::process::Command::new("chown")
                .args(["-R", &format!("{user}:{user}")])
                .arg(path)
                .status();
            assert!(owned.unwrap().success());
        };
        // The build's folder may be closed to the user.
        let programs = server.data_dir().join("programs");
        fs::create_dir(&programs).unwrap();
        let program = programs.join("wxcode");
        // Not by this process: a child forked meanwhile would hold the copy open for writing.
        let copied = std::process::Command::new("cp")
            .args([wxcode(), holder_program(), &server.agent.claude])
            .arg(&programs)
            .status();
        assert!(copied.unwrap().success());
        server.agent.claude = programs.join(server.agent.claude.file_name().unwrap());
        own(server.data_dir());
        own(server.agent.home.path());
        server.program = vec![
            "setpriv".into(),
            format!("--reuid={user}").into(),
            format!("--regid={user}").into(),
            "--clear-groups".into(),
            program.into(),
        ];
        server.up().await;
        server
    }

    /// A server with further flags.
    pub(crate) async fn start_with_flags(agent: Agent, flags: &[&str]) -> Self {
        let mut server = Self::new(agent, store().await);
        server.flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
        server.up().await;
        server
    }

    /// A server in new namespaces, started by `wrapper`. `wrapper` turns the data folder into
    /// arguments; the program comes last. The namespaces end with the server.
    pub(crate) async fn start_wrapped(
        agent: Agent,
        wrapper: impl FnOnce(&Path) -> Vec<OsString>,
    ) -> Self {
        let mut server = Self::elsewhere(agent);
        let mut program = wrapper(server.data_dir());
        program.append(&mut server.program);
        server.program = program;
        server.up().await;
        server
    }

    /// A server started elsewhere; [`Server::find`] looks for the server.
    pub(crate) fn elsewhere(agent: Agent) -> Self {
        let mut server = Self::new(agent, None);
        server.is_elsewhere = true;
        server
    }

    /// Waits until a server other than `before` listens.
    pub(crate) async fn find(&mut self, before: Option<&Value>) -> Value {
        let path = self.data_dir().join("server.json");
        let read = || -> Option<Value> { serde_json::from_slice(&fs::read(&path).ok()?).ok() };
        let deadline = Instant::now() + PATIENCE;
        let found = loop {
            match read() {
                Some(found) if Some(&found) != before => break found,
                _ => assert!(
                    Instant::now() < deadline,
                    "no server in time\n{}",
                    self.log()
                ),
            }
            sleep(LOOK).await;
        };
        self.base = found["address"].as_str().unwrap().to_owned();
        found
    }

    /// A server with this standard output and standard error; the test need not read them.
    pub(crate) async fn start_with_outputs(agent: Agent, outputs: (Stdio, Stdio)) -> Self {
        let mut server = Self::new(agent, store().await);
        server.outputs = Some(outputs);
        server.up().await;
        server
    }

    fn new(agent: Agent, store: Option<String>) -> Self {
        let dir = tempfile::Builder::new()
            .prefix("wxcode-test-")
            .tempdir()
            .unwrap();
        fs::write(dir.path().join("wxcode.toml"), &agent.config).unwrap();
        let client = wxcode_testbed::plain_http()
            // The server closes an idle unauthenticated connection after 10 s; the client stops
            // reusing a connection well before.
            .pool_idle_timeout(Duration::from_secs(4))
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        let nobody = Remote::new("http://127.0.0.1:1".parse().unwrap(), "none").unwrap();
        let rest = wxcode_client::Client::new(nobody).unwrap();
        let given = agent.env.iter().find(|(name, _)| name == TOKEN);
        let token = match given {
            Some((_, token)) => token.to_str().unwrap().to_owned(),
            None => format!("token-of-a-test-{}", uuid::Uuid::new_v4().simple()),
        };
        Self {
            agent,
            dir,
            base: String::new(),
            token,
            rest,
            client,
            child: None,
            listen: "127.0.0.1:0".to_owned(),
            flags: Vec::new(),
            store,
            program: vec![wxcode().into()],
            is_elsewhere: false,
            outputs: None,
        }
    }

    /// Sets the store of the next start.
    pub(crate) fn keep_in(&mut self, store: Option<String>) {
        self.store = store;
    }

    /// The store as named in messages: the embedded store's file, or the shared store's database.
    pub(crate) fn store_name(&self) -> &str {
        self.store.as_deref().map_or("wxcode.db", |address| {
            let path = address.split('?').next().unwrap_or_default();
            path.rsplit('/').next().unwrap_or_default()
        })
    }

    /// Makes the store unopenable while the server does not run.
    pub(crate) fn break_store(&mut self) {
        match &mut self.store {
            None => fs::write(self.data_dir().join("wxcode.db"), "no database").unwrap(),
            // Nothing listens there.
            Some(address) => {
                *address = "mongodb://127.0.0.1:1/db?serverSelectionTimeoutMS=200".to_owned();
            }
        }
    }

    pub(crate) fn data_dir(&self) -> &Path {
        self.dir.path()
    }

    /// The program with this server's data folder and environment.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program[0]);
        command
            .args(&self.program[1..])
            .args(arguments)
            .env_clear()
            .envs(self.agent.home.env())
            .envs(self.agent.env.iter().cloned())
            .envs(self.store.as_ref().map(|store| ("WXCODE_STORE", store)));
        command
            .env("WXCODE_DATA_DIR", self.data_dir())
            .env("WXCODE_CLAUDE", &self.agent.claude);
        command
    }

    /// Starts the program at the same address as before.
    pub(crate) async fn up(&mut self) {
        let mut command = self.command(&["serve", "--listen", &self.listen]);
        command.args(&self.flags);
        if !self.agent.env.iter().any(|(name, _)| name == TOKEN) {
            command.env(TOKEN, &self.token);
        }
        if let Some((stdout, stderr)) = self.outputs.take() {
            let child = command.stdin(Stdio::null()).stdout(stdout).stderr(stderr);
            self.child = Some(child.spawn().unwrap());
            self.find(None).await;
            return;
        }
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.data_dir().join("server.log"))
            .unwrap();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = timeout(PATIENCE, lines.next_line())
            .await
            .expect("the server starts in time")
            .unwrap();
        let line = line.unwrap_or_else(|| panic!("the server did not start:\n{}", self.log()));
        self.base = line
            .strip_prefix("listening on ")
            .expect("the line of the contract")
            .to_owned();
        self.listen = self.base.split_once("://").unwrap().1.to_owned();
        self.child = Some(child);
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.data_dir().join("server.log")).unwrap_or_default()
    }

    /// The process of the server.
    pub(crate) fn pid(&self) -> i32 {
        let pid = self.child.as_ref().and_then(Child::id).expect("it runs");
        i32::try_from(pid).unwrap()
    }

    /// SIGKILL.
    pub(crate) async fn crash(&mut self) {
        let mut child = self.child.take().expect("it runs");
        child.kill().await.unwrap();
    }

    /// SIGTERM; returns the exit code.
    pub(crate) async fn terminate(&mut self) -> Option<i32> {
        let mut child = self.child.take().expect("it runs");
        let pid =
            rustix::process::Pid::from_raw(i32::try_from(child.id().unwrap()).unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        timeout(PATIENCE, child.wait())
            .await
            .expect("it ends in time")
            .unwrap()
            .code()
    }

    pub(crate) async fn socket(&self, path: &str) -> Socket {
        Socket::connect(self, path).await
    }

    /// The folders of all sessions.
    pub(crate) fn session_dirs(&self) -> Vec<PathBuf> {
        self.dirs("sessions")
    }

    /// The folders of all runs.
    pub(crate) fn run_dirs(&self) -> Vec<PathBuf> {
        self.dirs("runs")
    }

    fn dirs(&self, kind: &str) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(self.data_dir().join(kind)) else {
            return Vec::new();
        };
        entries.map(|entry| entry.unwrap().path()).collect()
    }

    /// The pids of the holder and the agent of a session folder.
    pub(crate) fn pids(dir: &Path) -> Option<(i32, i32)> {
        let holder: Value =
            serde_json::from_slice(&fs::read(dir.join("holder.json")).ok()?).ok()?;
        let pid = |key: &str| i32::try_from(holder[key].as_i64()?).ok();
        Some((pid("pid")?, pid("agent_pid")?))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.start_kill();
        }
        if self.is_elsewhere {
            return;
        }
        for dir in self.session_dirs().into_iter().chain(self.run_dirs()) {
            let Some((holder, agent)) = Self::pids(&dir) else {
                continue;
            };
            if !dir.join("exit.json").exists() {
                // The holder ends after its agent, and so do the terminal's other processes.
                for pid in [agent, holder] {
                    if is_alive(pid) {
                        kill(pid);
                    }
                }
            }
        }
    }
}

/// Waits until a condition outside the server holds.
pub(crate) async fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        sleep(LOOK).await;
    }
}

/// The program under test, next to the holder's program.
fn wxcode() -> &'static Path {
    let program = Path::new(env!("CARGO_BIN_EXE_wxcode"));
    wxcode_testbed::holder_program(program);
    program
}

/// The holder's program next to the program under test.
pub(crate) fn holder_program() -> &'static Path {
    wxcode_testbed::holder_program(Path::new(env!("CARGO_BIN_EXE_wxcode")))
}
