//! A server restarted after SIGKILL adopts the sessions of its predecessor.

use std::time::Instant;

use super::Row;
use crate::{
    Bench,
    samples::{Samples, millis},
    server::Server,
};

/// Running sessions.
const SESSIONS: usize = 100;
/// The bound, in ms.
const TARGET: f64 = 1000.0;

pub(super) fn measure(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let mut server = Server::start(&bench.paths)?;
    let sessions: Vec<_> = (0..SESSIONS)
        .map(|_| server.session())
        .collect::<Result<_, _>>()?;
    let (mut listening, mut running) = (Samples::default(), Samples::default());
    for _ in 0..bench.times(5, 2) {
        server.crash()?;
        let start = Instant::now();
        server.up()?;
        listening.push(millis(start.elapsed()));
        for session in &sessions {
            anyhow::ensure!(server.is_running(session)?, "a session was not adopted");
        }
        running.push(millis(start.elapsed()));
    }
    let log = server.log();
    let adopted = log.lines().rfind(|line| line.contains("sessions adopted"));
    let told = adopted
        .and_then(|line| line.rsplit_once("ms="))
        .map_or("?", |(_, ms)| ms.trim());
    Ok(vec![Row {
        what: format!("{SESSIONS} sessions adopted after `kill -9` of the server"),
        target: "1 s".to_owned(),
        reached: Some(running.median() <= TARGET),
        measured: format!("{:.0} ms", running.median()),
        numbers: format!(
            "from the new server's start until all {SESSIONS} were asked and running ({} ms in {} runs); listening after {:.0} ms; its own log: {told} ms",
            running.spread(),
            running.len(),
            listening.median()
        ),
    }])
}
