//! A MongoDB server for the tests of this process: a given server, a `mongod`, or SecantusDB as a
//! separate process. Module `set` has replica sets.

mod set;

use std::{
    env, fs,
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// The version of `scripts/install-secantusdb`.
pub const SECANTUSDB_VERSION: &str =
    include_str!("../../../scripts/secantusdb-version").trim_ascii();

/// The version of `scripts/install-mongod`.
pub const MONGOD_VERSION: &str = include_str!("../../../scripts/mongod-version").trim_ascii();

/// Names a running server by an address without a database, or is [`SECANTUSDB`].
pub const GIVEN: &str = "WXCODE_TEST_MONGODB";
/// The value of [`GIVEN`] that selects SecantusDB even where a `mongod` exists.
pub const SECANTUSDB: &str = "secantusdb";

pub use set::ReplicaSet;

/// How long a server may take to start.
const START_MAX: Duration = Duration::from_secs(60);
/// The polling interval meanwhile.
const LOOK: Duration = Duration::from_millis(20);
/// Ends the server together with its starter: any end of the starter ends the input of this shell
/// script. The script ignores signals to the whole group.
const GUARD: &str = r#"trap "" HUP INT TERM; folder=$1; shift; "$@" >"$folder/log" 2>&1 & server=$!; read -r _; kill -9 "$server"; wait "$server" 2>/dev/null; rm -rf "$folder""#;

/// Arguments of `mongod`: little memory, no socket file outside its folder, no diagnostics.
const MONGOD: [&str; 6] = [
    "--nounixsocket",
    "--quiet",
    "--wiredTigerCacheSizeGB",
    "0.25",
    "--setParameter",
    "diagnosticDataCollectionEnabled=false",
];

/// The database of this process's tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The database named by [`GIVEN`].
    Given,
    /// The `mongod` of `scripts/install-mongod`, or a `mongod` on the PATH.
    Mongod,
    /// SecantusDB.
    SecantusDb,
}

#[derive(Debug)]
pub struct MongoServer {
    pub kind: Kind,
    /// The server's URI without a database, with `/?` or options at the end.
    prefix: String,
    options: String,
    /// Ends with this process, and so does the server.
    guard: Option<Child>,
    /// The data folder of a server started here, removed together with the server.
    folder: Option<PathBuf>,
    port: Option<u16>,
}

/// The shared server of this process's tests; one of two servers for SecantusDB, because a server
/// of SecantusDB keeps a whole core busy.
///
/// # Errors
/// The reason why there is none.
pub fn shared() -> Result<&'static MongoServer, String> {
    static SHARED: [OnceLock<Result<MongoServer, String>>; 2] = [const { OnceLock::new() }; 2];
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let servers = match program() {
        Some((Kind::SecantusDb, _)) => SHARED.len(),
        _ => 1,
    };
    let turn = NEXT.fetch_add(1, Ordering::Relaxed) % servers;
    SHARED[turn]
        .get_or_init(|| match given() {
            Some(address) => Ok(MongoServer::given(&address)),
            None => MongoServer::launch(false, &[]),
        })
        .as_ref()
        .map_err(Clone::clone)
}

/// The address in [`GIVEN`].
fn given() -> Option<String> {
    env::var(GIVEN).ok().filter(|given| given != SECANTUSDB)
}

/// The given server, or a new server for this caller, with durable acknowledgements.
///
/// # Errors
/// The reason why there is none.
pub fn lasting() -> Result<MongoServer, String> {
    match given() {
        Some(address) => Ok(MongoServer::given(&address)),
        None => MongoServer::start(),
    }
}

impl MongoServer {
    fn given(address: &str) -> Self {
        let (prefix, options) = address.split_once('?').unwrap_or((address, ""));
        Self {
            kind: Kind::Given,
            prefix: prefix.trim_end_matches('/').to_owned(),
            options: options.to_owned(),
            guard: None,
            folder: None,
            port: None,
        }
    }

    /// A new server for a test that stops the server; acknowledged writes are on disk.
    ///
    /// # Errors
    /// The reason why none can be started.
    pub fn start() -> Result<Self, String> {
        Self::launch(true, &[])
    }

    /// The same with further arguments of `mongod`.
    ///
    /// # Errors
    /// The reason why none can be started, such as that there is no `mongod`.
    pub fn start_with(arguments: &[&str]) -> Result<Self, String> {
        match program() {
            Some((Kind::Mongod, _)) => Self::launch(true, arguments),
            _ => Err("this test needs mongod: run scripts/install-mongod".to_owned()),
        }
    }

    fn launch(lasting: bool, arguments: &[&str]) -> Result<Self, String> {
        let folder = tempfile::Builder::new()
            .prefix("wxcode-mongodb-")
            .tempdir()
            .map_err(|error| format!("there is no temporary folder ({error})"))?;
        Self::start_in(folder.keep(), None, lasting, arguments)
    }

