//! The throughput of the screen engine alone.

use std::hint::black_box;

use rustix::time::{ClockId, clock_gettime};
use wxcode_bench::text;
use wxcode_terminal::{Screen as _, Size, Terminal};

use super::Row;
use crate::{Bench, samples::Samples};

/// MiB of text.
const TEXT: usize = 64;
/// The target for the screen alone, in MB/s.
const TARGET: f64 = 400.0;
/// Bytes per feed: a read of a PTY, and a holder's largest turn.
const PIECES: [usize; 2] = [4 << 10, 64 << 10];

/// Processor seconds of this thread, without other processes' work.
fn processor_time() -> f64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.tv_sec as f64 + now.tv_nsec as f64 / 1e9
}

pub(super) fn measure(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let block = text::block();
    let stream: Vec<u8> = text::pieces(&block, text::lines_of_mib(TEXT))
        .flatten()
        .copied()
        .collect();
    let mut rates = [Samples::default(), Samples::default()];
    for _ in 0..bench.times(7, 3) {
        for (piece, rates) in PIECES.iter().zip(&mut rates) {
            let mut terminal = Terminal::new(Size {
                cols: 120,
                rows: 40,
            });
            let mut replies = Vec::new();
            let start = processor_time();
            for bytes in stream.chunks(*piece) {
                terminal.feed(bytes, &mut replies);
            }
            rates.push(stream.len() as f64 / 1e6 / (processor_time() - start));
            black_box(terminal.cursor());
        }
    }
    let [small, large] = rates;
    Ok(vec![Row {
        what: format!("the screen alone, {TEXT} MiB of coloured text"),
        target: format!("{TARGET} MB/s"),
        reached: Some(large.median() >= TARGET),
        measured: format!("{:.0} MB/s", large.median()),
        numbers: format!(
            "{:.0} MB/s in pieces of 4 KiB; {} and {} MB/s in {} runs",
            small.median(),
            large.spread(),
            small.spread(),
            large.len(),
        ),
    }])
}
