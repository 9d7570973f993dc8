//! The copy of a conversation at the edges: reported changes, long lines, large files, clocks.

use std::{
    fs::{self, File, FileTimes, OpenOptions},
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    path::Path,
    time::{Duration, Instant, SystemTime},
};

use serde_json::Value;

use tokio::time::sleep;

use crate::{
    mirror::{Copied, append, entry, is, result, say},
    support::{Agent, LOOK, Namespaces, Server, eventually},
};

/// Pause between two looks without a report of the system.
const POLL: Duration = Duration::from_secs(2);

/// The most memory of a process so far, in bytes.
fn peak(pid: i32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kib: u64 = line
        .unwrap()
        .split_whitespace()
        .nth(1)
        .unwrap()
        .parse()
        .unwrap();
    kib << 10
}

/// The last bytes of a file.
fn end_of(path: &Path, count: u64) -> String {
    let mut file = File::open(path).unwrap();
    let len = file.metadata().unwrap().len();
    file.seek(SeekFrom::Start(len.saturating_sub(count)))
        .unwrap();
    let mut end = Vec::new();
    file.read_to_end(&mut end).unwrap();
    String::from_utf8_lossy(&end).into_owned()
}

#[tokio::test]
async fn reported_changes_are_copied_before_the_next_look() {
    let copied = Copied::new().await;
    copied.whole().await;
    let side = copied.transcript.with_extension("").join("subagents");
    fs::create_dir_all(&side).unwrap();
    let (side, side_copy) = (
        side.join("agent-1.jsonl"),
        copied.folder().join("subagents/agent-1.jsonl"),
    );
    fs::write(&side, "{}\n").unwrap();
    is(&side_copy, b"{}\n").await;
    // A look follows the one before by the pause: only a report makes an append right after a look
    // faster. One of many is enough on a busy machine.
    for (file, copy) in [
        (&copied.transcript, copied.copy()),
        (&side, side_copy.clone()),
    ] {
        let mut fastest = POLL;
        for number in 0..20 {
            let begun = Instant::now();
            append(file, &entry(number, "more"));
            let bytes = fs::read(file).unwrap();
            is(&copy, &bytes).await;
            if number > 0 {
                fastest = fastest.min(begun.elapsed());
            }
            if fastest < POLL / 2 {
                break;
            }
        }
        assert!(fastest < POLL / 2, "{}: {fastest:?}", file.display());
    }
}

#[tokio::test]
async fn without_watches_the_copy_still_follows() {
    let none = "echo 0 > /proc/sys/user/max_inotify_instances";
    let Some(inside) = Namespaces::start(Agent::fake(""), none).await else {
        return;
    };
    let server = &inside.server;
    let project = inside.project("p").await;
    server.start_session(&project).await;
    say(server, &project, "first words").await;
    say(server, &project, "second words").await;
    let session = server.session(&project).await;
    let id = session["claude_session_id"].as_str().unwrap();
    let copy = inside.path(&format!("conversations/{project}/{id}/{id}.jsonl"));
    eventually("both prompts are copied", || {
        let text = fs::read_to_string(&copy).unwrap_or_default();
        text.contains("first words") && text.contains("second words")
    })
    .await;
    let log = server.log();
    assert_eq!(log.matches("max_user_instances").count(), 1, "{log}");
}

#[tokio::test]
async fn a_line_of_20_mib_is_copied_and_restored() {
    let copied = Copied::new().await;
    copied.whole().await;
    append(&copied.transcript, &entry(1, &"ção ".repeat(4 << 20)));
    append(&copied.transcript, &entry(2, "after the long line"));
    assert!(fs::metadata(&copied.transcript).unwrap().len() > 20 << 20);
    let whole = copied.ended().await;
    fs::remove_file(&copied.transcript).unwrap();
    let path = format!("/output-projects/{}/conversation", copied.project);
    let page = copied.server.get(&path).await.expect(200);
    let turns = page["turns"].as_array().unwrap();
    let (long, last) = (&turns[turns.len() - 2], &turns[turns.len() - 1]);
    assert_eq!(long["truncated"], true);
    assert_eq!(last["blocks"][0]["text"], "after the long line");
    copied.server.start_session(&copied.project).await;
    assert!(fs::read(&copied.transcript).unwrap().starts_with(&whole));
}

