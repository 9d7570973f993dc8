//! The API of a server: requests, answers, and waiting for a state.

use std::path::{Path, PathBuf};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use wxcode_client::Server as Remote;

use super::{ANSWER_TIMEOUT, LOOK, PATIENCE, Server};

/// A status and a body.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) content_type: String,
    pub(crate) body: Value,
}

impl Answer {
    /// The body, after a check of the status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        self.body
    }

    /// The detail of a problem, after a check of the status and the type.
    #[track_caller]
    pub(crate) fn problem(self, status: u16) -> String {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        assert_eq!(self.content_type, "application/problem+json");
        assert_eq!(self.body["status"], status);
        let detail = self.body["detail"].as_str().unwrap_or_default();
        assert!(
            !detail.is_empty(),
            "a problem says what to do: {}",
            self.body
        );
        detail.to_owned()
    }
}

impl Server {
    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let url = match path.starts_with('/') {
            true => format!("{}{path}", self.base),
            false => path.to_owned(),
        };
        self.client.request(method, url)
    }

    pub(crate) async fn answer(&self, request: reqwest::RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        let status = response.status();
        let content_type = response
            .headers()
            .get("content-type")
            .map_or("", |value| value.to_str().unwrap())
            .to_owned();
        let bytes = response.bytes().await.unwrap();
        let body = serde_json::from_slice(&bytes)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into_owned()));
        Answer {
            status,
            content_type,
            body,
        }
    }

    /// The address and token, for wxcode-client.
    pub(crate) fn remote(&self) -> Remote {
        Remote::new(self.base.parse().unwrap(), self.token.as_str()).unwrap()
    }

    /// A client of the server at its current address.
    pub(crate) fn rest(&self) -> wxcode_client::Client {
        let rest = self.rest.clone().with_timeout(ANSWER_TIMEOUT);
        rest.with_server(self.remote()).unwrap()
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let response = self.rest().call(method, path, body.as_ref()).await.unwrap();
        let body = serde_json::from_slice(&response.body)
            .unwrap_or_else(|_| String::from_utf8_lossy(&response.body).into());
        Answer {
            status: StatusCode::from_u16(response.status).unwrap(),
            content_type: response.content_type,
            body,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, Some(body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Answer {
        self.call(Method::PATCH, path, Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.call(Method::DELETE, path, None).await
    }

    /// Creates a project in its own folder, which the real Claude Code trusts; returns its id.
    pub(crate) async fn project(&self, name: &str) -> String {
        let project = self
            .post("/output-projects", json!({ "name": name }))
            .await
            .expect(201);
        self.agent
            .trust(Path::new(project["workspace_path"].as_str().unwrap()));
        project["id"].as_str().unwrap().to_owned()
    }

    /// Removes the copy of a project's conversation, for good.
    pub(crate) async fn without_copy(&self, project: &str) {
        let off = serde_json::json!({ "settings": { "mirror": false } });
        let path = format!("/output-projects/{project}");
        self.patch(&path, off).await.expect(200);
    }

    pub(crate) async fn workspace(&self, project: &str) -> PathBuf {
        let project = self
            .get(&format!("/output-projects/{project}"))
            .await
            .expect(200);
        project["workspace_path"].as_str().unwrap().into()
    }

    /// Creates a milestone; returns its id.
    pub(crate) async fn milestone(&self, project: &str, element: &str) -> String {
        let body = json!({ "output_project_id": project, "element_name": element, "context": "# Context\n" });
        let milestone = self.post("/milestones", body).await.expect(201);
        milestone["id"].as_str().unwrap().to_owned()
    }

    /// The project's session.
    pub(crate) async fn session(&self, project: &str) -> Value {
        self.get(&format!("/output-projects/{project}/session"))
            .await
            .expect(200)
    }

    /// Starts the project's session, which must not run yet.
    pub(crate) async fn start_session(&self, project: &str) -> Value {
        let path = format!("/output-projects/{project}/session");
        self.post(&path, json!({})).await.expect(201)
    }

    /// Queues a text for the project's session.
    pub(crate) async fn deliver(&self, project: &str, text: &str) -> Value {
        let path = format!("/output-projects/{project}/deliveries");
        self.post(&path, json!({ "text": text })).await.expect(202)
    }

    /// Starts a run, and waits until it is over.
    pub(crate) async fn run(&self, project: &str, prompt: &str) -> Value {
        let runs = format!("/output-projects/{project}/runs");
        let run = self.post(&runs, json!({ "prompt": prompt })).await;
        let run = run.expect(202);
        self.run_over(&run).await
    }

    /// Waits until a run is over.
    pub(crate) async fn run_over(&self, run: &Value) -> Value {
        let [project, id] = ["output_project_id", "id"].map(|field| run[field].as_str().unwrap());
        let path = format!("/output-projects/{project}/runs/{id}");
        let is_over = |run: &Value| run["state"] != "running";
        self.until(&path, "the run is over", is_over).await
    }

    /// Waits until the session fits.
    pub(crate) async fn session_until(
        &self,
        project: &str,
        what: &str,
        wanted: impl Fn(&Value) -> bool,
    ) -> Value {
        self.until(&format!("/output-projects/{project}/session"), what, wanted)
            .await
    }

    /// Waits until the session's question can be answered.
    pub(crate) async fn options(&self, project: &str) -> Value {
        let session = self.session_until(project, "something is asked", |session| {
            let options = session["asks"]["options"].as_array();
            options.is_some_and(|options| !options.is_empty())
        });
        session.await["asks"].clone()
    }

    /// Waits until a milestone is in progress, and the agent idle again.
    pub(crate) async fn begun(&self, project: &str) -> String {
        let milestone = self.milestone(project, "PAGE_Login").await;
        let path = format!("/milestones/{milestone}");
        let start = self.post(&format!("{path}/start"), json!({})).await;
        start.expect(202);
        self.until(&path, "it began", |seen| seen["status"] == "in_progress")
            .await;
        self.idle(project).await;
        milestone
    }

    /// Waits until the agent of the session is idle.
    pub(crate) async fn idle(&self, project: &str) -> Value {
        self.session_until(project, "idle", |session| session["agent_state"] == "idle")
            .await
    }

    /// Waits until a resource fits.
    pub(crate) async fn until(
        &self,
        path: &str,
        what: &str,
        wanted: impl Fn(&Value) -> bool,
    ) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = self.get(path).await;
            // The database of a busy machine may answer the next look.
            let seen = match answer.body["code"] == "unavailable" {
                true => answer.body,
                false => answer.expect(200),
            };
            if wanted(&seen) {
                return seen;
            }
            assert!(
                Instant::now() < deadline,
                "not in time: {what}\n{seen:#}\n{}",
                self.log()
            );
            sleep(LOOK).await;
        }
    }

    /// Waits until a delivery is in this state.
    pub(crate) async fn delivery_until(
        &self,
        project: &str,
        delivery: &Value,
        state: &str,
    ) -> Value {
        let path = format!(
            "/output-projects/{project}/deliveries/{}",
            delivery["id"].as_str().unwrap()
        );
        self.until(&path, &format!("the delivery is {state}"), |delivery| {
            delivery["state"] == state
        })
        .await
    }
}
