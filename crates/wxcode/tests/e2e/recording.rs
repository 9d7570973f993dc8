//! A session's screen and recording over HTTP, during and after the session.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Agent, Server, eventually, kill};

/// The polling interval, and the polls before a test fails.
const LOOK: Duration = Duration::from_millis(20);
const LOOKS: usize = 3000;

/// A body as text, with the body's content type.
async fn text(server: &Server, path: &str) -> (u16, String, String) {
    let request = server
        .request(reqwest::Method::GET, &format!("/api/v1{path}"))
        .bearer_auth(&server.token);
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let kind = response.headers()["content-type"].to_str().unwrap().into();
    (status, kind, response.text().await.unwrap())
}

async fn screen(server: &Server, project: &str) -> String {
    let (status, kind, text) = text(server, &format!("/output-projects/{project}/screen")).await;
    assert_eq!(
        (status, kind.as_str()),
        (200, "text/plain; charset=utf-8"),
        "{text}"
    );
    text
}

/// Waits until the screen shows a text.
async fn screen_until(server: &Server, project: &str, wanted: &str) -> String {
    for _ in 0..LOOKS {
        let seen = screen(server, project).await;
        if seen.contains(wanted) {
            return seen;
        }
        tokio::time::sleep(LOOK).await;
    }
    panic!("{wanted:?} is not shown: {}", screen(server, project).await);
}

/// A parsed recording.
struct Cast {
    header: Value,
    events: Vec<(f64, String, String)>,
}

impl Cast {
    async fn of(server: &Server, project: &str) -> Self {
        let path = format!("/output-projects/{project}/recording");
        let (status, kind, text) = text(server, &path).await;
        assert_eq!((status, kind.as_str()), (200, "application/x-asciicast"));
        let mut lines = text.lines();
        let header = serde_json::from_str(lines.next().unwrap()).unwrap();
        let events = lines.map(|line| serde_json::from_str(line).expect(line));
        Self {
            header,
            events: events.collect(),
        }
    }

    /// The recording, once the output fits: a batch may still be on its way to the log.
    async fn until(server: &Server, project: &str, wanted: impl Fn(&str) -> bool) -> Self {
        for _ in 0..LOOKS {
            let cast = Self::of(server, project).await;
            if wanted(&cast.output()) {
                return cast;
            }
            tokio::time::sleep(LOOK).await;
        }
        panic!("not recorded: {:?}", Self::of(server, project).await.events);
    }

    fn of_code(&self, code: &str) -> Vec<&str> {
        let events = self.events.iter().filter(|event| event.1 == code);
        events.map(|event| event.2.as_str()).collect()
    }

    fn output(&self) -> String {
        self.of_code("o").concat()
    }
}

async fn start(server: &Server) -> String {
    let project = server.project("p").await;
    server.start_session(&project).await;
    project
}

#[tokio::test]
async fn a_recording_needs_a_session() {
    let server = Server::start(Agent::script("exec sleep 1000")).await;
    let project = server.project("p").await;
    for route in ["screen", "recording"] {
        server
            .get(&format!("/output-projects/{project}/{route}"))
            .await
            .problem(404);
        server
            .get(&format!(
                "/output-projects/0123456789abcdef01234567/{route}"
            ))
            .await
            .problem(404);
    }
    let detail = server
        .get(&format!("/output-projects/{project}/screen?format=png"))
        .await
        .problem(422);
    assert!(detail.contains("ansi"), "{detail}");
}

#[tokio::test]
async fn a_running_session_has_screen_and_recording() {
    let script = "stty -echo; printf 'one\\n\\033[31mh\\303\\251llo\\033[0m \\342'; sleep 1; printf '\\234\\223 two'; exec sleep 1000";
    let server = Server::start(Agent::script(script)).await;
    let project = start(&server).await;
    let seen = screen_until(&server, &project, "two").await;
    assert_eq!(seen.trim_end(), "one\nhéllo ✓ two");
    let path = format!("/output-projects/{project}/screen?format=ansi");
    let (status, kind, dump) = text(&server, &path).await;
    assert_eq!((status, kind.as_str()), (200, "text/plain; charset=utf-8"));
    assert!(dump.contains("\x1b[") && dump.contains("31") && dump.contains("héllo"));

    let cast = Cast::until(&server, &project, |output| output.contains("two")).await;
    assert_eq!(cast.header["version"], 3);
    assert_eq!(
        (&cast.header["term"]["cols"], &cast.header["term"]["rows"]),
        (&json!(120), &json!(40))
    );
    assert!(cast.header["timestamp"].as_u64().unwrap() > 1_700_000_000);
    assert_eq!(cast.output(), "one\r\n\x1b[31mhéllo\x1b[0m ✓ two");
    let took: f64 = cast.events.iter().map(|event| event.0).sum();
    assert!((0.6..60.0).contains(&took), "{took} s");
    let second = cast.events.iter().find(|event| event.2.contains("two"));
    assert!(second.unwrap().0 >= 0.6, "intervals, not times: {second:?}");
    assert!(cast.of_code("x").is_empty());
    let session = server.session(&project).await;
    assert_eq!(session["log_off"], Value::Null);
}

