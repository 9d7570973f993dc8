//! A running server, as the other commands reach it.

use std::{fs, net::SocketAddr, path::Path};

use anyhow::{Context, anyhow, bail};
use serde::Deserialize;
use wxcode_client::{Address, AddressError, Client, Page, Project, Server};

use crate::{
    choose::choose,
    cli::{Common, Usage},
    config, token,
};

/// `<data-dir>/server.json`.
#[derive(Deserialize)]
struct ServerFile {
    address: String,
}

/// A server and the right to use it.
pub(crate) struct Remote(Client);

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

    fn new(address: Address, token: String) -> anyhow::Result<Self> {
        Ok(Self(Client::new(Server::new(address, token)?)?))
    }

    /// Finds the server again for each attempt to reconnect.
    pub(crate) fn finder(common: &Common) -> Box<dyn Fn() -> Option<Server> + Send + '_> {
        Box::new(|| Some(Self::find(common).ok()?.server().clone()))
    }

    pub(crate) fn client(&self) -> &Client {
        &self.0
    }

    /// Asks for one project: whether the server and its store answer.
    pub(crate) async fn probe(&self) -> anyhow::Result<()> {
        let page = Page { skip: 0, limit: 1 };
        self.0.projects(page).await?;
        Ok(())
    }

    pub(crate) fn server(&self) -> &Server {
        self.0.server()
    }

    /// The project that a text names: see [`choose()`].
    pub(crate) async fn project(&self, text: &str) -> anyhow::Result<Project> {
        choose(self.0.all_projects().await?, text)
    }
}

/// The server that `--server` names, if a token may go there.
fn named(url: &str) -> Result<Address, Usage> {
    let why = match url.parse() {
        Ok(address) => return Ok(address),
        Err(AddressError::Tls { .. }) => "wxcode speaks http only",
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
        "{why}, and the server is {url}: make a tunnel to it, such as \
         `ssh -L 8052:localhost:8052 HOST`, and give --server http://127.0.0.1:8052"
    )))
}

/// The address of the server that has the data folder.
fn local(data_dir: &Path) -> anyhow::Result<Address> {
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
        Some(Ok(address)) => reachable(address),
        _ => bail!(
            "{} names no address, but `{}`: restart the server",
            path.display(),
            file.address
        ),
    }
}

/// The address to reach a server that listens on `address`, without leaving this machine.
fn reachable(address: SocketAddr) -> anyhow::Result<Address> {
    Address::of_this_machine(address).map_err(|_| {
        anyhow!(
            "the server of the data folder listens on {address}, which is no address of this machine, \
             and the token does not go over plain http: use wxcode on that machine"
        )
    })
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
        ] {
            assert_eq!(named(url).unwrap().as_str(), base);
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
}
