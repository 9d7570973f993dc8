//! The command line as typed. Module `config` combines it with the file.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use jiff::{SignedDuration, Timestamp};

use crate::{attach::DetachKey, store::StoreName};

/// The exit code for wrong usage.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Usage(pub(crate) String);

/// Keeps one Claude Code conversation alive per project.
///
/// `wxcode serve` starts the server; open the printed address. Agents run on when the browser
/// closes, the network drops, or the server ends or is upgraded.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) common: Common,
}

/// Flags for the server's data and address.
#[derive(Debug, Clone, Args)]
pub(crate) struct Common {
    /// Folder of the store, the sessions and the workspaces [default: ~/.wxcode]
    #[arg(long, global = true, env = "WXCODE_DATA_DIR", value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Configuration file [default: <data-dir>/wxcode.toml]
    #[arg(long, global = true, env = "WXCODE_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Server to use, with its own token [default: the one of the data folder]
    #[arg(long, global = true, env = "WXCODE_SERVER", value_name = "URL")]
    pub(crate) server: Option<String>,
    /// File with the API token [default: WXCODE_TOKEN, or <data-dir>/token for the server of the
    /// data folder]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// `WXCODE_TOKEN`; there is no flag, because other users see the arguments of a process.
    #[arg(skip = std::env::var("WXCODE_TOKEN").ok())]
    pub(crate) token: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the server
    Serve(ServeOptions),
    /// Open a project's session in this terminal
    ///
    /// Starts the session if it does not run. The session runs on after you detach, by default with
    /// Ctrl+]. All other keys go to the agent, including Ctrl+C and Ctrl+Z. After a lost connection
    /// attach reconnects by itself and loses nothing.
    Attach(AttachOptions),
    /// List the projects and their agents' states
    Ls(ListOptions),
    /// Send a command to a project's agent, exactly once
    Send(SendOptions),
    /// Create a project and print its id
    New(NewOptions),
    /// Create a milestone in a project and start it
    Start(StartOptions),
    /// Show what the agent asks, or answer it
    Answer(AnswerOptions),
    /// Print what is on an agent's screen
    Screen(ScreenOptions),
    /// Print a project's conversation as text
    Logs(LogsOptions),
    /// Print a project's events as they happen
    Events(EventsOptions),
    /// End a project's session; its conversation stays
    Stop(StopOptions),
    /// Start a project's session, on request with an older conversation
    Resume(ResumeOptions),
    /// Print a link that logs a browser in, once, within ten minutes
    Login,
    /// Print what callers did, newest first
    Audit(AuditOptions),
    /// Check the installation, the server and the system
    Doctor,
    /// Print the OpenAPI document
    Openapi,
    /// Print the token of the data folder, or manage tokens with roles
    #[command(args_conflicts_with_subcommands = true)]
    Token {
        #[command(subcommand)]
        command: Option<TokenCommand>,
    },
    /// Manage stores
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
pub(crate) enum TokenCommand {
    /// Create a token and print it, this once
    Create(NewTokenOptions),
    /// List the tokens, without their texts
    List(ListOptions),
    /// Remove a token; what it has open ends within seconds
    Revoke(RevokeOptions),
}

#[derive(Debug, Args)]
pub(crate) struct NewTokenOptions {
    /// A name that no other token has
    pub(crate) name: String,
    /// The role
    #[arg(long, default_value = "operator", value_parser = ["viewer", "operator", "admin"])]
    pub(crate) role: String,
    /// The only project: its id or name, or a unique beginning of either
    #[arg(long, value_name = "PROJECT")]
    pub(crate) project: Option<String>,
    /// Expires after this time: a number with d, h, m or s, such as 30d
    #[arg(long, value_name = "TIME", value_parser = crate::access::span)]
    pub(crate) expires: Option<SignedDuration>,
}

#[derive(Debug, Args)]
pub(crate) struct RevokeOptions {
    /// The token's name
    pub(crate) name: String,
}

#[derive(Debug, Args)]
pub(crate) struct AuditOptions {
    /// Most entries
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=500))]
    pub(crate) limit: u64,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct NewOptions {
    /// The project's name
    pub(crate) name: String,
    /// An existing folder to work in [default: a new one in the data folder]
    #[arg(long, value_name = "DIR")]
    pub(crate) workspace: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct StartOptions {
    /// Id or name of the project, or a unique beginning of either
    pub(crate) project: String,
    /// The name of the milestone
    pub(crate) element: String,
    /// A Markdown file with the milestone's context; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) context: Option<PathBuf>,
    /// Wait until the agent has taken the command, or the delivery has failed
    #[arg(long)]
    pub(crate) wait: bool,
}

#[derive(Debug, Args)]
pub(crate) struct AnswerOptions {
    /// Id or name of the project, or a unique beginning of either
    pub(crate) project: String,
    /// The option to choose; left out: show what is asked
    #[arg(allow_hyphen_values = true)]
    pub(crate) option: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ScreenOptions {
    /// Id or name of the project, or a unique beginning of either
    pub(crate) project: String,
    /// With colours, as a stream that redraws the screen
    #[arg(long)]
    pub(crate) ansi: bool,
}

#[derive(Debug, Args)]
pub(crate) struct LogsOptions {
    /// Id or name of the project, or a unique beginning of either
    pub(crate) project: String,
}

#[derive(Debug, Args)]
pub(crate) struct EventsOptions {
    /// Id or name of the project, or a unique beginning of either
    pub(crate) project: String,
    /// Go on with the events to come; otherwise only the present state is printed
    #[arg(long)]
    pub(crate) follow: bool,
    /// Print one JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct StopOptions {
    /// Id or name of the project, or a unique beginning of either
    pub(crate) project: String,
}

#[derive(Debug, Args)]
pub(crate) struct ResumeOptions {
    /// Id or name of the project, or a unique beginning of either
    pub(crate) project: String,
    /// An older conversation of the project
    #[arg(long, value_name = "UUID")]
    pub(crate) id: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum StoreCommand {
    /// Copy all records of one store to another, and compare
    ///
    /// Stop the server first. Existing records of the target stay as they are; after an
    /// interruption run the same command again. A store is `sqlite` (the one of the data folder),
    /// `sqlite:PATH`, or a mongodb:// address.
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
    /// Id or name of the project, or a unique beginning of either
    pub(crate) project: String,
    /// Read only: start nothing, type nothing, never resize
    #[arg(long)]
    pub(crate) read_only: bool,
    /// Keep the session's size until you type
    #[arg(long)]
    pub(crate) viewer: bool,
    /// The key to detach, instead of Ctrl+], such as ctrl-q
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
    /// Id or name of the project, or a unique beginning of either
    pub(crate) project: String,
    /// Text to type and submit
    #[arg(allow_hyphen_values = true)]
    pub(crate) text: String,
    /// Idempotency key: a second send with the same key does nothing
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
    /// Wait until the agent has accepted the text, or the delivery has failed
    #[arg(long)]
    pub(crate) wait: bool,
    /// Type the text into a running turn instead of waiting for its end
    #[arg(long)]
    pub(crate) steer: bool,
    /// Not before this time: 2026-01-31T18:00:00Z, or local: "2026-01-31 18:00", 18:00 (the next)
    #[arg(long, value_name = "TIME", value_parser = crate::send::time)]
    pub(crate) at: Option<Timestamp>,
}
