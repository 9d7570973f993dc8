//! A running server, as the other commands reach it.

use std::{fs, io::Read, path::Path};

use anyhow::{Context, anyhow};
use serde::Deserialize;
use wxcode_client::{Address, AddressError, CA_FILE_MAX, Client, Page, Project, Server, Trust};

use crate::{
    choose::choose,
    cli::{Common, Usage},
    config, token,
};

/// The server's socket in the data folder.
const SOCKET: &str = "wxcode.sock";

/// `<data-dir>/server.json`.
#[derive(Deserialize)]
struct ServerFile {
    /// The address of the page.
    url: String,
}

/// A server and the right to use it.
pub(crate) struct Remote {
    client: Client,
    page_url: String,
}

impl Remote {
    /// The server that was named, or the one of the data folder.
    pub(crate) fn find(common: &Common) -> anyhow::Result<Self> {
        let Some(url) = &common.server else {
            return Self::of_data_dir(common);
        };
        let base = named(url)?;
        let token = token::given(common)?.ok_or_else(|| {
            Usage(format!(
                "the server {base} needs a token: set WXCODE_TOKEN or give --token-file FILE; \
                 `wxcode token create NAME` makes one where that server runs"
            ))
        })?;
        let page_url = base.as_str().to_owned();
        Ok(Self {
            client: Client::new(Server::new(base, token)?.with_trust(trust(common)?))?,
            page_url,
        })
    }

    /// The server that runs on the data folder, by its socket. A token is not needed, and counts
    /// when it is given.
    pub(crate) fn of_data_dir(common: &Common) -> anyhow::Result<Self> {
        let data_dir = config::data_dir(common)?;
        let ServerFile { url } = local(&data_dir)?;
        let path = data_dir.join(SOCKET);
        let server = match token::given(common)? {
            None => Server::of_socket(&path),
            Some(token) => Address::of_socket(&path)
                .and_then(|address| Server::new(address, token).map_err(std::io::Error::other)),
        };
        let server =
            server.with_context(|| format!("cannot use {}: restart the server", path.display()))?;
        Ok(Self {
            client: Client::new(server)?,
            page_url: url,
        })
    }

    /// The address of the page, for browsers.
    pub(crate) fn page_url(&self) -> &str {
        &self.page_url
    }

    /// Finds the server again for each attempt to reconnect.
    pub(crate) fn finder(common: &Common) -> Box<dyn Fn() -> Option<Server> + Send + '_> {
        Box::new(|| Some(Self::find(common).ok()?.server().clone()))
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Asks for one project: whether the server and its store answer.
    pub(crate) async fn probe(&self) -> anyhow::Result<()> {
        let page = Page { skip: 0, limit: 1 };
        self.client.projects(page).await?;
        Ok(())
    }

    pub(crate) fn server(&self) -> &Server {
        self.client.server()
    }

    /// The project that a text names: see [`choose()`].
    pub(crate) async fn project(&self, text: &str) -> anyhow::Result<Project> {
        choose(self.client.all_projects().await?, text)
    }
}

/// The server that `--server` names, if a token may go there.
fn named(url: &str) -> Result<Address, Usage> {
    let why = match url.parse() {
        Ok(address) => return Ok(address),
        Err(AddressError::OtherMachine { .. }) => {
            "the token does not go over plain http to another machine"
        }
        Err(AddressError::Credentials) => {
            let text = "a URL of a server holds no user or password: give the token by WXCODE_TOKEN or --token-file";
            return Err(Usage(text.to_owned()));
        }
        Err(_) => {
            return Err(Usage(format!(
                "`{url}` is no address of a server: give --server a URL such as http://127.0.0.1:8052"
            )));
        }
    };
    Err(Usage(format!(
        "{why}, and the server is {url}: give an https:// URL, or make a tunnel to it, such as \
         `ssh -L 8052:localhost:8052 HOST`, and give --server http://127.0.0.1:8052"
    )))
}

/// The certificates of an `https` server: by `--fingerprint`, by `--ca-file`, or the system's.
fn trust(common: &Common) -> anyhow::Result<Trust> {
    match (&common.fingerprint, &common.ca_file) {
        (Some(_), Some(_)) => Err(Usage(
            "--fingerprint (WXCODE_FINGERPRINT) and --ca-file (WXCODE_CA_FILE) are both given: \
             give one of them"
                .to_owned(),
        )
        .into()),
        (Some(text), None) => Ok(Trust::fingerprint(text).map_err(|e| Usage(e.to_string()))?),
        (None, Some(path)) => {
            let mut pem = Vec::new();
            let most = CA_FILE_MAX as u64 + 1;
            fs::File::open(path)
                .and_then(|file| file.take(most).read_to_end(&mut pem))
                .with_context(|| format!("cannot read {}: check --ca-file", path.display()))?;
            Trust::authorities(&pem)
                .with_context(|| format!("cannot use {}: check --ca-file", path.display()))
        }
        (None, None) => Ok(Trust::default()),
    }
}

/// The file of the server that has the data folder.
fn local(data_dir: &Path) -> anyhow::Result<ServerFile> {
    let none = || {
        anyhow!(
            "no server runs with the data folder {}: start it with `wxcode serve`, \
             or give --server",
            data_dir.display()
        )
    };
    // A killed server leaves its files; the next one removes them as soon as it has the lock.
    if !wxcode_server::is_locked(data_dir) {
        return Err(none());
    }
    let path = data_dir.join("server.json");
    let text = fs::read_to_string(&path).map_err(|_| none())?;
    if !wxcode_server::is_locked(data_dir) {
        return Err(none());
    }
    serde_json::from_str(&text)
        .with_context(|| format!("{} is not readable: restart the server", path.display()))
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

    #[test]
    fn a_token_goes_to_loopback_only() {
        for (url, base) in [
            ("http://127.0.0.1:8052/", "http://127.0.0.1:8052"),
            ("http://localhost:1", "http://localhost:1"),
            ("http://[::1]:1/wx/", "http://[::1]:1/wx"),
            ("https://box.example/wx", "https://box.example/wx"),
        ] {
            assert_eq!(named(url).unwrap().as_str(), base);
        }
        for (url, word) in [
            ("http://192.0.2.1:8052", "plain http"),
            ("http://localhost.evil.example", "plain http"),
            ("http://127.0.0.1.evil.example", "plain http"),
            ("http://a:b@localhost", "WXCODE_TOKEN"),
            ("http://127.0.0.1@evil.example", "WXCODE_TOKEN"),
            ("localhost:8052", "such as http://"),
            ("", "such as http://"),
        ] {
            let error = named(url).unwrap_err().to_string();
            assert!(error.contains(word), "{url}: {error}");
        }
    }
}
