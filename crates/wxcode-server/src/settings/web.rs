//! How browsers and programs reach the server: TLS, a proxy, the path in front of everything.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    str::FromStr,
};

use axum::http::{HeaderName, Uri};
use wxcode_core::access::Role;

/// The way to the server.
#[derive(Debug, Clone, Default)]
pub struct Web {
    /// TLS on the listen address, if any.
    pub tls: Option<TlsSource>,
    /// The reverse proxy in front of the server, if any.
    pub proxy: Option<Proxy>,
    /// The address of the server for its users, if it is another one than the listen address.
    pub public_url: Option<PublicUrl>,
    /// The path in front of everything.
    pub base_path: BasePath,
}

/// The certificate of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TlsSource {
    /// Files in PEM, read again after a change.
    Files { cert: PathBuf, key: PathBuf },
    /// A certificate of the server itself, kept in the data folder.
    SelfSigned,
}

/// A reverse proxy.
#[derive(Debug, Clone, Default)]
pub struct Proxy {
    /// The addresses of the proxies; others are refused.
    pub trusted: Vec<Subnet>,
    /// The header with the name of the user that the proxy has authenticated.
    pub user_header: Option<HeaderName>,
    /// The role of such users, unless they have one of their own.
    pub user_role: Option<Role>,
    /// The roles of users by name.
    pub users: BTreeMap<String, Role>,
}

/// An address of the server for its users, such as `https://box.example/wx`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    /// Without a slash at the end.
    pub(crate) text: String,
    pub(crate) host: String,
    pub(crate) is_https: bool,
    /// The path.
    pub path: BasePath,
}

impl PublicUrl {
    /// The address, without a slash at its end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// A text is no public address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no public address: give one such as https://box.example or https://box.example/wx"
)]
pub struct InvalidUrl(String);

impl FromStr for PublicUrl {
    type Err = InvalidUrl;

    fn from_str(text: &str) -> Result<Self, InvalidUrl> {
        let invalid = || InvalidUrl(text.to_owned());
        let text = text.trim_end_matches('/');
        let uri: Uri = text.parse().map_err(|_| invalid())?;
        let is_https = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(invalid()),
        };
        let authority = uri.authority().ok_or_else(invalid)?;
        if authority.as_str().contains('@') || uri.query().is_some() {
            return Err(invalid());
        }
        Ok(Self {
            text: text.to_owned(),
            host: authority.host().to_ascii_lowercase(),
            is_https,
            path: uri.path().parse().map_err(|_| invalid())?,
        })
    }
}

/// A path in front of all others, such as `/wx`; empty without one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BasePath(String);

/// A text is no base path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no base path: give one such as /wx, of letters, digits, `-`, `_`, `.` and `/`")]
pub struct InvalidPath(String);

impl BasePath {
    /// The path, without a slash at its end; empty for the root.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for BasePath {
    type Err = InvalidPath;

    fn from_str(text: &str) -> Result<Self, InvalidPath> {
        let path = text.trim_end_matches('/');
        let is_part = |part: &str| {
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
            !part.is_empty() && part != "." && part != ".." && part.bytes().all(is_plain)
        };
        let is_valid = path.is_empty()
            || path
                .strip_prefix('/')
                .is_some_and(|rest| rest.split('/').all(is_part));
        match is_valid {
            true => Ok(Self(path.to_owned())),
            false => Err(InvalidPath(text.to_owned())),
        }
    }
}

/// An address, or a network such as `10.0.0.0/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subnet {
    address: IpAddr,
    bits: u8,
}

/// A text is neither an address nor a network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no address and no network: give one such as 10.0.0.5, 10.0.0.0/8 or ::1")]
pub struct InvalidSubnet(String);

impl Subnet {
    /// Whether the address belongs to the network.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let bits = u32::from(self.bits);
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let differing = own.to_bits() ^ other.to_bits();
                differing.checked_shr(32 - bits).unwrap_or(0) == 0
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let differing = own.to_bits() ^ other.to_bits();
                differing.checked_shr(128 - bits).unwrap_or(0) == 0
            }
            _ => false,
        }
    }

    /// The loopback networks.
    #[must_use]
    pub fn loopback() -> Vec<Self> {
        let of = |address: [u8; 4], bits| Self {
            address: address.into(),
            bits,
        };
        let six = Self {
            address: std::net::Ipv6Addr::LOCALHOST.into(),
            bits: 128,
        };
        vec![of([127, 0, 0, 0], 8), six]
    }
}

impl FromStr for Subnet {
    type Err = InvalidSubnet;

