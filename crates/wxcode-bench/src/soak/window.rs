//! A window of the soak run: the processes at the window's end, and the echo latency during the
//! window.

use std::{
    fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};

use super::{crowd::Crowd, traffic::Traffic};
use crate::{
    client::Client,
    echo::Echo as _,
    proc::{self, anonymous},
    pty::Pty,
    samples::{Samples, micros},
    server::guardian,
};

/// The pause between two keys.
const KEY_EVERY: Duration = Duration::from_millis(10);
/// The typed keys.
const KEYS: &[u8] = b"yzvw";
/// Fewest keys of a window, whatever its length.
const KEYS_MIN: usize = 20;

/// The measurements of a window.
#[derive(Clone, Debug)]
pub(super) struct Window {
    /// The window's end.
    pub(super) at: Instant,
    /// Anonymous memory of the server, in KiB.
    pub(super) server: f64,
    /// Anonymous memory of a holder with its guardian, the mean of all holders.
    pub(super) holder: f64,
    pub(super) server_descriptors: usize,
    pub(super) holder_descriptors: usize,
    pub(super) threads: usize,
    /// Bytes of the data folder.
    pub(super) disk: u64,
    /// Latencies of the keys, in microseconds: wxcode's and the limit's.
    pub(super) ours: Samples,
    pub(super) limit: Samples,
    /// Counts so far.
    visits: u64,
    deliveries: u64,
}

impl Window {
    /// The head of the table.
    pub(super) const HEAD: &'static str = "| s | server KiB | a holder KiB | descriptors: server, holders | threads | disk MB | echo p50, p99 µs | limit p50, p99 µs | ratio p50, p99 | visits | deliveries |\n\
        |--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|";

    /// The ratio of a key's latency to the limit's, at this share of all keys.
    pub(super) fn ratio(&self, share: f64) -> f64 {
        self.ours.quantile(share) / self.limit.quantile(share)
    }

    /// The window as a line of the table.
    pub(super) fn line(&self, start: Instant) -> String {
        let pair =
            |samples: &Samples| format!("{:.0}, {:.0}", samples.median(), samples.quantile(0.99));
        format!(
            "| {} | {:.0} | {:.0} | {}, {} | {} | {:.0} | {} | {} | {:.1}, {:.1} | {} | {} |",
            self.at.duration_since(start).as_secs(),
            self.server,
            self.holder,
            self.server_descriptors,
            self.holder_descriptors,
            self.threads,
            self.disk as f64 / 1e6,
            pair(&self.ours),
            pair(&self.limit),
            self.ratio(0.5),
            self.ratio(0.99),
            self.visits,
            self.deliveries,
        )
    }
}

/// Measures windows.
pub(super) struct Meter<'a> {
    crowd: &'a Crowd,
    /// Pairs of a holder and its guardian.
    holders: Vec<[u32; 2]>,
    ours: Client,
    limit: Pty,
}

impl<'a> Meter<'a> {
    pub(super) fn new(crowd: &'a Crowd) -> anyhow::Result<Self> {
        let holders = crowd
            .all()
            .map(|session| {
                let guardian = guardian(&session.dir).context("a holder without a guardian")?;
                Ok([session.holder, guardian])
            })
            .collect::<anyhow::Result<_>>()?;
        Ok(Self {
            crowd,
            holders,
            ours: crowd.echoing()?,
            limit: Pty::agent(&crowd.paths, crowd.folder.path())?.echoing()?,
        })
    }

    /// Types keys for this time, then reads the processes' figures.
    pub(super) fn measure(
        &mut self,
        length: Duration,
        traffic: &Traffic,
    ) -> anyhow::Result<Window> {
        let end = Instant::now() + length;
        let (mut ours, mut limit) = (Vec::new(), Vec::new());
        while Instant::now() < end || ours.len() < KEYS_MIN {
            let key = KEYS[ours.len() % KEYS.len()];
            // In turn, so that other load hits both alike.
            limit.push(micros(self.limit.round(key)?));
            ours.push(micros(self.ours.round(key)?));
            if traffic.is_broken() {
                bail!("the traffic failed");
            }
            thread::sleep(KEY_EVERY);
        }
        let server = self.crowd.server.pid();
        let mut holder = 0.0;
        let mut holder_descriptors = 0;
        for pid in self.holders.iter().flatten() {
            holder += anonymous(*pid)?;
            holder_descriptors += proc::count(*pid, "fd")?;
        }
        Ok(Window {
            at: Instant::now(),
            server: anonymous(server)?,
            holder: holder / self.holders.len() as f64,
            server_descriptors: proc::count(server, "fd")?,
            holder_descriptors,
            threads: proc::count(server, "task")?,
            disk: disk(self.crowd.server.dir()),
            ours: ours.into_iter().collect(),
            limit: limit.into_iter().collect(),
            visits: traffic.visits(),
            deliveries: traffic.deliveries(),
        })
    }
}

/// Bytes of all files below a folder; files removed meanwhile count nothing.
fn disk(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.file_type() {
            Ok(kind) if kind.is_dir() => disk(&entry.path()),
            Ok(_) => entry.metadata().map_or(0, |file| file.len()),
            Err(_) => 0,
        })
        .sum()
}
