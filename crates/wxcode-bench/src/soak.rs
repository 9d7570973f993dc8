//! The soak run: many sessions with chatty agents, clients that come and go, and deliveries. Memory
//! and echo latency must stay constant.

mod crowd;
mod traffic;
mod verdict;
mod window;

use std::{
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use anyhow::ensure;

use crate::paths::Paths;
use crowd::Crowd;
use traffic::Traffic;
use window::{Meter, Window};

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Sessions whose agents print 10 KB/s each
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=2_000))]
    sessions: u32,
    /// Seconds to measure after the warm-up
    #[arg(long, default_value_t = 600, value_parser = clap::value_parser!(u64).range(6..=604_800))]
    seconds: u64,
    /// Seconds per window and line of the table [default: a twentieth of all]
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    window: Option<u64>,
    /// The wxcode to run [default: the one next to this program]
    #[arg(long)]
    wxcode: Option<PathBuf>,
}

/// Runs the soak and prints the soak's table; false if a limit was exceeded.
pub(crate) fn run(options: &Options) -> anyhow::Result<bool> {
    let paths = Paths::find(options.wxcode.clone())?;
    let length = Duration::from_secs(options.window.unwrap_or((options.seconds / 20).max(1)));
    let began = Instant::now();
    let say = |what: &str| eprintln!("{:>5} s  {what}", began.elapsed().as_secs());
    say("the sessions start");
    let crowd = Crowd::gather(&paths, options.sessions)?;
    say("what is bounded fills up");
    crowd.fill()?;
    let traffic = Traffic::begin(&crowd)?;
    let mut meter = Meter::new(&crowd)?;
    // The slope excludes the server's memory for the first clients and deliveries.
    say("warming up");
    meter.measure(length.min(Duration::from_secs(30)), &traffic)?;
    say("measuring");
    println!("{}", Window::HEAD);
    let start = Instant::now();
    let count = (Duration::from_secs(options.seconds).as_secs_f64() / length.as_secs_f64()).round();
    let mut windows = Vec::new();
    for _ in 0..count as usize {
        let window = meter.measure(length, &traffic)?;
        println!("{}", window.line(start));
        windows.push(window);
    }
    say("ending");
    let seen = traffic.end()?;
    let alive = crowd.running()?;
    let judged = verdict::judge(&windows, &crowd, &seen, alive);
    println!();
    for line in &judged {
        println!("{line}");
    }
    let (processors, load) = (
        thread::available_parallelism().map_or(0, usize::from),
        std::fs::read_to_string("/proc/loadavg").unwrap_or_default(),
    );
    let load = load.split_whitespace().next().unwrap_or("?");
    println!(
        "\n{} sessions, {} s in windows of {} s, {processors} processors, load average {load}",
        options.sessions,
        options.seconds,
        length.as_secs(),
    );
    ensure!(
        !windows.is_empty(),
        "no window was measured: give more --seconds"
    );
    Ok(judged.iter().all(|line| line.held))
}
