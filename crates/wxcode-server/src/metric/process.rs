//! Metrics of the server's own process, by their usual names.

use std::{
    fs,
    sync::atomic::AtomicU64,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use prometheus_client::{
    metrics::gauge::{ConstGauge, Gauge},
    registry::Registry,
};
use rustix::{
    process::{Resource, getrlimit},
    time::{ClockId, clock_gettime},
};

use super::number::signed;

type Seconds = Gauge<f64, AtomicU64>;

/// Measurements of the process.
#[derive(Debug)]
pub(super) struct Process {
    began: Instant,
    uptime: Seconds,
    cpu: Seconds,
    resident: Gauge,
    fds: Gauge,
    fds_max: Gauge,
    threads: Gauge,
}

impl Default for Process {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            uptime: Gauge::default(),
            cpu: Gauge::default(),
            resident: Gauge::default(),
            fds: Gauge::default(),
            fds_max: Gauge::default(),
            threads: Gauge::default(),
        }
    }
}

impl Process {
    pub(super) fn register(&self, registry: &mut Registry) {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let start = ConstGauge::new(since.unwrap_or_default().as_secs_f64());
        let process = registry.sub_registry_with_prefix("process");
        process.register("start_time_seconds", "When it started, since 1970", start);
        process.register(
            "uptime_seconds",
            "For how long it has run",
            self.uptime.clone(),
        );
        process.register("cpu_seconds", "Time that it has computed", self.cpu.clone());
        process.register(
            "resident_memory_bytes",
            "Memory that it holds",
            self.resident.clone(),
        );
        process.register("open_fds", "Its open descriptors", self.fds.clone());
        process.register(
            "max_fds",
            "The most that it may have open",
            self.fds_max.clone(),
        );
        process.register("threads", "Its threads", self.threads.clone());
    }

    /// Reads the process; unreadable values stay as before.
    pub(super) fn look(&self) {
        self.uptime.set(self.began.elapsed().as_secs_f64());
        let cpu = clock_gettime(ClockId::ProcessCPUTime);
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        self.cpu.set(cpu.tv_sec as f64 + cpu.tv_nsec as f64 / 1e9);
        if let Ok(status) = fs::read_to_string("/proc/self/status") {
            if let Some(kib) = field(&status, "VmRSS:") {
                self.resident.set(kib.saturating_mul(1024));
            }
            if let Some(threads) = field(&status, "Threads:") {
                self.threads.set(threads);
            }
        }
        if let Ok(fds) = fs::read_dir("/proc/self/fd") {
            // One descriptor belongs to this reading.
            self.fds.set(signed(fds.count().saturating_sub(1)));
        }
        if let Some(most) = getrlimit(Resource::Nofile).current {
            self.fds_max.set(signed(most));
        }
    }
}

fn field(status: &str, name: &str) -> Option<i64> {
    let value = status.lines().find_map(|line| line.strip_prefix(name))?;
    value.split_whitespace().next()?.parse().ok()
}
