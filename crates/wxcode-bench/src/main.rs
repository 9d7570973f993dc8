//! Measures wxcode, each row of its table against the physical limit in the same run, and prints
//! the table as Markdown.

mod client;
mod echo;
mod http;
mod paths;
mod peer;
mod printing;
mod proc;
mod pty;
mod row;
mod samples;
mod server;
mod soak;

use std::{path::PathBuf, process::ExitCode, time::Instant};

use clap::Parser;

use crate::{client::Protocol, paths::Paths, row::ROWS};

/// Measures wxcode against the physical limit: the same program in a PTY, read in a tight loop.
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true)]
struct Options {
    #[command(subcommand)]
    command: Option<Command>,
    /// The rows to measure, by name; all by default
    #[arg(value_parser = ROWS.map(|(name, _)| name))]
    rows: Vec<String>,
    /// Fewer repetitions: about a minute
    #[arg(long)]
    quick: bool,
    /// Protocol of the clients, for rows with only one
    #[arg(long, value_enum, default_value = "v1")]
    protocol: Protocol,
    /// Size of the transcript of the row `transcript`, in MiB
    #[arg(long, default_value_t = 512, value_parser = clap::value_parser!(u64).range(1..=16_384))]
    transcript_mib: u64,
    /// The wxcode to measure [default: the one next to this program]
    #[arg(long)]
    wxcode: Option<PathBuf>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Runs many sessions for long, and fails where memory or the echo latency grows
    Soak(soak::Options),
    /// Feeds one hostile stream to a screen: the row `hostile` measures each in a fresh process
    #[command(hide = true)]
    Hostile {
        /// The stream's name
        stream: String,
    },
}

/// The context of a row's measurement.
struct Bench {
    paths: Paths,
    protocol: Protocol,
    quick: bool,
    /// Size of the longest transcript, in MiB.
    transcript_mib: u64,
}

impl Bench {
    /// Repetitions in a full and in a quick run.
    const fn times(&self, full: usize, quick: usize) -> usize {
        if self.quick { quick } else { full }
    }
}

/// The exit code for a missed target; 2 is wrong usage or an aborted run.
const FAILED: u8 = 1;
const BROKEN: u8 = 2;

fn main() -> ExitCode {
    let options = Options::parse();
    let done = match &options.command {
        Some(Command::Soak(options)) => soak::run(options),
        Some(Command::Hostile { stream }) => row::hostile::run(stream).map(|()| true),
        None => table(options).map(|()| true),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(FAILED),
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::from(BROKEN)
        }
    }
}

fn table(options: Options) -> anyhow::Result<()> {
    let bench = Bench {
        paths: Paths::find(options.wxcode)?,
        protocol: options.protocol,
        quick: options.quick,
        transcript_mib: options.transcript_mib,
    };
    // Other load of the machine affects all rows.
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split_whitespace().next().unwrap_or("?").to_owned();
    let began = Instant::now();
    let mut lines = Vec::new();
    for (name, measure) in ROWS {
        if !options.rows.is_empty() && !options.rows.iter().any(|row| row == name) {
            continue;
        }
        eprintln!("{:>4} s  {name}", began.elapsed().as_secs());
        match measure(&bench) {
            Ok(rows) => lines.extend(rows.iter().map(ToString::to_string)),
            Err(error) => lines.push(format!("| {name} | | could not be measured | {error:#} |")),
        }
    }
    eprintln!("{:>4} s  done", began.elapsed().as_secs());
    println!("| what | to reach | measured | in numbers |\n|---|---|---|---|");
    lines.iter().for_each(|line| println!("{line}"));
    let processors = std::thread::available_parallelism().map_or(0, usize::from);
    println!("\n{processors} processors, load average before {load}");
    if let Some(absent) = peer::absent() {
        println!("{absent}");
    }
    Ok(())
}
