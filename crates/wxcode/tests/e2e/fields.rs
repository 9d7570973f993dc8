//! Unknown fields and parameters of requests: refused by name.

use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::support::{Agent, Server};

/// A field unknown to every body, and a parameter unknown to every query.
const UNKNOWN: &str = "unexpected_field";
/// An id of no record.
const ID: &str = "000000000000000000000000";

async fn document(server: &Server) -> Value {
    let request = server
        .request(Method::GET, "/api/openapi.json")
        .bearer_auth(&server.token);
    server.answer(request).await.expect(200)
}

/// The schema itself: references followed, and `null` left out of a choice.
fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    if let Some(reference) = schema["$ref"].as_str() {
        let pointer = reference.trim_start_matches('#');
        return resolved(document, document.pointer(pointer).unwrap());
    }
    let choices = schema["oneOf"].as_array().or(schema["anyOf"].as_array());
    match choices.and_then(|choices| choices.iter().find(|one| one["type"] != "null")) {
        Some(one) => resolved(document, one),
        None => schema,
    }
}

/// Values of the schema with the unknown field: a value for each object in the schema.
fn with_unknown(document: &Value, schema: &Value) -> Vec<Value> {
    let schema = resolved(document, schema);
    if schema["items"].is_object() {
        let items = with_unknown(document, &schema["items"]);
        return items.into_iter().map(|item| json!([item])).collect();
    }
    let Some(properties) = schema["properties"].as_object() else {
        return Vec::new();
    };
    let mut values = vec![json!({ UNKNOWN: 1 })];
    for (name, property) in properties {
        for value in with_unknown(document, property) {
            values.push(Value::Object(Map::from_iter([(name.clone(), value)])));
        }
    }
    values
}

#[tokio::test]
async fn every_body_refuses_unknown_fields() {
    let server = Server::start(Agent::fake("")).await;
    let document = document(&server).await;
    let (mut bodies, mut nested, mut without) = (0, 0, 0);
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in ["post", "put", "patch"] {
            let operation = &item[method];
            if !operation.is_object() || !path.starts_with("/api/") {
                continue;
            }
            let content = &operation["requestBody"]["content"];
            let values = match &content["application/json"]["schema"] {
                Value::Null if content.is_object() => continue,
                Value::Null => {
                    without += 1;
                    vec![json!({ UNKNOWN: 1 })]
                }
                schema => with_unknown(&document, schema),
            };
            assert!(!values.is_empty(), "{method} {path} has no object");
            bodies += 1;
            nested += values.len() - 1;
            let mut address = path.clone();
            while let Some((head, tail)) = address.split_once('{') {
                let (_, rest) = tail.split_once('}').unwrap();
                address = format!("{head}{ID}{rest}");
            }
            for value in values {
                let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
                let request = server
                    .request(method.clone(), &address)
                    .bearer_auth(&server.token)
                    .json(&value);
                let detail = server.answer(request).await.problem(422);
                assert!(
                    detail.contains(UNKNOWN) && detail.contains("openapi.json"),
                    "{method} {path} {value}: {detail}"
                );
            }
        }
    }
    assert!(bodies >= 9, "the document describes {bodies} bodies");
    assert!(nested >= 1, "an answer holds objects");
    assert!(without >= 2, "two routes take no body");
}

#[tokio::test]
async fn queries_refuse_unknown_parameters() {
    let server = Server::start(Agent::fake("")).await;
    let document = document(&server).await;
    let mut queries = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in ["get", "post", "delete"] {
            let parameters = item[method]["parameters"].as_array();
            let query = parameters
                .into_iter()
                .flatten()
                .find(|parameter| parameter["in"] == "query");
            // A terminal answers on its socket.
            if query.is_none() || path.ends_with("/terminal") {
                continue;
            }
            queries += 1;
            let address = path
                .replace("{id}", ID)
                .replace("{delivery_id}", ID)
                .replace("{run_id}", ID);
            let request = server
                .request(
                    Method::from_bytes(method.to_uppercase().as_bytes()).unwrap(),
                    &format!("{address}?{UNKNOWN}=1"),
                )
                .bearer_auth(&server.token);
            let detail = server.answer(request).await.problem(422);
            assert!(detail.contains(UNKNOWN), "{method} {path}: {detail}");
        }
    }
    assert!(queries >= 6, "the document describes {queries} queries");
}

