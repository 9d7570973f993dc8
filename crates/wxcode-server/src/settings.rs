//! The settings of a server, resolved from flags, variables and the file.

mod web;

use std::{
    collections::BTreeMap,
    ffi::OsString,
    num::NonZeroU32,
    path::PathBuf,
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use wxcode_claude::template::Template;
use wxcode_core::lease::Node;
use wxcode_holder::folder::Limits;

pub use self::web::{
    BasePath, InvalidPath, InvalidSubnet, InvalidUrl, Proxy, PublicUrl, Subnet, TlsSource,
    Unprotected, Web,
};

/// All settings of a server.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Folder of the sessions, the workspaces and the embedded store.
    pub data_dir: PathBuf,
    /// A token of an admin, if one is given.
    pub token: Option<String>,
    /// Whether agents and their tools may use the socket of the data folder.
    pub agents_may_use_api: bool,
    /// Runs agents in a Landlock domain without the data folder.
    pub protect_data: bool,
    /// Whether agents run our status line command in front of the user's.
    pub status_line: bool,
    /// Host names permitted in requests, besides the listen address and `localhost`.
    pub allowed_hosts: Vec<String>,
    /// TLS, a proxy, the path in front of everything.
    pub web: Web,
    /// Caps on connections.
    pub network: Network,
    /// The claude executable: a path, or a name on `PATH`.
    pub claude: PathBuf,
    /// The program `wxcode-holder` of this build, for sessions and hooks. [`crate::Server::open`]
    /// replaces this path by the path of the copy in the data folder.
    pub holder: PathBuf,
    /// Arguments for every claude.
    pub claude_args: Vec<String>,
    /// The permission mode of every claude.
    pub permission_mode: Option<String>,
    /// The model of every claude.
    pub model: Option<String>,
    /// The commands of milestones.
    pub commands: Commands,
    /// The environment of the server.
    pub environment: Vec<(OsString, OsString)>,
    /// The umask from the server's start, also for agents.
    pub umask: u32,
    /// Variables to pass on besides the allow-list; a trailing `*` makes a prefix.
    pub pass_env: Vec<String>,
    /// Variables to set for the agent.
    pub agent_env: BTreeMap<String, String>,
    /// Whether the server resumes sessions cut off by the machine's restart.
    pub resume_on_start: bool,
    /// Whether each session gets a transient scope of systemd, if systemd answers.
    pub scopes: bool,
    /// Limits for all processes of a session together; limits need the scope.
    pub limits: Limits,
    /// Whether holders of another build change to this build when their sessions are quiet.
    pub upgrade_holders: bool,
    /// Permitted folders for workspaces; none: anywhere.
    pub workspace_roots: Vec<PathBuf>,
    /// Time for an agent to be ready for a delivery.
    pub ready_timeout: Duration,
    /// Time from the reset of a usage limit until wxcode continues a still waiting agent.
    pub limit_grace: Duration,
    /// The idle time after which a session hibernates; `None`: never. A project's setting counts
    /// first.
    pub hibernate_after: Option<Duration>,
    /// Most bytes of the copies of a project's conversations.
    pub copies_max: u64,
    /// The store's name for users, without a password.
    pub store: String,
    /// This server as a node of its store.
    pub node: Node,
    /// The address for other nodes; `None`: the listen address.
    pub advertise: Option<String>,
    /// Most live sessions; `None`: any number.
    pub capacity: Option<u64>,
    /// Time for turns to end before the server ends.
    pub drain: Duration,
    /// Whether this node resumes sessions of nodes that are gone without waiting for a visit.
    pub takes_over: bool,
    /// This server's identity for other servers on the same store; `None` for an unshared store.
    pub shared: Option<Shared>,
    /// Lost lines of the log so far; the log's writer counts them.
    pub log_lines_lost: Arc<AtomicU64>,
}

/// Caps on connections; `None`: derived from the limit on descriptors.
#[derive(Debug, Clone, Copy, Default)]
pub struct Network {
    /// Connections in all.
    pub connections: Option<NonZeroU32>,
    /// Connections of a single address.
    pub connections_per_address: Option<NonZeroU32>,
    /// Connections without authentication.
    pub connections_unauthenticated: Option<NonZeroU32>,
}

/// A server on a shared store.
#[derive(Debug, Clone)]
pub struct Shared {
    pub node: Node,
    /// Duration of a lease without a renewal.
    pub lease: Duration,
}

/// The commands for starting milestones; `None`: the installed GSD's commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commands {
    /// For a project's first milestone ever.
    pub new_project: Option<Template>,
    /// For each later milestone.
    pub new_milestone: Option<Template>,
}
