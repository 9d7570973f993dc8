//! Streams made to break the bounds of the screen: bytes a second, memory, snapshot.

use std::process::Command;

use anyhow::{Context, bail};
use rustix::time::{ClockId, clock_gettime};
use wxcode_terminal::{Screen as _, Size, Terminal};

use super::Row;
use crate::{Bench, proc};

/// Bytes of each stream.
const BYTES: usize = 4 << 20; // 4 MiB
/// Bytes of a feed: a holder's largest turn.
const PIECE: usize = 64 << 10; // 64 KiB
/// The slowest rate of a stream, in MB/s. A holder with a slower stream keeps its agent waiting.
const SLOWEST: f64 = 1.0;
/// The most memory of a screen of 120 × 40, in MiB.
const LARGEST: f64 = 48.0;
const SIZE: Size = Size {
    cols: 120,
    rows: 40,
};
/// A size for reflowing the whole history of [`SIZE`].
const NARROW: Size = Size { cols: 60, rows: 20 };

/// A stream: its name, the bytes before the measurement, the bytes of each step, and whether the
/// size changes after each piece.
struct Stream {
    name: &'static str,
    before: fn() -> Vec<u8>,
    step: fn(usize) -> Vec<u8>,
    resizes: bool,
}

const fn stream(name: &'static str, step: fn(usize) -> Vec<u8>) -> Stream {
    Stream {
        name,
        before: Vec::new,
        step,
        resizes: false,
    }
}

const STREAMS: &[Stream] = &[
    stream("clusters", |i| zalgo(i).into_bytes()),
    stream("marks without end", |i| zalgo(i).into_bytes().split_off(1)),
    stream("emoji", |_| "🎉👩\u{200d}🚀❤\u{fe0f}🇧🇷".into()),
    stream("styles", |i| {
        let [_, r, g, b] = (i as u32).wrapping_mul(2_654_435_761).to_be_bytes();
        format!("\x1b[38;2;{r};{g};{b};48;2;{g};{b};{r}mx").into_bytes()
    }),
    stream("links", link),
    stream("long links", |i| {
        format!("\x1b]8;;http://{i}/{}\x07x", "a".repeat(1_900)).into_bytes()
    }),
    Stream {
        name: "colours beside 4,096 links",
        before: || {
            let links = (0..4_096).flat_map(link);
            links.chain(*b"\x1b[?1049h").collect()
        },
        step: |i| format!("\x1b[{}mcolour\x1b[0m\r", 31 + i % 6).into_bytes(),
        resizes: false,
    },
    stream("rows", |i| {
        format!("\x1b[4{}m\n\x1bM\n", i % 8).into_bytes()
    }),
    stream("strings", |i| match i % 3 {
        0 => format!("\x1b]2;{}\x07", "t".repeat(70_000)).into_bytes(),
        1 => format!("\x1bP$q{}\x1b\\", "m".repeat(60_000)).into_bytes(),
        _ => format!("\x1b]4;{}\x07", "1;rgb:1/2/3;".repeat(5_000)).into_bytes(),
    }),
    stream("titles", |i| {
        format!("\x1b]2;{i}{}\x07", "t".repeat(4_000)).into_bytes()
    }),
    stream("parameters", |i| {
        format!("\x1b[{}{i}mx", "4:3;38:2::1:2:3;".repeat(40)).into_bytes()
    }),
    stream("keyboards", |i| {
        format!("\x1b[>{}u\x1b[>4;{}m", i % 32, i % 3).into_bytes()
    }),
    stream("saved cursors", |i| {
        format!("\x1b[3{}m\x1b7\n\x1b8", i % 8).into_bytes()
    }),
    stream("counts", |i| {
        let last = ["S", "T", "L", "M", "I", "Z", "b", "@", "P", "X"];
        format!("é\x1b[2147483647{}", last[i % last.len()]).into_bytes()
    }),
    stream("repetitions", |_| "漢\x1b[2147483647b".into()),
    Stream {
        resizes: true,
        ..stream("resizes", |i| format!("{}é漢", i % 10).into_bytes())
    },
];

fn link(i: usize) -> Vec<u8> {
    format!("\x1b]8;;file:///{i}\x1b\\x\x1b]8;;\x1b\\").into_bytes()
}

/// A letter with three marks, another letter for each number.
fn zalgo(i: usize) -> String {
    let mark = |n: usize| char::from_u32(0x300 + (n % 0x30) as u32).unwrap_or('\u{300}');
    let letter = char::from(b'a' + (i % 26) as u8);
    [letter, mark(i / 26), mark(i / 1_248), mark(i / 59_904)]
        .iter()
        .collect()
}

pub(super) fn measure(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    STREAMS
        .iter()
        .map(|stream| {
            let rates = (0..bench.times(3, 1)).map(|_| in_a_process(stream.name));
            let runs = rates.collect::<anyhow::Result<Vec<_>>>()?;
            let best = |of: fn(&[f64; 3]) -> f64| runs.iter().map(of).fold(f64::NAN, f64::max);
            let (rate, memory, snapshot) = (best(|r| r[0]), best(|r| r[1]), best(|r| r[2]));
            Ok(Row {
                what: format!("hostile: {}", stream.name),
                target: format!("{SLOWEST} MB/s, {LARGEST} MiB"),
                reached: Some(rate >= SLOWEST && memory <= LARGEST),
                measured: format!("{rate:.1} MB/s, {memory:.1} MiB"),
                numbers: format!("a snapshot has {snapshot:.0} KiB; {} runs", runs.len()),
            })
        })
        .collect()
}

/// The rate in MB/s, the memory in MiB, and the snapshot in KiB.
fn in_a_process(name: &str) -> anyhow::Result<[f64; 3]> {
    let own = std::env::current_exe()?;
    let output = Command::new(own).args(["hostile", name]).output()?;
    if !output.status.success() {
        bail!(
            "the stream {name}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let numbers: Vec<f64> = text.split_whitespace().flat_map(str::parse).collect();
    numbers
        .try_into()
        .ok()
        .with_context(|| format!("the stream {name}: {text}"))
}

/// Feeds a stream and prints the numbers of [`in_a_process`].
pub(crate) fn run(name: &str) -> anyhow::Result<()> {
    let known = STREAMS.iter().find(|stream| stream.name == name);
    let stream = known.with_context(|| {
        let names: Vec<_> = STREAMS.iter().map(|stream| stream.name).collect();
        format!("there is no stream {name:?}; choose among {names:?}")
    })?;
    let mut bytes = Vec::with_capacity(BYTES);
    let mut step = 0;
    while bytes.len() < BYTES {
        bytes.extend((stream.step)(step));
        step += 1;
    }
    let before = (stream.before)();
    let memory = proc::peak()?;
    let mut terminal = Terminal::new(SIZE);
    let mut replies = Vec::new();
    terminal.feed(&before, &mut replies);
    let start = clock_gettime(ClockId::ThreadCPUTime);
    for (at, piece) in bytes.chunks(PIECE).enumerate() {
        terminal.feed(piece, &mut replies);
        replies.clear();
        if stream.resizes {
            terminal.resize(if at % 2 == 0 { NARROW } else { SIZE });
        }
    }
    let end = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = (end.tv_sec - start.tv_sec) as f64 + (end.tv_nsec - start.tv_nsec) as f64 / 1e9;
    let memory = proc::peak()? - memory;
    let snapshot = terminal.snapshot();
    println!(
        "{} {} {}",
        bytes.len() as f64 / 1e6 / seconds,
        memory / 1024.0,
        snapshot.len() as f64 / 1024.0
    );
    Ok(())
}
