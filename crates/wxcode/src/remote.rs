//! A running server, as the other commands reach it.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    path::Path,
    time::Duration,
};

use anyhow::{Context, anyhow, bail};
use reqwest::{Client, Method, RequestBuilder, Url, redirect::Policy};
use serde::{Deserialize, de::DeserializeOwned};

use crate::{
    cli::{Common, Usage},
    config, token,
};

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
        let Some(url) = &common.server else {
            return Self::of_data_dir(common);
        };
        let base = named(url)?;
        // The data folder's token is another server's.
        let token = token::given(common)?.ok_or_else(|| {
            Usage(format!(
                "the server {base} needs a token: set WXCODE_TOKEN or give --token-file FILE; \
                 `wxcode token` prints it where that server runs"
            ))
        })?;
        Self::new(base, token)
    }

    /// The server that runs on the data folder.
    pub(crate) fn of_data_dir(common: &Common) -> anyhow::Result<Self> {
        let data_dir = config::data_dir(common)?;
        let base = local(&data_dir)?;
        Self::new(base, token::load(common, &data_dir)?)
    }

    fn new(base: String, token: String) -> anyhow::Result<Self> {
        let client = Client::builder()
            .timeout(TIMEOUT)
            .no_proxy()
            // Nothing of the API is elsewhere, and the token is for this URL alone.
            .redirect(Policy::none())
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

/// The base of the server that `--server` names, if a token may go there.
fn named(url: &str) -> Result<String, Usage> {
    let parsed = url.parse::<Url>().ok();
    let parsed = parsed.filter(|url| url.has_host() && matches!(url.scheme(), "http" | "https"));
    let parsed = parsed.ok_or_else(|| {
        Usage(format!(
            "`{url}` is no address of a server: give --server a URL such as http://127.0.0.1:8052"
        ))
    })?;
    if !parsed.username().is_empty() || parsed.password().is_some() {
        let text = "a URL of a server holds no user or password: give the token by WXCODE_TOKEN or --token-file";
        return Err(Usage(text.to_owned()));
    }
    let why = match parsed.scheme() {
        "https" => "wxcode speaks http only",
        _ if is_loopback(&parsed) => return Ok(url.trim_end_matches('/').to_owned()),
        _ => "the token does not go over plain http to another machine",
    };
    Err(Usage(format!(
        "{why}, and the server is {url}: make a tunnel to it, such as \
         `ssh -L 8052:localhost:8052 HOST`, and give --server http://127.0.0.1:8052"
    )))
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let address = bare.parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.to_canonical().is_loopback())
}

/// The base of the server that has the data folder.
fn local(data_dir: &Path) -> anyhow::Result<String> {
    let none = || {
        anyhow!(
            "no server runs with the data folder {}: start it with `wxcode serve`, \
             or give --server",
            data_dir.display()
        )
    };
    // A killed server leaves its file, and anybody may listen on its port by now; the next one removes the file as
    // soon as it has the lock.
    if !wxcode_server::is_locked(data_dir) {
        return Err(none());
    }
    let path = data_dir.join("server.json");
    let text = fs::read_to_string(&path).map_err(|_| none())?;
    if !wxcode_server::is_locked(data_dir) {
        return Err(none());
    }
    let file: ServerFile = serde_json::from_str(&text)
        .with_context(|| format!("{} is not readable: restart the server", path.display()))?;
    let address = file.address.strip_prefix("http://").map(str::parse);
    match address {
        Some(Ok(address)) => Ok(format!("http://{}", reachable(address)?)),
        _ => bail!(
            "{} names no address, but `{}`: restart the server",
            path.display(),
            file.address
        ),
    }
}

/// Where a server that listens on `address` is reached without leaving this machine.
fn reachable(address: SocketAddr) -> anyhow::Result<SocketAddr> {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    // Only an address of this machine can be bound.
    if !ip.is_loopback() && UdpSocket::bind((ip, 0)).is_err() {
        bail!(
            "the server of the data folder listens on {address}, which is no address of this machine, \
             and the token does not go over plain http: use wxcode on that machine"
        );
    }
    Ok(SocketAddr::new(ip, address.port()))
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
    fn a_token_goes_to_loopback_only() {
        for (url, base) in [
            ("http://127.0.0.1:8052/", "http://127.0.0.1:8052"),
            ("http://localhost:1", "http://localhost:1"),
            ("http://[::1]:1/wx/", "http://[::1]:1/wx"),
        ] {
            assert_eq!(named(url).unwrap(), base);
        }
        for (url, word) in [
            ("http://192.0.2.1:8052", "plain http"),
            ("http://localhost.evil.example", "plain http"),
            ("http://127.0.0.1.evil.example", "plain http"),
            ("https://localhost", "make a tunnel"),
            ("http://a:b@localhost", "WXCODE_TOKEN"),
            ("http://127.0.0.1@evil.example", "WXCODE_TOKEN"),
            ("localhost:8052", "such as http://"),
            ("", "such as http://"),
        ] {
            let error = named(url).unwrap_err().to_string();
            assert!(error.contains(word), "{url}: {error}");
        }
    }

    #[test]
    fn an_unspecified_address_is_reached_by_loopback() {
        let of = |text: &str| reachable(text.parse().unwrap()).map(|address| address.to_string());
        assert_eq!(of("0.0.0.0:8052").unwrap(), "127.0.0.1:8052");
        assert_eq!(of("[::]:8052").unwrap(), "[::1]:8052");
        assert!(
            of("192.0.2.1:8052").is_err(),
            "an address for documentation"
        );
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
