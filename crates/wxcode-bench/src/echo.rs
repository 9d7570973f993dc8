//! Echo latency of a key: typed, echoed by the agent, received; several paths in turn, so that
//! noise hits all alike.

use std::time::Duration;

use crate::{
    proc::Usage,
    samples::{Samples, micros},
};

/// The typed keys: none is a final byte of a multiplexer's drawing sequences.
const KEYS: &[u8] = b"yzvw";
/// Uncounted warm-up rounds.
const WARM_UP: usize = 100;

/// A path to an echoing agent.
pub(crate) trait Echo {
    /// Types a byte; returns the time until its echo.
    fn round(&mut self, byte: u8) -> anyhow::Result<Duration>;
}

/// A path to measure, and its processes.
pub(crate) struct Way<'a> {
    pub(crate) name: &'a str,
    pub(crate) echo: &'a mut dyn Echo,
    /// Names and pids of the processes with counted sleeps.
    pub(crate) processes: Vec<(&'static str, u32)>,
}

/// The measurements of a path.
#[derive(Clone, Debug)]
pub(crate) struct Measured {
    pub(crate) name: String,
    /// Microseconds.
    pub(crate) rounds: Samples,
    /// Sleeps of a process and its processor time in microseconds, both per round.
    pub(crate) costs: Vec<(&'static str, f64, f64)>,
}

/// Measures this many rounds of each path, a round of each path in turn.
pub(crate) fn measure(ways: &mut [Way<'_>], rounds: usize) -> anyhow::Result<Vec<Measured>> {
    let mut measured: Vec<Measured> = ways
        .iter()
        .map(|way| Measured {
            name: way.name.to_owned(),
            rounds: Samples::default(),
            costs: Vec::new(),
        })
        .collect();
    let mut times = vec![Vec::with_capacity(rounds); ways.len()];
    let mut before = Vec::new();
    for i in 0..WARM_UP + rounds {
        if i == WARM_UP {
            before = ways.iter().map(usages).collect();
        }
        let key = KEYS[i % KEYS.len()];
        for (way, times) in ways.iter_mut().zip(&mut times) {
            let took = way.echo.round(key)?;
            if i >= WARM_UP {
                times.push(micros(took));
            }
        }
    }
    for (((way, measured), times), before) in ways.iter().zip(&mut measured).zip(times).zip(before)
    {
        measured.rounds = times.into_iter().collect();
        let pairs = way
            .processes
            .iter()
            .zip(usages(way).into_iter().zip(before));
        measured.costs = pairs
            .map(|((name, _), (after, before))| {
                let used = after - before;
                let share = |value: f64| value / rounds as f64;
                (*name, share(used.sleeps as f64), share(used.seconds * 1e6))
            })
            .collect();
    }
    Ok(measured)
}

fn usages(way: &Way<'_>) -> Vec<Usage> {
    way.processes
        .iter()
        .map(|(_, pid)| Usage::of(*pid))
        .collect()
}

impl Measured {
    /// The costs as text.
    pub(crate) fn costs(&self) -> String {
        let costs = self.costs.iter();
        let words: Vec<String> = costs
            .map(|(name, sleeps, time)| format!("{name} {sleeps:.1} ({time:.0} µs)"))
            .collect();
        words.join(", ")
    }
}
