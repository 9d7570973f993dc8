//! `wxcode completions` and `wxcode man`: the command line for shells and for man.

use std::fs;

use anyhow::Context;
use clap::CommandFactory;

use crate::{
    cli::{Cli, CompletionsOptions, ManOptions},
    output,
};

/// `wxcode completions`.
pub(crate) fn completions(options: &CompletionsOptions) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut Cli::command(), "wxcode", &mut script);
    output::print(String::from_utf8_lossy(&script).trim_end())
}

/// `wxcode man`: a page for each command.
pub(crate) fn pages(options: &ManOptions) -> anyhow::Result<()> {
    let folder = &options.folder;
    fs::create_dir_all(folder)
        .and_then(|()| clap_mangen::generate_to(Cli::command(), folder))
        .with_context(|| format!("cannot write the man pages into {}", folder.display()))
}
