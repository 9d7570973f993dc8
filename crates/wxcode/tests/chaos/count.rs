//! Counters of a run, and the run's recent steps.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt::Write as _,
    fs::File,
    io::Write as _,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use super::{memory::Memory, step::Step, tape::Compared};

/// Steps printed after a failure; the file has all of them.
const SHOWN: usize = 40;
/// The pause between progress lines.
const PROGRESS: Duration = Duration::from_secs(10);

/// The counters of a run.
pub(crate) struct Account {
    began: Instant,
    said: Instant,
    steps: BTreeMap<String, u64>,
    /// Steps with an effect.
    done: BTreeMap<String, u64>,
    pub(crate) checks: u64,
    pub(crate) compared: Compared,
    /// Commands of deleted projects, by their last state.
    pub(crate) deliveries: BTreeMap<String, u64>,
    pub(crate) events: u64,
    pub(crate) rests: u64,
    /// Peak memory in KiB and peak descriptors.
    pub(crate) peaks: BTreeMap<&'static str, u64>,
    pub(crate) memory: Memory,
    latest: VecDeque<String>,
    file: File,
    pub(crate) path: PathBuf,
}

impl Account {
    /// Stores all steps in this file for a replay, a step in each line after a header.
    pub(crate) fn new(path: &Path, first: &str) -> std::io::Result<Self> {
        let now = Instant::now();
        let mut file = File::create(path)?;
        writeln!(file, "{first}")?;
        Ok(Self {
            began: now,
            said: now,
            steps: BTreeMap::new(),
            done: BTreeMap::new(),
            checks: 0,
            compared: Compared::default(),
            deliveries: BTreeMap::new(),
            events: 0,
            rests: 0,
            peaks: BTreeMap::new(),
            memory: Memory::default(),
            latest: VecDeque::new(),
            file,
            path: path.to_owned(),
        })
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// Records a step before carrying the step out.
    pub(crate) fn step(&mut self, step: &Step) {
        *self.steps.entry(step.name()).or_default() += 1;
        let line = serde_json::to_string(step).unwrap_or_default();
        // The steps are also printed, so that a full disk hides none.
        let _ = writeln!(self.file, "{line}");
        if self.latest.len() == SHOWN {
            self.latest.pop_front();
        }
        let number: u64 = self.steps.values().sum();
        let at = self.began.elapsed().as_secs_f64();
        self.latest
            .push_back(format!("{at:8.2} s  {number:5}  {line}"));
    }

    /// Prints the progress now and then.
    pub(crate) fn progress(&mut self) {
        if self.said.elapsed() >= PROGRESS {
            self.said = Instant::now();
            println!(
                "{:5.0} s: {} steps, {} checks, {} rests, {} KiB compared",
                self.began.elapsed().as_secs_f64(),
                self.steps.values().sum::<u64>(),
                self.checks,
                self.rests,
                self.compared.bytes >> 10
            );
        }
    }

    /// Counts the last recorded step as effective.
    pub(crate) fn acted(&mut self, step: &Step) {
        *self.done.entry(step.name()).or_default() += 1;
    }

    pub(crate) fn add(&mut self, more: Compared) {
        self.compared.bytes += more.bytes;
        self.compared.snapshots += more.snapshots;
        self.compared.gone += more.gone;
    }

    pub(crate) fn peak(&mut self, what: &'static str, value: u64) {
        let peak = self.peaks.entry(what).or_default();
        *peak = value.max(*peak);
    }

    /// The recent steps.
    pub(crate) fn latest(&self) -> String {
        self.latest
            .iter()
            .fold(String::new(), |text, line| text + line + "\n")
    }

    /// The table at the end.
    pub(crate) fn table(&self) -> String {
        let mut table = String::from("step                     drawn    done\n");
        for (name, count) in &self.steps {
            let done = self.done.get(name).unwrap_or(&0);
            let _ = writeln!(table, "{name:22} {count:7} {done:7}");
        }
        let steps: u64 = self.steps.values().sum();
        let _ = writeln!(
            table,
            "{steps} steps in {:.0} s, {} checks, {} rests",
            self.began.elapsed().as_secs_f64(),
            self.checks,
            self.rests
        );
        let _ = writeln!(
            table,
            "{} bytes and {} snapshots compared with the logs, {} that no log holds any more",
            self.compared.bytes, self.compared.snapshots, self.compared.gone
        );
        let states: Vec<String> = self
            .deliveries
            .iter()
            .map(|(state, count)| format!("{count} {state}"))
            .collect();
        let _ = writeln!(
            table,
            "deliveries: {}; events: {}",
            states.join(", "),
            self.events
        );
        for (what, value) in &self.peaks {
            let _ = writeln!(table, "at most {value} {what}");
        }
        let _ = writeln!(table, "{}", self.memory.said());
        table
    }
}
