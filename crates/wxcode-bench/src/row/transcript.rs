//! A huge transcript: its copy, the server's memory beside it, and a start that restores it.

use std::{
    fs::{self, File, OpenOptions},
    io::{BufWriter, Read as _, Seek as _, SeekFrom, Write as _},
    path::Path,
    thread,
    time::{Duration, Instant},
};

use anyhow::{bail, ensure};
use serde_json::json;
use uuid::Uuid;

use super::{
    Row,
    mirror::{Conversation, size},
};
use crate::{Bench, proc::peak_of, samples::millis, server::Server};

/// Bytes of a result of a tool.
const RESULT: usize = 1 << 20; // 1 MiB
/// Bytes of a text after each result.
const TEXT: usize = 2_000;
/// Memory of the server above that beside a short conversation, in MiB.
const MEMORY_MAX: f64 = 200.0;
/// Longest time until the copy is whole.
const COPIED_MAX: Duration = Duration::from_secs(600);
/// Pause between two looks at the copy.
const LOOK: Duration = Duration::from_millis(100);

pub(super) fn measure(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let mib = bench.transcript_mib;
    // Room for the whole copy with its checksums.
    let room = format!("[mirror]\nmax_mib = {}\n", mib + mib / 8 + 16);
    Ok(vec![
        transcript(bench, mib, "", "within the bound of 256 MiB")?,
        transcript(bench, mib, &room, "copied whole, by `[mirror] max_mib`")?,
    ])
}

fn transcript(bench: &Bench, mib: u64, config: &str, how: &str) -> anyhow::Result<Row> {
    let server = Server::start_with(&bench.paths, config)?;
    let session = server.session()?;
    let conversation = Conversation::of(&server, &session)?;
    conversation.say(TEXT)?;
    wait_for_end(&conversation)?;
    let before = peak_of(server.pid())?;
    let begun = Instant::now();
    grow(&conversation.transcript, mib)?;
    let written = begun.elapsed();
    conversation.say(TEXT)?;
    wait_for_end(&conversation)?;
    let copied = begun.elapsed();
    let path = format!("/output-projects/{}/session", session.project);
    server.call("DELETE", &path, None)?;
    let (kept, whole) = (size(&conversation.copy), size(&conversation.transcript));
    let end = end_of(&conversation.transcript)?;
    fs::remove_file(&conversation.transcript)?;
    let begun = Instant::now();
    server.call("POST", &path, Some(&json!({})))?;
    let restored = millis(begun.elapsed());
    ensure!(
        size(&conversation.transcript) >= kept && end_of(&conversation.transcript)? == end,
        "it was not restored whole"
    );
    let memory = (peak_of(server.pid())? - before) / 1024.0;
    Ok(Row {
        what: format!("server's memory beside a transcript of {mib} MiB, {how}"),
        target: format!("{MEMORY_MAX:.0} MiB"),
        reached: Some(memory <= MEMORY_MAX),
        measured: format!("{memory:.0} MiB"),
        numbers: format!(
            "written in {:.1} s, copied {:.1} s after its beginning; the copy has {} MiB of {} MiB; a start that restores it takes {restored:.0} ms",
            written.as_secs_f64(),
            copied.as_secs_f64(),
            kept >> 20,
            whole >> 20,
        ),
    })
}

/// Appends results of tools, with a text after each.
fn grow(transcript: &Path, mib: u64) -> anyhow::Result<()> {
    let file = OpenOptions::new().append(true).open(transcript)?;
    let mut to = BufWriter::with_capacity(RESULT, file);
    let (result, text) = ("r".repeat(RESULT), "words ".repeat(TEXT / 6));
    for _ in 0..mib {
        let content = json!([{ "type": "tool_result", "tool_use_id": "t", "content": result }]);
        for content in [content, json!(text)] {
            let entry = json!({
                "type": "user", "uuid": Uuid::new_v4(), "isSidechain": false,
                "message": { "role": "user", "content": content },
            });
            writeln!(to, "{entry}")?;
        }
    }
    to.flush()?;
    Ok(())
}

/// Waits until the copy ends as the transcript does.
fn wait_for_end(conversation: &Conversation) -> anyhow::Result<()> {
    let begun = Instant::now();
    let end = end_of(&conversation.transcript)?;
    while end_of(&conversation.copy).ok().as_ref() != Some(&end) {
        if begun.elapsed() >= COPIED_MAX {
            bail!("the copy is not whole after {} s", COPIED_MAX.as_secs());
        }
        thread::sleep(LOOK);
    }
    Ok(())
}

/// The last bytes of a file, fewer than the last entry has.
fn end_of(path: &Path) -> anyhow::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let len = file.metadata()?.len();
    file.seek(SeekFrom::Start(len.saturating_sub(TEXT as u64 + 100)))?;
    let mut end = Vec::new();
    file.read_to_end(&mut end)?;
    Ok(end)
}
