//! The command line as typed. Module `config` combines it with the file.

mod project;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use jiff::SignedDuration;

pub(crate) use self::project::{
    AnswerOptions, AttachOptions, EventsOptions, LogsOptions, Named, NewOptions, ResumeOptions,
    ScreenOptions, SendOptions, StartOptions, Until, Waiting,
};
use crate::store::StoreName;

/// The heading of the flags that all commands share.
const SHARED: &str = "Flags of all commands";

/// The exit code for wrong usage.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Usage(pub(crate) String);

/// Keeps one Claude Code conversation alive per project.
///
/// `wxcode serve` starts the server; open the printed address. Agents run on when the browser
/// closes, the network drops, or the server ends or is upgraded.
#[derive(Debug, Parser)]
#[command(
    version,
    arg_required_else_help = true,
    after_help = "PROJECT is the id or the name of a project, or the beginning of either if only one \
                  project has it.\nExit codes: 0 done, 1 failed, 2 wrong usage."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) common: Common,
}

/// Flags for the server's data and address.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = SHARED)]
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
    /// Authorities for an https:// server, in PEM [default: those of the system]
    #[arg(long, global = true, env = "WXCODE_CA_FILE", value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
    /// The certificate of an https:// server: the fingerprint that the server prints
    #[arg(long, global = true, env = "WXCODE_FINGERPRINT", value_name = "SHA256")]
    pub(crate) fingerprint: Option<String>,
    /// File with a token, instead of WXCODE_TOKEN; the server of the data folder needs none
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// `WXCODE_TOKEN`; there is no flag, because other users see the arguments of a process.
    #[arg(skip = std::env::var("WXCODE_TOKEN").ok())]
    pub(crate) token: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the server
    ///
    /// Prints `listening on http://ADDR:PORT` when it accepts connections. SIGTERM and Ctrl+C end
    /// it; the agents run on, and the next server takes them over.
    Serve(ServeOptions),
    /// Create a project and print its id
    New(NewOptions),
    /// List the projects and what their agents do
    Ls(ListProjectsOptions),
    /// Open a project's session in this terminal
    ///
    /// Starts the session if it does not run. The session runs on after you detach, by default with
    /// Ctrl+]. All other keys go to the agent, including Ctrl+C and Ctrl+Z. After a lost connection
    /// attach reconnects by itself and loses nothing.
    Attach(AttachOptions),
    /// Create a milestone in a project and start it
    Start(StartOptions),
    /// Send a text to a project's agent, exactly once
    ///
    /// Prints the delivery's id and state. The text waits in line while the agent works or a dialog
    /// is open, and starts the session if none runs. `--until idle` prints the agent's answer.
    Send(SendOptions),
    /// Show what the agent asks, or answer it
    Answer(AnswerOptions),
    /// Print what is on an agent's screen
    Screen(ScreenOptions),
    /// Print a project's conversation as text
    Logs(LogsOptions),
    /// Print a project's events as they happen
    Events(EventsOptions),
    /// End a project's session; its conversation stays
    Stop(Named),
    /// Start a project's session again, on request with an older conversation
    Resume(ResumeOptions),
    /// Print a link that logs a browser in, once, within ten minutes
    Login,
    /// Print what callers did, newest first
    Audit(AuditOptions),
    /// Let the server take no new sessions, and hand idle ones over to other nodes
    Drain(DrainOptions),
    /// Check the installation, the server and the system
    Doctor,
    /// Print the OpenAPI document
    Openapi,
    /// Manage tokens
    #[command(subcommand)]
    Token(TokenCommand),
    /// Manage stores
    #[command(subcommand)]
    Store(StoreCommand),
    /// Print the completions of a shell
    ///
    /// bash: wxcode completions bash > ~/.local/share/bash-completion/completions/wxcode
    ///
    /// zsh: wxcode completions zsh > FOLDER/_wxcode, with a FOLDER of $fpath
    ///
    /// fish: wxcode completions fish > ~/.config/fish/completions/wxcode.fish
    Completions(CompletionsOptions),
    /// Write the man pages into a folder
    #[command(hide = true)]
    Man(ManOptions),
}

#[derive(Debug, Args)]
pub(crate) struct CompletionsOptions {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: Shell,
}

#[derive(Debug, Args)]
pub(crate) struct ManOptions {
    /// The folder, which is made if it is missing
    pub(crate) folder: PathBuf,
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
    /// Certificate for TLS, in PEM, with the chain; read again after a change
    #[arg(long, env = "WXCODE_TLS_CERT", value_name = "FILE")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// Key of the certificate, in PEM
    #[arg(long, env = "WXCODE_TLS_KEY", value_name = "FILE")]
    pub(crate) tls_key: Option<PathBuf>,
    /// TLS with a certificate of its own, for a trial; its fingerprint is printed
    #[arg(long, env = "WXCODE_TLS_SELF_SIGNED")]
    pub(crate) tls_self_signed: bool,
    /// Take connections from the trusted proxies only, and their forwarding headers
    #[arg(long, env = "WXCODE_BEHIND_PROXY")]
    pub(crate) behind_proxy: bool,
    /// Addresses or networks of the proxies [default: loopback, when listening there]
    #[arg(
        long,
        env = "WXCODE_TRUSTED_PROXIES",
        value_name = "ADDR,…",
        value_delimiter = ','
    )]
    pub(crate) trusted_proxies: Vec<String>,
    /// The address of the server for its users, such as https://box.example/wx
    #[arg(long, env = "WXCODE_PUBLIC_URL", value_name = "URL")]
    pub(crate) public_url: Option<String>,
    /// A path in front of everything, such as /wx [default: the path of the public address]
    #[arg(long, env = "WXCODE_BASE_PATH", value_name = "PATH")]
    pub(crate) base_path: Option<String>,
    /// Address for other nodes, such as http://10.0.0.7:8052 [default: the listen address]
    #[arg(long, env = "WXCODE_ADVERTISE", value_name = "URL")]
    pub(crate) advertise: Option<String>,
    /// What to log, such as `info` or `wxcode_server=debug` [default: info]
    #[arg(long, env = "WXCODE_LOG", value_name = "FILTER")]
    pub(crate) log: Option<String>,
}

impl ServeOptions {
    /// No flag at all.
    pub(crate) const NONE: Self = Self {
        listen: None,
        store: None,
        advertise: None,
        claude: None,
        tls_cert: None,
        tls_key: None,
        tls_self_signed: false,
        behind_proxy: false,
        trusted_proxies: Vec::new(),
        public_url: None,
        base_path: None,
        log: None,
    };
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
pub(crate) struct DrainOptions {
    /// End the drain: the server takes new sessions again
    #[arg(long)]
    pub(crate) off: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
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
pub(crate) struct ListProjectsOptions {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// The order: oldest first, or those that wait for a person first, or the latest, or by name
    #[arg(long, default_value = "created", value_parser = ["created", "attention", "activity", "name"])]
    pub(crate) sort: String,
}

#[derive(Debug, Args)]
pub(crate) struct ListOptions {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
