//! The addresses of this server, for browsers and for its peers.

use std::{fs, net::SocketAddr, time::Duration};

use tokio::time::timeout;

use crate::{Settings, http};

/// Time for the look-up of the name of login links.
const NAME_TIMEOUT: Duration = Duration::from_secs(2);

/// The address of the page for a browser on this machine.
pub(super) async fn page_url(settings: &Settings, scheme: &str, address: SocketAddr) -> String {
    if let Some(url) = &settings.web.public_url {
        return url.as_str().to_owned();
    }
    let base = settings.web.base_path.as_str();
    let name = (http::LOCAL_NAME, address.port());
    let found = timeout(NAME_TIMEOUT, tokio::net::lookup_host(name)).await;
    let mut found = found.into_iter().flatten().flatten().peekable();
    // The name may only lead to this server.
    let is_usable = address.ip().is_loopback()
        && found.peek().is_some()
        && found.all(|of| of.ip().is_loopback());
    match is_usable {
        true => format!("{scheme}://{}:{}{base}", http::LOCAL_NAME, address.port()),
        false => format!("{scheme}://{address}{base}"),
    }
}

/// The address of this server for its peers.
pub(super) fn peer_address(settings: &Settings, listen: SocketAddr) -> String {
    if let Some(address) = &settings.advertise {
        return address.clone();
    }
    let scheme = match settings.web.tls {
        Some(_) => "https",
        None => "http",
    };
    if !listen.ip().is_unspecified() {
        return format!("{scheme}://{listen}");
    }
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{scheme}://{}:{}", host.trim(), listen.port())
}