    fn from_str(text: &str) -> Result<Self, InvalidSubnet> {
        let invalid = || InvalidSubnet(text.to_owned());
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u8>().map_err(|_| invalid())?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| invalid())?;
        let address = address.to_canonical();
        let most = match address {
            IpAddr::V4(_) => 32,
            IpAddr::V6(_) => 128,
        };
        let bits = bits.unwrap_or(most);
        match bits <= most {
            true => Ok(Self { address, bits }),
            false => Err(invalid()),
        }
    }
}

/// A listen address would let strangers read along.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unprotected {
    #[error(
        "{0} is no loopback address, and without TLS anybody on the way reads along: give --tls-cert and --tls-key, \
         or --tls-self-signed for a trial, or --behind-proxy with trusted_proxies, or listen on 127.0.0.1"
    )]
    Plain(SocketAddr),
    #[error(
        "{0} is no loopback address, and --behind-proxy needs to know the proxy there: name its address in \
         trusted_proxies of wxcode.toml or by --trusted-proxies"
    )]
    UnknownProxy(SocketAddr),
}

impl Web {
    /// Whether the server may listen there.
    ///
    /// # Errors
    /// Others than this machine could connect without TLS and without a known proxy.
    pub fn check(&self, listen: SocketAddr) -> Result<(), Unprotected> {
        if listen.ip().to_canonical().is_loopback() || self.tls.is_some() {
            return Ok(());
        }
        match &self.proxy {
            None => Err(Unprotected::Plain(listen)),
            Some(proxy) if proxy.trusted.is_empty() => Err(Unprotected::UnknownProxy(listen)),
            Some(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_contain_their_addresses() {
        for (network, inside, outside) in [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.1"),
            ("10.0.0.5", "10.0.0.5", "10.0.0.4"),
            ("10.0.0.5", "::ffff:10.0.0.5", "::1"),
            ("2001:db8::/32", "2001:db8:1::1", "2001:db9::1"),
            ("::1", "::1", "::2"),
        ] {
            let parsed: Subnet = network.parse().unwrap();
            assert!(
                parsed.contains(inside.parse().unwrap()),
                "{network} {inside}"
            );
            assert!(
                !parsed.contains(outside.parse().unwrap()),
                "{network} {outside}"
            );
        }
        let all: Subnet = "0.0.0.0/0".parse().unwrap();
        assert!(all.contains("192.0.2.1".parse().unwrap()));
        for bad in ["", "10.0.0.0/33", "10.0.0/8", "a", "10.0.0.1/x", "::/129"] {
            assert!(bad.parse::<Subnet>().is_err(), "{bad}");
        }
    }

    #[test]
    fn base_paths_are_plain() {
        for (text, path) in [
            ("", ""),
            ("/", ""),
            ("/wx", "/wx"),
            ("/wx/", "/wx"),
            ("/a/b", "/a/b"),
        ] {
            assert_eq!(text.parse::<BasePath>().unwrap().as_str(), path);
        }
        for bad in ["wx", "//x", "/a//b", "/..", "/a b", "/a?b", "/\u{e9}"] {
            assert!(bad.parse::<BasePath>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_public_address_has_scheme_and_host() {
        let url: PublicUrl = "https://Box.example:8443/wx/".parse().unwrap();
        assert_eq!((url.host.as_str(), url.is_https), ("box.example", true));
        assert_eq!(
            (url.text.as_str(), url.path.as_str()),
            ("https://Box.example:8443/wx", "/wx")
        );
        for bad in [
            "box.example",
            "ftp://x",
            "https://u:p@x",
            "https://x/?a",
            "",
            "https://",
        ] {
            assert!(bad.parse::<PublicUrl>().is_err(), "{bad}");
        }
    }

    #[test]
    fn only_protected_addresses_are_listened_on() {
        let outside = "192.0.2.1:80".parse().unwrap();
        let mut web = Web::default();
        assert_eq!(web.check("127.0.0.1:80".parse().unwrap()), Ok(()));
        assert_eq!(web.check(outside), Err(Unprotected::Plain(outside)));
        web.proxy = Some(Proxy::default());
        assert_eq!(web.check(outside), Err(Unprotected::UnknownProxy(outside)));
        web.proxy = Some(Proxy {
            trusted: Subnet::loopback(),
            ..Proxy::default()
        });
        assert_eq!(web.check(outside), Ok(()));
        web = Web {
            tls: Some(TlsSource::SelfSigned),
            ..Web::default()
        };
        assert_eq!(web.check(outside), Ok(()));
    }
}
