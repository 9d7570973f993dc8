//! wxcode as a service of a real systemd: `systemctl restart` and shutdown with running sessions.

use std::{fs, path::Path};

use serde_json::{Value, json};

use crate::support::{Agent, Server, Systemd, TOKEN, USER};

/// The shipped units.
const UNIT: &str = include_str!("../../../../dist/wxcode@.service");
const USERS_UNIT: &str = include_str!("../../../../dist/wxcode.service");
const NAME: &str = "wxcode@root.service";

/// A service and the service's systemd.
struct Service {
    systemd: Option<Systemd>,
    server: Server,
    found: Value,
    drop_in: String,
    /// The service belongs to a user's own systemd.
    of_user: bool,
}

impl Service {
    /// The shipped unit with `lines` for the service, and with `agent` for `[agent]` of
    /// `wxcode.toml`; `None` without systemd.
    async fn start(lines: &str, agent: &str) -> Option<Self> {
        Self::start_with(Agent::fake(""), lines, agent).await
    }

    async fn start_with(fake: Agent, lines: &str, agent: &str) -> Option<Self> {
        let mut service = Self::new(fake, lines, agent);
        service.boot().await.then_some(service)
    }

    fn new(mut fake: Agent, lines: &str, agent: &str) -> Self {
        fake.config = format!("{}{agent}\n", fake.config);
        let server = Server::elsewhere(fake);
        let data = server.data_dir().to_str().unwrap().to_owned();
        let claude = Systemd::program(&server.agent.claude);
        let own = [
            (TOKEN, server.token.as_str()),
            ("WXCODE_DATA_DIR", data.as_str()),
            ("WXCODE_CLAUDE", claude.as_str()),
        ];
        let home = server.agent.home.env();
        let pairs = home.iter().chain(&server.agent.env);
        let pairs = pairs.map(|(name, value)| (name.to_str().unwrap(), value.to_str().unwrap()));
        let environment: String = pairs
            .chain(own)
            .map(|(name, value)| format!("Environment=\"{name}={value}\"\n"))
            .collect();
        let drop_in = format!(
            "[Unit]\nDefaultDependencies=no\n[Service]\nExecStart=\n\
             ExecStart={} serve --listen 127.0.0.1:0\n{environment}StandardOutput=null\nStandardError=append:{data}/server.log\n{lines}\n",
            wxcode(),
        );
        Self {
            systemd: None,
            server,
            found: Value::Null,
            drop_in,
            of_user: false,
        }
    }

    /// Starts systemd and the service; false where starting is impossible.
    async fn boot(&mut self) -> bool {
        let units = [
            ("wxcode@.service", UNIT),
            ("wxcode@.service.d/test.conf", &self.drop_in),
            ("user/wxcode.service", USERS_UNIT),
            ("user/wxcode.service.d/test.conf", &self.drop_in),
        ];
        self.systemd = Systemd::start(&units);
        let Some(systemd) = &self.systemd else {
            return false;
        };
        if self.of_user {
            let folders = [self.server.data_dir(), self.server.agent.home.path()];
            for folder in folders {
                let owner = USER.to_string();
                let done = systemd.run("chown", &["-R", &owner, folder.to_str().unwrap()]);
                assert!(done.status.success());
            }
            systemd.ctl(&["start", &format!("user@{USER}.service")]);
            self.ctl_of_user(&["start", "wxcode"]);
        } else {
            systemd.ctl(&["start", NAME]);
        }
        let before = std::mem::take(&mut self.found);
        self.found = self.server.find(Some(&before)).await;
        true
    }

    /// `systemctl --user`; the call must succeed.
    #[track_caller]
    fn ctl_of_user(&self, arguments: &[&str]) {
        let all: Vec<&str> = ["--user"].iter().chain(arguments).copied().collect();
        let output = self.systemd().run_as_user("systemctl", &all);
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {text}");
    }

    fn systemd(&self) -> &Systemd {
        self.systemd.as_ref().unwrap()
    }

    async fn restart(&mut self) {
        self.systemd().ctl(&["restart", NAME]);
        self.found = self.server.find(Some(&self.found)).await;
    }

    /// The output of `wxcode doctor` inside, and whether the doctor succeeded.
    fn doctor(&self) -> (String, bool) {
        let data = self.server.data_dir().to_str().unwrap();
        let claude = Systemd::program(&self.server.agent.claude);
        let claude = format!("WXCODE_CLAUDE={claude}");
        let arguments = [&claude, &wxcode(), "--data-dir", data, "doctor"];
        let output = match self.of_user {
            true => self.systemd().run_as_user("env", &arguments),
            false => self.systemd().run("env", &arguments),
        };
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        (text, output.status.success())
    }

