//! The world: a server, the server's projects, and their clients.

use std::{path::PathBuf, time::Duration};

use reqwest::Method;
use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{task::JoinHandle, time::sleep};
use wxcode_testbed::fake_agent;

use super::{
    attached::Watcher,
    count::Account,
    follower::Follower,
    slot::Slot,
    support::{Agent, Server},
    table::{self, Process},
    taken,
};

/// How long a request may take: agents have 15 s to end, answers 60 s, and the machine may be busy.
pub(crate) const REQUEST: Duration = Duration::from_secs(180);
/// Time for which a command waits for an unready agent, in seconds.
const READY_S: u64 = 20;
/// Steps between two comparisons of bytes.
const COMPARE_EVERY: usize = 5;

/// A failed check.
pub(crate) type Verdict<T = ()> = Result<T, String>;

/// An answer of the server.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

/// The whole state of a run.
pub(crate) struct World {
    pub(crate) server: Server,
    pub(crate) slots: Vec<Slot>,
    pub(crate) attached: Option<Watcher>,
    http: reqwest::Client,
    /// The tasks for continuing stopped processes.
    pub(crate) pauses: Vec<JoinHandle<()>>,
    /// The temporary folder of the server and its processes.
    pub(crate) temporary: TempDir,
    agent: PathBuf,
    /// Counts the steps, for the rarer checks.
    turn: usize,
    /// The idle server's descriptors.
    pub(crate) descriptors: usize,
}

impl World {
    pub(crate) async fn new(slots: usize) -> Verdict<Self> {
        let temporary = tempfile::Builder::new().prefix("wxcode-chaos-").tempdir();
        let temporary = temporary.map_err(|error| error.to_string())?;
        let mut agent = Agent::fake(&format!("record={}", taken::FILE));
        // A scope would catch daemons even without a guardian.
        agent.config += &format!("scope = false\n[delivery]\nready_timeout_s = {READY_S}\n");
        let path = temporary.path().as_os_str().to_owned();
        agent.env.push(("TMPDIR".into(), path));
        // Growth is to come from the program, not from an allocator's arena for each thread.
        agent.env.push(("MALLOC_ARENA_MAX".into(), "2".into()));
        // The checks count the server's descriptors and its memory.
        agent.env.push(("WXCODE_DUMPABLE".into(), "1".into()));
        // A connection per request: a kept connection may lead to a dead server.
        let http = wxcode_testbed::plain_http().pool_max_idle_per_host(0);
        let http = http
            .timeout(REQUEST)
            .build()
            .map_err(|error| error.to_string())?;
        let server = Server::start_on(agent, None).await;
        let program = fake_agent::path().canonicalize();
        let mut world = Self {
            server,
            slots: Vec::new(),
            attached: None,
            http,
            pauses: Vec::new(),
            temporary,
            agent: program.map_err(|error| error.to_string())?,
            turn: 0,
            descriptors: 0,
        };
        world.ask(Method::GET, "/output-projects", None).await?;
        world.descriptors = world.process()?.descriptors().unwrap_or_default();
        for _ in 0..slots {
            let slot = world.make().await?;
            world.slots.push(slot);
        }
        Ok(world)
    }

    /// A new project.
    pub(crate) async fn make(&self) -> Verdict<Slot> {
        let said = self
            .ask(
                Method::POST,
                "/output-projects",
                Some(json!({ "name": "p" })),
            )
            .await?
            .expect(&[201])?;
        let text = |key: &str| said.body[key].as_str().unwrap_or_default().to_owned();
        let id = text("id");
        let follower = Follower::start(&self.server.base, &self.server.token, &id);
        let workspace = PathBuf::from(text("workspace_path"));
        let workspace = workspace
            .canonicalize()
            .map_err(|error| error.to_string())?;
        Ok(Slot::new(id, workspace, follower))
    }

    /// The server's process.
    pub(crate) fn process(&self) -> Verdict<Process> {
        Process::of(self.server.pid()).ok_or_else(|| "the server is gone".to_owned())
    }

    fn request(&self, method: Method, path: &str, body: Option<Value>) -> reqwest::RequestBuilder {
        let url = format!("{}/api/v1{path}", self.server.base);
        let request = self
            .http
            .request(method, url)
            .bearer_auth(&self.server.token);
        match body {
            Some(body) => request.json(&body),
            None => request,
        }
    }

    /// Sends a request to a running server; the server must answer.
    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Verdict<Said> {
        let what = format!("{method} {path} {}", body.as_ref().unwrap_or(&Value::Null));
        let said = self.ask_anyhow(method, path, body).await;
        let said = said.map_err(|error| format!("{what}: no answer: {error:?}"))?;
        match said.status {
            500.. if said.status != 503 => Err(format!("{what}: {said:?}")),
            _ => Ok(said),
        }
    }

