//! The server's memory per attached client.

use super::Row;
use crate::{Bench, client::Client, proc, server::Server};

/// Clients attached before the measurement, so that one-time costs do not count.
const FIRST: usize = 10;
/// Counted clients.
const COUNTED: usize = 200;
/// Lines printed to the screen before.
const SEEN: usize = 10_000;
/// The bound, in KiB.
const TARGET: f64 = 64.0;

pub(super) fn measure(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let server = Server::start(&bench.paths)?;
    let session = server.session()?;
    let mut first = Client::ready(&server, &session, bench.protocol)?;
    first.print(SEEN)?;
    let mut clients = vec![first];
    let attach = || Client::attach(&server, &session, bench.protocol).map(|(client, _)| client);
    for _ in 1..FIRST {
        clients.push(attach()?);
    }
    let memory = || -> anyhow::Result<_> {
        Ok((proc::settled(server.pid())?, proc::settled(session.holder)?))
    };
    let before = memory()?;
    for _ in 0..COUNTED {
        clients.push(attach()?);
    }
    let after = memory()?;
    let of_server = (after.0 - before.0) / COUNTED as f64;
    let of_holder = (after.1 - before.1) / COUNTED as f64;
    Ok(vec![Row {
        what: "server memory per attached client".to_owned(),
        target: format!("{TARGET} KiB"),
        reached: Some(of_server <= TARGET),
        measured: format!("{of_server:.1} KiB"),
        numbers: format!(
            "server {:.0} → {:.0} KiB by {COUNTED} idle clients of one session; the holder {of_holder:.1} KiB a client",
            before.0, after.0
        ),
    }])
}
