//! Why an agent could not start.

use std::{io, path::PathBuf, time::Duration};

use wxcode_core::{id::Id, run};
use wxcode_files::FileError;
use wxcode_store::StoreError;

use super::plan::TranscriptsUnavailable;
use crate::{agent::slot::Occupied, workspace::WorkspaceError};

/// Why a session could not start. Nothing of it is left behind.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// There is no such project.
    #[error("there is no such output project: list them to find its id")]
    NoProject,
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Claude Code did not start.
    #[error("the agent could not start: {0}")]
    Agent(String),
    /// A file of Claude Code cannot be used, or its file system does not answer.
    #[error(transparent)]
    File(#[from] FileError),
    /// The folder of transcripts is not there, so nobody knows whether the conversation is.
    #[error(transparent)]
    Transcripts(#[from] TranscriptsUnavailable),
    /// The session's folder could not be read or written.
    #[error(
        "the session's files cannot be used: {0}; check permissions and free space of the data folder"
    )]
    Folder(#[from] io::Error),
    /// Another process runs the conversation.
    #[error(
        "another claude (process {0}) runs the conversation of this project, and a second one would mix it up: end that process (`claude stop ID` if `claude agents --json` lists it as a background session), then start the session again"
    )]
    Claimed(u32),
    /// Another server on the same store has the project.
    #[error(
        "another server on the same database has this project: {server}. Send the request to that server; if it is gone for good, its lease expires, so try again in {} s",
        left.as_millis().div_ceil(1_000)
    )]
    Elsewhere {
        /// The name of the server.
        server: String,
        /// The rest of its lease without a renewal.
        left: Duration,
    },
    /// A run of the project is in progress.
    #[error("{}", run::in_the_way(*.0))]
    InRun(Id),
    /// A run was requested while the project's session is live.
    #[error(
        "the project's session is live: deliver the prompt to it (POST …/deliveries), or end it first (DELETE …/session)"
    )]
    InSession,
    /// A milestone has no command.
    #[error(
        "GSD is not installed, so a milestone has no command: {}, {} and the plugins have neither its skills nor its commands. Install it (npx get-shit-done-cc --claude --global), or give both commands in wxcode.toml, such as [commands] new_project = \"Read {{context_path}} and carry out what it asks\"",
        workspace.join(".claude").display(), config_dir.display()
    )]
    GsdMissing {
        /// The project's folder.
        workspace: PathBuf,
        /// Claude Code's configuration folder.
        config_dir: PathBuf,
    },
    /// Nobody knows whether a milestone has a command.
    #[error(
        "looking for GSD in {} and {} took longer than {seconds} s: see whether a file system hangs, or give both commands in wxcode.toml ([commands] new_project and new_milestone)",
        workspace.join(".claude").display(), config_dir.display()
    )]
    GsdUnknown {
        /// The project's folder.
        workspace: PathBuf,
        /// Claude Code's configuration folder.
        config_dir: PathBuf,
        /// How long it was looked for.
        seconds: u64,
    },
    /// The server drains.
    #[error(
        "this node drains and takes no new sessions: send the request to another node, or end the drain (`wxcode drain --off`)"
    )]
    Draining,
    /// The server has as many sessions as it may have.
    #[error(
        "this node has {0} live sessions, as many as [node] capacity allows: end one, or send the request to another node"
    )]
    Full(u64),
    /// The server is ending.
    #[error("the server is ending: connect again when it is back")]
    Closing,
}

impl From<Occupied> for StartError {
    fn from(Occupied(run): Occupied) -> Self {
        Self::InRun(run)
    }
}