    /// The common cgroup of a session's holder and agent.
    fn cgroup(&self) -> String {
        let dir = self.server.session_dirs().remove(0);
        let (holder, agent) = Server::pids(&dir).unwrap();
        let of = |pid: i32| {
            let output = self.systemd().run("cat", &[&format!("/proc/{pid}/cgroup")]);
            let text = String::from_utf8(output.stdout).unwrap();
            let line = text.lines().find_map(|line| line.strip_prefix("0::"));
            line.unwrap().to_owned()
        };
        assert_eq!(of(holder), of(agent));
        of(agent)
    }

    /// A project with an agent of a single message.
    async fn talk(&self) -> String {
        let project = self.server.project("p").await;
        self.server.start_session(&project).await;
        let hello = self.server.deliver(&project, "hello").await;
        self.server
            .delivery_until(&project, &hello, "submitted")
            .await;
        project
    }

    /// The same agent continues the same conversation.
    async fn assert_goes_on(&self, project: &str, before: &Value) {
        let after = self.server.session(project).await;
        for key in ["status", "session_id", "pid"] {
            assert_eq!(after[key], before[key], "{key}");
        }
        self.server.idle(project).await;
        let again = self.server.deliver(project, "again").await;
        self.server
            .delivery_until(project, &again, "submitted")
            .await;
    }
}

/// The path of the program under test inside.
fn wxcode() -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_wxcode"));
    wxcode_testbed::holder_program(program);
    Systemd::program(program)
}

fn unit_of(dir: &Path) -> String {
    let id = dir.file_name().unwrap().to_str().unwrap();
    format!("wxcode-{id}.scope")
}

#[tokio::test]
async fn scoped_sessions_survive_a_service_restart() {
    // Even a service that ends everything in its cgroup leaves the sessions alone.
    let limits = "memory_max_mb = 2048\ncpu_percent = 150\ntasks_max = 500";
    let Some(mut service) = Service::start("KillMode=control-group", limits).await else {
        return;
    };
    let project = service.talk().await;
    let before = service.server.session(&project).await;
    let unit = unit_of(&service.server.session_dirs()[0]);
    let cgroup = service.cgroup();
    assert!(cgroup.ends_with(&unit), "{cgroup}");
    let show = service.systemd().ctl(&[
        "show",
        "--property=MemoryMax,CPUQuotaPerSecUSec,TasksMax,Delegate",
        &unit,
    ]);
    for line in [
        "MemoryMax=2147483648",
        "CPUQuotaPerSecUSec=1.500000s",
        "TasksMax=500",
        "Delegate=yes",
    ] {
        assert!(show.contains(line), "{show}");
    }
    let (doctor, well) = service.doctor();
    assert!(
        well && doctor.contains("ends no session: each has a scope of its own"),
        "{doctor}"
    );

    service.restart().await;
    service.assert_goes_on(&project, &before).await;
    service.systemd().ctl(&["stop", NAME]);
    service.systemd().ctl(&["start", NAME]);
    service.found = service.server.find(Some(&service.found)).await;
    service.assert_goes_on(&project, &before).await;

    // The scope ends with the session.
    let path = format!("/output-projects/{project}/session");
    service.server.delete(&path).await.expect(204);
    let listed = || {
        let systemd = service.systemd();
        systemd.ctl(&[
            "list-units",
            "--all",
            "--plain",
            "--no-legend",
            "wxcode-*.scope",
        ])
    };
    crate::support::eventually("the scope is gone", || listed().is_empty()).await;
}

#[tokio::test]
async fn without_scopes_the_shipped_unit_keeps_the_sessions() {
    let Some(mut service) = Service::start("", "scope = false").await else {
        return;
    };
    let project = service.talk().await;
    let before = service.server.session(&project).await;
    assert!(service.cgroup().contains(NAME));
    let (doctor, well) = service.doctor();
    assert!(well && doctor.contains("has KillMode=process"), "{doctor}");
    service.restart().await;
    service.assert_goes_on(&project, &before).await;
    // systemd restarts a killed server.
    let systemd = service.systemd();
    systemd.ctl(&["kill", "--kill-who=main", "--signal=KILL", NAME]);
    service.found = service.server.find(Some(&service.found)).await;
    service.assert_goes_on(&project, &before).await;
    let shown = service
        .systemd()
        .ctl(&["show", "--property=Delegate,OOMPolicy", NAME]);
    assert!(
        shown.contains("Delegate=yes") && shown.contains("OOMPolicy=continue"),
        "{shown}"
    );
}

