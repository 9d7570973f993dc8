//! The memory of a further session: the session's holder and guardian.

use anyhow::Context;

use super::Row;
use crate::{
    Bench, proc,
    server::{Server, Session, guardian},
};

/// Sessions at the first reading, and at the second.
const SESSIONS: (usize, usize) = (10, 100);
/// The same for a quick run.
const QUICK: (usize, usize) = (4, 12);
/// Bound per session, with many sessions, in KiB.
const TARGET: f64 = 340.0;

pub(super) fn measure(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let (few, many) = if bench.quick { QUICK } else { SESSIONS };
    let server = Server::start(&bench.paths)?;
    let mut sessions = Vec::new();
    let mut looks = Vec::new();
    for number in [few, many] {
        while sessions.len() < number {
            sessions.push(server.session()?);
        }
        let newest = sessions.last().context("no sessions")?;
        // The newest session settles last.
        proc::settled(newest.holder)?;
        looks.push(mean(&sessions)?);
    }
    let (first, last) = (looks[0], looks[1]);
    Ok(vec![Row {
        what: format!(
            "memory of a session (PSS of holder and guardian), {few} and {many} sessions"
        ),
        target: format!("{TARGET:.0} KiB"),
        reached: Some(last <= TARGET),
        measured: format!("{last:.0} KiB"),
        numbers: format!("mean of all: {first:.0} KiB with {few} sessions, {last:.0} with {many}"),
    }])
}

/// The mean of all sessions, in KiB.
fn mean(sessions: &[Session]) -> anyhow::Result<f64> {
    let mut sum = 0.0;
    for session in sessions {
        let guardian = guardian(&session.dir).context("a holder without a guardian")?;
        sum += proc::pss(session.holder)? + proc::pss(guardian)?;
    }
    Ok(sum / sessions.len() as f64)
}
