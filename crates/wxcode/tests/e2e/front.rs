//! The front of the server: the base path, and a proxy's headers.

use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};

use crate::support::{Agent, Server, Socket};

fn cookie(answer: &reqwest::Response) -> String {
    answer.headers()["set-cookie"].to_str().unwrap().to_owned()
}

async fn log_in(server: &Server, path: &str, headers: &[(&str, &str)]) -> reqwest::Response {
    let mut form = server
        .request(Method::POST, path)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(format!("token={}", server.token));
    for (name, value) in headers {
        form = form.header(*name, *value);
    }
    form.send().await.unwrap()
}

#[tokio::test]
async fn a_base_path_is_in_front_of_everything() {
    let mut server = Server::start_with_flags(Agent::fake(""), &["--base-path", "/wx"]).await;
    let get = async |server: &Server, path: &str| {
        let request = server.request(Method::GET, path);
        request.bearer_auth(&server.token).send().await.unwrap()
    };
    for outside in ["/", "/api/v1/output-projects", "/wxx/", "/login"] {
        let answer = get(&server, outside).await;
        assert_eq!(answer.status(), 404, "{outside}");
        assert!(answer.text().await.unwrap().contains("/wx/"), "{outside}");
    }
    assert_eq!(get(&server, "/healthz").await.status(), 200);
    assert_eq!(get(&server, "/wx/healthz").await.status(), 200);
    let root = get(&server, "/wx?a=b").await;
    assert_eq!(root.status(), StatusCode::PERMANENT_REDIRECT);
    assert_eq!(root.headers()["location"], "/wx/?a=b");
    let page = server
        .request(Method::GET, "/wx/some/page")
        .header("accept", "text/html");
    let page = page.send().await.unwrap();
    assert_eq!(page.headers()["location"], "/wx/login?next=/wx/some/page");
    let login = log_in(&server, "/wx/login?next=/wx/some/page", &[]).await;
    assert_eq!(login.headers()["location"], "/wx/some/page");
    let login = log_in(&server, "/wx/login?next=/elsewhere", &[]).await;
    assert_eq!(login.headers()["location"], "/wx/");
    assert!(cookie(&login).contains("; Path=/wx;"), "{}", cookie(&login));
    let out = server.request(Method::POST, "/wx/logout");
    let out = out.send().await.unwrap();
    assert_eq!(out.headers()["location"], "/wx/login");
    let index = get(&server, "/wx/").await.text().await.unwrap();
    for absolute in ["src=\"/", "href=\"/"] {
        assert!(!index.contains(absolute), "{index}");
    }

    server.base.push_str("/wx");
    let project = server.project("p").await;
    let shares = format!("/output-projects/{project}/shares");
    let share = server.post(&shares, json!({})).await.expect(201);
    let share = share["url"].as_str().unwrap();
    assert!(
        share.starts_with(&format!("{}/share/", server.base)),
        "{share}"
    );
    let opened = server.request(Method::GET, share);
    let opened = opened.send().await.unwrap();
    assert_eq!(
        opened.headers()["location"],
        format!("/wx/#/projects/{project}")
    );
    let mut terminal = server
        .socket(&format!("/output-projects/{project}/terminal"))
        .await;
    terminal.until("fake mode on").await;
    let events = server
        .request(
            Method::GET,
            &format!("/api/v1/output-projects/{project}/events"),
        )
        .bearer_auth(&server.token);
    assert_eq!(events.send().await.unwrap().status(), 200);
    let link = server.command(&["login"]).output().await.unwrap();
    let link = String::from_utf8(link.stdout).unwrap();
    assert!(link.contains("/wx/login?code="), "{link}");
}

/// The address of the last use of a token that is used with these headers.
async fn address_of(server: &Server, headers: &[(&str, &str)]) -> Value {
    let new = json!({ "name": format!("t{}", headers.len()), "role": "admin" });
    let made = server.post("/tokens", new).await.expect(201);
    let mut request = server
        .request(Method::GET, "/api/v1/output-projects")
        .bearer_auth(made["token"].as_str().unwrap());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    server.answer(request).await.expect(200);
    let listed = server
        .until("/tokens", "the use is noted", |listed| {
            let tokens = listed["tokens"].as_array().unwrap();
            let own = tokens.iter().find(|token| token["id"] == made["id"]);
            !own.unwrap()["last_use"].is_null()
        })
        .await;
    let id = made["id"].as_str().unwrap();
    server.delete(&format!("/tokens/{id}")).await.expect(204);
    let tokens = listed["tokens"].as_array().unwrap();
    let own = tokens.iter().find(|token| token["id"] == made["id"]);
    own.unwrap()["last_use"]["address"].clone()
}

