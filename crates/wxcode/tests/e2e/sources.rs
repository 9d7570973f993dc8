//! A login ends with the credential that it comes from, and has no wider rights.

use reqwest::{Method, header};
use serde_json::{Value, json};

use crate::support::{Agent, Server, Socket};

fn cookie(answer: &reqwest::Response) -> String {
    let cookie = answer.headers()["set-cookie"].to_str().unwrap();
    cookie.split(';').next().unwrap().to_owned()
}

/// The cookie of the browser that opens a link.
pub(crate) async fn open(server: &Server, link: &Value) -> String {
    let link = link["url"].as_str().unwrap();
    let opened = server.request(Method::GET, link).send().await.unwrap();
    assert_eq!(opened.status(), 303, "{link}");
    cookie(&opened)
}

/// The status of a request with a cookie.
async fn with(server: &Server, cookie: &str, method: Method, path: &str) -> u16 {
    let request = server.request(method, &format!("/api/v1{path}"));
    let answer = server.answer(request.header("cookie", cookie)).await;
    answer.status.into()
}

/// A login link that the owner of this header makes.
pub(crate) async fn link_of(server: &Server, name: &str, value: &str) -> Value {
    let request = server.request(Method::POST, "/api/v1/logins");
    let request = request.header(name, value).json(&json!({}));
    server.answer(request).await.expect(201)
}

/// Waits until a cookie opens nothing more.
async fn ends(server: &Server, cookie: &str, path: &str) {
    let deadline = tokio::time::Instant::now() + crate::support::PATIENCE;
    while with(server, cookie, Method::GET, path).await != 401 {
        assert!(tokio::time::Instant::now() < deadline, "it still counts");
        tokio::time::sleep(crate::support::LOOK).await;
    }
}

#[tokio::test]
async fn a_removed_token_ends_its_logins() {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    server.start_session(&project).await;
    let new = json!({ "name": "t", "role": "operator", "project_id": project });
    let token = server.post("/tokens", new).await.expect(201);
    let text = token["token"].as_str().unwrap();
    let form = server
        .request(Method::POST, "/login")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(format!("token={text}"));
    let by_form = cookie(&form.send().await.unwrap());
    let bearer = format!("Bearer {text}");
    let by_link = open(&server, &link_of(&server, "authorization", &bearer).await).await;
    let by_login = open(&server, &link_of(&server, "cookie", &by_link).await).await;
    let unused = link_of(&server, "cookie", &by_login).await;
    let session = format!("/output-projects/{project}/session");
    for cookie in [&by_form, &by_link, &by_login] {
        assert_eq!(with(&server, cookie, Method::GET, &session).await, 200);
        assert_eq!(with(&server, cookie, Method::GET, "/tokens").await, 403);
    }
    let logins = server.get("/logins").await.expect(200);
    let logins = logins["logins"].as_array().unwrap();
    assert_eq!(logins.len(), 3);
    for login in logins {
        assert_eq!(login["role"], "operator");
        assert_eq!(login["project_id"], json!(project));
    }
    assert_eq!(logins[1]["source_id"], token["id"]);
    assert_eq!(logins[2]["source_id"], logins[1]["id"]);
    let path = format!("/output-projects/{project}/terminal");
    let mut socket = Socket::open(&server, &path, &[("cookie", &by_login)])
        .await
        .unwrap();
    socket.until("fake mode on").await;

    let id = token["id"].as_str().unwrap();
    server.delete(&format!("/tokens/{id}")).await.expect(204);
    for cookie in [&by_form, &by_link, &by_login] {
        assert_eq!(with(&server, cookie, Method::GET, &session).await, 401);
    }
    assert_eq!(socket.close_code().await, 4401);
    let logins = server.get("/logins").await.expect(200);
    assert_eq!(logins["logins"], json!([]));
    let unused = unused["url"].as_str().unwrap();
    let opened = server.request(Method::GET, unused).send().await.unwrap();
    assert_eq!(opened.status(), 401);
    assert!(opened.headers().get("set-cookie").is_none());
}

#[tokio::test]
async fn an_expired_share_ends_its_viewers_logins() {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let session = format!("/output-projects/{project}/session");
    let shares = format!("/output-projects/{project}/shares");
    let share = server.post(&shares, json!({ "expires_in_s": 30 })).await;
    let viewer = open(&server, &share.expect(201)).await;
    let login = open(&server, &link_of(&server, "cookie", &viewer).await).await;
    assert_eq!(with(&server, &login, Method::GET, &session).await, 200);
    assert_eq!(with(&server, &login, Method::POST, &session).await, 403);
    ends(&server, &login, &session).await;
    assert_eq!(with(&server, &viewer, Method::GET, &session).await, 401);
}

#[tokio::test]
async fn another_server_token_ends_its_logins() {
    let mut agent = Agent::fake("");
    let variable = |token: &str| ("WXCODE_TOKEN".into(), token.into());
    agent.env.push(variable("the-first-token-of-the-server"));
    let mut server = Server::start(agent).await;
    let link = server.post("/logins", json!({})).await.expect(201);
    let by_token = open(&server, &link).await;
    let path = "/output-projects";
    assert_eq!(with(&server, &by_token, Method::GET, path).await, 200);
    server.terminate().await;
    server.up().await;
    assert_eq!(with(&server, &by_token, Method::GET, path).await, 200);
    server.terminate().await;
    *server.agent.env.last_mut().unwrap() = variable("the-second-token-of-the-server");
    server.up().await;
    assert_eq!(with(&server, &by_token, Method::GET, path).await, 401);
}

#[tokio::test]
async fn a_line_of_logins_has_an_end() {
    let server = Server::start(Agent::fake("")).await;
    let link = server.post("/logins", json!({})).await.expect(201);
    let mut cookie = open(&server, &link).await;
    for number in 1.. {
        let request = server.request(Method::POST, "/api/v1/logins");
        let request = request.header("cookie", &cookie).json(&json!({}));
        let answer = server.answer(request).await;
        if answer.status != 201 {
            assert_eq!(answer.expect(409)["code"], "too_many_sources");
            assert!(number >= 5, "{number}");
            break;
        }
        cookie = open(&server, &answer.expect(201)).await;
        let found = with(&server, &cookie, Method::GET, "/output-projects").await;
        assert_eq!(found, 200, "login {number}");
    }
}
