//! A minute without the database: the agent goes on, and afterwards the database has everything
//! once.

use std::fs;

use rustix::process::{Pid, Signal, kill_process};
use tokio::time::{Duration, Instant, timeout};

use super::*;
use crate::support::{Socket, eventually, is_alive};

/// How long the database is away.
const AWAY: Duration = Duration::from_secs(60);
/// The interval between checks of the server meanwhile.
const LOOK: Duration = Duration::from_secs(1);

/// A session whose server just lost its database: one command is typed and unconfirmed, one waits.
struct Lost {
    proxy: Proxy,
    direct: String,
    server: Server,
    project: String,
    socket: Socket,
    before: Value,
    deliveries: [Value; 2],
}

impl Lost {
    /// `None`, with the reason printed, without a detachable database.
    async fn prepare() -> Option<Self> {
        let mongo = shared().await?;
        let Some(port) = mongo.port() else {
            skip("a server that is given cannot be cut off");
            return None;
        };
        let database = database();
        let proxy = Proxy::before(port).await.unwrap();
        let address = mongo.address_by(proxy.port, &database);
        let server = Server::start_on(Agent::fake(""), Some(address)).await;
        let project = server.project("p").await;
        let socket = server
            .socket(&format!("/output-projects/{project}/terminal"))
            .await;
        let before = server.idle(&project).await;
        // A stopped agent does not read the typed text before the outage.
        let agent = i32::try_from(before["pid"].as_i64().unwrap()).unwrap();
        let agent = Pid::from_raw(agent).unwrap();
        kill_process(agent, Signal::STOP).unwrap();
        let first = server.deliver(&project, "typed before").await;
        let second = server.deliver(&project, "waits").await;
        server.delivery_until(&project, &first, "written").await;
        proxy.be(Weather::Cut);
        kill_process(agent, Signal::CONT).unwrap();
        Some(Self {
            proxy,
            direct: mongo.address(&database),
            server,
            project,
            socket,
            before,
            deliveries: [first, second],
        })
    }

    fn path(&self, rest: &str) -> String {
        format!("/output-projects/{}{rest}", self.project)
    }

    /// The agent takes the command; the agent's user types and begins a new conversation.
    async fn agent_goes_on(&mut self) {
        self.socket.until("last: typed before").await;
        self.say("said meanwhile").await;
        self.socket.until("last: said meanwhile").await;
        self.say("/clear").await;
        // Text right after a key would count as pasted together with the key.
        let record = self.server.agent.home.config_dir();
        let record = record.join(format!("sessions/{}.json", self.before["pid"]));
        let before = self.before["claude_session_id"].as_str().unwrap();
        eventually("the conversation is another one", || {
            !fs::read_to_string(&record).unwrap().contains(before)
        })
        .await;
        self.say("said anew").await;
        self.socket
            .until("fake: 1 user message; last: said anew")
            .await;
    }

    async fn say(&mut self, text: &str) {
        self.socket.input(text).await;
        self.socket.until(&format!("❯ {text}")).await;
        self.socket.input("\r").await;
    }

    /// Checks that the database has everything once, also for another server.
    async fn assert_nothing_is_lost_or_doubled(&self) {
        let Self {
            server,
            project,
            before,
            ..
        } = self;
        for delivery in &self.deliveries {
            server.delivery_until(project, delivery, "submitted").await;
        }
        let after = server
            .session_until(project, "the new conversation is known", |session| {
                session["claude_session_id"] != before["claude_session_id"]
            })
            .await;
        for key in ["pid", "session_id"] {
            assert_eq!(after[key], before[key], "{key}");
        }
        let history = after["claude_session_history"].as_array().unwrap();
        assert_eq!(history.len(), 2, "{after}");
        assert_eq!(history[0]["id"], before["claude_session_id"]);
        assert_eq!(history[1]["source"], "clear");
        let deliveries = server.get(&self.path("/deliveries")).await.expect(200);
        assert_eq!(deliveries["total"], 2, "{deliveries}");
        server
            .until(&self.path("/screen"), "the last command's end", |screen| {
                screen.as_str().unwrap().contains("last: waits")
            })
            .await;
        // The agent's own record of its messages.
        let said: String = history
            .iter()
            .map(|entry| fs::read_to_string(entry["transcript_path"].as_str().unwrap()).unwrap())
            .collect();
        for text in ["typed before", "said meanwhile", "said anew", "waits"] {
            let times = said.matches(&format!("\"content\":\"{text}\"")).count();
            assert_eq!(times, 1, "{text}: {said}");
        }
        let other = Server::start_on(Agent::fake(""), Some(self.direct.clone())).await;
        let read = other.session(project).await;
        assert_eq!(
            read["claude_session_history"],
            after["claude_session_history"]
        );
        assert_eq!(
            other.get(&self.path("/deliveries")).await.expect(200),
            deliveries
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_minutes_outage_loses_nothing() {
    let Some(mut lost) = Lost::prepare().await else {
        return;
    };
    let (away, pid) = (Instant::now(), lost.server.pid());
    lost.agent_goes_on().await;
    let refused = lost
        .server
        .post(&lost.path("/deliveries"), json!({ "text": "refused" }))
        .await
        .problem(503);
    assert!(refused.contains("try again"), "{refused}");
    while away.elapsed() < AWAY {
        let detail = ready(&lost.server).await.problem(503);
        assert!(detail.contains("the store is not available"), "{detail}");
        // The server drops a client that answers no ping for 60 s.
        let _ = timeout(LOOK, lost.socket.next()).await;
    }

    lost.proxy.be(Weather::Fair(Duration::ZERO));
    lost.assert_nothing_is_lost_or_doubled().await;
    ready(&lost.server).await.expect(200);
    assert_eq!(lost.server.pid(), pid, "nothing was started again");
    lost.say("and after").await;
    lost.socket.until("last: and after").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_dying_during_an_outage() {
    let Some(mut lost) = Lost::prepare().await else {
        return;
    };
    lost.agent_goes_on().await;
    lost.server.crash().await;
    // Without the database the server does not start and says why; the agent goes on.
    let ended = output(&lost.server, &["serve", "--listen", "127.0.0.1:0"]).await;
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    let port = format!("127.0.0.1:{}", lost.proxy.port);
    assert!(
        said.contains(&port) && said.contains("check that it runs"),
        "{said}"
    );
    let agent = i32::try_from(lost.before["pid"].as_i64().unwrap()).unwrap();
    assert!(is_alive(agent));

    lost.proxy.be(Weather::Fair(Duration::ZERO));
    lost.server.up().await;
    lost.assert_nothing_is_lost_or_doubled().await;
}
