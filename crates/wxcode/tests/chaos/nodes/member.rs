//! A node with a proxy to the database, and one before its address for peers.

use std::time::Duration;

use wxcode_testbed::{
    mongodb::MongoServer,
    proxy::{Proxy, Weather},
};

use super::super::{
    support::{Agent, Server},
    table::{self, Process},
    taken,
};

/// The database of a run; the server is the run's own.
const DATABASE: &str = "chaos";

pub(super) struct Member {
    pub(super) server: Server,
    /// Between the node and the database.
    pub(super) store: Proxy,
    /// Between the other nodes and the node.
    pub(super) front: Proxy,
}

/// What a client needs to reach a node.
#[derive(Debug, Clone)]
pub(super) struct Door {
    pub(super) base: String,
    pub(super) token: String,
}

impl Member {
    /// A node; all share the files of the first one's home.
    pub(super) async fn start(
        number: usize,
        home: Option<&Server>,
        mongo: &MongoServer,
        lease_s: u64,
    ) -> Self {
        let port = mongo.port().expect("it runs here");
        let store = Proxy::before(port).await.unwrap();
        let front = Proxy::before(0).await.unwrap();
        let mut agent = Agent::fake(&format!("record={}", taken::FILE));
        let name = ["first", "second", "third"][number];
        agent.config += &format!(
            "scope = false\n[delivery]\nready_timeout_s = 20\n[node]\nname = '{name}'\nlease_s = {lease_s}\n\
             takeover = 'auto'\nadvertise = 'http://127.0.0.1:{}'\n",
            front.port
        );
        if let Some(home) = home {
            agent.env.extend(home.agent.home.env());
        }
        let address = mongo.address_by(store.port, DATABASE);
        let server = Server::start_on(agent, Some(address)).await;
        let (_, port) = server.base.rsplit_once(':').expect("an address");
        front.aim(port.parse().expect("a port"));
        Self {
            server,
            store,
            front,
        }
    }

    pub(super) fn door(&self) -> Door {
        Door {
            base: self.server.base.clone(),
            token: self.server.token.clone(),
        }
    }

    /// The processes of the node's sessions: holders, guardians, agents.
    pub(super) fn sessions(&self) -> Vec<Process> {
        let own = Process::of(self.server.pid());
        let about = table::about(self.server.data_dir()).into_iter();
        let roots: Vec<i32> = about.map(|(process, _)| process.pid).collect();
        let mut all = table::tree(&roots);
        all.retain(|process| Some(*process) != own);
        all
    }

    pub(super) fn fair(&self) {
        for proxy in [&self.store, &self.front] {
            proxy.be(Weather::Fair(Duration::ZERO));
        }
    }
}
