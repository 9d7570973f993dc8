//! HTTP clients of tests.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore, crypto::ring::default_provider};

/// A client for plain HTTP, without proxies. The library wants a configuration of TLS all the same.
#[expect(clippy::expect_used, reason = "the provider has them")]
pub fn plain_http() -> reqwest::ClientBuilder {
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider has the default versions")
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    reqwest::Client::builder()
        .no_proxy()
        .tls_backend_preconfigured(config)
}
