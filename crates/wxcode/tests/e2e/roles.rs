//! Tokens, logins and share links: their rights, their ends, and the audit.

use reqwest::{Method, header};
use serde_json::{Value, json};

use crate::support::{Agent, Server, Socket, eventually};

/// A token's text and id.
async fn token(server: &Server, new: Value) -> (String, String) {
    let created = server.post("/tokens", new).await.expect(201);
    let text = |field: &str| created[field].as_str().unwrap().to_owned();
    (text("token"), text("id"))
}

async fn status(server: &Server, method: Method, path: &str, token: &str) -> u16 {
    let request = server.request(method, &format!("/api/v1{path}"));
    server
        .answer(request.bearer_auth(token))
        .await
        .status
        .into()
}

fn cookie(answer: &reqwest::Response) -> String {
    let cookie = answer.headers()["set-cookie"].to_str().unwrap();
    cookie.split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_token_is_shown_once_and_works_until_removed() {
    let server = Server::start(Agent::fake("")).await;
    let new = json!({ "name": "ci", "role": "admin", "expires_in_s": 3600 });
    let (text, id) = token(&server, new.clone()).await;
    assert!(text.starts_with(&format!("wxc_{id}_")), "{text}");
    server.post("/tokens", new).await.problem(409);
    assert_eq!(status(&server, Method::GET, "/tokens", &text).await, 200);
    let listed = server.get("/tokens").await.expect(200);
    assert!(!listed.to_string().contains(&text));
    let one = &listed["tokens"][0];
    assert_eq!(
        (&one["name"], &one["role"], &one["project_id"]),
        (&json!("ci"), &json!("admin"), &Value::Null)
    );
    assert_eq!(one["created_by"], "the server's token");
    server
        .until("/tokens", "its use is recorded", |listed| {
            listed["tokens"][0]["last_use"]["address"] == "127.0.0.1"
        })
        .await;
    let secret = text.split('_').nth(2).unwrap();
    // On the shared store there is no such file.
    if let Ok(bytes) = std::fs::read(server.data_dir().join("wxcode.db")) {
        let found = bytes.windows(secret.len()).any(|w| w == secret.as_bytes());
        assert!(!found, "the secret is on the disk");
    }
    server.delete(&format!("/tokens/{id}")).await.expect(204);
    assert_eq!(status(&server, Method::GET, "/tokens", &text).await, 401);
    server.delete(&format!("/tokens/{id}")).await.problem(404);
    for bad in [
        json!({ "name": "" }),
        json!({ "name": "a", "role": "king" }),
        json!({ "name": "a", "expires_in_s": 0 }),
        json!({ "name": "a", "secret": "x" }),
    ] {
        server.post("/tokens", bad).await.problem(422);
    }
}

#[tokio::test]
async fn a_role_bounds_each_route() {
    let server = Server::start(Agent::fake("")).await;
    let (one, other) = (server.project("one").await, server.project("two").await);
    let (viewer, _) = token(&server, json!({ "name": "v", "role": "viewer" })).await;
    let (operator, _) = token(&server, json!({ "name": "o", "role": "operator" })).await;
    let of_one = json!({ "name": "one", "role": "operator", "project_id": one });
    let (limited, _) = token(&server, of_one).await;
    let path = |project: &str, rest: &str| format!("/output-projects/{project}{rest}");
    let milestone = server.milestone(&other, "m").await;
    for (method, path, of) in [
        (Method::GET, "/output-projects".to_owned(), [200, 200, 200]),
        (Method::GET, path(&one, "/session"), [200, 200, 200]),
        (Method::GET, path(&other, "/session"), [200, 200, 403]),
        (Method::DELETE, path(&one, "/session"), [403, 204, 204]),
        (Method::DELETE, path(&other, "/session"), [403, 204, 403]),
        (Method::DELETE, path(&one, ""), [403, 403, 403]),
        (
            Method::GET,
            format!("/milestones/{milestone}"),
            [200, 200, 403],
        ),
        (
            Method::POST,
            format!("/milestones/{milestone}/prepare"),
            [403, 200, 403],
        ),
        (Method::GET, "/tokens".to_owned(), [403, 403, 403]),
        (Method::GET, "/audit".to_owned(), [403, 403, 403]),
        (Method::GET, "/logins".to_owned(), [403, 403, 403]),
    ] {
        for (token, expected) in [&viewer, &operator, &limited].into_iter().zip(of) {
            let got = status(&server, method.clone(), &path, token).await;
            assert_eq!(got, expected, "{method} {path}");
        }
    }
    let refused = server
        .request(Method::GET, "/api/v1/tokens")
        .bearer_auth(&viewer);
    let refused = server.answer(refused).await;
    assert_eq!(refused.body["code"], "forbidden");
    let list = server.request(Method::GET, "/api/v1/output-projects");
    let list = server.answer(list.bearer_auth(&limited)).await.expect(200);
    assert_eq!(
        (&list["total"], &list["projects"][0]["id"]),
        (&json!(1), &json!(one))
    );
    // The document names each route: a viewer changes nothing anywhere.
    let document = server.request(Method::GET, "/api/openapi.json");
    let document = server
        .answer(document.bearer_auth(&viewer))
        .await
        .expect(200);
    let mut tried = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        if !path.starts_with("/api/v1") || path.ends_with("/logins") {
            continue;
        }
        for method in ["post", "patch", "delete"] {
            if methods.get(method).is_none() {
                continue;
            }
            let id = match path.contains("/milestones/") {
                true => &milestone,
                false => &one,
            };
            let path = path
                .trim_start_matches("/api/v1")
                .replace("{id}", id)
                .replace("{delivery_id}", &one)
                .replace("{run_id}", &one)
                .replace("{share_id}", &one);
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let got = status(&server, method.clone(), &path, &viewer).await;
            assert_eq!(got, 403, "{method} {path}");
            tried += 1;
        }
    }
    assert!(tried >= 20, "{tried} routes tried");
}