#[tokio::test]
async fn an_ended_session_is_shown_after_restart() {
    let script = "trap 'stty size' WINCH; echo ready; while :; do read -r x && break; done; echo last words; exit 7";
    let mut server = Server::start(Agent::script(script)).await;
    let project = start(&server).await;
    let mut socket = server
        .socket(&format!("/output-projects/{project}/terminal"))
        .await;
    socket.until("ready").await;
    socket
        .send(json!({ "type": "resize", "rows": 30, "cols": 100 }))
        .await;
    server
        .session_until(&project, "resized", |session| session["cols"] == 100)
        .await;
    socket.input("\r").await;
    socket.close_code().await;
    server
        .session_until(&project, "exited", |session| session["status"] == "exited")
        .await;
    for _ in 0..2 {
        assert!(screen(&server, &project).await.contains("last words"));
        let cast = Cast::of(&server, &project).await;
        assert_eq!(cast.header["term"]["cols"], 120);
        assert_eq!(cast.of_code("r"), ["100x30"]);
        assert_eq!(cast.of_code("x"), ["7"]);
        assert_eq!(cast.events.last().unwrap().1, "x");
        let output = cast.output();
        assert!(
            output.starts_with("ready") && output.ends_with("last words\r\n"),
            "{output:?}"
        );
        server.crash().await;
        server.up().await;
    }
}

#[tokio::test]
async fn a_killed_holders_session_shows_its_log() {
    let server = Server::start(Agent::script("printf 'still here'; exec sleep 1000")).await;
    let project = start(&server).await;
    screen_until(&server, &project, "still here").await;
    Cast::until(&server, &project, |output| output == "still here").await;
    let (holder, _) = Server::pids(&server.session_dirs()[0]).unwrap();
    kill(holder);
    server
        .session_until(&project, "exited", |session| session["status"] == "exited")
        .await;
    assert!(!server.session_dirs()[0].join("screen.snapshot").exists());
    assert_eq!(screen(&server, &project).await.trim_end(), "still here");
    let cast = Cast::of(&server, &project).await;
    assert_eq!(cast.output(), "still here");
}

#[tokio::test]
async fn a_long_recording_has_whole_characters() {
    let line = "é✓🙂 and plain";
    let script = format!("stty -opost; yes '{line}' | head -n 150000; touch done; exec sleep 1000");
    let server = Server::start(Agent::script(&script)).await;
    let project = start(&server).await;
    let workspace = server.workspace(&project).await;
    eventually("all is written", || workspace.join("done").exists()).await;
    let expected = format!("{line}\n").repeat(150_000);
    let whole = |output: &str| output.len() >= expected.len();
    let cast = Cast::until(&server, &project, whole).await;
    assert!(cast.of_code("m").is_empty(), "nothing is missing");
    let output = cast.output();
    assert!(output == expected, "{} of {}", output.len(), expected.len());
}

#[tokio::test]
async fn lost_output_is_a_marker() {
    let script = "stty -opost; yes 0123456789 | head -c 9000000; echo; echo end; exec sleep 1000";
    let server = Server::start(Agent::script(script)).await;
    let project = start(&server).await;
    screen_until(&server, &project, "end").await;
    Cast::until(&server, &project, |output| output.ends_with("end\n")).await;
    let log = server.session_dirs()[0].join("log");
    let mut segments: Vec<_> = std::fs::read_dir(log)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    segments.sort();
    assert!(segments.len() >= 3, "{segments:?}");
    std::fs::remove_file(&segments[1]).unwrap();
    let cast = Cast::of(&server, &project).await;
    let markers = cast.of_code("m");
    assert_eq!(markers.len(), 1);
    let missing: usize = markers[0].split(' ').next().unwrap().parse().unwrap();
    assert_eq!(missing + cast.output().len(), 9_000_000 + 5);
}
