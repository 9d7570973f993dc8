//! Reports of the agent's hooks: duration of the hook, and latency to a client.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    os::unix::net::UnixStream,
    process::{Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use anyhow::Context;
use serde_json::json;
use wxcode_bench::order::{HOOKS, Order};

use super::Row;
use crate::{
    Bench,
    client::{Client, Heard},
    samples::{Samples, millis},
    server::{Server, wait},
};

/// Bounds, in ms: p99 of the latency, and of the hook itself.
const TARGETS: (f64, f64) = (20.0, 5.0);
/// Bound of the start of a hook, as a multiple of the start of `/bin/true`.
const START_TARGET: f64 = 1.5;
/// How long a report may take.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) fn measure(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let server = Server::start(&bench.paths)?;
    let session = server.session()?;
    let mut client = Client::ready(&server, &session, bench.protocol)?;
    client.order(Order::Report)?;
    let socket = session.workspace.join(HOOKS);
    let mut agent = wait("the agent's socket", || UnixStream::connect(&socket).ok())?;
    let mut answers = BufReader::new(agent.try_clone()?).lines();
    let file = session.dir.join("hook.json");
    writeln!(
        agent,
        "{}\n{}",
        bench.paths.holder.display(),
        file.display()
    )?;
    let (send, heard) = mpsc::channel();
    let reader = thread::spawn(move || {
        loop {
            let message = client.hear();
            let at = Instant::now();
            match message {
                Ok(Heard::Report(report)) => drop(send.send(Ok((at, report)))),
                Ok(_) => {}
                Err(error) => return drop(send.send(Err(error))),
            }
        }
    });
    let (mut events, mut hooks) = (Samples::default(), Samples::default());
    let (mut starts, mut nothing) = (Samples::default(), Samples::default());
    for i in 0..bench.times(500, 150) {
        let id = format!("toolu_{i}");
        let payload = json!({
            "session_id": "00000000-0000-4000-8000-000000000000", "transcript_path": "/nowhere.jsonl", "cwd": session.workspace,
            "hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_use_id": id,
            "tool_input": { "command": "cargo build --release", "description": "Builds the program" },
        });
        let start = Instant::now();
        writeln!(agent, "{payload}")?;
        let took = answers.next().context("the agent is gone")??.parse()?;
        hooks.push(millis(Duration::from_micros(took)));
        let at = loop {
            let (at, report) = heard
                .recv_timeout(PATIENCE)
                .context("the report does not come")??;
            if report["tool_use_id"] == id.as_str() {
                break at;
            }
        };
        events.push(millis(at - start));

        nothing.push(start_of(&mut Command::new("/bin/true"))?);
        // Without a report: the file does not exist.
        let mut hook = Command::new(&bench.paths.holder);
        starts.push(start_of(hook.args(["hook", "/nonexistent"]))?);
    }
    drop(server);
    // The thread ends with the connection.
    let _ = reader.join();
    let (event, hook) = (events.quantile(0.99), hooks.quantile(0.99));
    let ratio = starts.median() / nothing.median();
    Ok(vec![
        Row {
            what: "hook to report at a WebSocket client; the hook itself".to_owned(),
            target: "p99 20 ms; 5 ms".to_owned(),
            reached: Some(event <= TARGETS.0 && hook <= TARGETS.1),
            measured: format!("p99 {event:.1} ms; {hook:.1} ms"),
            numbers: format!(
                "p50 {:.1} and {:.1} ms, start of the process included; starting `true` takes {:.1} and {:.1} ms (p50, p99); {} hooks",
                events.median(),
                hooks.median(),
                nothing.median(),
                nothing.quantile(0.99),
                events.len()
            ),
        },
        Row {
            what: "start of a hook, as a multiple of the start of `/bin/true`".to_owned(),
            target: format!("{START_TARGET}"),
            reached: Some(ratio <= START_TARGET),
            measured: format!("{ratio:.2}"),
            numbers: format!(
                "{:.2} and {:.2} ms, medians of {} starts in turn",
                starts.median(),
                nothing.median(),
                starts.len()
            ),
        },
    ])
}

/// A program's time from start to end, in ms.
fn start_of(command: &mut Command) -> anyhow::Result<f64> {
    let command = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let start = Instant::now();
    command.status()?;
    Ok(millis(start.elapsed()))
}