#[tokio::test]
async fn sessions_ended_by_a_restart_are_resumed() {
    let agent = "scope = false\nresume_on_start = true";
    let Some(mut service) = Service::start("KillMode=control-group", agent).await else {
        return;
    };
    let project = service.talk().await;
    let before = service.server.session(&project).await;
    let (doctor, well) = service.doctor();
    assert!(
        !well
            && doctor.contains("would end 1 of 1 sessions")
            && doctor.contains("KillMode=process"),
        "{doctor}"
    );
    service.restart().await;
    let after = service
        .server
        .session_until(&project, "resumed", |session| {
            session["session_id"] != before["session_id"] && session["agent_state"] == "idle"
        })
        .await;
    assert_eq!(after["claude_session_id"], before["claude_session_id"]);
}

#[tokio::test]
async fn sessions_resume_after_an_orderly_shutdown() {
    let Some(mut service) = Service::start("", "resume_on_start = true").await else {
        return;
    };
    let project = service.talk().await;
    let before = service.server.session(&project).await;
    service.systemd.take().unwrap().power_off();
    let dir = service.server.session_dirs().remove(0);
    let exit: Value = serde_json::from_slice(&fs::read(dir.join("exit.json")).unwrap()).unwrap();
    assert_eq!(exit["reason"], "terminated", "{exit}");

    assert!(service.boot().await);
    let after = service
        .server
        .session_until(&project, "resumed", |session| {
            session["agent_state"] == "idle"
        })
        .await;
    assert_ne!(after["session_id"], before["session_id"]);
    assert_eq!(after["claude_session_id"], before["claude_session_id"]);
    assert_eq!(after["resume_error"], json!(null));
}

#[tokio::test]
async fn a_scope_identifies_orphans_without_a_holder() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("daemon");
    let agent = Agent::fake(&format!("daemon={}", file.display()));
    let Some(service) = Service::start_with(agent, "", "").await else {
        return;
    };
    let project = service.talk().await;
    let dir = service.server.session_dirs().remove(0);
    let holder: Value =
        serde_json::from_slice(&fs::read(dir.join("holder.json")).unwrap()).unwrap();
    let daemon = fs::read_to_string(&file).unwrap();
    let lives = |pid: &str| {
        let output = service
            .systemd()
            .run("test", &["-d", &format!("/proc/{pid}")]);
        output.status.success()
    };
    assert!(lives(&daemon));
    // The daemon left the agent's session; all knowledge of the daemon goes with these two
    // processes.
    let (guardian, holder) = (
        holder["guardian"]["pid"].to_string(),
        holder["pid"].to_string(),
    );
    let killed = service.systemd().run("kill", &["-9", &guardian, &holder]);
    assert!(killed.status.success());
    service
        .server
        .session_until(&project, "exited", |session| session["status"] == "exited")
        .await;
    crate::support::eventually("the daemon is gone", || !lives(&daemon)).await;
}

#[tokio::test]
async fn a_users_own_systemd_gives_scopes_too() {
    let mut service = Service::new(Agent::fake(""), "KillMode=control-group", "");
    service.of_user = true;
    if !service.boot().await {
        return;
    }
    let project = service.talk().await;
    let before = service.server.session(&project).await;
    let unit = unit_of(&service.server.session_dirs()[0]);
    let cgroup = service.cgroup();
    assert!(
        cgroup.ends_with(&unit) && cgroup.contains(&format!("/user@{USER}.service/")),
        "{cgroup}"
    );
    service.ctl_of_user(&["restart", "wxcode"]);
    service.found = service.server.find(Some(&service.found)).await;
    service.assert_goes_on(&project, &before).await;

    // The only warning concerns this user's logout.
    let (doctor, well) = service.doctor();
    assert!(
        doctor.contains(
            "`systemctl --user restart wxcode.service` ends no session: each has a scope"
        ),
        "{doctor}"
    );
    assert!(
        !well
            && doctor.matches("FAILED").count() == 1
            && doctor.contains("loginctl enable-linger nobody"),
        "{doctor}"
    );
}
