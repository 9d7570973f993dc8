//! The folder of a session, `<data-dir>/sessions/<session id>/`: all knowledge about the session
//! without its holder.
//!
//! Invariant: the folder of a session is the truth about the session. A restarted server adopts
//! sessions from their folders, and asks no database.
//!
//! The owner writes `spec.json` before the start. The holder writes `holder.json` once the agent
//! runs, and `exit.json` and `screen.snapshot` at the end; [`mark_lost`] writes `exit.json` for a
//! lost holder. Every file is 0600 and names its version. The writer writes a file next to the
//! file's place, and then moves the file there.

mod error;
mod files;
mod lost;
mod name;
mod orphans;
mod starting;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use crate::journal::{HookRecord, hooks_since};
pub use error::{FolderError, VERSION};
use files::read_json;
pub(crate) use files::write_json;
pub use files::write_whole;
pub use lost::mark_lost;
#[cfg(feature = "client")]
pub(crate) use lost::record;
#[cfg(feature = "client")]
pub(crate) use name::LOG;
use name::SPEC;
pub(crate) use name::{EXIT, HOLDER, HOOK, SCREEN, SOCKET};
pub use orphans::end_orphans;
pub use starting::is_started;
pub(crate) use starting::lock;
pub use wxcode_protocol::{BUILD, Exit};

/// The program to run, decided by the owner before the start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spec {
    pub version: u32,
    pub session_id: String,
    /// The agent's program, a path or a name on PATH, and its arguments.
    pub argv: Vec<String>,
    /// The whole standard input of the agent, instead of the terminal: everybody on the machine
    /// sees the arguments of a process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<String>,
    /// The agent's working directory, absolute.
    pub cwd: PathBuf,
    /// Columns at the start, 1 to 500.
    pub cols: u16,
    /// Rows at the start, 1 to 500.
    pub rows: u16,
    /// The proof that the holder asks of a hook, at most
    /// [`wxcode_protocol::holder::frame::MAX_SECRET`] bytes.
    pub secret: String,
    /// Metadata of the owner; the holder ignores metadata.
    pub note: serde_json::Value,
    /// The program of the session: its holder at the start, and its hooks to the end. The file
    /// stays in its place for as long as the session runs.
    pub program: PathBuf,
    /// The scope to start in, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
    /// The umask of the agent.
    pub umask: u32,
    /// RFC 3339.
    pub created_at: String,
}

/// A transient scope of systemd: a cgroup with a longer life than the service of the holder's
/// starter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// The socket of the bus on which systemd answers.
    pub bus: PathBuf,
    /// The name of the unit, ending in `.scope`.
    pub unit: String,
    /// The description for people.
    pub description: String,
    /// Limits for all processes of the session together.
    #[serde(default)]
    pub limits: Limits,
}

/// Limits for all processes of a session together; `None` sets no limit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Memory; beyond this limit the kernel kills a process of the session.
    pub memory_bytes: Option<u64>,
    /// Processor time, in hundredths of one processor.
    pub cpu_percent: Option<u64>,
    /// Processes and threads.
    pub tasks: Option<u64>,
}

/// The outcome of the request for a scope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scoped {
    /// Holder and agent are in the scope.
    Entered {
        unit: String,
        /// The scope's cgroup, as `/proc/<pid>/cgroup` names the cgroup.
        cgroup: String,
    },
    /// Holder and agent stay in the cgroup of their starter.
    Refused { reason: String },
}

/// The running holder and its agent, with start times: a reused pid identifies no other process as
/// the holder or the agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HolderFile {
    pub version: u32,
    /// The holder's process id.
    pub pid: i32,
    /// The holder's start, in clock ticks since the boot (field 22 of `/proc/<pid>/stat`).
    pub start_time: u64,
    /// `/proc/sys/kernel/random/boot_id`.
    pub boot_id: String,
    /// The start of process 1, in the same ticks: a restarted container has another start on the
    /// same boot of its host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub init_start_time: Option<u64>,
    /// The agent's process id; also the id of its session and its process group.
    pub agent_pid: i32,
    /// The agent's start, in the same ticks.
    pub agent_start_time: u64,
    /// The holder's parent. The guardian ends the descendants of a killed holder, and lives as long
    /// as any of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guardian: Option<Guardian>,
    /// The outcome of the request for a scope.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scoped>,
    /// The oldest protocol version of the holder.
    pub protocol_min: u16,
    /// The newest protocol version of the holder.
    pub protocol_max: u16,
    /// The holder's build.
    pub build: String,
    /// RFC 3339.
    pub started_at: String,
}

/// The parent of a holder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guardian {
    pub pid: i32,
    /// The start, in clock ticks since the boot.
    pub start_time: u64,
}

/// The state of a session according to its folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// The holder runs.
    Live(HolderFile),
    /// The agent has ended.
    Exited(Option<HolderFile>, Exit),
    /// The holder is gone without a record of the agent's end: another boot, no such process, or
    /// another process with the holder's pid.
    Lost(HolderFile),
    /// No file of a holder: not started yet, or the start failed, was aborted, or was rolled back.
    /// The spec may be missing.
    Unfinished,
}

/// Creates the folder (0700) if missing, and writes its spec.
///
/// # Errors
/// The folder or the file cannot be written.
pub fn write_spec(dir: &Path, spec: &Spec) -> Result<(), FolderError> {
    files::make_private(dir)?;
    write_json(dir, SPEC, spec)
}

