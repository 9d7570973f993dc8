//! The command line: parses, resolves the settings, wires the crates together.

// These macros panic on an unwritable output.
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod access;
mod ask;
mod attach;
mod choose;
mod cli;
mod config;
mod confinement;
mod doctor;
mod drain;
mod init;
mod list;
mod log;
mod logs;
mod manual;
mod migrate;
mod node;
mod output;
mod permission;
mod project;
mod remote;
mod send;
mod serve;
mod store;
mod token;
mod umask;

#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub use config::check;

use std::process::ExitCode;

use clap::Parser;

use crate::{
    cli::{Cli, Command, StoreCommand, Usage},
    output::ReaderLeft,
};

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    // First of all: every command creates private files only.
    umask::restrict();
    // Wrong usage exits with code 2 in here.
    let Cli { command, common } = Cli::parse();
    let result = match command {
        Command::Serve(options) => serve::run(&common, &options),
        Command::Attach(options) => attach::run(&common, &options),
        Command::Ls(options) => list::run(&common, &options),
        Command::Send(options) => send::run(&common, &options),
        Command::Doctor => doctor::run(&common),
        Command::Openapi => print_openapi(),
        Command::New(options) => project::new(&common, &options),
        Command::Start(options) => project::start(&common, &options),
        Command::Answer(options) => ask::run(&common, &options),
        Command::Screen(options) => project::screen(&common, &options),
        Command::Logs(options) => logs::run(&common, &options),
        Command::Events(options) => project::events(&common, &options),
        Command::Stop(options) => project::stop(&common, &options),
        Command::Resume(options) => project::resume(&common, &options),
        Command::Login => access::login(&common),
        Command::Drain(options) => drain::run(&common, &options),
        Command::Audit(options) => access::audit(&common, &options),
        Command::Token(command) => access::token(&common, &command),
        Command::Store(StoreCommand::Migrate(options)) => migrate::run(&common, &options),
        Command::Completions(options) => manual::completions(&options),
        Command::Man(options) => manual::pages(&options),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<ReaderLeft>() => ExitCode::SUCCESS,
        Err(error) => {
            // The terminal itself may have failed.
            output::note(format_args!("wxcode: {error:#}"));
            ExitCode::from(if error.is::<Usage>() { 2 } else { 1 })
        }
    }
}

fn print_openapi() -> anyhow::Result<()> {
    output::print(serde_json::to_string_pretty(&wxcode_server::openapi())?)
}