#[tokio::test]
async fn refusals_name_what_was_given() {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let base = format!("/output-projects/{project}");
    for (path, status, given) in [
        (format!("{base}/screen?format=html"), 422, "\"html\""),
        ("/output-projects?limit=many".to_owned(), 422, "limit=many"),
        (
            "/milestones?output_project_id=x7".to_owned(),
            400,
            "output_project_id is \"x7\"",
        ),
        ("/output-projects/x7".to_owned(), 400, "id is \"x7\""),
    ] {
        let detail = server.get(&path).await.problem(status);
        assert!(detail.contains(given), "{path}: {detail}");
    }
    for (path, body, given) in [
        ("/output-projects", json!({ "name": 7 }), "integer `7`"),
        (
            "/output-projects",
            json!({ "name": "p", "kb_id": "a\tb" }),
            r#"kb_id is "a\tb""#,
        ),
        ("/milestones", json!({}), "missing field"),
    ] {
        let detail = server.post(path, body).await.problem(422);
        assert!(detail.contains(given), "{path}: {detail}");
    }
    let request = server
        .request(Method::GET, "/api/v1/output-projects")
        .bearer_auth(&server.token)
        .header("host", "elsewhere.example");
    let detail = server.answer(request).await.problem(403);
    assert!(
        detail.contains("elsewhere.example") && detail.contains("allowed_hosts"),
        "{detail}"
    );
}

#[tokio::test]
async fn an_array_is_no_object() {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let shares = format!("/output-projects/{project}/shares");
    let deliveries = format!("/output-projects/{project}/deliveries");
    let settings = json!({ "name": "q", "settings": [null, null, null, null, null, null, null] });
    for (path, body) in [
        ("/tokens", json!(["ci", "admin", null, null])),
        (&shares, json!([60])),
        (&deliveries, json!(["hello", null, null, false])),
        ("/output-projects", settings.clone()),
    ] {
        let detail = server.post(path, body).await.problem(422);
        assert!(
            detail.contains("array") || detail.contains("sequence"),
            "{path}: {detail}"
        );
    }
    let path = format!("/output-projects/{project}");
    server.patch(&path, settings).await.problem(422);
    // A whole number has several forms, and `null` is no body.
    let whole = json!({ "name": "ci", "expires_in_s": 60.0 });
    server.post("/tokens", whole).await.expect(201);
    let part = json!({ "name": "other", "expires_in_s": 0.5 });
    server.post("/tokens", part).await.problem(422);
    let session = format!("/output-projects/{project}/session");
    server.post(&session, Value::Null).await.expect(201);
    let far = format!("/output-projects?skip={}", u64::MAX);
    server.get(&far).await.problem(422);
}

#[tokio::test]
async fn every_problem_has_a_code() {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let milestone = server.milestone(&project, "one").await;
    let nowhere = "0123456789abcdef01234567";
    let cases = [
        (
            Method::GET,
            "/output-projects/zz".to_owned(),
            None,
            400,
            "bad_request",
        ),
        (
            Method::GET,
            format!("/output-projects/{nowhere}"),
            None,
            404,
            "not_found",
        ),
        (
            Method::GET,
            "/no/such/route".to_owned(),
            None,
            404,
            "not_found",
        ),
        (
            Method::PUT,
            "/output-projects".to_owned(),
            None,
            405,
            "method_not_allowed",
        ),
        (
            Method::POST,
            "/output-projects".to_owned(),
            Some(json!({ "nme": "x" })),
            422,
            "invalid",
        ),
        (
            Method::PATCH,
            format!("/milestones/{milestone}"),
            Some(json!({ "status": "completed" })),
            409,
            "conflict",
        ),
        (
            Method::POST,
            format!("/output-projects/{project}/answer"),
            Some(json!({ "option": "Yes" })),
            409,
            "conflict",
        ),
    ];
    for (method, path, body, status, code) in cases {
        let request = server
            .request(method, &format!("/api/v1{path}"))
            .bearer_auth(&server.token);
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        let problem = server.answer(request).await;
        assert_eq!(
            (problem.status.as_u16(), &problem.body["code"]),
            (status, &json!(code)),
            "{path}: {}",
            problem.body
        );
    }
    let without_token = server.request(Method::GET, "/api/v1/output-projects");
    let refused = server.answer(without_token).await;
    assert_eq!(refused.body["code"], "unauthorized");
    let foreign = server.request(Method::GET, "/api/v1/output-projects");
    let foreign = foreign.header("origin", "http://evil.example");
    let foreign = server.answer(foreign.bearer_auth(&server.token));
    let foreign = foreign.await;
    assert_eq!(foreign.body["code"], "origin_refused");
    let detail = foreign.body["detail"].as_str().unwrap();
    assert!(detail.contains("trusted_proxies"), "{detail}");
}
