//! The sessions of the soak run: chatty sessions, an echoing session, and conversations with
//! deliveries.

use std::{fs, os::unix::fs::PermissionsExt as _, sync::Arc, thread, time::Duration};

use anyhow::{Context, anyhow};
use serde_json::json;
use tempfile::TempDir;
use wxcode_bench::{order::Order, text};

use crate::{
    client::{Client, Protocol},
    paths::Paths,
    server::{Server, Session, wait_for},
};

/// Output of a chatty agent, in bytes a second.
pub(super) const RATE: usize = 10 << 10; // 10 KiB/s
/// Sessions with deliveries.
const CONVERSATIONS: usize = 2;
/// Chatty sessions with visiting clients.
const VISITED: usize = 4;
/// MiB printed by each chatty agent at the beginning, for filling its holder's buffers.
const FILL_MIB: usize = 2;
/// The same for the fake agent.
const FLOOD: usize = FILL_MIB << 20;
/// Visits for filling a project's events in memory, half of them by either protocol.
const FILL_VISITS: usize = 200;
/// Deliveries for filling the events, a session's stored prompts, and the store's page cache. The
/// deliveries also cause a reading of the log for the attribution of planning files.
const FILL_DELIVERIES: usize = 256;
/// Longest time of a delivery to its end: more than the server's own bound.
const DELIVERY_TIME: Duration = Duration::from_secs(180);
/// Concurrent filling threads.
const AT_ONCE: usize = 8;
/// A file in a conversation's workspace that selects the agent's behaviour.
const CONVERSES: &str = ".converses";

/// A server and its sessions.
pub(super) struct Crowd {
    pub(super) server: Arc<Server>,
    pub(super) chatty: Vec<Session>,
    echo: Session,
    pub(super) conversations: Vec<Session>,
    /// The folder of the limit's agent and of the executable started as claude.
    pub(super) folder: TempDir,
    pub(super) paths: Paths,
}

impl Crowd {
    /// Starts the server and all sessions.
    pub(super) fn gather(paths: &Paths, sessions: u32) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("wxcode-soak-").tempdir()?;
        let agent = folder.path().join("agent");
        let fake = paths.agent.with_file_name("fake-claude");
        anyhow::ensure!(
            fake.exists(),
            "{} is missing: run `make verify VERIFY=soak`",
            fake.display()
        );
        let script = format!(
            "#!/bin/sh\n[ -e {CONVERSES} ] && exec '{}' \"$@\"\nexec '{}' \"$@\"\n",
            fake.display(),
            paths.agent.display()
        );
        fs::write(&agent, script)?;
        fs::set_permissions(&agent, fs::Permissions::from_mode(0o755))?;
        let server = Server::start(&Paths {
            agent,
            ..paths.clone()
        })?;
        let chatty = (0..sessions)
            .map(|_| server.session())
            .collect::<Result<_, _>>()?;
        let echo = server.session()?;
        let conversations = (0..CONVERSATIONS).map(|n| {
            let workspace = folder.path().join(format!("conversation-{n}"));
            fs::create_dir(&workspace)?;
            fs::write(workspace.join(CONVERSES), "")?;
            server.session_in(Some(&workspace))
        });
        let conversations = conversations.collect::<Result<_, _>>()?;
        Ok(Self {
            server: Arc::new(server),
            chatty,
            echo,
            conversations,
            folder,
            paths: paths.clone(),
        })
    }

    /// The sessions with visiting clients.
    pub(super) fn visited(&self) -> &[Session] {
        &self.chatty[..self.chatty.len().min(VISITED)]
    }

    /// All sessions.
    pub(super) fn all(&self) -> impl Iterator<Item = &Session> {
        let others = self.conversations.iter().chain([&self.echo]);
        self.chatty.iter().chain(others)
    }

    /// Fills the bounded buffers; their growth would otherwise look like a leak. The buffers are
    /// the holders' output and lines, and the server's events. From then on the chatty agents
    /// print.
    pub(super) fn fill(&self) -> anyhow::Result<()> {
        each(&self.chatty, |session| {
            let mut client = Client::ready(&self.server, session, Protocol::V1)?;
            client.print(text::lines_of_mib(FILL_MIB))?;
            client.order(Order::Tick(RATE))?;
            client.hear().map(drop)
        })?;
        each(self.visited(), |session| {
            for _ in 0..FILL_VISITS / 2 {
                Client::attach(&self.server, session, Protocol::V1)?;
                Client::attach(&self.server, session, Protocol::Json)?;
            }
            Ok(())
        })?;
        each(&self.conversations, |session| {
            deliver(&self.server, session, &format!("fake:flood {FLOOD}"))?;
            for n in 0..FILL_DELIVERIES {
                deliver(&self.server, session, &format!("hello {n}"))?;
            }
            Ok(())
        })
    }

    /// A client of the echoing session, with buffers filled likewise.
    pub(super) fn echoing(&self) -> anyhow::Result<Client> {
        let mut client = Client::ready(&self.server, &self.echo, Protocol::V1)?;
        client.print(text::lines_of_mib(FILL_MIB))?;
        client.echoing()
    }

    /// The number of running sessions in the API.
    pub(super) fn running(&self) -> anyhow::Result<usize> {
        let mut running = 0;
        for session in self.all() {
            running += usize::from(self.server.is_running(session)?);
        }
        Ok(running)
    }
}

/// Delivers a text and waits for the delivery's end; false without a submission. On a very busy
/// machine a delivery may fail.
pub(super) fn deliver(server: &Server, session: &Session, text: &str) -> anyhow::Result<bool> {
    let path = format!("/output-projects/{}/deliveries", session.project);
    let queued = server.call("POST", &path, Some(&json!({ "text": text })))?;
    let id = queued["id"].as_str().context("a delivery without an id")?;
    let path = format!("{path}/{id}");
    let became = wait_for(DELIVERY_TIME, "a delivery's end", || {
        let now = server.call("GET", &path, None).ok()?;
        let is_open = now["state"] == "queued" || now["state"] == "written";
        (!is_open).then_some(now)
    })?;
    let submitted = became["state"] == "submitted";
    if !submitted {
        eprintln!("        a delivery failed: {became}");
    }
    Ok(submitted)
}

/// Runs a function for each session, some at once.
fn each(
    sessions: &[Session],
    work: impl Fn(&Session) -> anyhow::Result<()> + Sync,
) -> anyhow::Result<()> {
    let part = sessions.len().div_ceil(AT_ONCE).max(1);
    thread::scope(|scope| {
        let work = &work;
        let parts: Vec<_> = sessions
            .chunks(part)
            .map(|part| scope.spawn(move || part.iter().try_for_each(work)))
            .collect();
        parts
            .into_iter()
            .try_for_each(|part| part.join().map_err(|_| anyhow!("a part of it panicked"))?)
    })
}