#[tokio::test]
async fn a_caller_reads_its_own_rights() {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let all = server.get("/caller").await.expect(200);
    let expected = json!({ "name": "the server's token", "role": "admin", "project_id": null });
    assert_eq!(all, expected);
    let new = json!({ "name": "one", "role": "viewer", "project_id": project });
    let (limited, _) = token(&server, new).await;
    let request = server.request(Method::GET, "/api/v1/caller");
    let one = server.answer(request.bearer_auth(limited)).await;
    let expected = json!({ "name": "one", "role": "viewer", "project_id": project });
    assert_eq!(one.expect(200), expected);
}

#[tokio::test]
async fn a_viewer_only_watches_a_terminal() {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let (viewer, id) = token(&server, json!({ "name": "v", "role": "viewer" })).await;
    let path = format!("/output-projects/{project}/terminal");
    let bearer = format!("Bearer {viewer}");
    let early = Socket::open(&server, &path, &[("authorization", &bearer)]).await;
    assert_eq!(early.unwrap().close_code().await, 4403);
    assert!(server.session(&project).await["session_id"].is_null());
    let mut driver = server.socket(&path).await;
    driver.until("fake mode on").await;
    let watching = Socket::open(&server, &path, &[("authorization", &bearer)]).await;
    let mut watching = watching.unwrap();
    watching.until("fake mode on").await;
    watching.input("x").await;
    let refused = watching.message("error").await;
    assert_eq!(refused["code"], "READ_ONLY");
    let elsewhere = server.project("q").await;
    let new = json!({ "name": "one", "role": "operator", "project_id": project });
    let (limited, _) = token(&server, new).await;
    let bearer = format!("Bearer {limited}");
    let other = format!("/output-projects/{elsewhere}/terminal");
    let other = Socket::open(&server, &other, &[("authorization", &bearer)]).await;
    assert_eq!(other.unwrap().close_code().await, 4403);
    // The first keystroke of each driver is in the audit, and no text.
    driver.input("x").await;
    driver.input("y").await;
    let audit = server
        .until("/audit", "the keystroke is in it", |audit| {
            audit.to_string().contains("\"type\"")
        })
        .await;
    let entries = audit["entries"].as_array().unwrap();
    let typed: Vec<_> = entries.iter().filter(|e| e["action"] == "type").collect();
    assert_eq!(typed.len(), 1);
    assert_eq!(typed[0]["actor"], "the server's token");
    assert_eq!(typed[0]["project_id"], json!(project));
    assert!(
        entries
            .iter()
            .any(|e| e["action"] == "attach" && e["outcome"] == "403")
    );
    // The removal of a token ends the token's open streams.
    let mut events = server
        .request(
            Method::GET,
            &format!("/api/v1/output-projects/{project}/events"),
        )
        .bearer_auth(&viewer)
        .send()
        .await
        .unwrap();
    assert_eq!(events.status(), 200);
    server.delete(&format!("/tokens/{id}")).await.expect(204);
    assert_eq!(watching.close_code().await, 4401);
    while events.chunk().await.unwrap().is_some() {}
}

