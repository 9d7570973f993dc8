//! The way of a key: typed, echoed by the agent, seen again; several ways in turns, so that noise hits all alike.

use std::time::Duration;

use crate::{
    proc::Usage,
    samples::{Samples, micros},
};

/// Keys that are typed: none of them is a final byte of a sequence that a multiplexer draws with.
const KEYS: &[u8] = b"yzvw";
/// Rounds that are not counted.
const WARM_UP: usize = 100;

/// Something with an agent behind it that echoes.
pub(crate) trait Echo {
    /// Types one byte; the time until it is seen again.
    fn round(&mut self, byte: u8) -> anyhow::Result<Duration>;
}

/// A way to be measured, and the processes on it.
pub(crate) struct Way<'a> {
    pub(crate) name: &'a str,
    pub(crate) echo: &'a mut dyn Echo,
    /// Names and pids of the processes whose waiting is counted.
    pub(crate) processes: Vec<(&'static str, u32)>,
}

/// What was measured of a way.
#[derive(Clone, Debug)]
pub(crate) struct Measured {
    pub(crate) name: String,
    /// Microseconds.
    pub(crate) rounds: Samples,
    /// How often a process went to sleep, and its time on a processor in microseconds, both for a round.
    pub(crate) costs: Vec<(&'static str, f64, f64)>,
}

/// Measures so many rounds of each way, one of each in turn.
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
    /// The costs in words.
    pub(crate) fn costs(&self) -> String {
        let costs = self.costs.iter();
        let words: Vec<String> = costs
            .map(|(name, sleeps, time)| format!("{name} {sleeps:.1} ({time:.0} µs)"))
            .collect();
        words.join(", ")
    }
}
