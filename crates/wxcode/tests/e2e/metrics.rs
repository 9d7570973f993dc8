//! `/metrics` and `/readyz`.

use std::{collections::BTreeMap, time::Duration};

use reqwest::Method;
use serde_json::json;

use crate::support::{Agent, Events, Server, kill};

/// The samples of a scrape: name with labels, and value.
pub(crate) async fn scrape(server: &Server) -> BTreeMap<String, f64> {
    let request = server.request(Method::GET, "/metrics");
    let answer = server.answer(request.bearer_auth(&server.token)).await;
    assert!(
        answer
            .content_type
            .starts_with("application/openmetrics-text"),
        "{}",
        answer.content_type
    );
    let text = answer.expect(200);
    let text = text.as_str().unwrap();
    assert!(text.ends_with("# EOF\n"), "{text}");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let sample = |line: &str| {
        let (name, value) = line.rsplit_once(' ').unwrap();
        (name.to_owned(), value.parse().unwrap())
    };
    lines.map(sample).collect()
}

/// Waits until a sample fits.
pub(crate) async fn until(server: &Server, name: &str, wanted: impl Fn(f64) -> bool) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    loop {
        let samples = scrape(server).await;
        if samples.get(name).copied().is_some_and(&wanted) {
            return;
        }
        assert!(
            tokio::time::Instant::now() < deadline,
            "{name}: {samples:#?}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn metrics_count_events_and_requests() {
    let server = Server::start(Agent::fake("")).await;
    let before = scrape(&server).await;
    assert_eq!(before["wxcode_sessions{state=\"running\"}"], 0.0);
    let project = server.project("p").await;
    let mut events = Events::follow(&server, &project).await;
    server.start_session(&project).await;
    events.state("idle").await;
    let terminal = format!("/output-projects/{project}/terminal");
    let mut socket = server.socket(&terminal).await;
    let delivery = server.deliver(&project, "hello").await;
    socket.until("fake: 1 user message; last: hello").await;
    server
        .delivery_until(&project, &delivery, "submitted")
        .await;
    events.state("idle").await;

    let now = scrape(&server).await;
    for (name, value) in [
        ("wxcode_sessions{state=\"running\"}", 1.0),
        ("wxcode_agents{state=\"idle\"}", 1.0),
        ("wxcode_agents{state=\"working\"}", 0.0),
        ("wxcode_clients", 1.0),
        ("wxcode_event_streams", 1.0),
        ("wxcode_deliveries_total{state=\"queued\"}", 1.0),
        ("wxcode_deliveries_total{state=\"submitted\"}", 1.0),
        ("wxcode_delivery_submit_seconds_count", 1.0),
        ("wxcode_projects_with_open_deliveries", 0.0),
        ("wxcode_hooks_total{kind=\"UserPromptSubmit\"}", 1.0),
        ("wxcode_events_total{kind=\"prompt.submitted\"}", 1.0),
        ("wxcode_holders{state=\"answered\"}", 1.0),
        ("wxcode_holders{state=\"silent\"}", 0.0),
        ("wxcode_holder_input_waiting_bytes", 0.0),
        (
            "wxcode_http_requests_total{method=\"POST\",route=\"/api/v1/output-projects/{id}/deliveries\",status=\"202\"}",
            1.0,
        ),
        (
            "wxcode_http_requests_total{method=\"GET\",route=\"/api/v1/output-projects/{id}/terminal\",status=\"101\"}",
            1.0,
        ),
        (
            "wxcode_store_operation_seconds_count{operation=\"add_project\"}",
            1.0,
        ),
        ("wxcode_client_waiting_bytes{kind=\"json\"}", 0.0),
    ] {
        assert_eq!(now.get(name), Some(&value), "{name}: {now:#?}");
    }
    for name in [
        "wxcode_client_sent_bytes_total{kind=\"json\"}",
        "wxcode_disk_bytes{kind=\"event_logs\"}",
        "wxcode_disk_bytes{kind=\"session_logs\"}",
        "wxcode_disk_bytes{kind=\"hook_journals\"}",
        "wxcode_holder_output_bytes",
        "wxcode_holder_ring_bytes",
        "wxcode_holder_ring_bytes_max",
        "wxcode_http_connections",
        "wxcode_planning_watched_folders",
        "process_resident_memory_bytes",
        "process_open_fds",
        "process_start_time_seconds",
    ] {
        let value = now.get(name).copied().unwrap_or(0.0);
        assert!(value > 0.0, "{name}: {now:#?}");
    }
    assert!(now["process_uptime_seconds"] > before["process_uptime_seconds"]);
    let version = env!("CARGO_PKG_VERSION");
    assert!(now.contains_key(&format!("wxcode_build_info{{version=\"{version}\"}}")));

    // Departed clients are no longer counted.
    drop((socket, events));
    until(&server, "wxcode_clients", |clients| clients == 0.0).await;
    until(&server, "wxcode_event_streams", |streams| streams == 0.0).await;
    let session = format!("/output-projects/{project}/session");
    server.delete(&session).await.expect(204);
    let after = scrape(&server).await;
    assert_eq!(after["wxcode_sessions{state=\"running\"}"], 0.0);
    assert_eq!(after["wxcode_sessions{state=\"exited\"}"], 1.0);
    assert_eq!(after["wxcode_agents{state=\"idle\"}"], 0.0);
}

#[tokio::test]
async fn refused_requests_are_counted_without_labels() {
    let server = Server::start(Agent::fake("")).await;
    server
        .answer(server.request(Method::GET, "/metrics"))
        .await
        .problem(401);
    let login = server
        .request(Method::POST, "/login")
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body("token=wrong");
    assert_eq!(server.answer(login).await.status, 401);
    let foreign = server
        .request(Method::GET, "/metrics")
        .header("Host", "evil.example");
    server
        .answer(foreign.bearer_auth(&server.token))
        .await
        .problem(403);
    for n in 0..20 {
        server.get(&format!("/none-{n}")).await.problem(404);
        let path = format!("/output-projects/{n:024}");
        server.get(&path).await.problem(404);
        let method = Method::from_bytes(format!("ODD{n}").as_bytes()).unwrap();
        let odd = server.request(method, "/api/v1/output-projects");
        let odd = odd.bearer_auth(&server.token).json(&json!({}));
        server.answer(odd).await.problem(405);
    }
    let samples = scrape(&server).await;
    for kind in ["token", "login", "origin"] {
        assert_eq!(
            samples[&format!("wxcode_refused_total{{kind=\"{kind}\"}}")],
            1.0
        );
    }
    let requests: Vec<_> = samples
        .iter()
        .filter(|(name, _)| name.starts_with("wxcode_http_requests_total"))
        .collect();
    let count = |method: &str, route: &str, status: u16| {
        let name = format!(
            "wxcode_http_requests_total{{method=\"{method}\",route=\"{route}\",status=\"{status}\"}}"
        );
        samples.get(&name).copied()
    };
    assert_eq!(count("GET", "other", 404), Some(20.0), "{requests:#?}");
    let project = "/api/v1/output-projects/{id}";
    assert_eq!(count("GET", project, 404), Some(20.0), "{requests:#?}");
    let projects = "/api/v1/output-projects";
    assert_eq!(count("other", projects, 405), Some(20.0), "{requests:#?}");
    assert!(requests.len() < 10, "{requests:#?}");
}

#[tokio::test]
async fn unresponsive_holders_make_the_server_unready() {
    let server = Server::start(Agent::fake("")).await;
    let ready = || async {
        let request = server.request(Method::GET, "/readyz");
        server.answer(request.bearer_auth(&server.token)).await
    };
    ready().await.expect(200);
    let project = server.project("p").await;
    server.start_session(&project).await;
    ready().await.expect(200);
    let (holder, _) = Server::pids(&server.session_dirs()[0]).unwrap();
    let pid = rustix::process::Pid::from_raw(holder).unwrap();
    let signal = |signal| rustix::process::kill_process(pid, signal).unwrap();
    signal(rustix::process::Signal::STOP);
    let detail = ready().await.problem(503);
    assert!(detail.contains("1 of 1"), "{detail}");
    let samples = scrape(&server).await;
    assert_eq!(samples["wxcode_holders{state=\"silent\"}"], 1.0);
    assert_eq!(samples["wxcode_holders{state=\"answered\"}"], 0.0);
    signal(rustix::process::Signal::CONT);
    ready().await.expect(200);
    // The server does not wait for a killed holder.
    kill(holder);
    server
        .session_until(&project, "it ended", |session| {
            session["status"] == "exited"
        })
        .await;
    ready().await.expect(200);
}
