//! The address of a server, and the token for this server alone.

use std::{
    fmt,
    net::IpAddr,
    os::fd::{AsRawFd, OwnedFd},
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
};

use url::Url;

#[cfg(feature = "tls")]
use crate::{CertificateError, Trust};

/// The base URL of a server as a permitted destination of a token, such as `http://127.0.0.1:8052`
/// on this machine, or `https://box.example`.
///
/// ```
/// use wxcode_client::{Address, AddressError};
///
/// let address: Address = "http://[::1]:8052/".parse()?;
/// assert_eq!(address.as_str(), "http://[::1]:8052");
/// let elsewhere = "http://192.0.2.1:8052".parse::<Address>();
/// assert!(matches!(elsewhere, Err(AddressError::OtherMachine { .. })));
/// # Ok::<(), AddressError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    base: String,
    socket: Option<LocalSocket>,
}

/// The socket of a server on this machine.
#[derive(Clone, Debug)]
pub(crate) struct LocalSocket {
    path: PathBuf,
    /// The path for the system, which takes [`PATH_MAX`] bytes.
    reached: PathBuf,
    /// Keeps a `reached` through a descriptor valid.
    _folder: Option<Arc<OwnedFd>>,
}

/// Longest path of a socket, in bytes: `sun_path` of Linux without its NUL.
const PATH_MAX: usize = 107;

impl PartialEq for LocalSocket {
    fn eq(&self, other: &Self) -> bool {
        self.path == other.path
    }
}

impl Eq for LocalSocket {}

/// Why a text or socket address is not taken as the address of a server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// The text is no URL with a host and the scheme `http` or `https`.
    #[error("`{url}` is no address of a server: give a URL such as http://127.0.0.1:8052")]
    NotAUrl {
        /// The text.
        url: String,
    },
    /// The URL holds a user or a password.
    #[error("a server's URL holds no user or password: give the token apart from the URL")]
    Credentials,
    /// Plain HTTP would carry the token to another machine.
    #[error(
        "a token does not go over plain HTTP to {url}: give an https:// URL, or make a tunnel to \
         that machine"
    )]
    OtherMachine {
        /// The text.
        url: String,
    },
}

impl Address {
    /// The address of a server on this machine by its socket, `<data-dir>/wxcode.sock`. The server
    /// knows the user of the socket, so no token is needed.
    ///
    /// # Errors
    /// The socket's folder cannot be opened; only the folder of a path of more than 107 bytes is.
    ///
    /// ```
    /// # use wxcode_client::Address;
    /// let address = Address::of_socket("/home/me/.wxcode/wxcode.sock".as_ref())?;
    /// assert_eq!(address.to_string(), "/home/me/.wxcode/wxcode.sock");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn of_socket(path: &Path) -> std::io::Result<Self> {
        let (mut reached, mut folder) = (path.to_owned(), None);
        if path.as_os_str().len() > PATH_MAX
            && let (Some(parent), Some(name)) = (path.parent(), path.file_name())
        {
            let opened = OwnedFd::from(std::fs::File::open(parent)?);
            reached = format!("/proc/self/fd/{}", opened.as_raw_fd()).into();
            reached.push(name);
            folder = Some(Arc::new(opened));
        }
        Ok(Self {
            base: "http://localhost".to_owned(),
            socket: Some(LocalSocket {
                path: path.to_owned(),
                reached,
                _folder: folder,
            }),
        })
    }

    /// The path of the server's socket, for the system.
    #[cfg(any(feature = "rest", feature = "terminal"))]
    pub(crate) fn socket(&self) -> Option<&Path> {
        self.socket.as_ref().map(|socket| socket.reached.as_path())
    }

    /// Whether one HTTP client reaches both addresses.
    #[cfg(feature = "rest")]
    fn is_reached_like(&self, other: &Self) -> bool {
        let reached = |address: &Self| address.socket.clone().map(|socket| socket.reached);
        reached(self) == reached(other)
    }

    /// The URL, without a slash at its end; of a socket, the URL of its requests.
    pub fn as_str(&self) -> &str {
        &self.base
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let url = || text.to_owned();
        let parsed = text.parse::<Url>().ok();
        let parsed =
            parsed.filter(|url| url.has_host() && matches!(url.scheme(), "http" | "https"));
        let parsed = parsed.ok_or_else(|| AddressError::NotAUrl { url: url() })?;
        if !parsed.username().is_empty() || parsed.password().is_some() {
            return Err(AddressError::Credentials);
        }
        match parsed.scheme() {
            _ if parsed.query().is_some() || parsed.fragment().is_some() => {
                Err(AddressError::NotAUrl { url: url() })
            }
            scheme if scheme == "https" || is_loopback(&parsed) => Ok(Self {
                base: parsed.as_str().trim_end_matches('/').to_owned(),
                socket: None,
            }),
            _ => Err(AddressError::OtherMachine { url: url() }),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.socket {
            Some(socket) => socket.path.display().fmt(f),
            None => f.write_str(&self.base),
        }
    }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let address = bare.parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.to_canonical().is_loopback())
}

