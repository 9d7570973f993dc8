//! Attaching to a session after much output, up to the exact screen.

use std::time::Instant;

use bytes::Bytes;

use wxcode_bench::{
    order::{DONE, READY},
    text,
};
use wxcode_terminal::{Screen as _, Size, Terminal};

use super::Row;
use crate::{
    Bench,
    client::Client,
    samples::{Samples, millis},
    server::Server,
};

/// MiB of earlier text.
const TEXT: usize = 64;
/// Bounds, in ms and in bytes.
const TARGETS: (f64, f64) = (5.0, 65_536.0);

pub(super) fn measure(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let server = Server::start(&bench.paths)?;
    let session = server.session()?;
    let mut client = Client::ready(&server, &session, bench.protocol)?;
    let lines = text::lines_of_mib(TEXT);
    let number = client.begin(lines)?;
    client.until_printed(number)?;
    let took = session.printed(number)?.as_micros();
    drop(client);

    let mut times = Samples::default();
    let mut bytes = Bytes::new();

    for _ in 0..bench.times(50, 20) {
        let start = Instant::now();
        let (_client, screen) = Client::attach(&server, &session, bench.protocol)?;
        let mut shown = terminal();
        shown.feed(&screen, &mut Vec::new());
        times.push(millis(start.elapsed()));
        bytes = screen;
    }

    // The reference: a screen that parsed the whole text.
    let mut whole = terminal();
    let mut replies = Vec::new();
    whole.feed(format!("{READY}\r\n").as_bytes(), &mut replies);
    let block = text::block();
    text::pieces(&block, lines).for_each(|piece| whole.feed(piece, &mut replies));
    whole.feed(
        format!("{DONE} {number} {took}\r\n").as_bytes(),
        &mut replies,
    );
    let exact = bytes == whole.snapshot_with_history(0);
    let (limit_ms, limit_bytes) = TARGETS;
    Ok(vec![Row {
        what: format!("attach after {TEXT} MiB of output, to the exact screen"),
        target: "5 ms, 64 KiB".to_owned(),
        reached: Some(exact && times.median() <= limit_ms && bytes.len() as f64 <= limit_bytes),
        measured: format!(
            "{:.1} ms, {:.1} KiB{}",
            times.median(),
            bytes.len() as f64 / 1024.0,
            if exact { "" } else { ", not exact" }
        ),
        numbers: format!(
            "from TCP connect to the snapshot parsed, {} times: p99 {:.1} ms; the snapshot is what a screen that saw all would send",
            times.len(),
            times.quantile(0.99)
        ),
    }])
}

fn terminal() -> Terminal {
    Terminal::new(Size {
        cols: 120,
        rows: 40,
    })
}
