//! The command line as it is typed. What it comes to together with the file is in `config`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::{attach::DetachKey, store::StoreName};

/// What was asked for cannot be done that way: exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Usage(pub(crate) String);

/// Keeps one Claude Code conversation alive per project.
///
/// `wxcode serve` starts the server; open the address it prints. Agents run on when the browser closes,
/// the network drops, or the server ends or is upgraded.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) common: Common,
}

/// Where the server keeps its data, and how to reach it.
#[derive(Debug, Clone, Args)]
pub(crate) struct Common {
    /// Folder of the store, the sessions and the workspaces [default: ~/.wxcode]
    #[arg(long, global = true, env = "WXCODE_DATA_DIR", value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Configuration file [default: <data-dir>/wxcode.toml]
    #[arg(long, global = true, env = "WXCODE_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Server to talk to, with a token of its own [default: the one of the data folder]
    #[arg(long, global = true, env = "WXCODE_SERVER", value_name = "URL")]
    pub(crate) server: Option<String>,
    /// File with the API token [default: WXCODE_TOKEN; for the server of the data folder <data-dir>/token]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// `WXCODE_TOKEN`; no flag, because other users see the arguments of a process.
    #[arg(skip = std::env::var("WXCODE_TOKEN").ok())]
    pub(crate) token: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the server
    Serve(ServeOptions),
    /// Open a project's session in this terminal
    ///
    /// The session is started if it does not run, and runs on when you leave, by default with Ctrl+].
    /// All other keys go to the agent, also Ctrl+C and Ctrl+Z. When the server or the network goes away,
    /// attach comes back by itself and loses nothing.
    Attach(AttachOptions),
    /// List the projects and what their agents do
    Ls(ListOptions),
    /// Send a command to a project's agent, exactly once
    Send(SendOptions),
    /// Check that everything wxcode needs is there
    Doctor,
    /// Print the OpenAPI document
    Openapi,
    /// Print the API token
    Token,
    /// Work on stores
    #[command(subcommand)]
    Store(StoreCommand),
}

#[derive(Debug, Args)]
pub(crate) struct ServeOptions {
    /// Address to listen on; port 0 picks a free one [default: 127.0.0.1:8052]
    #[arg(long, env = "WXCODE_LISTEN", value_name = "ADDR:PORT")]
    pub(crate) listen: Option<String>,
    /// `sqlite` for the embedded store, or a mongodb:// address [default: sqlite]
    #[arg(
        long,
        env = "WXCODE_STORE",
        hide_env_values = true,
        value_name = "STORE"
    )]
    pub(crate) store: Option<StoreName>,
    /// The claude executable [default: claude on PATH]
    #[arg(long, env = "WXCODE_CLAUDE", value_name = "PATH")]
    pub(crate) claude: Option<PathBuf>,
    /// What to log, such as `info` or `wxcode_server=debug` [default: info]
    #[arg(long, env = "WXCODE_LOG", value_name = "FILTER")]
    pub(crate) log: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum StoreCommand {
    /// Copy everything of one store into another, and compare
    ///
    /// Stop the server first. What the target has already stays as it is; after an interruption run the same again.
    /// A store is `sqlite` (the one of the data folder), `sqlite:PATH`, or a mongodb:// address.
    Migrate(MigrateOptions),
}

#[derive(Debug, Args)]
pub(crate) struct MigrateOptions {
    /// The store to copy from
    #[arg(long, value_name = "STORE")]
    pub(crate) from: StoreName,
    /// The store to copy to
    #[arg(long, value_name = "STORE")]
    pub(crate) to: StoreName,
}

#[derive(Debug, Args)]
pub(crate) struct AttachOptions {
    /// Id or name of the project, or how either begins
    pub(crate) project: String,
    /// Only look: start nothing, type nothing, change no size
    #[arg(long)]
    pub(crate) read_only: bool,
    /// Leave the session's size to the window that has it, until you type
    #[arg(long)]
    pub(crate) viewer: bool,
    /// The key that leaves instead of Ctrl+], such as ctrl-q
    #[arg(
        long,
        value_name = "KEY",
        default_value = "ctrl-]",
        hide_default_value = true
    )]
    pub(crate) detach_key: DetachKey,
}

#[derive(Debug, Args)]
pub(crate) struct ListOptions {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct SendOptions {
    /// Id or name of the project, or how either begins
    pub(crate) project: String,
    /// What to type and submit
    #[arg(allow_hyphen_values = true)]
    pub(crate) text: String,
    /// A second send with the same key does nothing
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
    /// Wait until the agent took it, or it failed
    #[arg(long)]
    pub(crate) wait: bool,
}