/// A server and the right to use the server. `Debug` leaves the token out.
#[derive(Clone, PartialEq, Eq)]
pub struct Server {
    address: Address,
    token: Option<String>,
    #[cfg(feature = "tls")]
    trust: Trust,
}

/// A token unfit for an HTTP header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the token is not usable: give printable ASCII characters without spaces")]
pub struct TokenError;

impl Server {
    /// A server and an API token, as `wxcode token create` prints it.
    ///
    /// # Errors
    /// [`TokenError`]: the token is empty or holds another character than printable ASCII.
    pub fn new(address: Address, token: impl Into<String>) -> Result<Self, TokenError> {
        let token = token.into();
        if token.is_empty() || !token.chars().all(|c| c.is_ascii_graphic()) {
            return Err(TokenError);
        }
        let token = Some(token);
        Ok(Self {
            address,
            token,
            #[cfg(feature = "tls")]
            trust: Trust::default(),
        })
    }

    /// The same server with other certificates; they count for an `https` address alone.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn with_trust(mut self, trust: Trust) -> Self {
        self.trust = trust;
        self
    }

    /// A server on this machine, by its [socket](Address::of_socket), without a token.
    ///
    /// # Errors
    /// As [`Address::of_socket`].
    pub fn of_socket(path: &Path) -> std::io::Result<Self> {
        let address = Address::of_socket(path)?;
        Ok(Self {
            address,
            token: None,
            #[cfg(feature = "tls")]
            trust: Trust::default(),
        })
    }

    /// The address.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The configuration of TLS, where the address needs one.
    #[cfg(feature = "tls")]
    pub(crate) fn tls(&self) -> Result<Option<rustls::ClientConfig>, CertificateError> {
        let is_tls = self.address.as_str().starts_with("https://");
        is_tls.then(|| self.trust.config()).transpose()
    }

    /// Whether one HTTP client serves both.
    #[cfg(feature = "rest")]
    pub(crate) fn is_reached_like(&self, other: &Self) -> bool {
        let is_tls = |server: &Self| server.address.as_str().starts_with("https://");
        self.address.is_reached_like(&other.address)
            && self.trust == other.trust
            && is_tls(self) == is_tls(other)
    }

    #[cfg(any(feature = "rest", feature = "terminal"))]
    pub(crate) fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_stays_on_this_machine() {
        for (url, base) in [
            ("http://127.0.0.1:8052/", "http://127.0.0.1:8052"),
            ("http://localhost:1", "http://localhost:1"),
            ("http://[::1]:1/wx/", "http://[::1]:1/wx"),
            ("https://box.example/wx/", "https://box.example/wx"),
            ("HTTPS://box.example:8052", "https://box.example:8052"),
        ] {
            assert_eq!(url.parse::<Address>().unwrap().as_str(), base);
        }
        for url in [
            "http://192.0.2.1:8052",
            "http://localhost.evil.example",
            "http://127.0.0.1.evil.example",
        ] {
            let error = url.parse::<Address>().unwrap_err();
            assert!(matches!(error, AddressError::OtherMachine { .. }), "{url}");
        }
        for url in [
            "http://a:b@localhost",
            "http://127.0.0.1@evil.example",
            "https://a@box.example",
        ] {
            let error = url.parse::<Address>().unwrap_err();
            assert_eq!(error, AddressError::Credentials, "{url}");
        }
        for url in ["localhost:8052", "", "http://localhost:1?a=b"] {
            let error = url.parse::<Address>().unwrap_err();
            assert!(matches!(error, AddressError::NotAUrl { .. }), "{url}");
        }
    }

    #[test]
    fn a_long_socket_path_goes_through_its_folder() {
        let folder = std::env::temp_dir();
        let mut long = folder.clone();
        for _ in 0..60 {
            long.push(".");
            long.push(".");
        }
        let address = Address::of_socket(&long.join("wxcode.sock")).unwrap();
        let reached = &address.socket.as_ref().unwrap().reached;
        assert!(reached.starts_with("/proc/self/fd"), "{reached:?}");
        assert_eq!(
            std::fs::canonicalize(reached.parent().unwrap()).unwrap(),
            std::fs::canonicalize(folder).unwrap()
        );
        let missing = Path::new("/").join("x".repeat(120)).join("wxcode.sock");
        assert!(Address::of_socket(&missing).is_err());
    }

    #[test]
    fn debug_output_hides_the_token() {
        let server = Server::new("http://[::1]:1".parse().unwrap(), "secret-token").unwrap();
        assert!(!format!("{server:?}").contains("secret"));
        let address = || "http://[::1]:1".parse().unwrap();
        assert_eq!(Server::new(address(), "a b"), Err(TokenError));
        assert_eq!(Server::new(address(), ""), Err(TokenError));
    }
}