#[tokio::test]
async fn a_login_is_random_and_ends_with_the_logout() {
    let server = Server::start(Agent::fake("")).await;
    let log_in = || {
        let form = server
            .request(Method::POST, "/login?next=/api/openapi.json")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        form.body(format!("token={}", server.token)).send()
    };
    let (one, two) = (log_in().await.unwrap(), log_in().await.unwrap());
    assert_eq!(one.headers()["location"], "/api/openapi.json");
    let (one, two) = (cookie(&one), cookie(&two));
    assert_ne!(one, two);
    let with = async |cookie: &str| {
        let request = server.request(Method::GET, "/api/v1/logins");
        server.answer(request.header("cookie", cookie)).await
    };
    let logins = with(&one).await.expect(200);
    assert_eq!(logins["logins"].as_array().unwrap().len(), 2);
    let out = server
        .request(Method::POST, "/logout")
        .header("cookie", &one);
    assert_eq!(out.send().await.unwrap().status(), 303);
    assert_eq!(with(&one).await.status, 401);
    let logins = with(&two).await.expect(200);
    let left = logins["logins"].as_array().unwrap();
    assert_eq!(left.len(), 1);
    let id = left[0]["id"].as_str().unwrap();
    server.delete(&format!("/logins/{id}")).await.expect(204);
    assert_eq!(with(&two).await.status, 401);
}

#[tokio::test]
async fn a_login_link_counts_once() {
    let server = Server::start(Agent::fake("")).await;
    eventually("the link is printed", || {
        server.log().contains("/login?code=")
    })
    .await;
    let link = server.post("/logins", json!({})).await.expect(201);
    let link = link["url"].as_str().unwrap();
    let open = |method: Method| server.request(method, link).send();
    assert_eq!(open(Method::HEAD).await.unwrap().status(), 200);
    let first = open(Method::GET).await.unwrap();
    assert_eq!(first.status(), 303);
    let request = server.request(Method::GET, "/api/v1/tokens");
    let request = request.header("cookie", cookie(&first));
    server.answer(request).await.expect(200);
    assert_eq!(open(Method::GET).await.unwrap().status(), 401);
}

