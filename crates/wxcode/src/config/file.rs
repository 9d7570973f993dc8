//! `wxcode.toml`: its tables and their defaults.

use std::{
    collections::BTreeMap,
    num::NonZeroU32,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::bail;
use serde::Deserialize;

use super::web::{ProxyTable, TlsTable};

/// How long a lease may last without a renewal, in seconds.
const LEASE_S: std::ops::RangeInclusive<u64> = 1..=86_400;
/// Longest wait for turns before the server ends, in seconds.
const DRAIN_S_MAX: u64 = 86_400;
/// How long a command may wait for the agent to become ready, in seconds.
const READY_TIMEOUT_S: std::ops::RangeInclusive<u64> = 1..=86_400;
/// After how long an idle session hibernates, in seconds.
const HIBERNATE_S: std::ops::RangeInclusive<u64> = 0..=31_536_000;
/// Size of the copies of a project's conversations, in MiB.
const COPIES_MIB: std::ops::RangeInclusive<u64> = 1..=65_536;
/// Longest name of a server, in characters.
const NODE_NAME_MAX: usize = 200;

/// The contents of `wxcode.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct File {
    pub(super) listen: Option<String>,
    pub(super) store: Option<String>,
    pub(super) allowed_hosts: Vec<String>,
    pub(super) behind_proxy: bool,
    pub(super) trusted_proxies: Vec<String>,
    pub(super) public_url: Option<String>,
    pub(super) base_path: Option<String>,
    pub(super) tls: TlsTable,
    pub(super) proxy: ProxyTable,
    pub(super) log: Option<String>,
    pub(super) commands: CommandsTable,
    pub(super) claude: ClaudeTable,
    pub(super) agent: AgentTable,
    pub(super) network: NetworkTable,
    pub(super) delivery: DeliveryTable,
    pub(super) holder: HolderTable,
    pub(super) mirror: MirrorTable,
    pub(super) node: NodeTable,
    pub(super) workspaces: WorkspacesTable,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct CommandsTable {
    pub(super) new_project: Option<String>,
    pub(super) new_milestone: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ClaudeTable {
    pub(super) path: Option<PathBuf>,
    pub(super) args: Vec<String>,
    pub(super) permission_mode: Option<String>,
    pub(super) model: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct AgentTable {
    pub(super) pass_env: Vec<String>,
    pub(super) env: BTreeMap<String, String>,
    pub(super) may_use_api: bool,
    pub(super) protect_data: bool,
    pub(super) status_line: bool,
    pub(super) resume_on_start: bool,
    pub(super) scope: bool,
    pub(super) memory_max_mb: Option<NonZeroU32>,
    pub(super) cpu_percent: Option<NonZeroU32>,
    pub(super) tasks_max: Option<NonZeroU32>,
    pub(super) hibernate_after_s: Option<u64>,
}

impl AgentTable {
    /// The idle time after which sessions hibernate; `None`: never.
    pub(super) fn hibernate_after(&self, path: &Path) -> anyhow::Result<Option<Duration>> {
        let seconds = self.hibernate_after_s.unwrap_or(0);
        if !HIBERNATE_S.contains(&seconds) {
            bail!(
                "`[agent] hibernate_after_s` in {} is {seconds}: give up to {} seconds, or 0 for never",
                path.display(),
                HIBERNATE_S.end()
            );
        }
        Ok((seconds > 0).then(|| Duration::from_secs(seconds)))
    }
}

impl Default for AgentTable {
    fn default() -> Self {
        Self {
            pass_env: Vec::new(),
            env: BTreeMap::new(),
            may_use_api: false,
            protect_data: false,
            status_line: true,
            resume_on_start: false,
            scope: true,
            memory_max_mb: None,
            cpu_percent: None,
            tasks_max: None,
            hibernate_after_s: None,
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct NetworkTable {
    pub(super) connections: Option<NonZeroU32>,
    pub(super) connections_per_address: Option<NonZeroU32>,
    pub(super) connections_unauthenticated: Option<NonZeroU32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct DeliveryTable {
    pub(super) ready_timeout_s: u64,
    pub(super) limit_grace_s: u64,
}

impl Default for DeliveryTable {
    fn default() -> Self {
        Self {
            ready_timeout_s: 60,
            limit_grace_s: 90,
        }
    }
}

impl DeliveryTable {
    pub(super) fn ready_timeout(&self, path: &Path) -> anyhow::Result<Duration> {
        if !READY_TIMEOUT_S.contains(&self.ready_timeout_s) {
            bail!(
                "`[delivery] ready_timeout_s` in {} is {}: give {} to {} seconds",
                path.display(),
                self.ready_timeout_s,
                READY_TIMEOUT_S.start(),
                READY_TIMEOUT_S.end()
            );
        }
        Ok(Duration::from_secs(self.ready_timeout_s))
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct MirrorTable {
    pub(super) max_mib: u64,
}

impl Default for MirrorTable {
    fn default() -> Self {
        Self { max_mib: 256 }
    }
}

impl MirrorTable {
    /// Most bytes of the copies of a project's conversations.
    pub(super) fn bytes_max(&self, path: &Path) -> anyhow::Result<u64> {
        if !COPIES_MIB.contains(&self.max_mib) {
            bail!(
                "`[mirror] max_mib` in {} is {}: give {} to {} MiB",
                path.display(),
                self.max_mib,
                COPIES_MIB.start(),
                COPIES_MIB.end()
            );
        }
        Ok(self.max_mib << 20)
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct WorkspacesTable {
    pub(super) roots: Vec<PathBuf>,
}

impl WorkspacesTable {
    pub(super) fn roots(self, path: &Path) -> anyhow::Result<Vec<PathBuf>> {
        if let Some(relative) = self.roots.iter().find(|root| !root.is_absolute()) {
            bail!(
                "`[workspaces] roots` in {} has {}, which is not absolute: give the whole path",
                path.display(),
                relative.display()
            );
        }
        Ok(self.roots)
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct NodeTable {
    pub(super) name: Option<String>,
    pub(super) lease_s: u64,
    pub(super) advertise: Option<String>,
    pub(super) capacity: Option<NonZeroU32>,
    pub(super) drain_s: u64,
    pub(super) takeover: Takeover,
}

/// When a node takes over the projects of nodes that are gone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Takeover {
    /// With the next visit or delivery.
    #[default]
    Visit,
    /// By itself.
    Auto,
}

impl Default for NodeTable {
    fn default() -> Self {
        Self {
            name: None,
            lease_s: 300,
            advertise: None,
            capacity: None,
            drain_s: 0,
            takeover: Takeover::Visit,
        }
    }
}

/// This server's name and leases towards other servers on the same store.
#[derive(Debug)]
pub(crate) struct NodeSettings {
    /// The configured name for people, if any.
    pub(crate) name: Option<String>,
    /// How long the server's leases last without a renewal.
    pub(crate) lease: Duration,
    /// The address for other nodes.
    pub(crate) advertise: Option<String>,
    pub(crate) capacity: Option<u64>,
    /// Time for turns to end before the server ends.
    pub(crate) drain: Duration,
    pub(crate) takes_over: bool,
}

impl NodeTable {
    /// The settings; `advertise` of the command line or the environment counts first.
    pub(super) fn settings(
        self,
        path: &Path,
        advertise: Option<String>,
    ) -> anyhow::Result<NodeSettings> {
        let advertise = advertise.or(self.advertise);
        if !LEASE_S.contains(&self.lease_s) {
            bail!(
                "`[node] lease_s` in {} is {}: give {} to {} seconds",
                path.display(),
                self.lease_s,
                LEASE_S.start(),
                LEASE_S.end()
            );
        }
        if let Some(name) = &self.name
            && !(1..=NODE_NAME_MAX).contains(&name.chars().count())
        {
            bail!(
                "`[node] name` in {} is empty or longer than {NODE_NAME_MAX} characters: give another one",
                path.display()
            );
        }
        if self.drain_s > DRAIN_S_MAX {
            bail!(
                "`[node] drain_s` in {} is {}: give up to {DRAIN_S_MAX} seconds",
                path.display(),
                self.drain_s
            );
        }
        if let Some(address) = &advertise
            && !address.starts_with("http://")
        {
            bail!(
                "the address for other nodes ([node] advertise, --advertise or WXCODE_ADVERTISE) is {address:?}: give one such as http://10.0.0.7:8052"
            );
        }
        Ok(NodeSettings {
            name: self.name,
            lease: Duration::from_secs(self.lease_s),
            advertise,
            capacity: self.capacity.map(|capacity| capacity.get().into()),
            drain: Duration::from_secs(self.drain_s),
            takes_over: self.takeover == Takeover::Auto,
        })
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct HolderTable {
    pub(super) upgrade: bool,
}

impl Default for HolderTable {
    fn default() -> Self {
        Self { upgrade: true }
    }
}
