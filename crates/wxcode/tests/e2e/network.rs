//! Hostile connections, silent, slow, endless or unauthenticated, next to a normal client.

use std::{
    fs,
    io::ErrorKind,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use reqwest::Method;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, sleep, timeout},
};
use tokio_tungstenite::tungstenite::Error;

use crate::support::{Agent, PATIENCE, Server, Socket};

/// Unauthenticated connections are closed within 10 s; the rest is room for a busy machine.
const CLOSED_WITHIN: Duration = Duration::from_secs(25);
/// The interval between two bytes of a slow client.
const SLOW: Duration = Duration::from_millis(300);
/// An upgrade to a terminal's WebSocket, without its end.
const UPGRADE: &str = "HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

async fn connect(server: &Server) -> TcpStream {
    let address = server.base.strip_prefix("http://").unwrap();
    TcpStream::connect(address).await.unwrap()
}

/// Sends `first`, then `more` repeatedly; returns the answer and the time until the close.
async fn hostile(server: &Server, first: &[u8], more: &[u8]) -> (String, Duration) {
    let began = Instant::now();
    let (mut reader, mut writer) = connect(server).await.into_split();
    let writing = async {
        let mut open = writer.write_all(first).await.is_ok();
        while open && !more.is_empty() {
            sleep(SLOW).await;
            open = writer.write_all(more).await.is_ok();
        }
        // The test waits for the server's close.
        std::future::pending::<()>().await;
    };
    let mut answer = Vec::new();
    let closed = async {
        tokio::select! {
            read = reader.read_to_end(&mut answer) => read,
            () = writing => unreachable!("it waits"),
        }
    };
    let result = timeout(CLOSED_WITHIN, closed).await;
    let shown = String::from_utf8_lossy(first);
    let shown = shown.lines().next().unwrap_or_default().to_owned();
    match result {
        Ok(Ok(_)) => {}
        Ok(Err(error)) if error.kind() == ErrorKind::ConnectionReset => {}
        Ok(Err(error)) => panic!("{shown:?}: {error}"),
        Err(_) => panic!("{shown:?} is open after {CLOSED_WITHIN:?}"),
    }
    (
        String::from_utf8_lossy(&answer).into_owned(),
        began.elapsed(),
    )
}

/// Requests the projects until `done`; returns the number of answers.
async fn normal_client(server: &Server, done: &AtomicBool) -> usize {
    let mut answers = 0;
    while !done.load(Ordering::Relaxed) {
        let asked = timeout(CLOSED_WITHIN, server.get("/output-projects")).await;
        asked.expect("an answer in time").expect(200);
        answers += 1;
        sleep(SLOW).await;
    }
    answers
}

