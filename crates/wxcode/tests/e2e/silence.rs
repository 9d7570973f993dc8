//! Connections without a sign of life: a proxy goes silent and keeps the connections open.

use std::{fs, time::Duration};

use rustix::process::Signal;
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::{connect_async, tungstenite::client::IntoClientRequest};
use wxcode_client::{
    Server as Remote,
    terminal::{Message, Size, Socket, Target, Terminal, Update},
};
use wxcode_testbed::proxy::{Proxy, Weather};

use crate::support::{Agent, Attached, Events, LOOK, Server};

/// The promise is 60 s; the rest is room for a busy machine.
const NOTICED_WITHIN: Duration = Duration::from_secs(100);
/// A sleeper notices within 5 s of waking.
const WOKEN_WITHIN: Duration = Duration::from_secs(40);
/// The server's pause between two pings.
const PING_EVERY: Duration = Duration::from_secs(20);
const FAIR: Weather = Weather::Fair(Duration::ZERO);
/// An agent with an echo of each line in angle brackets.
const LINES: &str = "stty -echo; echo up; while read -r line; do echo \"<$line>\"; done";

/// A server with a running session, and a proxy before the server.
async fn proxied() -> (Server, String, Proxy) {
    let server = Server::start(Agent::script(LINES)).await;
    let project = server.project("p").await;
    server.start_session(&project).await;
    let (_, port) = server.base.rsplit_once(':').unwrap();
    let proxy = Proxy::before(port.parse().unwrap()).await.unwrap();
    (server, project, proxy)
}

fn address(proxy: &Proxy) -> String {
    format!("http://127.0.0.1:{}", proxy.port)
}

fn remote(server: &Server, proxy: &Proxy) -> Remote {
    Remote::new(address(proxy).parse().unwrap(), server.token.as_str()).unwrap()
}

async fn clients(server: &Server, project: &str, wanted: u64) {
    let session = server.session_until(project, "its clients", |session| {
        session["clients"] == wanted
    });
    timeout(NOTICED_WITHIN, session)
        .await
        .expect("the list of clients");
}

#[tokio::test]
async fn the_server_drops_clients_that_answer_no_ping() {
    let (server, project, proxy) = proxied().await;
    let mut events = Events::follow(&server, &project).await;
    let path = format!("/output-projects/{project}/terminal?read_only=true");
    // An answering client, next to a client of each protocol with a dead network.
    let began = Instant::now();
    let mut alive = Socket::connect(&server.remote(), &path).await.unwrap();
    let answering = tokio::spawn(async move {
        let mut pings = Vec::new();
        while let Ok(message) = alive.next_message().await {
            if matches!(message, Message::Ping(_)) {
                pings.push(began.elapsed());
            }
            if pings.len() == 4 {
                return (alive, pings);
            }
        }
        panic!("dropped after {pings:?}");
    });
    let _binary = Socket::connect(&remote(&server, &proxy), &path)
        .await
        .unwrap();
    let url = format!("ws://127.0.0.1:{}/api/v1{path}", proxy.port);
    let mut request = url.into_client_request().unwrap();
    let bearer = format!("Bearer {}", server.token);
    let _ = request
        .headers_mut()
        .insert("authorization", bearer.parse().unwrap());
    let (_json, _) = connect_async(request).await.unwrap();
    clients(&server, &project, 3).await;
    proxy.be(Weather::Silent);
    clients(&server, &project, 1).await;
    let gone = began.elapsed();
    assert!(gone > PING_EVERY * 2, "dropped after {gone:?}");
    for _ in 0..2 {
        events.named("client.left").await;
    }
    // More than 60 s, and still there.
    let (_alive, pings) = answering.await.unwrap();
    assert!(pings[0] >= PING_EVERY, "{pings:?}");
    assert_eq!(server.session(&project).await["clients"], 1);
}

/// The next output; the output must not come as a screen.
async fn output(terminal: &mut Terminal<'_>) -> String {
    loop {
        match timeout(NOTICED_WITHIN, terminal.next()).await.unwrap() {
            Update::Output { bytes, .. } => return String::from_utf8(bytes.to_vec()).unwrap(),
            Update::Snapshot { .. } => panic!("a screen instead of the missing bytes"),
            _ => {}
        }
    }
}

async fn away(terminal: &mut Terminal<'_>, within: Duration) -> Duration {
    let began = Instant::now();
    let away = async { while !matches!(terminal.next().await, Update::Away { .. }) {} };
    timeout(within, away).await.expect("the silence is noticed");
    began.elapsed()
}

#[tokio::test]
async fn the_client_library_continues_after_a_silence() {
    let (server, project, proxy) = proxied().await;
    let target = Target::new(&project).unwrap();
    let attach = Terminal::attach(remote(&server, &proxy), target);
    let (mut terminal, _) = attach.await.unwrap();
    terminal.resize(Size::new(80, 24).unwrap());
    while !matches!(terminal.next().await, Update::Snapshot { .. }) {}
    terminal.input("one\r".into()).unwrap();
    assert!(output(&mut terminal).await.contains("<one>"));

    proxy.be(Weather::Silent);
    terminal.input("two\r".into()).unwrap();
    let noticed = away(&mut terminal, NOTICED_WITHIN).await;
    proxy.be(FAIR);
    // The input was on its way, and is typed once.
    assert_eq!(output(&mut terminal).await.trim(), "<two>");

    proxy.be(Weather::Silent);
    terminal.wake();
    let woken = away(&mut terminal, WOKEN_WITHIN).await;
    assert!(woken < noticed, "{woken:?}, {noticed:?}");
    proxy.be(FAIR);
    terminal.input("three\r".into()).unwrap();
    assert_eq!(output(&mut terminal).await.trim(), "<three>");
}

async fn shows_away(attached: &Attached, within: Duration) {
    let away = async {
        while !attached.screen().contains("is away") {
            sleep(LOOK).await;
        }
    };
    timeout(within, away).await.expect("the silence is noticed");
}

// The terminal's waits block, and the proxy goes on meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attach_continues_after_a_stop_without_network() {
    let (server, project, proxy) = proxied().await;
    let token = tempfile::NamedTempFile::new().unwrap();
    fs::write(token.path(), &server.token).unwrap();
    let address = address(&proxy);
    let file = token.path().to_str().unwrap();
    let arguments = [project.as_str(), "--server", &address, "--token-file", file];
    let attached = Attached::start(&server, &arguments, (80, 20));
    attached.keys("one\r");
    attached.until_shows("<one>");

    attached.signal(Signal::STOP).await;
    proxy.be(Weather::Silent);
    attached.signal(Signal::CONT).await;
    shows_away(&attached, WOKEN_WITHIN).await;
    proxy.be(FAIR);
    attached.keys("two\r");
    attached.until(|screen| screen.contains("<two>") && !screen.contains("is away"));

    proxy.be(Weather::Silent);
    shows_away(&attached, NOTICED_WITHIN).await;
    proxy.be(FAIR);
    attached.keys("three\r");
    let screen = attached.until(|screen| screen.contains("<three>") && !screen.contains("is away"));
    assert_eq!(screen.matches("<two>").count(), 1, "{screen}");
    attached.keys("\x1d");
    assert_eq!(attached.ended().code, 0);
}
