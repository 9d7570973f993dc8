//! The copies of conversations: their lag and cost beside active sessions, and a restored one.

use std::{
    fs::{self, File, OpenOptions},
    io::Write as _,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use serde_json::json;
use uuid::Uuid;
use wxcode_claude::transcript::project_folder;

use super::Row;
use crate::{
    Bench,
    proc::Usage,
    samples::{Samples, millis},
    server::{Server, Session, wait},
};

/// Sessions whose transcripts grow.
const SESSIONS: usize = 50;
/// Bytes of an entry.
const ENTRY: usize = 2_000;
/// Pause between two entries of a session: together about 1 MB/s.
const PAUSE: Duration = Duration::from_millis(100);
/// Bytes of the restored transcript.
const RESTORED: usize = 100 << 20; // 100 MiB
/// Bounds: p99 of the lag in ms, processor time beside the sessions in percent of one processor,
/// and the time of a start with a restored transcript in ms.
const TARGETS: (f64, f64, f64) = (5_000.0, 10.0, 5_000.0);

/// A conversation and its copy.
pub(super) struct Conversation {
    pub(super) transcript: PathBuf,
    pub(super) copy: PathBuf,
}

impl Conversation {
    pub(super) fn of(server: &Server, session: &Session) -> anyhow::Result<Self> {
        let path = format!("/output-projects/{}/session", session.project);
        let shown = server.call("GET", &path, None)?;
        let id = shown["claude_session_id"].as_str().context("no id")?;
        let name = format!("{id}.jsonl");
        let projects = server.dir().join(".claude/projects");
        let folder = projects.join(project_folder(&session.workspace));
        fs::create_dir_all(&folder)?;
        let copies = server.dir().join("conversations").join(&session.project);
        Ok(Self {
            transcript: folder.join(&name),
            copy: copies.join(id).join(name),
        })
    }

    /// Appends an entry; returns the transcript's size.
    pub(super) fn say(&self, bytes: usize) -> anyhow::Result<u64> {
        let entry = json!({
            "type": "user", "uuid": Uuid::new_v4(), "isSidechain": false,
            "message": { "role": "user", "content": "x".repeat(bytes) },
        });
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.transcript)?;
        file.write_all(format!("{entry}\n").as_bytes())?;
        Ok(file.metadata()?.len())
    }

    /// Waits until the copy has this size.
    fn copied(&self, len: u64) -> anyhow::Result<()> {
        wait("the copy", || (size(&self.copy) >= len).then_some(()))
    }
}

pub(super) fn size(file: &Path) -> u64 {
    fs::metadata(file).map_or(0, |found| found.len())
}

/// Processor time of the server during some work, in percent of one processor.
fn percent(server: &Server, work: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<f64> {
    let (before, begun) = (Usage::of(server.pid()), Instant::now());
    work()?;
    let used = Usage::of(server.pid()) - before;
    Ok(used.seconds / begun.elapsed().as_secs_f64() * 100.0)
}

pub(super) fn measure(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let server = Server::start(&bench.paths)?;
    let time = Duration::from_secs(bench.times(30, 8) as u64);
    let sessions: Vec<Session> = (0..SESSIONS)
        .map(|_| server.session())
        .collect::<Result<_, _>>()?;
    let all: Vec<Conversation> = sessions
        .iter()
        .map(|session| Conversation::of(&server, session))
        .collect::<Result<_, _>>()?;
    for one in &all {
        one.copied(one.say(ENTRY)?)?;
    }
    let idle = percent(&server, || {
        thread::sleep(time);
        Ok(())
    })?;
    let (lags, busy) = beside_all(&server, &all, time)?;
    let one = &all[0];
    let single = percent(&server, || {
        let begun = Instant::now();
        while begun.elapsed() < time {
            one.say(100_000)?;
            thread::sleep(PAUSE);
        }
        Ok(())
    })?;
    one.copied(size(&one.transcript))?;
    let (transcripts, copies) = all.iter().fold((0, 0), |(whole, kept), one| {
        let sums = one.copy.with_extension("jsonl.sums");
        let kept = kept + size(&one.copy) + size(&sums);
        (whole + size(&one.transcript), kept)
    });
    let (p99, added) = (lags.quantile(0.99), busy - idle);
    let restored = restored(&server, &sessions[1], &all[1])?;
    Ok(vec![
        Row {
            what: format!(
                "lag of a copy beside {SESSIONS} sessions that write 20 KB/s each; the server's processor time for them"
            ),
            target: "p99 5 s; 10 %".to_owned(),
            reached: Some(p99 <= TARGETS.0 && added <= TARGETS.1),
            measured: format!("p99 {p99:.0} ms; {added:.1} %"),
            numbers: format!(
                "p50 {:.0} ms, {:.0} ms of {} entries; {busy:.1} % of a processor, {idle:.1} % while nothing is written; beside one session that writes 1 MB/s {:.1} % more; {:.3} bytes on the disk for a byte of a transcript of entries with 2 KB",
                lags.median(),
                lags.quantile(1.0),
                lags.len(),
                single - idle,
                copies as f64 / transcripts as f64,
            ),
        },
        Row {
            what: "start of a session whose transcript of 100 MiB is restored".to_owned(),
            target: "5 s".to_owned(),
            reached: Some(restored <= TARGETS.2),
            measured: format!("{restored:.0} ms"),
            numbers: "from the request to its answer, with the check of the copy".to_owned(),
        },
    ])
}

/// The lags of single entries while all transcripts grow, and the server's processor time.
fn beside_all(
    server: &Server,
    all: &[Conversation],
    time: Duration,
) -> anyhow::Result<(Samples, f64)> {
    let is_over = AtomicBool::new(false);
    let mut lags = Samples::default();
    let used = thread::scope(|scope| {
        let writer = scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                let begun = Instant::now();
                for one in all {
                    one.say(ENTRY)?;
                }
                thread::sleep(PAUSE.saturating_sub(begun.elapsed()));
            }
            anyhow::Ok(())
        });
        let used = percent(server, || {
            let begun = Instant::now();
            for one in all.iter().cycle() {
                if begun.elapsed() >= time {
                    break;
                }
                let said = Instant::now();
                one.copied(one.say(ENTRY)?)?;
                lags.push(millis(said.elapsed()));
            }
            Ok(())
        });
        is_over.store(true, Ordering::Relaxed);
        match writer.join() {
            Ok(written) => written.and(used),
            Err(_) => anyhow::bail!("the writer panicked"),
        }
    })?;
    Ok((lags, used))
}

/// The time of a start that restores a transcript, in ms.
fn restored(
    server: &Server,
    session: &Session,
    conversation: &Conversation,
) -> anyhow::Result<f64> {
    let mut len = 0;
    while len < RESTORED as u64 {
        len = conversation.say(1 << 20)?;
    }
    conversation.copied(len)?;
    let path = format!("/output-projects/{}/session", session.project);
    server.call("DELETE", &path, None)?;
    fs::remove_file(&conversation.transcript)?;
    let begun = Instant::now();
    server.call("POST", &path, Some(&json!({})))?;
    let took = millis(begun.elapsed());
    let whole = File::open(&conversation.transcript).context("it was not restored")?;
    anyhow::ensure!(whole.metadata()?.len() >= len, "it was not restored whole");
    Ok(took)
}
