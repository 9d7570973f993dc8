//! A wxcode server in a temporary folder.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::{Instant, sleep, timeout},
};
use wxcode_client::Server as Remote;
use wxcode_testbed::mongodb::MongoServer;

use super::{Agent, Socket, is_alive, kill};

/// How long anything may take before a test gives up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// How long an answer of the server may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(300);
/// How often a condition outside of our own event stream is looked at.
pub(crate) const LOOK: Duration = Duration::from_millis(20);

/// A running server; everything it started is gone when it is dropped.
pub(crate) struct Server {
    pub(crate) agent: Agent,
    pub(crate) dir: TempDir,
    pub(crate) base: String,
    pub(crate) token: String,
    /// Of any server: each call names it.
    rest: wxcode_client::Client,
    /// For requests that break the rules.
    client: Client,
    child: Option<Child>,
    listen: String,
    /// The program, behind what it is started by, if by anything.
    pub(crate) program: Vec<OsString>,
    /// Something else starts it, and its process numbers mean other processes here.
    is_elsewhere: bool,
    /// The store, where it is not the default one.
    store: Option<String>,
    /// Standard output and standard error of the next start, where they are not the tests' own.
    outputs: Option<(Stdio, Stdio)>,
}

/// A status and a body.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) content_type: String,
    pub(crate) body: Value,
}

impl Answer {
    /// The body, after a check of the status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        self.body
    }

    /// The detail of a problem, after a check of the status and the type.
    #[track_caller]
    pub(crate) fn problem(self, status: u16) -> String {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        assert_eq!(self.content_type, "application/problem+json");
        assert_eq!(self.body["status"], status);
        let detail = self.body["detail"].as_str().unwrap_or_default();
        assert!(
            !detail.is_empty(),
            "a problem says what to do: {}",
            self.body
        );
        detail.to_owned()
    }
}

impl Server {
    /// A server whose agents are `agent`.
    pub(crate) async fn start(agent: Agent) -> Self {
        Self::start_on(agent, store().await).await
    }

    /// The same with another store than the tests' own.
    pub(crate) async fn start_on(agent: Agent, store: Option<String>) -> Self {
        let mut server = Self::new(agent, store);
        server.up().await;
        server.read_token();
        server
    }

    /// A server that `wrapper` starts, with the arguments that it makes of the data folder, the program coming last, in
    /// namespaces of its own that end with it.
    pub(crate) async fn start_wrapped(
        agent: Agent,
        wrapper: impl FnOnce(&Path) -> Vec<OsString>,
    ) -> Self {
        let mut server = Self::elsewhere(agent);
        let mut program = wrapper(server.data_dir());
        program.append(&mut server.program);
        server.program = program;
        server.up().await;
        server.read_token();
        server
    }

    /// A server that something else starts, in surroundings of its own; [`Server::find`] looks for it.
    pub(crate) fn elsewhere(agent: Agent) -> Self {
        let mut server = Self::new(agent, None);
        server.is_elsewhere = true;
        server
    }

