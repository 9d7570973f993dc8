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
/// Projects that are shown when a text names several.
const SHOWN_MAX: usize = 10;

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

    /// The project that a text names: see [`choose`].
    pub(crate) async fn project(&self, text: &str) -> anyhow::Result<Project> {
        choose(self.projects().await?, text)
    }

    /// Where the server is, without a slash at the end.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// The API token.
    pub(crate) fn token(&self) -> &str {
        &self.token
    }
}

/// The project with this id or name; failing that the only one whose id or name begins so.
fn choose(mut all: Vec<Project>, text: &str) -> anyhow::Result<Project> {
    let is = |project: &Project| project.id == text || project.name == text;
    let begins = |project: &Project| {
        !text.is_empty() && (project.id.starts_with(text) || project.name.starts_with(text))
    };
    if all.iter().any(is) {
        all.retain(is);
    } else {
        all.retain(begins);
    }
    if all.len() > 1 {
        let shown = all.iter().take(SHOWN_MAX);
        let some: Vec<String> = shown
            .map(|project| format!("{} ({})", project.id, project.name))
            .collect();
        let more = if all.len() > SHOWN_MAX { ", …" } else { "" };
        bail!(
            "`{text}` names {} projects: name one by its id: {}{more}",
            all.len(),
            some.join(", ")
        );
    }
    all.pop()
        .with_context(|| format!("there is no project `{text}`: `wxcode ls` lists them"))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> anyhow::Result<String> {
        let all = [
            ("aa11", "shop"),
            ("aa22", "shop-two"),
            ("bb33", "site"),
            ("cc44", "aa11"),
            ("dd55", "twin"),
            ("ee66", "twin"),
        ];
        let project = |(id, name): (&str, &str)| Project {
            id: id.to_owned(),
            name: name.to_owned(),
        };
        Ok(choose(all.map(project).into(), text)?.id)
    }

    #[test]
    fn an_exact_name_or_id_goes_before_a_beginning() {
        assert_eq!(id("shop").unwrap(), "aa11");
        assert_eq!(id("bb33").unwrap(), "bb33");
        assert_eq!(id("shop-").unwrap(), "aa22");
        assert_eq!(id("si").unwrap(), "bb33");
        assert_eq!(id("aa2").unwrap(), "aa22");
    }

    #[test]
    fn what_names_several_or_none_is_refused_with_what_to_do() {
        for (text, several) in [("twin", "ee66"), ("aa11", "cc44"), ("s", "bb33 (site)")] {
            let error = id(text).unwrap_err().to_string();
            assert!(error.contains(several), "{error}");
        }
        for none in ["x", "", "hop"] {
            let error = id(none).unwrap_err().to_string();
            assert!(error.contains("wxcode ls"), "{error}");
        }
    }
}
