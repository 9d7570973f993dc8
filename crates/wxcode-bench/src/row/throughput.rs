//! Text from the agent to a WebSocket client, compared with the same text read from a PTY.

use tempfile::TempDir;
use wxcode_bench::text;

use super::Row;
use crate::{
    Bench,
    client::{Client, Protocol},
    peer,
    printing::Printed,
    proc::Usage,
    pty::Pty,
    samples::Samples,
    server::Server,
};

/// MiB of text.
const TEXT: usize = 64;
/// MiB of text for a slow peer.
const PEER_TEXT: usize = 16;
/// The target, as a share of the limit.
const TARGET: f64 = 0.6;

pub(super) fn measure(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let lines = text::lines_of_mib(TEXT);
    let folder = TempDir::new()?;
    let mut limit = Pty::agent(&bench.paths, folder.path())?;
    let mut ways = Vec::new();
    for protocol in [Protocol::V1, Protocol::Json] {
        match Ours::start(bench, protocol) {
            Ok(ours) => ways.push(ours),
            Err(error) => eprintln!("        without {protocol:?}: {error:#}"),
        }
    }
    let mut limits = Samples::default();
    let mut limit_seconds = [Samples::default(), Samples::default()];
    let pids = [limit.pid(), std::process::id()];
    for _ in 0..bench.times(9, 3) {
        let before = pids.map(Usage::of);
        limits.push(limit.print(lines)?.rate());
        for ((pid, before), seconds) in pids.iter().zip(before).zip(&mut limit_seconds) {
            seconds.push((Usage::of(*pid) - before).seconds);
        }
        for ours in &mut ways {
            ours.print(lines)?;
        }
    }
    let [agent, reader] = limit_seconds.map(|seconds| seconds.median());
    let of_limit = format!("of the limit: agent {agent:.2}, reader {reader:.2}");
    let mut rows: Vec<Row> = ways
        .iter()
        .map(|ours| ours.row(&limits, &of_limit))
        .collect();
    for name in peer::NAMES {
        let folder = TempDir::new()?;
        if let Some(mut pty) = peer::start(name, &bench.paths, folder.path())? {
            let lines = text::lines_of_mib(PEER_TEXT);
            let took = pty.print(lines)?.took;
            // A multiplexer sends other bytes than the agent; the agent's bytes count.
            let rate = (lines * text::LINE) as f64 / 1e6 / took.as_secs_f64();
            rows.push(Row {
                what: format!("the same text through {name}, no network"),
                measured: format!("{:.2}", rate / limits.median()),
                numbers: format!("{rate:.0} MB/s with {PEER_TEXT} MiB"),
                ..Row::default()
            });
        }
    }
    Ok(rows)
}

/// A session, its client, and their measurements.
struct Ours {
    protocol: Protocol,
    client: Client,
    processes: Vec<(&'static str, u32)>,
    rates: Samples,
    received: Samples,
    /// Processor seconds per text, for each of the processes.
    seconds: Vec<Samples>,
    /// Dropped last.
    _server: Server,
}

impl Ours {
    fn start(bench: &Bench, protocol: Protocol) -> anyhow::Result<Self> {
        let server = Server::start(&bench.paths)?;
        let session = server.session()?;
        let client = Client::ready(&server, &session, protocol)?;
        let processes = vec![
            ("agent", session.agent),
            ("holder", session.holder),
            ("server", server.pid()),
            ("client", std::process::id()),
        ];
        Ok(Self {
            protocol,
            client,
            seconds: vec![Samples::default(); processes.len()],
            processes,
            rates: Samples::default(),
            received: Samples::default(),
            _server: server,
        })
    }

    fn print(&mut self, lines: usize) -> anyhow::Result<()> {
        let before: Vec<Usage> = self
            .processes
            .iter()
            .map(|(_, pid)| Usage::of(*pid))
            .collect();
        let printed: Printed = self.client.print(lines)?;
        self.rates.push(printed.rate());
        self.received
            .push(printed.received as f64 / (lines * text::LINE) as f64);
        for (i, (_, pid)) in self.processes.iter().enumerate() {
            self.seconds[i].push((Usage::of(*pid) - before[i]).seconds);
        }
        Ok(())
    }

    fn row(&self, limits: &Samples, of_limit: &str) -> Row {
        let ratio = self.rates.median() / limits.median();
        let received = self.received.median();
        let skipped = if self.received.quantile(0.0) < 0.999 {
            format!(
                "; received {:.0} % of it ({:.0} to {:.0} %), snapshots stood for the rest",
                received * 100.0,
                self.received.quantile(0.0) * 100.0,
                self.received.quantile(1.0) * 100.0,
            )
        } else {
            "; every byte received".to_owned()
        };
        let used = self.processes.iter().zip(&self.seconds);
        let used: Vec<String> = used
            .map(|((name, _), seconds)| format!("{name} {:.2}", seconds.median()))
            .collect();
        let protocol = self.protocol.name();
        Row {
            what: format!(
                "throughput PTY → WebSocket client ({protocol}), {TEXT} MiB of coloured text, screen kept exact"
            ),
            target: match self.protocol {
                Protocol::V1 => format!("{TARGET} of the limit"),
                Protocol::Json => String::new(),
            },
            reached: (self.protocol == Protocol::V1).then_some(ratio >= TARGET),
            measured: format!("{ratio:.2}"),
            numbers: format!(
                "{:.0} MB/s ({}), limit {:.0} MB/s ({}), {} runs each{skipped}; processor seconds: {}; {of_limit}",
                self.rates.median(),
                self.rates.spread(),
                limits.median(),
                limits.spread(),
                self.rates.len(),
                used.join(", "),
            ),
        }
    }
}