fn memory(server: &Server, field: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn slow_and_silent_connections_are_closed() {
    let server = Server::start(Agent::fake("")).await;
    let login = "POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n\
        Content-Type: application/x-www-form-urlencoded\r\n\r\ntoken=";
    let chunked = "POST /login HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
    let healthy = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let begun = format!("{healthy}GET /heal");
    let done = AtomicBool::new(false);
    let attack = async {
        let ended = tokio::join!(
            hostile(&server, b"", b""),
            hostile(&server, b"G", b""),
            hostile(&server, b"GET / HTTP/1.1\r\nX: ", b"a"),
            hostile(&server, b"\r\n", b"\r\n"),
            hostile(&server, login.as_bytes(), b"a"),
            hostile(&server, chunked.as_bytes(), b"1\r\na\r\n"),
            hostile(&server, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b""),
            hostile(&server, b"PRI * HT", b""),
            hostile(&server, healthy.as_bytes(), b""),
            hostile(&server, begun.as_bytes(), b"t"),
        );
        done.store(true, Ordering::Relaxed);
        ended
    };
    let (ended, answers) = tokio::join!(attack, normal_client(&server, &done));
    assert!(answers > 5, "{answers} answers");
    let (_, _, _, _, login, chunked, http2, _, healthy, begun) = ended;
    for (answer, _) in [&login, &chunked] {
        assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    }
    assert!(!http2.0.contains("200"), "{}", http2.0);
    for (answer, after) in [&healthy, &begun] {
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(
            *after > Duration::from_secs(5),
            "it may ask again: {after:?}"
        );
    }
}

#[tokio::test]
async fn a_large_unauthenticated_body_is_refused() {
    let server = Server::start(Agent::fake("")).await;
    let form = |bytes: usize| {
        let form = server
            .request(Method::POST, "/login")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(format!("token={}", "a".repeat(bytes - 6)));
        server.answer(form)
    };
    form(64 << 10).await.expect(401);
    // The body is still arriving when the server answers, so the close may overtake the answer.
    let body = format!("token={}", "a".repeat(1 << 20));
    let head = format!(
        "POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let (answer, _) = hostile(&server, format!("{head}{body}").as_bytes(), b"").await;
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 413"),
        "{answer}"
    );
    // With the token the server reads the body.
    let form = server
        .request(Method::POST, "/login")
        .bearer_auth(&server.token)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(format!("token={}", "a".repeat(100 << 10)));
    server.answer(form).await.expect(401);
}

#[tokio::test]
async fn unauthenticated_frames_cost_no_memory() {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let terminal = format!("/api/v1/output-projects/{project}/terminal");
    let before = memory(&server, "VmRSS");
    let browser = format!("GET {terminal} {UPGRADE}Origin: http://localhost\r\n\r\n");
    let program = format!("GET {terminal} {UPGRADE}\r\n");
    let elsewhere = format!("GET /nothing/terminal {UPGRADE}Origin: http://localhost\r\n\r\n");
    // A binary frame of 24 MiB, masked with zeroes.
    let mut frame = vec![0x82, 0xff];
    frame.extend((24_u64 << 20).to_be_bytes());
    frame.resize(24 << 20, 0);
    let attacks = (0..24).map(|n| {
        let (head, status) = match n % 3 {
            0 => (&browser, "HTTP/1.1 101"),
            1 => (&program, "HTTP/1.1 401"),
            _ => (&elsewhere, "HTTP/1.1 401"),
        };
        let (server, frame) = (&server, &frame[..]);
        async move {
            let mut stream = connect(server).await;
            stream.write_all(head.as_bytes()).await.unwrap();
            let mut answer = [0; 12];
            stream.read_exact(&mut answer).await.unwrap();
            assert_eq!(String::from_utf8_lossy(&answer), status, "{head}");
            let _ = stream.write_all(frame).await;
            let mut rest = Vec::new();
            let read = timeout(CLOSED_WITHIN, stream.read_to_end(&mut rest)).await;
            assert!(read.is_ok(), "open after {CLOSED_WITHIN:?}: {head}");
        }
    });
    futures_util::future::join_all(attacks).await;
    let grown = memory(&server, "VmHWM").saturating_sub(before);
    assert!(grown < 48 << 10, "{grown} KiB more at the most");
    assert_eq!(server.session(&project).await["status"], "none");
}

#[tokio::test]
async fn silent_connections_make_room_for_others() {
    let config = "[network]\nconnections_unauthenticated = 20\n";
    let server = Server::start(Agent::fake("").with_config(config)).await;
    let mut silent = Vec::new();
    for _ in 0..100 {
        silent.push(connect(&server).await);
    }
    let asked = timeout(CLOSED_WITHIN, server.get("/output-projects")).await;
    asked.expect("an answer in time").expect(200);
    let metrics = server
        .request(Method::GET, "/metrics")
        .bearer_auth(&server.token);
    let metrics = metrics.send().await.unwrap().text().await.unwrap();
    let value = |name: &str| -> f64 {
        let line = metrics.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("{name}: {metrics}"))
            .trim()
            .parse()
            .unwrap()
    };
    let evicted = value("wxcode_http_connections_cut_total{kind=\"evicted\"}");
    assert!(evicted > 0.0, "{evicted}");
    let open = value("wxcode_http_connections_unauthenticated");
    assert!(open <= 20.0, "{open}");
}

#[tokio::test]
async fn connections_per_address_are_capped() {
    let config = "[network]\nconnections_per_address = 4\n";
    let server = Server::start(Agent::fake("").with_config(config)).await;
    let project = server.project("p").await;
    server.start_session(&project).await;
    let path = format!("/output-projects/{project}/terminal");
    let bearer = format!("Bearer {}", server.token);
    let mut sockets = Vec::new();
    let refused = loop {
        match Socket::open(&server, &path, &[("authorization", &bearer)]).await {
            Ok(mut socket) => {
                socket.message("status").await;
                sockets.push(socket);
            }
            Err(error) => break error,
        }
        assert!(sockets.len() <= 4, "more than the cap");
    };
    match refused {
        Error::Http(answer) => assert_eq!(answer.status(), 503),
        // The close overtook the answer.
        Error::Io(_) | Error::Protocol(_) => {}
        other => panic!("{other}"),
    }
    // A closed connection makes room.
    sockets.pop().unwrap().drop_connection();
    let deadline = Instant::now() + PATIENCE;
    while Socket::open(&server, &path, &[("authorization", &bearer)])
        .await
        .is_err()
    {
        assert!(Instant::now() < deadline, "no room in time");
        sleep(SLOW).await;
    }
}

#[tokio::test]
async fn a_burst_of_clients_is_served() {
    let server = Arc::new(Server::start(Agent::fake("")).await);
    let served = Arc::new(AtomicUsize::new(0));
    let clients = (0..300).map(|_| {
        let (server, served) = (Arc::clone(&server), Arc::clone(&served));
        tokio::spawn(async move {
            let mut stream = connect(&server).await;
            let request = format!(
                "GET /api/v1/output-projects HTTP/1.1\r\nHost: localhost\r\n\
                 Authorization: Bearer {}\r\nConnection: close\r\n\r\n",
                server.token
            );
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = String::new();
            let reading = timeout(PATIENCE, stream.read_to_string(&mut answer)).await;
            reading.unwrap().unwrap();
            assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
            served.fetch_add(1, Ordering::Relaxed);
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await.unwrap();
    }
    assert_eq!(served.load(Ordering::Relaxed), 300);
}
