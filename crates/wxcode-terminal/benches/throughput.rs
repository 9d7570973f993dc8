//! Measures the screen's throughput as a share of a plain scan of the same bytes.

use std::hint::black_box;
use std::time::{Duration, Instant};

use wxcode_terminal::{Screen as _, Size, Terminal};

/// Bytes of each stream.
const STREAM: usize = 64 << 20; // 64 MiB
/// Bytes a feed: a holder's largest turn, and a read of a PTY.
const PIECES: [usize; 2] = [4 << 10, 64 << 10];
/// The best of this many runs counts.
const RUNS: usize = 3;

fn main() {
    let mut snapshots = Vec::new();
    let streams = [
        ("plain", plain()),
        ("coloured", coloured()),
        ("accents", accents()),
        ("redraws", redraws()),
    ];
    println!(
        "{:<10} {:>10} {:>10} {:>10} {:>8}",
        "stream", "4 KiB", "64 KiB", "scan", "of scan"
    );
    for (name, stream) in &streams {
        let terminal = screen(stream);
        let snapshot = best(|| drop(black_box(terminal.snapshot())));
        let bare = terminal.snapshot_with_history(0).len();
        snapshots.push(format!(
            "{name:<10} snapshot {} bytes in {snapshot:?}, {bare} without history",
            terminal.snapshot().len()
        ));
        let scan = best(|| {
            black_box(stream.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte)));
        });
        let [small, large] = PIECES.map(|piece| {
            best(|| {
                let Some(size) = Size::new(120, 40) else {
                    return;
                };
                let mut terminal = Terminal::new(size);
                let mut replies = Vec::new();
                stream
                    .chunks(piece)
                    .for_each(|bytes| terminal.feed(bytes, &mut replies));
                black_box(terminal.cursor());
            })
        });
        println!(
            "{name:<10} {:>7.0} MB/s {:>5.0} MB/s {:>5.0} MB/s {:>7.3}",
            rate(small),
            rate(large),
            rate(scan),
            scan.as_secs_f64() / large.as_secs_f64(),
        );
    }
    snapshots.iter().for_each(|snapshot| println!("{snapshot}"));
}

/// A screen of 120 × 40 that has seen all of a stream.
fn screen(stream: &[u8]) -> Terminal {
    let mut terminal = Terminal::new(Size {
        cols: 120,
        rows: 40,
    });
    terminal.feed(stream, &mut Vec::new());
    terminal
}

fn best(run: impl Fn()) -> Duration {
    let time = || {
        let start = Instant::now();
        run();
        start.elapsed()
    };
    (0..RUNS).map(|_| time()).min().unwrap_or_default()
}

fn rate(time: Duration) -> f64 {
    STREAM as f64 / 1e6 / time.as_secs_f64()
}

fn repeated(line: impl Fn(usize) -> String) -> Vec<u8> {
    let mut out = Vec::with_capacity(STREAM + 256);
    let mut i = 0;
    while out.len() < STREAM {
        out.extend_from_slice(line(i).as_bytes());
        i += 1;
    }
    out.truncate(STREAM);
    out
}

fn plain() -> Vec<u8> {
    repeated(|i| {
        format!(
            "{i:08} the quick brown fox jumps over the lazy dog, and then does it once more for good measure\r\n"
        )
    })
}

fn coloured() -> Vec<u8> {
    repeated(|i| {
        let color = 31 + i % 6;
        format!(
            "\x1b[{color}m{i:08}\x1b[0m compiling \x1b[1mcrate-{}\x1b[0m in src/module/file.rs: finished, 12 warnings ok\r\n",
            i % 50
        )
    })
}

fn accents() -> Vec<u8> {
    repeated(|i| {
        format!(
            "\x1b[32m✔\x1b[0m {i:08} sessão reconectada, açúcar e café não são opções — 漢字 naïve ┃ done\r\n"
        )
    })
}

fn redraws() -> Vec<u8> {
    repeated(|i| {
        let (row, blue) = (1 + i % 38, i % 200);
        format!(
            "\x1b[{row};3H\x1b[38;2;120;90;{blue}m● working on it… {i}\x1b[39m\x1b[K\x1b[{row};90H\x1b[2m12 s\x1b[22m"
        )
    })
}
