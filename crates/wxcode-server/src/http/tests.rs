use axum::{
    body::{Body, to_bytes},
    routing::post,
};
use tower::ServiceExt;

use super::*;

async fn fails() -> &'static str {
    panic!("a defect")
}

#[tokio::test]
async fn panics_become_problems_and_serving_continues() {
    let folder = tempfile::tempdir().unwrap();
    let callers = crate::access::Callers::for_tests(folder.path());
    let front = Front::new(&crate::settings::Web::default());
    let access = Access::new(([127, 0, 0, 1], 80).into(), &[], front, callers);
    let router = Router::new()
        .route("/fails", get(fails).post(fails))
        .route("/goes", post(async || "well"));
    let router = with_layers(router, access, Metrics::default());
    for (method, path, status) in [
        ("GET", "/fails", 500),
        ("POST", "/fails", 500),
        ("POST", "/goes", 200),
    ] {
        let request = Request::builder().method(method).uri(path);
        let request = request
            .header(header::HOST, "127.0.0.1:80")
            .body(Body::empty())
            .unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), status, "{method} {path}");
        if status == 500 {
            let body = to_bytes(response.into_body(), BODY_MAX).await.unwrap();
            let problem: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert!(problem["detail"].as_str().unwrap().contains("log"));
        }
    }
}