#[tokio::test]
async fn a_huge_transcript_costs_bounded_memory() {
    /// Bytes of the transcript that are a single line: without an end, no reader may keep them.
    const LINE: u64 = 512 << 20;
    /// Memory above that of a short conversation.
    const MEMORY_MAX: u64 = 400 << 20;
    let copied = Copied::new().await;
    copied.whole().await;
    let server = &copied.server;
    let before = peak(server.pid());
    // The hole costs no disk.
    let mut file = OpenOptions::new()
        .append(true)
        .open(&copied.transcript)
        .unwrap();
    let len = file.metadata().unwrap().len();
    file.set_len(len + LINE).unwrap();
    file.write_all(b"\n").unwrap();
    let text = "r".repeat(1 << 20);
    for number in 0..300 {
        file.write_all(result(number, &text).as_bytes()).unwrap();
    }
    let last = entry(400, "words after all");
    file.write_all(last.as_bytes()).unwrap();
    let deadline = Instant::now() + Duration::from_secs(300);
    while !end_of(&copied.copy(), 1_000).ends_with(&last) {
        assert!(Instant::now() < deadline, "{}", server.log());
        sleep(LOOK).await;
    }
    let text = end_of(&copied.copy(), 2 << 20);
    assert!(text.contains("rrr"), "the newest results stay");
    let session = server.session(&copied.project).await;
    assert!(session["kept"]["bytes"].as_u64().unwrap() <= 256 << 20);
    let path = format!("/output-projects/{}/conversation?limit=1", copied.project);
    let page = server.get(&path).await.expect(200);
    assert_eq!(page["turns"][0]["blocks"][0]["text"], "words after all");
    let grown = peak(server.pid()) - before;
    assert!(grown < MEMORY_MAX, "{} MiB more", grown >> 20);
}

#[tokio::test]
async fn jumps_of_the_clock_lose_nothing() {
    let copied = Copied::new().await;
    copied.whole().await;
    let year = Duration::from_secs(365 * 24 * 60 * 60);
    let now = SystemTime::now();
    let jumps = [
        now - 10 * year,
        now + 10 * year,
        now,
        SystemTime::UNIX_EPOCH,
    ];
    for (number, time) in jumps.into_iter().enumerate() {
        append(&copied.transcript, &entry(number, "at another time"));
        let file = File::options()
            .append(true)
            .open(&copied.transcript)
            .unwrap();
        let times = FileTimes::new().set_modified(time).set_accessed(time);
        file.set_times(times).unwrap();
        copied.whole().await;
        // An entry later, its time may be the same as before.
        append(&copied.transcript, &entry(10 + number, "again"));
        file.set_times(times).unwrap();
        copied.whole().await;
    }
    say(&copied.server, &copied.project, "more words").await;
    let whole = copied.ended().await;
    fs::remove_file(&copied.transcript).unwrap();
    copied.server.start_session(&copied.project).await;
    assert!(fs::read(&copied.transcript).unwrap().starts_with(&whole));
}

/// The number of the copy's entries with a text.
fn count(server: &Server, project: &str, id: &str, text: &str) -> usize {
    let copy = server.data_dir().join("conversations").join(project);
    let copy = copy.join(id).join(format!("{id}.jsonl"));
    let found = fs::read_to_string(copy).unwrap_or_default();
    found.lines().filter(|line| line.contains(text)).count()
}

#[tokio::test]
async fn older_conversations_are_copied_too() {
    let mut copied = Copied::new().await;
    copied.whole().await;
    let project = copied.project.clone();
    let terminal = format!("/output-projects/{project}/terminal");
    let mut socket = copied.server.socket(&terminal).await;
    // Three conversations between two looks: the second one is never current at a look.
    let mut ids = vec![copied.id.clone()];
    for text in ["second words", "third words"] {
        let last = ids.last().unwrap().clone();
        socket.submit("/clear").await;
        let session = copied
            .server
            .session_until(&project, "the id changed", |session| {
                session["claude_session_id"] != last.as_str() && session["agent_state"] == "idle"
            })
            .await;
        ids.push(session["claude_session_id"].as_str().unwrap().to_owned());
        say(&copied.server, &project, text).await;
    }
    drop(socket);
    copied.server.crash().await;
    // As if the copy had been switched on later, and the last look missed the end.
    let folder = copied
        .server
        .data_dir()
        .join("conversations")
        .join(&project);
    fs::remove_dir_all(&folder).unwrap();
    append(&copied.transcript, &entry(1, "said at last"));
    copied.server.up().await;
    let server = &copied.server;
    let all = [
        (&ids[0], "first words"),
        (&ids[0], "said at last"),
        (&ids[1], "second words"),
        (&ids[2], "third words"),
    ];
    eventually("all conversations are copied", || {
        let is_copied = |(id, text): (&String, &str)| count(server, &project, id, text) > 0;
        all.into_iter().all(is_copied)
    })
    .await;
    let session = server.session(&project).await;
    assert_ne!(session["kept"], Value::Null);
}
