//! A holder's memory, fresh and after much output.

use super::Row;
use crate::{Bench, client::Client, proc, samples::Samples, server::Server};

/// Lines printed to the screen before.
const SEEN: usize = 10_000;
/// Further sessions; sessions share the pages of the program.
const MORE: usize = 20;
/// Bounds of a holder, in KiB.
const TARGETS: (f64, f64) = (400.0, 2048.0);

pub(super) fn measure(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let server = Server::start(&bench.paths)?;
    let session = server.session()?;
    let fresh = proc::settled(session.holder)?;
    let mut client = Client::ready(&server, &session, bench.protocol)?;
    client.print(SEEN)?;
    drop(client);
    let seen = proc::settled(session.holder)?;
    let more: Vec<_> = (0..MORE)
        .map(|_| server.session())
        .collect::<Result<_, _>>()?;
    let shared: Samples = more
        .iter()
        .map(|session| proc::settled(session.holder))
        .collect::<Result<_, _>>()?;
    Ok(vec![Row {
        what: format!("memory of a holder (PSS): fresh; 120×40 with {SEEN} lines seen"),
        target: "400 KiB; 2 MiB".to_owned(),
        reached: Some(fresh <= TARGETS.0 && seen <= TARGETS.1),
        measured: format!("{fresh:.0} KiB; {seen:.0} KiB"),
        numbers: format!(
            "as the only holder beside its server; {:.0} KiB fresh as one of {}",
            shared.median(),
            MORE + 1
        ),
    }])
}
