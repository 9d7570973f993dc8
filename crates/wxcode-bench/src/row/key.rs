//! A key and its echo, idle and next to printing sessions.

use std::thread::{self, JoinHandle};

use tempfile::TempDir;
use wxcode_bench::order::Order;

use super::Row;
use crate::{
    Bench,
    client::{Client, Protocol},
    echo::{self, Echo, Measured, Way},
    peer,
    pty::Pty,
    server::Server,
};

/// Printing sessions in the background, each with a client.
const LOAD: usize = 50;
/// Output of each, in bytes a second.
const LOAD_RATE: usize = 10 << 10; // 10 KiB/s

/// The bound, as a multiple of the limit's time.
struct Target {
    p50: f64,
    p99: f64,
}

pub(super) fn idle(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let target = Target { p50: 4.5, p99: 5.0 };
    measure(
        bench,
        "echo latency through the WebSocket, idle",
        &target,
        0,
    )
}

pub(super) fn beside_load(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let target = Target { p50: 4.5, p99: 6.0 };
    let what = format!("the same next to {LOAD} sessions printing 10 KB/s each");
    measure(bench, &what, &target, LOAD)
}

fn measure(bench: &Bench, what: &str, target: &Target, load: usize) -> anyhow::Result<Vec<Row>> {
    let folder = TempDir::new()?;
    let mut limit = Pty::agent(&bench.paths, folder.path())?.echoing()?;
    // A separate server each, so that the costs stay apart.
    let mut ours = Vec::new();
    let mut readers = Vec::new();
    let protocols = [bench.protocol, bench.protocol.other()];
    for protocol in &protocols[..if load == 0 { 2 } else { 1 }] {
        let (server, protocol) = (Server::start(&bench.paths)?, *protocol);
        readers.extend(start_load(bench, &server, load)?);
        let session = server.session()?;
        match Client::ready(&server, &session, protocol).and_then(Client::echoing) {
            Ok(client) => ours.push((protocol, server, session, client)),
            Err(error) => eprintln!("        without {protocol:?}: {error:#}"),
        }
    }
    let mut peers = Vec::new();
    if load == 0 {
        for name in peer::NAMES {
            let folder = TempDir::new()?;
            if let Some(pty) = peer::start(name, &bench.paths, folder.path())? {
                peers.push((name, pty.echoing()?, folder));
            }
        }
    }
    let agent = vec![("agent", limit.pid())];
    let mut ways = vec![way("limit", &mut limit, agent)];
    for (protocol, server, session, client) in &mut ours {
        let processes = vec![
            ("agent", session.agent),
            ("holder", session.holder),
            ("server", server.pid()),
        ];
        ways.push(way(protocol.name(), client, processes));
    }
    for (name, pty, _) in &mut peers {
        ways.push(way(name, pty, Vec::new()));
    }
    let measured = echo::measure(&mut ways, bench.times(5_000, 2_000))?;
    drop(ways);
    drop(ours);
    for reader in readers {
        // The thread ends with the connection.
        let _ = reader.join();
    }
    Ok(rows(what, target, &measured))
}

fn way<'a>(name: &'a str, echo: &'a mut dyn Echo, processes: Vec<(&'static str, u32)>) -> Way<'a> {
    Way {
        name,
        echo,
        processes,
    }
}

/// Printing sessions, each with a reading client.
fn start_load(bench: &Bench, server: &Server, count: usize) -> anyhow::Result<Vec<JoinHandle<()>>> {
    let mut readers = Vec::new();
    for _ in 0..count {
        let session = server.session()?;
        let mut client = Client::ready(server, &session, bench.protocol)?;
        client.order(Order::Tick(LOAD_RATE))?;
        client.hear()?;
        readers.push(thread::spawn(move || while client.hear().is_ok() {}));
    }
    Ok(readers)
}

fn rows(what: &str, target: &Target, measured: &[Measured]) -> Vec<Row> {
    let Some((limit, others)) = measured.split_first() else {
        return Vec::new();
    };
    let quantiles = |measured: &Measured| {
        (
            measured.rounds.quantile(0.5),
            measured.rounds.quantile(0.99),
        )
    };
    let (limit50, limit99) = quantiles(limit);
    let others = others.iter().map(|other| {
        let (p50, p99) = quantiles(other);
        let (ratio50, ratio99) = (p50 / limit50, p99 / limit99);
        let judged = other.name == Protocol::V1.name();
        let costs = other.costs();
        Row {
            what: format!("{what} ({})", other.name),
            target: if judged {
                format!("p50 {}×, p99 {}×", target.p50, target.p99)
            } else {
                String::new()
            },
            reached: judged.then_some(ratio50 <= target.p50 && ratio99 <= target.p99),
            measured: format!("p50 {ratio50:.1}×, p99 {ratio99:.1}×"),
            numbers: format!(
                "{p50:.0} and {p99:.0} µs, limit {limit50:.0} and {limit99:.0} µs, {} keys{}{costs}",
                other.rounds.len(),
                if costs.is_empty() { "" } else { "; sleeps a key: " },
            ),
        }
    });
    others.collect()
}
