//! Arguments of the commands on one project.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use uuid::Uuid;

use crate::attach::DetachKey;

/// The project of a command.
#[derive(Debug, Args)]
pub(crate) struct Named {
    /// Id or name of the project, or the beginning of either if only one project has it
    pub(crate) project: String,
}

#[derive(Debug, Args)]
pub(crate) struct NewOptions {
    /// The project's name
    pub(crate) name: String,
    /// An existing folder to work in [default: a new one in the data folder]
    #[arg(long, value_name = "DIR")]
    pub(crate) workspace: Option<PathBuf>,
}

/// The end of a command that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Until {
    /// The agent has taken the text, or the delivery has failed
    Submitted,
    /// The agent's turn has ended; its answer is printed
    Idle,
}

/// Whether and how long to wait.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Waiting {
    /// Wait until the agent has taken the text, or the delivery has failed
    #[arg(long)]
    wait: bool,
    /// Wait until then; `idle`: until the turn has ended, and print the agent's answer
    #[arg(long, value_enum, value_name = "STATE")]
    until: Option<Until>,
}

impl Waiting {
    /// The end to wait for, if any.
    pub(crate) fn until(self) -> Option<Until> {
        self.until.or(self.wait.then_some(Until::Submitted))
    }
}

#[derive(Debug, Args)]
pub(crate) struct StartOptions {
    #[command(flatten)]
    pub(crate) named: Named,
    /// The name of the milestone
    pub(crate) element: String,
    /// A Markdown file with the milestone's context; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) context: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) waiting: Waiting,
}

#[derive(Debug, Args)]
pub(crate) struct SendOptions {
    #[command(flatten)]
    pub(crate) named: Named,
    /// Text to type and submit
    #[arg(allow_hyphen_values = true)]
    pub(crate) text: String,
    /// Idempotency key: a second send with the same key and text does nothing
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
    #[command(flatten)]
    pub(crate) waiting: Waiting,
    /// Type the text into a running turn instead of waiting for its end
    #[arg(long)]
    pub(crate) steer: bool,
    /// Not before this time: 2026-01-31T18:00:00Z, or local: "2026-01-31 18:00", 18:00 (the next)
    #[arg(long, value_name = "TIME", value_parser = crate::send::time)]
    pub(crate) at: Option<Timestamp>,
}

#[derive(Debug, Args)]
pub(crate) struct AnswerOptions {
    #[command(flatten)]
    pub(crate) named: Named,
    /// The choice: its text, its number, or its beginning; left out: show what is asked
    ///
    /// Several questions take one choice each, in their order. Where several choices are possible,
    /// write them with commas: `1,3`.
    #[arg(value_name = "OPTION")]
    pub(crate) options: Vec<String>,
    /// Answer the agent's question in your own words instead
    #[arg(long, value_name = "TEXT", conflicts_with = "options")]
    pub(crate) text: Option<String>,
    /// Print what is asked as JSON
    #[arg(long, conflicts_with_all = ["options", "text"])]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ScreenOptions {
    #[command(flatten)]
    pub(crate) named: Named,
    /// With colours, as a stream that redraws the screen
    #[arg(long)]
    pub(crate) ansi: bool,
}

#[derive(Debug, Args)]
pub(crate) struct LogsOptions {
    #[command(flatten)]
    pub(crate) named: Named,
    /// Go on with what is said from now on, until Ctrl+C
    #[arg(long, short)]
    pub(crate) follow: bool,
    /// Print one JSON object a line, a turn each; with --follow again when it has grown
    #[arg(long)]
    pub(crate) json: bool,
    /// An older conversation of the project
    #[arg(long, value_name = "UUID", conflicts_with = "follow")]
    pub(crate) id: Option<Uuid>,
}

#[derive(Debug, Args)]
pub(crate) struct EventsOptions {
    #[command(flatten)]
    pub(crate) named: Named,
    /// Go on with the events to come, until Ctrl+C; otherwise only the present state is printed
    #[arg(long, short)]
    pub(crate) follow: bool,
    /// Print one JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ResumeOptions {
    #[command(flatten)]
    pub(crate) named: Named,
    /// An older conversation of the project
    #[arg(long, value_name = "UUID")]
    pub(crate) id: Option<Uuid>,
}

#[derive(Debug, Args)]
pub(crate) struct AttachOptions {
    /// Id or name of the project, or the beginning of either if only one project has it
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
