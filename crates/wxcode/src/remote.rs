//! A running server, as the other commands reach it.

use std::{fs, path::Path, time::Duration};

use anyhow::{Context, anyhow, bail};
use reqwest::{Client, Method, RequestBuilder};
use serde::{Deserialize, de::DeserializeOwned};

use crate::{cli::Common, config, token};

/// How long a request may take; starting an agent is the longest.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Projects that are asked for at once.
const PAGE: u64 = 500;

/// `<data-dir>/server.json`.
#[derive(Deserialize)]
struct ServerFile {
    address: String,
}

/// A server and the right to use it.
pub(crate) struct Remote {
    client: Client,
    base: String,
    token: String,
}

/// What the list shows of a project.
#[derive(Debug, Deserialize)]
pub(crate) struct Project {
    pub(crate) id: String,
    pub(crate) name: String,
}

#[derive(Deserialize)]
struct ProjectList {
    projects: Vec<Project>,
    total: u64,
}

impl Remote {
    /// The server that was named, or the one of the data folder.
    pub(crate) fn find(common: &Common) -> anyhow::Result<Self> {
        let data_dir = config::data_dir(common)?;
        let base = match &common.server {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => local(&data_dir)?,
        };
        let token = match &common.token {
            Some(token) => token.clone(),
            None => token::load(common, &data_dir)?,
        };
        let client = Client::builder()
            .timeout(TIMEOUT)
            .no_proxy()
            .build()
            .context("cannot make an HTTP client")?;
        Ok(Self {
            client,
            base,
            token,
        })
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, format!("{}/api/v1{path}", self.base))
            .bearer_auth(&self.token)
    }

    async fn answer<T: DeserializeOwned>(&self, request: RequestBuilder) -> anyhow::Result<T> {
        let response = request.send().await.with_context(|| {
            format!(
                "the server at {} does not answer: start it with `wxcode serve`",
                self.base
            )
        })?;
        let status = response.status();
        let body = response
            .bytes()
            .await
            .context("the server broke off its answer: try again")?;
        if status.is_success() {
            return serde_json::from_slice(&body)
                .context("the server's answer is not understood: is it another version?");
        }
        #[derive(Deserialize)]
        struct Problem {
            detail: String,
        }
        let detail = serde_json::from_slice(&body)
            .map_or_else(|_| status.to_string(), |Problem { detail }| detail);
        Err(anyhow!(detail))
    }

    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        self.answer(self.request(Method::GET, path)).await
    }

    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &serde_json::Value,
    ) -> anyhow::Result<T> {
        self.answer(self.request(Method::POST, path).json(body))
            .await
    }

    /// All projects.
    pub(crate) async fn projects(&self) -> anyhow::Result<Vec<Project>> {
        let mut all: Vec<Project> = Vec::new();
        loop {
            let page: ProjectList = self
                .get(&format!("/output-projects?skip={}&limit={PAGE}", all.len()))
                .await?;
            let none = page.projects.is_empty();
            all.extend(page.projects);
            if none || all.len() as u64 >= page.total {
                return Ok(all);
            }
        }
    }

    /// The project with this id, or else the only one with this name.
    pub(crate) async fn project(&self, text: &str) -> anyhow::Result<Project> {
        let all = self.projects().await?;
        let mut found: Vec<Project> = all
            .into_iter()
            .filter(|project| project.id == text || project.name == text)
            .collect();
        if found.len() > 1 {
            let ids: Vec<&str> = found.iter().map(|project| project.id.as_str()).collect();
            bail!(
                "{} projects are called `{text}`: name one by its id: {}",
                ids.len(),
                ids.join(", ")
            );
        }
        found
            .pop()
            .with_context(|| format!("there is no project `{text}`: `wxcode ls` lists them"))
    }
}

fn local(data_dir: &Path) -> anyhow::Result<String> {
    let path = data_dir.join("server.json");
    let text = fs::read_to_string(&path).map_err(|_| {
        anyhow!("no server runs with the data folder {}: start it with `wxcode serve`, or give --server", data_dir.display())
    })?;
    let file: ServerFile = serde_json::from_str(&text)
        .with_context(|| format!("{} is not readable: restart the server", path.display()))?;
    Ok(file.address)
}

/// Runs a command that talks to a server.
pub(crate) fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?
        .block_on(work)
}
