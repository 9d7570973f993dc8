//! Requests, names and links that pretend to be something else.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

use reqwest::Method;
use serde_json::json;

use crate::support::{Agent, Attached, Server};

/// The status and the whole answer of a request with these lines in its head.
fn ask(server: &Server, path: &str, lines: &[&str]) -> (u16, String) {
    let address = server.base.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let lines = lines.join("\r\n");
    let token = &server.token;
    let head = format!(
        "GET {path} HTTP/1.1\r\n{lines}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer)
}

#[tokio::test]
async fn doubled_hosts_and_userinfo_are_refused() {
    let server = Server::start(Agent::fake("")).await;
    let own = server.base.strip_prefix("http://").unwrap().to_owned();
    let host = format!("Host: {own}");
    let (path, terminal) = ("/api/v1/output-projects", "/api/v1/milestones/x/terminal");
    assert_eq!(ask(&server, path, &[&host]).0, 200);
    let with_user = format!("Host: localhost@{own}");
    let origin = |value: &str| format!("Origin: http://{value}");
    let (same, user) = (origin(&own), origin(&format!("user@{own}")));
    let (password, prefix) = (
        origin(&format!("{own}:x@evil.example")),
        origin(&format!("{own}.evil.example")),
    );
    assert_eq!(ask(&server, path, &[&host, &same]).0, 200);
    for (lines, status) in [
        (vec![host.as_str(), host.as_str()], 400),
        (vec![host.as_str(), "Host: evil.example"], 400),
        (vec!["Host: evil.example", host.as_str()], 400),
        (vec![with_user.as_str()], 403),
        (vec![&host, &user], 403),
        (vec![&host, &password], 403),
        (vec![&host, &prefix], 403),
        (vec![&host, &same, "Origin: http://evil.example"], 403),
        (vec![&host, "Origin: null"], 403),
    ] {
        for path in [path, terminal, "/healthz", "/login", "/"] {
            let (got, answer) = ask(&server, path, &lines);
            assert_eq!(got, status, "{path} {lines:?}: {answer}");
        }
    }
    // Without a Host at all.
    assert!([400, 403].contains(&ask(&server, path, &["X-Host: x"]).0));
}

#[tokio::test]
async fn an_upgrade_header_opens_no_path() {
    let server = Server::start(Agent::fake("")).await;
    let upgrade = |path: &str| {
        server
            .request(Method::GET, path)
            .header("connection", "Upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
    };
    for path in [
        "/api/v1/output-projects",
        "/api/v1/output-projects/terminal",
        "/api/v1/nothing/terminal",
        "/nothing/terminal",
        "/terminal",
        "/api/v1/audit?x=/terminal",
        "/api/openapi.json",
        "/metrics",
    ] {
        let answer = upgrade(path).send().await.unwrap();
        assert_eq!(answer.status(), 401, "{path}");
    }
}

#[tokio::test]
async fn answers_are_closed_to_other_origins() {
    let server = Server::start(Agent::fake("")).await;
    for (path, token) in [
        ("/", true),
        ("/login", false),
        ("/healthz", false),
        ("/nothing", true),
        ("/api/v1/output-projects", true),
        ("/api/v1/output-projects", false),
        ("/api/openapi.json", true),
        ("/metrics", true),
    ] {
        let mut request = server.request(Method::GET, path);
        if token {
            request = request.bearer_auth(&server.token);
        }
        let answer = request.send().await.unwrap();
        for (name, value) in [
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
        ] {
            let found = answer
                .headers()
                .get(name)
                .map(|value| value.to_str().unwrap());
            assert_eq!(found, Some(value), "{path}: {name}");
        }
        assert!(
            answer.headers().contains_key("content-security-policy"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn deceptive_names_are_refused() {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("shop").await;
    let path = format!("/output-projects/{project}");
    let mut names: Vec<String> = [
        '\u{ad}', '\u{61c}', '\u{180e}', '\u{200b}', '\u{200e}', '\u{200f}', '\u{2028}',
        '\u{2029}', '\u{202a}', '\u{202e}', '\u{2060}', '\u{2066}', '\u{2069}', '\u{feff}',
        '\u{0}', '\n', '\u{1b}', '\u{7f}', '\u{9b}',
    ]
    .map(|mark| format!("sh{mark}op"))
    .into();
    // The id of another project, in either case.
    names.extend([project.clone(), project.to_uppercase()]);
    for name in names {
        let named = json!({ "name": name });
        server
            .post("/output-projects", named.clone())
            .await
            .problem(422);
        server.patch(&path, named).await.problem(422);
        let element = json!({ "output_project_id": project, "element_name": name });
        server.post("/milestones", element).await.problem(422);
        let token = json!({ "name": name, "role": "viewer" });
        server.post("/tokens", token).await.problem(422);
    }
    // Letters of other scripts and joined pictures are no deception.
    for name in ["Ação", "مشروع", "👩\u{200d}🚀", "नमस्\u{200d}ते"] {
        server
            .post("/output-projects", json!({ "name": name }))
            .await
            .expect(201);
    }
}

#[tokio::test]
async fn attach_passes_only_web_links_on() {
    let link = |address: &str| format!("\\033]8;;{address}\\007link\\033]8;;\\007 ");
    let text: String = [
        "file:///etc/passwd",
        "javascript:alert(1)",
        "x-evil:run",
        "vscode://file/etc/passwd",
        "ssh://-oProxyCommand=x/",
        "data:text/html,x",
        "no-scheme",
        "HTTPS://fine.example/",
        "mailto:a@fine.example",
    ]
    .map(link)
    .concat();
    let server = Server::start(Agent::script(&format!("printf '{text}all'; exec cat"))).await;
    server.project("p").await;
    let attached = Attached::start(&server, &["p"], (120, 20));
    attached.until_shows("all");
    attached.terminal.wait_output(|bytes| {
        let shown = String::from_utf8_lossy(bytes);
        shown.contains("HTTPS://fine.example/") && shown.contains("mailto:a@fine.example")
    });
    let shown = String::from_utf8_lossy(&attached.terminal.output()).into_owned();
    for scheme in [
        "file:",
        "javascript:",
        "x-evil:",
        "vscode:",
        "ssh:",
        "data:",
        "no-scheme",
    ] {
        assert!(!shown.contains(scheme), "{scheme}: {shown}");
    }
    assert_eq!(
        attached.screen().matches("link").count(),
        9,
        "the texts stay"
    );
    attached.keys("\x1d");
    assert_eq!(attached.ended().code, 0);
}
