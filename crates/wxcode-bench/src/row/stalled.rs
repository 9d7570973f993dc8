//! A client that stopped reading while the agent prints.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use wxcode_bench::{order::PRINTED, text};

use super::Row;
use crate::{
    Bench,
    client::Client,
    proc,
    samples::{Samples, millis},
    server::{Server, Session},
};

/// The interval between memory readings.
const LOOK: Duration = Duration::from_millis(20);
/// Bounds: slowdown of the agent, growth in KiB, ms until the client is current.
const TARGETS: (f64, f64, f64) = (0.05, 2048.0, 100.0);

pub(super) fn measure(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let mib = bench.times(256, 64);
    let lines = text::lines_of_mib(mib);
    let server = Server::start(&bench.paths)?;
    let session = server.session()?;
    // An uncounted printing fills the ring buffer.
    let mut number = 1;
    let mut client = Client::ready(&server, &session, bench.protocol)?;
    client.print(text::lines_of_mib(8))?;
    drop(client);
    let (mut alone, mut beside) = (Samples::default(), Samples::default());
    let (mut server_grew, mut holder_grew) = (Samples::default(), Samples::default());
    let mut current = Samples::default();
    for _ in 0..bench.times(5, 3) {
        let (mut client, _) = Client::attach(&server, &session, bench.protocol)?;
        client.begin(lines)?;
        drop(client);
        number += 1;
        alone.push(watch(&server, &session, number)?.seconds);

        let (mut client, _) = Client::attach(&server, &session, bench.protocol)?;
        let before = (proc::settled(server.pid())?, proc::settled(session.holder)?);
        client.begin(lines)?;
        number += 1;
        let seen = watch(&server, &session, number)?;
        beside.push(seen.seconds);
        server_grew.push(seen.server - before.0);
        holder_grew.push(seen.holder - before.1);
        let start = Instant::now();
        client.until_printed(number)?;
        current.push(millis(start.elapsed()));
    }
    // The fastest of each: other load only adds time.
    let slowdown = beside.quantile(0.0) / alone.quantile(0.0) - 1.0;
    let grew = (server_grew.median(), holder_grew.median());
    let reached =
        slowdown <= TARGETS.0 && grew.0.max(grew.1) <= TARGETS.1 && current.median() <= TARGETS.2;
    Ok(vec![Row {
        what: format!("a client that stopped reading, agent printing {mib} MiB"),
        target: "agent at most 5 % slower; server and holder grow by less than 2 MiB; current within 100 ms".to_owned(),
        reached: Some(reached),
        measured: format!(
            "{:+.1} %; {:.0} and {:.0} KiB; {:.1} ms",
            slowdown * 100.0,
            grew.0,
            grew.1,
            current.median()
        ),
        numbers: format!(
            "the agent wrote for {:.2} s (to {:.2}), without a client {:.2} s (to {:.2}), the fastest of {} runs each; \
             grew by at most {:.0} and {:.0} KiB; current after at most {:.0} ms",
            beside.quantile(0.0),
            beside.quantile(1.0),
            alone.quantile(0.0),
            alone.quantile(1.0),
            current.len(),
            server_grew.quantile(1.0),
            holder_grew.quantile(1.0),
            current.quantile(1.0),
        ),
    }])
}

/// An unread printing.
struct Seen {
    /// The agent's time for the writing.
    seconds: f64,
    /// Most memory, in KiB.
    server: f64,
    holder: f64,
}

/// Watches a printing to the end.
fn watch(server: &Server, session: &Session, number: usize) -> anyhow::Result<Seen> {
    let mut most = (0.0_f64, 0.0_f64);
    let begins = format!("{number} ");
    loop {
        most.0 = most.0.max(proc::pss(server.pid())?);
        most.1 = most.1.max(proc::pss(session.holder)?);
        let text = fs::read_to_string(session.workspace.join(PRINTED)).unwrap_or_default();
        if text.starts_with(&begins) {
            break;
        }
        thread::sleep(LOOK);
    }
    Ok(Seen {
        seconds: session.printed(number)?.as_secs_f64(),
        server: most.0,
        holder: most.1,
    })
}