#[tokio::test]
async fn a_trusted_proxy_names_the_client() {
    let flags = ["--behind-proxy", "--public-url", "https://box.example"];
    let server = Server::start_with_flags(Agent::fake(""), &flags).await;
    let of = [("x-forwarded-for", "1.2.3.4, 192.0.2.7")];
    assert_eq!(address_of(&server, &of).await, "192.0.2.7");
    let host = ("x-forwarded-host", "box.example");
    let login = log_in(&server, "/login", &[host, ("x-forwarded-proto", "https")]).await;
    assert!(cookie(&login).starts_with("__Host-wxcode_"));
    assert!(cookie(&login).contains("; Secure"));
    let login = log_in(&server, "/login", &[host, ("x-forwarded-proto", "http")]).await;
    assert!(!cookie(&login).contains("Secure"), "{}", cookie(&login));
    let foreign = [("x-forwarded-host", "evil.example")];
    let refused = log_in(&server, "/login", &foreign).await;
    assert_eq!(refused.status(), 403);
    let text = refused.text().await.unwrap();
    assert!(
        text.contains("evil.example") && text.contains("allowed_hosts"),
        "{text}"
    );
    let link = server.post("/logins", json!({})).await.expect(201);
    let link = link["url"].as_str().unwrap();
    assert!(
        link.starts_with("https://box.example/login?code="),
        "{link}"
    );
    // Each client of the proxy has failed logins of its own.
    for _ in 0..5 {
        let form = server.request(Method::POST, "/login").body("token=wrong");
        let form = form.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let answer = form.header("x-forwarded-for", "192.0.2.8").send().await;
        assert_eq!(answer.unwrap().status(), 401);
    }
    let same = log_in(&server, "/login", &[("x-forwarded-for", "192.0.2.8")]).await;
    assert_eq!(same.status(), 429);
    let other = log_in(&server, "/login", &[("x-forwarded-for", "192.0.2.9")]).await;
    assert_eq!(other.status(), 303);
}

#[tokio::test]
async fn forwarding_headers_of_others_count_for_nothing() {
    let server = Server::start(Agent::fake("")).await;
    let of = [
        ("x-forwarded-for", "192.0.2.7"),
        ("x-forwarded-host", "evil.example"),
    ];
    assert_eq!(address_of(&server, &of).await, "127.0.0.1");
    let login = log_in(&server, "/login", &[("x-forwarded-proto", "https")]).await;
    assert!(!cookie(&login).contains("Secure"));
    let flags = [
        "--behind-proxy",
        "--trusted-proxies",
        "192.0.2.1,10.0.0.0/8",
    ];
    let server = Server::start_with_flags(Agent::fake(""), &flags).await;
    let answer = server.get("/output-projects").await;
    assert_eq!(answer.body["code"], "not_the_proxy");
    assert!(answer.problem(403).contains("trusted_proxies"));
}

#[tokio::test]
async fn the_proxy_names_a_user_with_a_role() {
    let agent = Agent::fake("").with_config(
        "behind_proxy = true\n[proxy]\nuser_header = 'X-Remote-User'\n[proxy.users]\nada = 'admin'\nolga = 'operator'\n",
    );
    let server = Server::start(agent).await;
    let project = server.project("p").await;
    let session = format!("/api/v1/output-projects/{project}/session");
    let with = async |method: Method, path: &str, user: &str| {
        let request = server.request(method, path).header("x-remote-user", user);
        server.answer(request.json(&json!({}))).await
    };
    for (user, of) in [
        ("ada", [200, 201, 200]),
        ("olga", [200, 200, 403]),
        ("eve", [200, 403, 403]),
    ] {
        let paths = [
            (Method::GET, session.as_str()),
            (Method::POST, session.as_str()),
            (Method::GET, "/api/v1/tokens"),
        ];
        for ((method, path), status) in paths.into_iter().zip(of) {
            let answer = with(method, path, user).await;
            assert_eq!(answer.status, status, "{user} {path}");
        }
    }
    // A login would outlast the proxy's word.
    let link = with(Method::POST, "/api/v1/logins", "ada").await;
    assert!(link.problem(403).contains("proxy"));
    let empty = with(Method::GET, &session, "").await;
    assert_eq!(empty.status, 403);
    let none = server.request(Method::GET, &session).send().await.unwrap();
    assert_eq!(none.status(), 401);
    let audit = server
        .until("/audit", "the start is in it", |audit| {
            audit.to_string().contains("session.start")
        })
        .await;
    let entries = audit["entries"].as_array().unwrap();
    assert!(entries.iter().any(|entry| entry["actor"] == "ada"));
    let path = format!("/output-projects/{project}/terminal");
    let mut socket = Socket::open(&server, &path, &[("x-remote-user", "eve")])
        .await
        .unwrap();
    socket.until("fake mode on").await;
}
