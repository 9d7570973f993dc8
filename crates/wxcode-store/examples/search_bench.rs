//! Measures the search index over a generated transcript.
//!
//! `cargo run --release -p wxcode-store --example search_bench -- [MIB]` prints the time to index, the
//! sizes, and the times of searches with their hits read from the transcript.

use std::{
    fs::{self, File},
    io::{self, BufRead as _, BufReader, BufWriter, Write as _},
    time::{Duration, Instant},
};

use uuid::Uuid;
use wxcode_claude::conversation::{Query, Turn, Turns, turn_at, words};
use wxcode_core::id::Id;
use wxcode_store::search::{Entry, Reached, SearchIndex};

/// The size of the transcript by default, in MiB.
const MIB: u64 = 200;
/// Different words of the text.
const WORDS: u64 = 60_000;
/// Bytes of the transcript per change of the index.
const STEP: u64 = 8 << 20; // 8 MiB
/// Hits of a search, and its repetitions.
const HITS: usize = 20;
const REPEATS: usize = 50;
/// Bytes read for a hit.
const HIT: u64 = 64 << 10; // 64 KiB

/// A generator of numbers, the same at each run.
struct Random(u64);

impl Random {
    const fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A word; few words are frequent, most are rare.
    fn word(&mut self) -> String {
        const ENDS: [&str; 8] = ["", "s", "ing", "ção", "mente", "_id", "er", "ado"];
        let mut rank = self.next() % WORDS;
        for _ in 0..3 {
            rank = rank * (self.next() % 1_000) / 1_000;
        }
        let (mut number, mut word) = (rank + 27, String::new());
        while number > 0 {
            let letter = u8::try_from(number % 26).unwrap_or_default();
            word.push(char::from(b'a' + letter));
            number /= 26;
        }
        word + ENDS[usize::try_from(rank % 8).unwrap_or_default()]
    }

    fn text(&mut self, count: u64) -> String {
        (0..count)
            .map(|_| self.word())
            .collect::<Vec<_>>()
            .join(" ")
    }
}

/// Writes turns: a prompt, a use of a tool, its result, an answer.
fn transcript(file: File, bytes: u64) -> io::Result<()> {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut to = BufWriter::new(file);
    let (mut written, mut number) = (0, 0_u64);
    while written < bytes {
        let line = |kind: &str, message: serde_json::Value| {
            let id = Uuid::from_u128(u128::from(number) << 8 | kind.len() as u128);
            serde_json::json!({
                "parentUuid": id, "isSidechain": false, "type": kind, "uuid": id,
                "timestamp": "2026-01-02T03:04:05.678Z", "sessionId": id, "cwd": "/home/u/project",
                "version": "2.1.329", "gitBranch": "main", "message": message,
            })
        };
        let tool = format!("t{number}");
        let lines = [
            line(
                "user",
                serde_json::json!({ "role": "user", "content": random.text(40) }),
            ),
            line(
                "assistant",
                serde_json::json!({ "id": format!("m{number}"), "content": [
                { "type": "text", "text": random.text(60) },
                { "type": "tool_use", "id": tool, "name": "Bash", "input": { "command": random.text(12) } },
            ] }),
            ),
            line(
                "user",
                serde_json::json!({ "role": "user", "content": [
                { "type": "tool_result", "tool_use_id": tool, "content": random.text(600) },
            ] }),
            ),
            line(
                "assistant",
                serde_json::json!({ "id": format!("n{number}"), "content": [
                { "type": "text", "text": random.text(200) },
            ] }),
            ),
        ];
        for line in lines {
            let line = format!("{line}\n");
            written += line.len() as u64;
            to.write_all(line.as_bytes())?;
        }
        number += 1;
    }
    to.flush()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mib = std::env::args().nth(1).map_or(Ok(MIB), |mib| mib.parse())?;
    let dir = std::env::temp_dir().join(format!("wxcode-search-bench-{}", std::process::id()));
    fs::create_dir_all(&dir)?;
    let measured = measure(&dir, mib << 20);
    fs::remove_dir_all(&dir)?;
    measured
}

fn measure(dir: &std::path::Path, bytes: u64) -> Result<(), Box<dyn std::error::Error>> {
    let (path, db) = (dir.join("transcript.jsonl"), dir.join("search.db"));
    transcript(File::create(&path)?, bytes)?;
    let index = SearchIndex::open(&db)?;
    let (project, conversation) = ("0123456789abcdef01234567".parse::<Id>()?, Uuid::nil());
    let begun = Instant::now();
    let mut reader = BufReader::new(File::open(&path)?);
    let (mut at, mut text, mut count) = (0, 0, 0);
    loop {
        let (from, mut turns, mut line) = (at, Turns::default(), Vec::new());
        while at - from < STEP {
            line.clear();
            if reader.read_until(b'\n', &mut line)? == 0 {
                break;
            }
            turns.push(at, &line);
            at += line.len() as u64;
        }
        if at == from {
            break;
        }
        let turns = turns.finish();
        text += turns.iter().map(|turn: &Turn| turn.bytes).sum::<usize>();
        count += turns.len();
        let entries: Vec<Entry> = turns
            .iter()
            .map(|turn| Entry {
                start: turn.start,
                end: turn.end,
                words: words(turn),
            })
            .collect();
        let reached = Reached {
            identity: (1, 1),
            settled: at,
            len: at,
        };
        index.replace(project, conversation, from, &entries, reached)?;
    }
    let indexed = begun.elapsed();
    index.merge()?;
    let size = fs::metadata(&db)?.len();
    #[expect(clippy::cast_precision_loss, reason = "figures for people")]
    let ratio = |whole: u64| size as f64 / whole as f64;
    println!(
        "transcript {} MiB, text {} MiB, {count} turns",
        at >> 20,
        text >> 20
    );
    println!(
        "indexed in {:.1} s; index {} MiB: {:.2} of the text, {:.2} of the transcript",
        indexed.as_secs_f64(),
        size >> 20,
        ratio(text as u64),
        ratio(at)
    );
    let mut random = Random(7);
    let rare = random.text(2);
    for (name, text) in [
        ("one letter", "b"),
        ("two letters", "ba"),
        ("three letters", "bab"),
        ("two words", rare.as_str()),
        ("a beginning and a word", "ca ba"),
        ("accents", "CAÇÃO"),
        ("no hit", "zzzzzzzz"),
    ] {
        let query = Query::new(text).ok_or("a query has words")?;
        let (mut times, mut hits) = (Vec::new(), 0);
        for _ in 0..REPEATS {
            let begun = Instant::now();
            let found = index.find(query.words(), None, None, HITS)?;
            let mut file = File::open(&path)?;
            hits = 0;
            for place in found {
                let turn = turn_at(&mut file, place.start, HIT)?;
                hits += usize::from(turn.and_then(|turn| query.find(&turn)).is_some());
            }
            times.push(begun.elapsed());
        }
        times.sort_unstable();
        let ms = |time: Duration| time.as_secs_f64() * 1_000.0;
        println!(
            "{name}: {hits} hits, median {:.1} ms, longest {:.1} ms",
            ms(times[REPEATS / 2]),
            ms(times[REPEATS - 1])
        );
    }
    Ok(())
}