#[tokio::test]
async fn the_sixth_failed_login_waits() {
    let server = Server::start(Agent::fake("")).await;
    let log_in = |token: &str| {
        let form = server
            .request(Method::POST, "/login")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        form.body(format!("token={token}")).send()
    };
    for _ in 0..5 {
        assert_eq!(log_in("wrong").await.unwrap().status(), 401);
    }
    let sixth = log_in(&server.token).await.unwrap();
    assert_eq!(sixth.status(), 429);
    let wait: u64 = sixth.headers()["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=61).contains(&wait), "{wait}");
    server.get("/output-projects").await.expect(200);
}

#[tokio::test]
async fn a_share_link_shows_one_project() {
    let server = Server::start(Agent::fake("")).await;
    let (one, other) = (server.project("one").await, server.project("two").await);
    let shares = format!("/output-projects/{one}/shares");
    let share = server.post(&shares, json!({ "expires_in_s": 600 })).await;
    let share = share.expect(201);
    let url = share["url"].as_str().unwrap();
    assert!(url.starts_with(&format!("{}/share/", server.base)), "{url}");
    let opened = server.request(Method::GET, url);
    let opened = opened.send().await.unwrap();
    assert_eq!(opened.status(), 303);
    let cookie = cookie(&opened);
    let with = async |method: Method, path: &str| {
        let request = server.request(method, &format!("/api/v1{path}"));
        server
            .answer(request.header("cookie", &cookie))
            .await
            .status
    };
    let session = |project: &str| format!("/output-projects/{project}/session");
    assert_eq!(with(Method::GET, &session(&one)).await, 200);
    assert_eq!(with(Method::POST, &session(&one)).await, 403);
    assert_eq!(with(Method::GET, &session(&other)).await, 403);
    let listed = server.get(&shares).await.expect(200);
    assert_eq!(listed["shares"].as_array().unwrap().len(), 1);
    let id = share["id"].as_str().unwrap();
    let of_other = format!("/output-projects/{other}/shares/{id}");
    server.delete(&of_other).await.problem(404);
    server.delete(&format!("{shares}/{id}")).await.expect(204);
    assert_eq!(with(Method::GET, &session(&one)).await, 401);
}

#[tokio::test]
async fn the_audit_names_who_did_what() {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let (viewer, _) = token(&server, json!({ "name": "eve", "role": "viewer" })).await;
    let delete = format!("/output-projects/{project}");
    assert_eq!(status(&server, Method::DELETE, &delete, &viewer).await, 403);
    let text = json!({ "text": "a secret text" });
    let deliveries = format!("/output-projects/{project}/deliveries");
    server.post(&deliveries, text).await.expect(202);
    let actions = |audit: &Value| -> Vec<(String, String, String)> {
        let entries = audit["entries"].as_array().unwrap().iter();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        entries
            .map(|e| (text(&e["action"]), text(&e["actor"]), text(&e["outcome"])))
            .collect()
    };
    let audit = server
        .until("/audit", "the delivery is in it", |audit| {
            actions(audit).len() == 4
        })
        .await;
    assert!(!audit.to_string().contains("a secret text"));
    let mut all = actions(&audit);
    all.sort();
    let own = "the server's token";
    let expected = [
        ("delivery.queue", own, "ok"),
        ("project.create", own, "ok"),
        ("project.delete", "eve", "403"),
        ("token.create", own, "ok"),
    ];
    let expected = expected.map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned()));
    assert_eq!(all, expected);
    let page = server.get("/audit?limit=3").await.expect(200);
    let next = page["next"].as_str().unwrap();
    let rest = server
        .get(&format!("/audit?before={next}"))
        .await
        .expect(200);
    assert_eq!(
        (rest["entries"].as_array().unwrap().len(), &rest["next"]),
        (1, &Value::Null)
    );
}

#[tokio::test]
async fn an_expired_token_frees_its_name() {
    let server = Server::start(Agent::fake("")).await;
    let new = json!({ "name": "short", "role": "viewer", "expires_in_s": 1 });
    let first = server.post("/tokens", new.clone()).await.expect(201);
    server
        .until("/tokens", "the token has expired", |listed| {
            let mut tokens = listed["tokens"].as_array().unwrap().iter();
            !tokens.any(|token| token["name"] == "short")
        })
        .await;
    let second = server.post("/tokens", new).await.expect(201);
    assert_ne!(first["id"], second["id"]);
}
