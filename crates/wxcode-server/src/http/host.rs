//! The Host and the Origin of a request.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, StatusCode, header, uri::Authority};

use super::problem::{Answer, Problem, quoted};

/// The name of login links on loopback: pages of other local ports are of other hosts, and get no
/// cookie of this one.
pub(crate) const LOCAL_NAME: &str = "wxcode.localhost";

/// The names of this server.
#[derive(Clone)]
pub(super) struct Hosts {
    listen: SocketAddr,
    allowed: Vec<String>,
}

impl Hosts {
    /// The names of a server on `listen`, and those that the operator allows.
    pub(super) fn new(listen: SocketAddr, allowed: &[String]) -> Self {
        let allowed = allowed.iter().map(|host| host.to_ascii_lowercase());
        Self {
            listen,
            allowed: allowed.collect(),
        }
    }

    /// Whether a Host header names this server. The port is not compared: it gives no protection
    /// from DNS rebinding, and a forwarded port differs.
    fn is_host(&self, host: &str) -> bool {
        let Ok(authority) = host.parse::<Authority>() else {
            return false;
        };
        if host.contains('@') || !has_sound_port(&authority) {
            return false;
        }
        let name = authority.host().to_ascii_lowercase();
        if name == "localhost"
            || name == LOCAL_NAME
            || self.allowed.contains(&name)
            || self.allowed.contains(&host.to_ascii_lowercase())
        {
            return true;
        }
        let bare = name
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        let address = match bare {
            Some(bare) => bare.parse().map(IpAddr::V6),
            None => name.parse(),
        };
        let Ok(address) = address else {
            return false;
        };
        // A name can be rebound to another address, an address cannot.
        address == self.listen.ip()
            || self.listen.ip().is_unspecified()
            || address.is_loopback() && self.listen.ip().is_loopback()
    }

    /// Refuses a foreign Host or Origin.
    pub(super) fn check(&self, headers: &HeaderMap, host: &str) -> Answer<()> {
        if headers.get_all(header::HOST).iter().count() > 1 {
            return Err(Problem::new(
                StatusCode::BAD_REQUEST,
                "the request has two Host headers: send one",
            ));
        }
        if !self.is_host(host) {
            return Err(Problem::new(
                StatusCode::FORBIDDEN,
                format!(
                    "the Host header is {}, which is no name of this server: use its listen address {} or \
                     localhost, or add the name to `allowed_hosts`",
                    quoted(host),
                    self.listen
                ),
            )
                .with_code("host_refused"));
        }
        for origin in headers.get_all(header::ORIGIN) {
            let origin = origin.to_str().unwrap_or("unreadable");
            if !is_same_origin(origin, host) {
                return Err(Problem::new(
                    StatusCode::FORBIDDEN,
                    format!(
                        "the Origin header is {}, which is not the Host {}: requests from pages of other \
                         origins are refused, so open wxcode's own page; behind a proxy that changes the Host, \
                         set `trusted_proxies` and `public_url`",
                        quoted(origin),
                        quoted(host)
                    ),
                )
                .with_code("origin_refused"));
            }
        }
        Ok(())
    }
}

/// Whether the port, if any, is a number of a port: another one would pass for the usual port.
fn has_sound_port(authority: &Authority) -> bool {
    let rest = authority.as_str().strip_prefix(authority.host());
    let is_number = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    match rest.map(|rest| rest.strip_prefix(':')) {
        Some(Some(port)) => is_number(port) && authority.port_u16().is_some(),
        Some(None) => true,
        None => false,
    }
}

fn is_same_origin(origin: &str, host: &str) -> bool {
    let (rest, default) = if let Some(rest) = origin.strip_prefix("http://") {
        (rest, 80)
    } else if let Some(rest) = origin.strip_prefix("https://") {
        (rest, 443)
    } else {
        return false;
    };
    // A user before the host is no part of an origin.
    if rest.contains('@') || host.contains('@') {
        return false;
    }
    let (Ok(origin), Ok(host)) = (rest.parse::<Authority>(), host.parse::<Authority>()) else {
        return false;
    };
    has_sound_port(&origin)
        && has_sound_port(&host)
        && origin.host().eq_ignore_ascii_case(host.host())
        && origin.port_u16().unwrap_or(default) == host.port_u16().unwrap_or(default)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts() {
        let listen = "127.0.0.1:8052".parse().unwrap();
        let hosts = Hosts::new(listen, &["Box.example".to_owned()]);
        for host in [
            "127.0.0.1:8052",
            "127.0.0.1",
            "localhost:8052",
            "LOCALHOST",
            "wxcode.localhost:8052",
            "[::1]:9000",
            "box.example",
            "box.example:443",
        ] {
            assert!(hosts.is_host(host), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "x.wxcode.localhost",
            "127.0.0.1.evil.example",
            "10.0.0.1:8052",
            "localhost@evil.example",
            "user@localhost",
            "127.0.0.1:99999",
            "localhost:x52",
            "localhost:+80",
            "[127.0.0.1]:8052",
            "localhost:",
            "a b",
        ] {
            assert!(!hosts.is_host(host), "{host}");
        }
    }

    #[test]
    fn origins() {
        assert!(is_same_origin("http://127.0.0.1:8052", "127.0.0.1:8052"));
        assert!(is_same_origin("https://box.example", "box.example"));
        assert!(is_same_origin("https://box.example", "box.example:443"));
        for origin in [
            "null",
            "",
            "http://evil.example",
            "http://127.0.0.1:9999",
            "file://",
            "http://127.0.0.1:8052.evil.example",
            "http://user@127.0.0.1:8052",
            "http://127.0.0.1:x52",
            "http://127.0.0.1:+8052",
            "http://127.0.0.1:99999",
        ] {
            assert!(!is_same_origin(origin, "127.0.0.1:8052"), "{origin}");
        }
    }
}
