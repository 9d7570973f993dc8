//! The address of a server, and the token for this server alone.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    str::FromStr,
};

use url::Url;

/// The base URL of a server as a permitted destination of a token, such as `http://127.0.0.1:8052`.
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
pub struct Address(String);

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
    /// This crate does not speak TLS yet.
    #[error("`{url}` needs TLS: make a tunnel to it and give http://127.0.0.1:PORT")]
    Tls {
        /// The text.
        url: String,
    },
    /// Plain HTTP would carry the token to another machine.
    #[error("a token does not go over plain HTTP to {url}: make a tunnel to that machine")]
    OtherMachine {
        /// The text.
        url: String,
    },
}

impl Address {
    /// The address for reaching a server on this machine, listening on `address`. An unspecified
    /// address is reached by loopback.
    ///
    /// # Errors
    /// [`AddressError::OtherMachine`]: no interface of this machine has the address.
    pub fn of_this_machine(address: SocketAddr) -> Result<Self, AddressError> {
        let ip = match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        // Only an address of this machine can be bound.
        if !ip.is_loopback() && UdpSocket::bind((ip, 0)).is_err() {
            return Err(AddressError::OtherMachine {
                url: format!("http://{address}"),
            });
        }
        Ok(Self(format!(
            "http://{}",
            SocketAddr::new(ip, address.port())
        )))
    }

    /// The URL, without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.0
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
            "https" => Err(AddressError::Tls { url: url() }),
            _ if parsed.query().is_some() || parsed.fragment().is_some() => {
                Err(AddressError::NotAUrl { url: url() })
            }
            _ if is_loopback(&parsed) => Ok(Self(text.trim_end_matches('/').to_owned())),
            _ => Err(AddressError::OtherMachine { url: url() }),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
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
    token: String,
}

/// A token unfit for an HTTP header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the token is not usable: give printable ASCII characters without spaces")]
pub struct TokenError;

impl Server {
    /// A server and its API token, as `wxcode token` prints it.
    ///
    /// # Errors
    /// [`TokenError`]: the token is empty or holds another character than printable ASCII.
    pub fn new(address: Address, token: impl Into<String>) -> Result<Self, TokenError> {
        let token = token.into();
        if token.is_empty() || !token.chars().all(|c| c.is_ascii_graphic()) {
            return Err(TokenError);
        }
        Ok(Self { address, token })
    }

    /// The address.
    pub fn address(&self) -> &Address {
        &self.address
    }

    #[cfg(any(feature = "rest", feature = "terminal"))]
    pub(crate) fn token(&self) -> &str {
        &self.token
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
    fn only_loopback_urls_are_addresses() {
        for (url, base) in [
            ("http://127.0.0.1:8052/", "http://127.0.0.1:8052"),
            ("http://localhost:1", "http://localhost:1"),
            ("http://[::1]:1/wx/", "http://[::1]:1/wx"),
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
        for url in ["http://a:b@localhost", "http://127.0.0.1@evil.example"] {
            let error = url.parse::<Address>().unwrap_err();
            assert_eq!(error, AddressError::Credentials, "{url}");
        }
        let tls = "https://localhost".parse::<Address>().unwrap_err();
        assert!(matches!(tls, AddressError::Tls { .. }));
        for url in ["localhost:8052", "", "http://localhost:1?a=b"] {
            let error = url.parse::<Address>().unwrap_err();
            assert!(matches!(error, AddressError::NotAUrl { .. }), "{url}");
        }
    }

    #[test]
    fn unspecified_addresses_are_reached_by_loopback() {
        let of = |text: &str| {
            let address = Address::of_this_machine(text.parse().unwrap());
            address.map(|address| address.to_string())
        };
        assert_eq!(of("0.0.0.0:8052").unwrap(), "http://127.0.0.1:8052");
        assert_eq!(of("[::]:8052").unwrap(), "http://[::1]:8052");
        let documentation = of("192.0.2.1:8052");
        assert!(documentation.is_err(), "an address for documentation");
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