/// Reads the spec.
///
/// # Errors
/// The spec is missing, damaged or of a newer build.
pub fn read_spec(dir: &Path) -> Result<Spec, FolderError> {
    let spec: Spec = read_json(dir, SPEC)?.ok_or_else(|| FolderError::Missing(dir.join(SPEC)))?;
    match spec.version {
        VERSION => Ok(spec),
        version => Err(FolderError::Newer {
            path: dir.join(SPEC),
            version,
        }),
    }
}

/// Reads the file of the holder.
pub(crate) fn read_holder(dir: &Path) -> Result<HolderFile, FolderError> {
    read_json(dir, HOLDER)?.ok_or_else(|| FolderError::Missing(dir.join(HOLDER)))
}

/// Reads the state of the session, and checks whether its holder runs.
///
/// # Errors
/// There is no folder, or no spec though the session ran, or a file is unreadable or damaged.
/// [`repair`](crate::repair) repairs a damaged `holder.json`, and a missing `holder.json` of a
/// session that ran.
pub fn inspect(dir: &Path) -> Result<State, FolderError> {
    // In the holder's order of writing, so the reader misses no concurrent write.
    let holder: Result<Option<HolderFile>, _> = read_json(dir, HOLDER);
    let alive = matches!(&holder, Ok(Some(holder)) if holder.runs());
    let exit = read_exit(dir)?;
    Ok(match (holder, exit) {
        (holder, Some(exit)) => State::Exited(holder.ok().flatten(), exit),
        (Ok(Some(holder)), None) if alive => State::Live(holder),
        (Ok(Some(holder)), None) => State::Lost(holder),
        (Ok(None), None) => {
            // Only a running holder writes these files.
            let was_held = [EXIT, "log", "hooks"]
                .iter()
                .any(|name| dir.join(name).exists());
            if was_held || !dir.is_dir() {
                read_spec(dir)?;
                return Err(FolderError::Missing(dir.join(HOLDER)));
            }
            State::Unfinished
        }
        (Err(error), None) => return Err(error),
    })
}

/// Reads the end of the session. A damaged record counts as none and is written again.
fn read_exit(dir: &Path) -> Result<Option<Exit>, FolderError> {
    match read_json(dir, EXIT) {
        Err(FolderError::Damaged { .. }) => Ok(None),
        exit => exit,
    }
}

/// Returns the snapshot of the last screen of an ended session, if its holder left one.
pub fn last_screen(dir: &Path) -> Option<Vec<u8>> {
    let snapshot = std::fs::read(dir.join(SCREEN)).ok()?;
    // A snapshot is never empty; the file is, after a power cut before the sync.
    Some(snapshot).filter(|snapshot| !snapshot.is_empty())
}

/// Exit reason: the holder was killed.
pub const HOLDER_LOST: &str = "holder_lost";
/// Exit reason: the machine went down.
pub const REBOOTED: &str = "rebooted";
/// Exit reason: SIGTERM to the holder, as all processes get when the machine goes down.
pub const TERMINATED: &str = "terminated";
/// Exit reason: the kernel killed the agent for lack of memory.
pub const OOM_KILLED: &str = "oom_killed";
/// Exit reason: the holder's own records are lost.
pub const DAMAGED: &str = "damaged";
/// Exit reason: the start was rolled back, because the requester was gone.
pub const NOT_STARTED: &str = "not_started";

impl HolderFile {
    /// The agent's pid and start, for [`crate::ancestry::Ancestry::of`].
    pub const fn agent(&self) -> (i32, u64) {
        (self.agent_pid, self.agent_start_time)
    }

    /// Whether the holder is a running process of this boot.
    pub fn runs(&self) -> bool {
        self.is_of_this_boot()
            && crate::proc::Stat::of(self.pid)
                .is_some_and(|stat| stat.start_time == self.start_time && !stat.is_dead())
    }

    /// Whether the machine, or its container, restarted since.
    pub fn is_of_this_boot(&self) -> bool {
        let init = self.init_start_time.zip(crate::proc::init_start_time());
        crate::proc::boot_id().is_ok_and(|boot| boot == self.boot_id)
            && init.is_none_or(|(then, now)| then == now)
    }

    /// Why a holder is gone without a record of its agent's end.
    pub fn loss(&self) -> &'static str {
        match self.is_of_this_boot() {
            true => HOLDER_LOST,
            false => REBOOTED,
        }
    }
}

impl HolderFile {
    /// A handle on the running guardian, if any.
    fn guardian(&self) -> Option<crate::proc::Handle> {
        let guardian = self.guardian.as_ref()?;
        let stat = crate::proc::Stat::of(guardian.pid)?;
        let same = self.is_of_this_boot() && stat.start_time == guardian.start_time;
        same.then(|| stat.handle()).flatten()
    }
}

/// The guardian of a holder: its parent, unless the parent is gone and replaced.
pub(crate) fn guardian_of(holder: &crate::proc::Stat) -> Option<Guardian> {
    let parent = crate::proc::Stat::of(holder.ppid)?;
    (parent.session == holder.session).then_some(Guardian {
        pid: parent.pid,
        start_time: parent.start_time,
    })
}

/// The present time as RFC 3339.
pub(crate) fn now() -> String {
    jiff::Timestamp::now().to_string()
}