    fn start_in(
        folder: PathBuf,
        port: Option<u16>,
        lasting: bool,
        arguments: &[&str],
    ) -> Result<Self, String> {
        let (kind, program) = program().ok_or_else(|| {
            format!(
                "there is no MongoDB: run scripts/install-mongod or scripts/install-secantusdb, or \
                 set {GIVEN} to the address of one"
            )
        })?;
        let port = port.map_or_else(free_port, Ok)?;
        let guard = listening(kind, &program, &folder, port, lasting, arguments)?;
        Ok(Self {
            kind,
            prefix: format!("mongodb://127.0.0.1:{port}"),
            options: "directConnection=true".to_owned(),
            guard: Some(guard),
            folder: Some(folder),
            port: Some(port),
        })
    }

    /// The address of a database on the server.
    #[must_use]
    pub fn address(&self, database: &str) -> String {
        format!("{}/{database}?{}", self.prefix, self.options)
    }

    /// The address of the same database through another port.
    #[must_use]
    pub fn address_by(&self, port: u16, database: &str) -> String {
        format!("mongodb://127.0.0.1:{port}/{database}?directConnection=true")
    }

    /// The port of a server started here.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// Kills the server and starts the server again at the same port with its data.
    ///
    /// # Errors
    /// The server was not started here, or does not start again.
    pub fn crash_and_restart(&mut self) -> Result<(), String> {
        let folder = self.folder.take().ok_or("it was not started here")?;
        keeping(&folder, || self.end())?;
        *self = Self::start_in(folder, self.port, true, &[])?;
        Ok(())
    }

    fn end(&mut self) {
        if let Some(mut guard) = self.guard.take() {
            drop(guard.stdin.take());
            let _ = guard.wait();
        }
    }
}

impl Drop for MongoServer {
    fn drop(&mut self) {
        self.end();
    }
}

fn program() -> Option<(Kind, PathBuf)> {
    let cache = env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cache")));
    let cached = |path: String| cache.as_ref().map(|cache| cache.join("wxcode").join(path));
    if env::var(GIVEN).as_deref() != Ok(SECANTUSDB)
        && let Some(mongod) = mongod(cached(format!("mongod-{MONGOD_VERSION}/mongod")))
    {
        return Some((Kind::Mongod, mongod));
    }
    let path = format!("secantusdb-{SECANTUSDB_VERSION}/bin/secantusd-py");
    let secantus = cached(path).filter(|program| program.is_file())?;
    Some((Kind::SecantusDb, secantus))
}

/// The pinned `mongod`, or else a `mongod` on the PATH.
fn mongod(pinned: Option<PathBuf>) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let on_path = env::split_paths(&path).map(|folder| folder.join("mongod"));
    pinned
        .into_iter()
        .chain(on_path)
        .find(|program| program.is_file())
}

/// Ends a server, and keeps its folder: the server's guard removes the folder that it knows by name.
fn keeping(folder: &Path, end: impl FnOnce()) -> Result<(), String> {
    let kept = folder.with_extension("kept");
    let said = |error: std::io::Error| error.to_string();
    fs::rename(folder, &kept).map_err(said)?;
    end();
    fs::rename(&kept, folder).map_err(said)
}

fn free_port() -> Result<u16, String> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|error| format!("there is no free port ({error})"))
}

/// Starts a server and waits until the server listens.
fn listening(
    kind: Kind,
    program: &Path,
    folder: &Path,
    port: u16,
    lasting: bool,
    arguments: &[&str],
) -> Result<Child, String> {
    let begun = Instant::now();
    let mut guard = spawn(kind, program, folder, port, lasting, arguments)?;
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
        if begun.elapsed() > START_MAX {
            let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
            drop(guard.stdin.take());
            let _ = guard.wait();
            return Err(format!("{} does not start:\n{log}", program.display()));
        }
        thread::sleep(LOOK);
    }
    Ok(guard)
}

fn spawn(
    kind: Kind,
    program: &Path,
    folder: &Path,
    port: u16,
    lasting: bool,
    arguments: &[&str],
) -> Result<Child, String> {
    let records = folder.join("records");
    fs::create_dir_all(&records).map_err(|error| error.to_string())?;
    let mut command = Command::new("sh");
    command
        .args(["-c", GUARD, "guard"])
        .arg(folder)
        .arg(program);
    let port = port.to_string();
    match kind {
        Kind::Mongod => {
            command.args(["--bind_ip", "127.0.0.1", "--port", &port, "--dbpath"]);
            command.arg(&records).args(MONGOD).args(arguments);
        }
        Kind::SecantusDb | Kind::Given => {
            command.args(["--host", "127.0.0.1", "--port", &port, "--storage-path"]);
            command.arg(&records);
            if lasting {
                command.arg("--sync-on-commit");
            }
        }
    }
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .current_dir(folder)
        .spawn()
        .map_err(|error| format!("cannot start {}: {error}", program.display()))
}
