//! `wxcode store migrate`: copies all records of one store to another.

use std::{
    io::IsTerminal,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use wxcode_store::copy::{self, Report};

use crate::{
    cli::{Common, MigrateOptions, Usage},
    config, output,
};

/// The interval between progress lines.
const SAY_EVERY: Duration = Duration::from_secs(1);

pub(crate) fn run(common: &Common, options: &MigrateOptions) -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::WARN)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .log_internal_errors(false)
        .init();
    tokio::runtime::Runtime::new()
        .context("cannot start the runtime")?
        .block_on(migrate(common, options))
}

async fn migrate(common: &Common, options: &MigrateOptions) -> anyhow::Result<()> {
    let (from, to) = (&options.from.choice()?, &options.to.choice()?);
    if from == to {
        return Err(Usage(format!("both are {from}: name two stores")).into());
    }
    let data_dir = config::data_dir(common)?;
    // Changes by a running server would make the copy inconsistent.
    let _lock = wxcode_server::lock(&data_dir)?;
    let source = from
        .open(&data_dir)
        .await
        .with_context(|| format!("cannot open {from}"))?;
    let target = to
        .open(&data_dir)
        .await
        .with_context(|| format!("cannot open {to}"))?;
    let mut said = Instant::now();
    let report = copy::everything(&*source, &*target, |report| {
        if said.elapsed() >= SAY_EVERY {
            said = Instant::now();
            output::note(format_args!("{} …", progress(report)));
        }
    })
    .await
    .context("the copy is incomplete: run the same command again to continue")?;
    for problem in &report.problems {
        output::note(problem);
    }
    if report.problem_count > 0 {
        bail!(
            "{}; {} differences: {to} is not a complete copy of {from}",
            progress(&report),
            report.problem_count
        );
    }
    output::print(format_args!(
        "{} are equal in {from} and {to}; {} of these records existed before",
        progress(&report),
        report.found
    ))
}

fn progress(report: &Report) -> String {
    let Report {
        total,
        projects,
        milestones,
        deliveries,
        files,
        ..
    } = report;
    format!(
        "{projects} of {total} projects, {milestones} milestones, {deliveries} deliveries, {files} files of conversations"
    )
}