    /// Sends a request with or without a running server.
    pub(crate) fn ask_anyhow(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> impl Future<Output = reqwest::Result<Said>> + Send + 'static {
        let request = self.request(method, path, body);
        async move {
            let response = request.send().await?;
            let status = response.status().as_u16();
            let bytes = response.bytes().await?;
            let text = || Value::String(String::from_utf8_lossy(&bytes).into_owned());
            let body = serde_json::from_slice(&bytes).unwrap_or_else(|_| text());
            Ok(Said { status, body })
        }
    }

    /// A resource of a project.
    pub(crate) fn path(&self, slot: usize, rest: &str) -> String {
        format!("/output-projects/{}{rest}", self.slots[slot].id)
    }

    /// The project's session, with the history checked and recorded.
    pub(crate) async fn session(&mut self, slot: usize) -> Verdict<Value> {
        let path = self.path(slot, "/session");
        let said = self.ask(Method::GET, &path, None).await?.expect(&[200])?;
        self.slots[slot]
            .remember(&said.body)
            .map_err(|wrong| self.of(slot, &wrong))?;
        Ok(said.body)
    }

    /// Checks and records the project's deliveries.
    pub(crate) async fn deliveries(&mut self, slot: usize) -> Verdict {
        let path = self.path(slot, "/deliveries?limit=1000");
        let said = self.ask(Method::GET, &path, None).await?.expect(&[200])?;
        self.slots[slot]
            .list(&said.body)
            .map_err(|wrong| self.of(slot, &wrong))
    }

    /// A failed check with its project.
    pub(crate) fn of(&self, slot: usize, wrong: &str) -> String {
        format!("slot {slot}, project {}: {wrong}", self.slots[slot].id)
    }

    /// Sends SIGSTOP, and SIGCONT after this time.
    pub(crate) fn pause(&mut self, process: Process, ms: u64) -> bool {
        let is_there = process.signal(Signal::STOP);
        if is_there {
            self.pauses.retain(|pause| !pause.is_finished());
            self.pauses.push(tokio::spawn(async move {
                sleep(Duration::from_millis(ms)).await;
                process.signal(Signal::CONT);
            }));
        }
        is_there
    }

    /// The invariants after each step.
    pub(crate) async fn check(&mut self, account: &mut Account) -> Verdict {
        account.progress();
        self.one_agent_each()?;
        self.turn += 1;
        let slots = self.slots.len();
        for slot in 0..slots {
            let collected = self.slots[slot].collect();
            collected.map_err(|wrong| self.of(slot, &wrong))?;
            let taken = self.slots[slot].compare_taken(false);
            taken.map_err(|wrong| self.of(slot, &wrong))?;
            account.checks += 2;
        }
        let slot = self.turn % slots;
        self.session(slot).await?;
        self.deliveries(slot).await?;
        let taken = self.slots[slot].compare_taken(true);
        taken.map_err(|wrong| self.of(slot, &wrong))?;
        account.checks += 4;
        if self.turn.is_multiple_of(COMPARE_EVERY) {
            for slot in 0..slots {
                self.compare(slot, false, account)?;
            }
        }
        Ok(())
    }

    /// Compares the output of a project's clients with the logs.
    pub(crate) fn compare(&mut self, slot: usize, all: bool, account: &mut Account) -> Verdict {
        let sessions = self.server.data_dir().join("sessions");
        let tape = &mut self.slots[slot].tape;
        let compared = tape.compare(|session| sessions.join(session), all);
        account.add(compared.map_err(|wrong| self.of(slot, &wrong))?);
        account.checks += 1;
        Ok(())
    }

    /// A project has at most one agent, by the process table.
    fn one_agent_each(&self) -> Verdict {
        let agents = table::agents(&self.agent);
        for (slot, place) in self.slots.iter().enumerate() {
            let found = agents.get(&place.workspace).map_or(&[][..], Vec::as_slice);
            // The table is read entry by entry: only agents still alive after the reading lived at
            // the same time.
            let alive: Vec<_> = found.iter().filter(|agent| agent.is_alive()).collect();
            if alive.len() > 1 {
                return Err(self.of(slot, &format!("{} agents: {alive:?}", alive.len())));
            }
        }
        Ok(())
    }
}

impl Said {
    /// The answer, if its status is among these.
    pub(crate) fn expect(self, statuses: &[u16]) -> Verdict<Self> {
        match statuses.contains(&self.status) {
            true => Ok(self),
            false => Err(format!("not one of {statuses:?}: {self:?}")),
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        for (process, _) in table::about(self.server.data_dir()) {
            process.signal(Signal::KILL);
        }
    }
}
