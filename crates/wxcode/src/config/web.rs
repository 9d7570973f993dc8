//! TLS, the proxy and the base path: from flags, variables and the file.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf};

use anyhow::Context;
use serde::Deserialize;
use wxcode_core::access::Role;
use wxcode_server::{BasePath, Proxy, PublicUrl, Subnet, TlsSource, Web};

use crate::cli::{ServeOptions, Usage};

/// The keys of `wxcode.toml` about the way to the server. `[proxy]` may hold all of the proxy's.
#[derive(Debug, Default)]
pub(super) struct WebSettings {
    pub(super) tls: TlsTable,
    pub(super) proxy: ProxyTable,
    pub(super) behind_proxy: bool,
    pub(super) trusted_proxies: Vec<String>,
    pub(super) public_url: Option<String>,
    pub(super) base_path: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct TlsTable {
    cert: Option<PathBuf>,
    key: Option<PathBuf>,
    self_signed: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ProxyTable {
    user_header: Option<String>,
    user_role: Option<Role>,
    users: BTreeMap<String, Role>,
    trusted_proxies: Vec<String>,
    public_url: Option<String>,
    base_path: Option<String>,
}

impl WebSettings {
    /// Resolves the way to the server, and checks the listen address.
    pub(super) fn resolve(self, options: &ServeOptions, listen: SocketAddr) -> anyhow::Result<Web> {
        let tls = self.tls(options)?;
        let public_url = options.public_url.as_ref();
        let public_url = public_url.or(self.public_url.as_ref());
        let public_url = public_url.or(self.proxy.public_url.as_ref());
        let public_url: Option<PublicUrl> = public_url.map(|url| url.parse()).transpose()?;
        let base_path = options.base_path.as_ref().or(self.base_path.as_ref());
        let base_path: BasePath = match (base_path.or(self.proxy.base_path.as_ref()), &public_url) {
            (Some(path), _) => path.parse()?,
            (None, Some(url)) => url.path.clone(),
            (None, None) => BasePath::default(),
        };
        let proxy = match options.behind_proxy || self.behind_proxy {
            true => Some(self.proxy(options, listen)?),
            false => None,
        };
        let web = Web {
            tls,
            proxy,
            public_url,
            base_path,
        };
        web.check(listen)
            .map_err(|error| Usage(error.to_string()))?;
        Ok(web)
    }

    fn tls(&self, options: &ServeOptions) -> anyhow::Result<Option<TlsSource>> {
        let cert = options.tls_cert.as_ref().or(self.tls.cert.as_ref());
        let key = options.tls_key.as_ref().or(self.tls.key.as_ref());
        Ok(match (cert, key) {
            (Some(cert), Some(key)) => Some(TlsSource::Files {
                cert: std::path::absolute(cert)?,
                key: std::path::absolute(key)?,
            }),
            (None, None) => {
                let is_wanted = options.tls_self_signed || self.tls.self_signed;
                is_wanted.then_some(TlsSource::SelfSigned)
            }
            _ => {
                let text = "TLS needs --tls-cert and --tls-key: give both, or --tls-self-signed for a trial";
                return Err(Usage(text.to_owned()).into());
            }
        })
    }

    fn proxy(self, options: &ServeOptions, listen: SocketAddr) -> anyhow::Result<Proxy> {
        let mut trusted: Vec<&String> = options.trusted_proxies.iter().collect();
        if trusted.is_empty() {
            let named = self.trusted_proxies.iter();
            trusted.extend(named.chain(&self.proxy.trusted_proxies));
        }
        let trusted = trusted.into_iter().map(|text| text.parse());
        let mut trusted = trusted
            .collect::<Result<Vec<Subnet>, _>>()
            .context("`trusted_proxies` cannot be used")?;
        if trusted.is_empty() && listen.ip().to_canonical().is_loopback() {
            trusted = Subnet::loopback();
        }
        let user_header = self.proxy.user_header.map(|name| name.parse()).transpose();
        let user_header = user_header.context(
            "`[proxy] user_header` is no name of a header: give one such as X-Remote-User",
        )?;
        Ok(Proxy {
            trusted,
            user_header,
            user_role: self.proxy.user_role,
            users: self.proxy.users,
        })
    }
}