    /// Waits until a server that something else starts listens: another one than `before`.
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
        self.read_token();
        found
    }

    /// A server with this standard output and standard error, which the test need not read.
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
        let client = Client::builder()
            .no_proxy()
            // The server closes an idle connection without authentication after 10 s: none is used when that is near.
            .pool_idle_timeout(Duration::from_secs(4))
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        let nobody = Remote::new("http://127.0.0.1:1".parse().unwrap(), "none").unwrap();
        let rest = wxcode_client::Client::new(nobody).unwrap();
        Self {
            agent,
            dir,
            base: String::new(),
            token: String::new(),
            rest,
            client,
            child: None,
            listen: "127.0.0.1:0".to_owned(),
            store,
            program: vec![wxcode().into()],
            is_elsewhere: false,
            outputs: None,
        }
    }

    fn read_token(&mut self) {
        let given = self
            .agent
            .env
            .iter()
            .find(|(name, _)| name == "WXCODE_TOKEN");
        self.token = match given {
            Some((_, token)) => token.to_str().unwrap().to_owned(),
            None => fs::read_to_string(self.data_dir().join("token"))
                .unwrap()
                .trim()
                .to_owned(),
        };
    }

    /// The store of the next start.
    pub(crate) fn keep_in(&mut self, store: Option<String>) {
        self.store = store;
    }

    /// What people are told that the store is: the embedded one's file, or the shared one's database.
    pub(crate) fn store_name(&self) -> &str {
        self.store.as_deref().map_or("wxcode.db", |address| {
            let path = address.split('?').next().unwrap_or_default();
            path.rsplit('/').next().unwrap_or_default()
        })
    }

    /// Makes the store one that cannot be opened, while the server does not run.
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

    /// The program with this server's data folder and surroundings.
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

    /// Starts the program, at the same address as before.
    pub(crate) async fn up(&mut self) {
        let mut command = self.command(&["serve", "--listen", &self.listen]);
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
        self.listen = self.base.strip_prefix("http://").unwrap().to_owned();
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

    /// SIGTERM; the exit code.
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

    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base))
    }

    pub(crate) async fn answer(&self, request: reqwest::RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        let status = response.status();
        let content_type = response
            .headers()
            .get("content-type")
            .map_or("", |value| value.to_str().unwrap())
            .to_owned();
        let bytes = response.bytes().await.unwrap();
        let body = serde_json::from_slice(&bytes)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into_owned()));
        Answer {
            status,
            content_type,
            body,
        }
    }

    /// The server as a client names it.
    pub(crate) fn remote(&self) -> Remote {
        Remote::new(self.base.parse().unwrap(), self.token.as_str()).unwrap()
    }

    /// A client of the server as it is now.
    pub(crate) fn rest(&self) -> wxcode_client::Client {
        let rest = self.rest.clone().with_timeout(ANSWER_TIMEOUT);
        rest.with_server(self.remote())
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let response = self.rest().call(method, path, body.as_ref()).await.unwrap();
        let body = serde_json::from_slice(&response.body)
            .unwrap_or_else(|_| String::from_utf8_lossy(&response.body).into());
        Answer {
            status: StatusCode::from_u16(response.status).unwrap(),
            content_type: response.content_type,
            body,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, Some(body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Answer {
        self.call(Method::PATCH, path, Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.call(Method::DELETE, path, None).await
    }

    /// A new project in a folder of its own, which the real Claude Code trusts; its id.
    pub(crate) async fn project(&self, name: &str) -> String {
        let project = self
            .post("/output-projects", json!({ "name": name }))
            .await
            .expect(201);
        self.agent
            .trust(Path::new(project["workspace_path"].as_str().unwrap()));
        project["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn workspace(&self, project: &str) -> PathBuf {
        let project = self
            .get(&format!("/output-projects/{project}"))
            .await
            .expect(200);
        project["workspace_path"].as_str().unwrap().into()
    }

    /// A new milestone; its id.
    pub(crate) async fn milestone(&self, project: &str, element: &str) -> String {
        let body = json!({ "output_project_id": project, "element_name": element, "context": "# Context\n" });
        let milestone = self.post("/milestones", body).await.expect(201);
        milestone["id"].as_str().unwrap().to_owned()
    }

    /// The project's session.
    pub(crate) async fn session(&self, project: &str) -> Value {
        self.get(&format!("/output-projects/{project}/session"))
            .await
            .expect(200)
    }

    /// Starts the project's session, which must not run yet.
    pub(crate) async fn start_session(&self, project: &str) -> Value {
        let path = format!("/output-projects/{project}/session");
        self.post(&path, json!({})).await.expect(201)
    }

    /// Queues a text for the project's session.
    pub(crate) async fn deliver(&self, project: &str, text: &str) -> Value {
        let path = format!("/output-projects/{project}/deliveries");
        self.post(&path, json!({ "text": text })).await.expect(202)
    }

    /// Waits until the session is as wanted.
    pub(crate) async fn session_until(
        &self,
        project: &str,
        what: &str,
        wanted: impl Fn(&Value) -> bool,
    ) -> Value {
        self.until(&format!("/output-projects/{project}/session"), what, wanted)
            .await
    }

    /// Waits until a resource is as wanted.
    pub(crate) async fn until(
        &self,
        path: &str,
        what: &str,
        wanted: impl Fn(&Value) -> bool,
    ) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let seen = self.get(path).await.expect(200);
            if wanted(&seen) {
                return seen;
            }
            assert!(
                Instant::now() < deadline,
                "not in time: {what}\n{seen:#}\n{}",
                self.log()
            );
            sleep(LOOK).await;
        }
    }

    /// Waits until a delivery is in this state.
    pub(crate) async fn delivery_until(
        &self,
        project: &str,
        delivery: &Value,
        state: &str,
    ) -> Value {
        let path = format!(
            "/output-projects/{project}/deliveries/{}",
            delivery["id"].as_str().unwrap()
        );
        self.until(&path, &format!("the delivery is {state}"), |delivery| {
            delivery["state"] == state
        })
        .await
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
                // The holder ends by itself when its agent has; what hangs on to the terminal goes with it.
                for pid in [agent, holder] {
                    if is_alive(pid) {
                        kill(pid);
                    }
                }
            }
        }
    }
}

/// What `WXCODE_TEST_STORE` asks for: `sqlite`, which is the default, or `mongodb`, a new database for each server.
async fn store() -> Option<String> {
    let (mongo, database) = shared_store().await?;
    Some(mongo.address(&database))
}

/// The server and the name of a new database, where `WXCODE_TEST_STORE` asks for `mongodb`.
pub(crate) async fn shared_store() -> Option<(&'static MongoServer, String)> {
    match std::env::var("WXCODE_TEST_STORE").as_deref() {
        Err(_) | Ok("" | "sqlite") => None,
        Ok("mongodb") => {
            let shared = tokio::task::spawn_blocking(wxcode_testbed::mongodb::shared);
            let database = format!("wxcode_test_{}", uuid::Uuid::new_v4().simple());
            Some((shared.await.unwrap().unwrap(), database))
        }
        Ok(other) => panic!("WXCODE_TEST_STORE={other}: use sqlite or mongodb"),
    }
}

/// Waits until a condition outside of the server holds.
pub(crate) async fn eventually(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        sleep(LOOK).await;
    }
}

/// The program under test; its other one is beside it.
fn wxcode() -> &'static Path {
    let program = Path::new(env!("CARGO_BIN_EXE_wxcode"));
    wxcode_testbed::holder_program(program);
    program
}

/// The program of the sessions that is installed beside the program under test.
pub(crate) fn holder_program() -> &'static Path {
    wxcode_testbed::holder_program(Path::new(env!("CARGO_BIN_EXE_wxcode")))
}
