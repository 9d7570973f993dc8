//! Authentication: token, cookie, Host and Origin, on requests and WebSockets.

use reqwest::{Method, header};

use crate::support::{Agent, Server, Socket};

#[tokio::test]
async fn all_but_health_and_login_needs_the_token() {
    let server = Server::start(Agent::fake("")).await;
    for path in [
        "/api/v1/output-projects",
        "/api/output-projects/",
        "/api/openapi.json",
        "/readyz",
        "/",
        "/nothing",
    ] {
        let detail = server
            .answer(server.request(Method::GET, path))
            .await
            .problem(401);
        assert!(detail.contains("Bearer"), "{path}: {detail}");
        server
            .answer(server.request(Method::GET, path).bearer_auth("wrong"))
            .await
            .problem(401);
    }
    server
        .answer(server.request(Method::GET, "/healthz"))
        .await
        .expect(200);
    server
        .answer(server.request(Method::GET, "/login"))
        .await
        .expect(200);
}

#[tokio::test]
async fn login_with_the_token_sets_a_cookie() {
    let server = Server::start(Agent::fake("")).await;
    let page = server
        .request(Method::GET, "/")
        .header("accept", "text/html")
        .send()
        .await
        .unwrap();
    assert_eq!(
        (page.status().as_u16(), &page.headers()["location"]),
        (303, &"/login".parse().unwrap())
    );
    let form = |token: &str| {
        let form = server
            .request(Method::POST, "/login")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        form.body(format!("token={token}")).send()
    };
    assert_eq!(form("wrong").await.unwrap().status(), 401);
    let answer = form(&server.token).await.unwrap();
    assert_eq!(answer.status(), 303);
    let cookie = answer.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"),
        "{cookie}"
    );
    assert!(
        !cookie.contains(&server.token),
        "the cookie does not hold the token"
    );
    let pair = cookie.split(';').next().unwrap();
    server
        .answer(
            server
                .request(Method::GET, "/api/output-projects")
                .header("cookie", pair),
        )
        .await
        .expect(200);
    let page = server
        .request(Method::GET, "/")
        .header("cookie", pair)
        .send()
        .await
        .unwrap();
    assert!(
        page.headers()["content-security-policy"]
            .to_str()
            .unwrap()
            .contains("default-src 'none'")
    );
    assert!(page.text().await.unwrap().contains("<!doctype html>"));
}

#[tokio::test]
async fn foreign_hosts_and_origins_are_refused() {
    let server =
        Server::start(Agent::fake("").with_config("allowed_hosts = ['box.example']")).await;
    let request = |name: &'static str, value: &str| {
        let request = server
            .request(Method::GET, "/healthz")
            .header(name, value)
            .bearer_auth(&server.token);
        server.answer(request)
    };
    let own = server.base.clone();
    for host in ["evil.example", "127.0.0.1.evil.example"] {
        request("host", host).await.problem(403);
    }
    for origin in ["http://evil.example", "null", "http://127.0.0.1:1"] {
        request("origin", origin).await.problem(403);
    }
    request("host", "box.example").await.expect(200);
    request("host", "localhost").await.expect(200);
    request("origin", &own).await.expect(200);
}

#[tokio::test]
async fn unauthenticated_websockets_are_refused_or_closed() {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let path = format!("/output-projects/{project}/terminal");
    let bearer = format!("Bearer {}", server.token);
    let refused = Socket::open(
        &server,
        &path,
        &[
            ("authorization", &bearer),
            ("origin", "https://evil.example"),
        ],
    )
    .await;
    assert!(
        matches!(refused.err(), Some(tokio_tungstenite::tungstenite::Error::Http(answer)) if answer.status() == 403)
    );

    let program = Socket::open(&server, &path, &[("authorization", "Bearer wrong")]).await;
    assert!(
        matches!(program.err(), Some(tokio_tungstenite::tungstenite::Error::Http(answer)) if answer.status() == 401)
    );
    for protocol in [None, Some(wxcode_protocol::websocket::PROTOCOL)] {
        let mut headers = vec![("origin", server.base.as_str())];
        headers.extend(protocol.map(|protocol| ("sec-websocket-protocol", protocol)));
        let mut browser = Socket::open(&server, &path, &headers).await.unwrap();
        assert_eq!(browser.close_code().await, 4401);
    }
    assert!(
        server.session(&project).await["session_id"].is_null(),
        "a stranger starts nothing"
    );
}
