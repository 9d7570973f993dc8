//! A replica set of `mongod` on this machine, for tests of elections.

use std::{
    path::{Path, PathBuf},
    process::Child,
    time::{Duration, Instant},
};

use mongodb::{
    Client, Database,
    bson::{Document, doc},
    error::Error,
    options::ClientOptions,
};
use tokio::{task::block_in_place, time::sleep};

use super::{Kind, LOOK, START_MAX, free_port, keeping, listening, program};

/// The name of the set.
const NAME: &str = "wxcode";
/// Members of a usual set.
const MEMBERS: usize = 3;
/// How long a member waits for the primary's heartbeat before an election.
const ELECTION_MS: i32 = 2_000;
/// Longest absence of a stepped down primary from elections.
const DOWN_S: i32 = 60;

/// The members end on drop.
#[derive(Debug)]
pub struct ReplicaSet {
    members: Vec<Member>,
    /// The administration database, through the primary.
    admin: Database,
}

#[derive(Debug)]
struct Member {
    port: u16,
    folder: PathBuf,
    /// Ends the member and removes the member's folder at the guard's own end.
    guard: Child,
}

impl Member {
    fn end(&mut self) {
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }

    /// Kills the member, and keeps its data.
    fn kill(&mut self) -> Result<(), String> {
        let folder = self.folder.clone();
        keeping(&folder, || self.end())
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.end();
    }
}

impl ReplicaSet {
    /// Starts three members, forms a set, and waits for a primary.
    ///
    /// # Errors
    /// The reason why there is none.
    pub async fn start() -> Result<Self, String> {
        Self::of(MEMBERS).await
    }

    /// The same with so many members.
    ///
    /// # Errors
    /// The reason why there is none.
    pub async fn of(members: usize) -> Result<Self, String> {
        let members = tokio::task::spawn_blocking(move || {
            (0..members)
                .map(|_| member())
                .collect::<Result<Vec<_>, _>>()
        });
        let members = members.await.map_err(|panic| panic.to_string())??;
        let hosts = members.iter().zip(0..).map(|(member, id)| {
            doc! { "_id": id, "host": format!("127.0.0.1:{}", member.port) }
        });
        let config = doc! {
            "_id": NAME,
            "members": hosts.collect::<Vec<_>>(),
            "settings": { "electionTimeoutMillis": ELECTION_MS },
        };
        let first = members.first().ok_or("it has no members")?.port;
        let said = |error: Error| error.to_string();
        let initiate = doc! { "replSetInitiate": config };
        let first = format!("mongodb://127.0.0.1:{first}/?directConnection=true");
        let first = admin(&first).await.map_err(said)?;
        first.run_command(initiate).await.map_err(said)?;
        let admin = admin(&address_of(&members, "")).await.map_err(said)?;
        let set = Self { members, admin };
        set.primary().await?;
        Ok(set)
    }

    /// The address of a database on the set.
    #[must_use]
    pub fn address(&self, database: &str) -> String {
        address_of(&self.members, database)
    }

    /// Waits for a primary; returns the primary's host.
    ///
    /// # Errors
    /// No primary in time.
    pub async fn primary(&self) -> Result<String, String> {
        let begun = Instant::now();
        loop {
            let hello = self.ask(doc! { "hello": 1 }).await;
            if let Ok(hello) = &hello
                && hello.get_bool("isWritablePrimary").unwrap_or_default()
                && let Ok(primary) = hello.get_str("me")
            {
                return Ok(primary.to_owned());
            }
            if begun.elapsed() > START_MAX {
                return Err(format!("the set has no primary: {hello:?}"));
            }
            sleep(LOOK).await;
        }
    }

    /// Makes the primary step down and waits for another primary.
    ///
    /// # Errors
    /// No other primary in time.
    pub async fn step_down(&self) -> Result<(), String> {
        let before = self.primary().await?;
        let request = doc! { "replSetStepDown": DOWN_S, "secondaryCatchUpPeriodSecs": 10 };
        self.ask(request).await.map_err(|error| error.to_string())?;
        while self.primary().await? == before {
            sleep(LOOK).await;
        }
        Ok(())
    }

    /// Kills the primary (SIGKILL), waits for another one, and starts the killed member again with its
    /// data. The caller's runtime has several threads.
    ///
    /// # Errors
    /// No other primary in time, or the member does not start again.
    pub async fn kill_primary(&mut self) -> Result<(), String> {
        let before = self.primary().await?;
        let is_primary = |member: &Member| before.ends_with(&format!(":{}", member.port));
        let killed = self.members.iter().position(is_primary);
        let killed = killed.ok_or("the primary is no member")?;
        block_in_place(|| self.members[killed].kill())?;
        while self.members.len() > 1 && self.primary().await? == before {
            sleep(LOOK).await;
        }
        let member = &mut self.members[killed];
        member.guard = block_in_place(|| member_in(&member.folder, member.port))?;
        self.primary().await.map(drop)
    }

    /// The answer of the primary.
    async fn ask(&self, request: Document) -> Result<Document, Error> {
        self.admin.run_command(request).await
    }
}

fn address_of(members: &[Member], database: &str) -> String {
    let hosts = members
        .iter()
        .map(|member| format!("127.0.0.1:{}", member.port));
    let hosts = hosts.collect::<Vec<_>>().join(",");
    format!("mongodb://{hosts}/{database}?replicaSet={NAME}")
}

fn member() -> Result<Member, String> {
    let folder = tempfile::Builder::new().prefix("wxcode-mongodb-").tempdir();
    let folder = folder.map_err(|error| format!("there is no temporary folder ({error})"))?;
    let (folder, port) = (folder.keep(), free_port()?);
    let guard = member_in(&folder, port)?;
    Ok(Member {
        port,
        folder,
        guard,
    })
}

fn member_in(folder: &Path, port: u16) -> Result<Child, String> {
    let (kind, program) = program().ok_or("there is no MongoDB: run scripts/install-mongod")?;
    if kind != Kind::Mongod {
        return Err("a replica set needs mongod: run scripts/install-mongod".to_owned());
    }
    listening(kind, &program, folder, port, true, &["--replSet", NAME])
}

async fn admin(address: &str) -> Result<Database, Error> {
    let mut options = ClientOptions::parse(address).await?;
    options.server_selection_timeout = Some(Duration::from_secs(5));
    Ok(Client::with_options(options)?.database("admin"))
}
