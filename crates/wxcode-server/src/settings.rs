//! The settings of a server, resolved: what flags, variables and the file came to.

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

/// Everything that a server is told at its start.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Folder of the sessions, the workspaces and the embedded store.
    pub data_dir: PathBuf,
    /// The API token.
    pub token: String,
    /// Host names besides the listen address and `localhost` that requests may name.
    pub allowed_hosts: Vec<String>,
    /// Caps on connections.
    pub network: Network,
    /// The claude executable: a path, or a name to be looked up on `PATH`.
    pub claude: PathBuf,
    /// The program `wxcode-holder` of this build, which runs sessions and hooks. [`crate::Server::open`]
    /// puts its copy in the data folder here.
    pub holder: PathBuf,
    /// Arguments for every claude.
    pub claude_args: Vec<String>,
    /// The permission mode of every claude.
    pub permission_mode: Option<String>,
    /// The commands of milestones.
    pub commands: Commands,
    /// The environment that the server was started with.
    pub environment: Vec<(OsString, OsString)>,
    /// The umask that the server was started with, which agents get.
    pub umask: u32,
    /// Variables to hand on besides the allow-list; a trailing `*` makes a prefix.
    pub pass_env: Vec<String>,
    /// Variables to set for the agent.
    pub agent_env: BTreeMap<String, String>,
    /// Whether sessions that were cut off when the machine went down are resumed when the server starts.
    pub resume_on_start: bool,
    /// Whether each session gets a transient scope of systemd, where that answers.
    pub scopes: bool,
    /// What the processes of a session may use together; they need the scope.
    pub limits: Limits,
    /// Whether holders of another build go on as this one when their sessions are quiet.
    pub upgrade_holders: bool,
    /// Folders that workspaces must be in; none: anywhere.
    pub workspace_roots: Vec<PathBuf>,
    /// How long an agent may take to be ready for a delivery.
    pub ready_timeout: Duration,
    /// What its users call the store, without a password.
    pub store: String,
    /// What this server is to others on the same store; `None`: it has its store for itself.
    pub shared: Option<Shared>,
    /// Lines of the log that were lost so far; who writes the log counts them.
    pub log_lines_lost: Arc<AtomicU64>,
}

/// Caps on connections; `None`: derived from the limit on descriptors.
#[derive(Debug, Clone, Copy, Default)]
pub struct Network {
    /// Connections in all.
    pub connections: Option<NonZeroU32>,
    /// Connections of one address.
    pub connections_per_address: Option<NonZeroU32>,
    /// Connections without authentication.
    pub connections_unauthenticated: Option<NonZeroU32>,
}

/// A server on a store that others use too.
#[derive(Debug, Clone)]
pub struct Shared {
    /// Who it is.
    pub node: Node,
    /// How long a lease lasts without a renewal.
    pub lease: Duration,
}

impl Shared {
    pub(crate) fn term_ms(&self) -> u64 {
        u64::try_from(self.lease.as_millis()).unwrap_or(u64::MAX)
    }
}

/// The commands that start milestones; `None`: as the GSD that is installed has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commands {
    /// For a project's first milestone ever.
    pub new_project: Option<Template>,
    /// For each later one.
    pub new_milestone: Option<Template>,
}
