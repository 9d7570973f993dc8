//! Checks the way to the server.

use std::path::Path;

use jiff::Timestamp;
use wxcode_server::TlsSource;

use super::{Findings, service::server_file};
use crate::config::Resolved;

/// Days before the end of a certificate in which a warning begins.
const RENEW_DAYS: i64 = 14;
const DAY: i64 = 24 * 60 * 60;

pub(super) fn check(resolved: &Resolved, server: Option<i32>, findings: &mut Findings) {
    let (data_dir, web) = (&resolved.settings.data_dir, &resolved.settings.web);
    check_certificate(web.tls.as_ref(), data_dir, findings);
    // A server may have other settings: from flags, or from another environment.
    if let Some(address) = server.and_then(|_| served(data_dir)) {
        let detail = format!("{address}, where the server listens now");
        return findings.good("listen address", &detail);
    }
    let listen = resolved.listen;
    let detail = match (listen.ip().is_loopback(), &web.tls, &web.proxy) {
        (true, None, None) => format!("{listen}, for this machine only"),
        (_, Some(_), _) => format!("{listen}, with TLS"),
        (_, None, Some(_)) => format!("{listen}, for the trusted proxies only"),
        (false, None, None) => {
            return findings.bad(
                "listen address",
                &format!(
                    "{listen} is open to other machines without TLS, and `serve` refuses that: give \
                     --tls-cert and --tls-key, --tls-self-signed, or --behind-proxy with \
                     trusted_proxies, or listen on 127.0.0.1"
                ),
            );
        }
    };
    findings.good("listen address", &detail);
}

/// The address of the running server.
fn served(data_dir: &Path) -> Option<String> {
    Some(server_file(data_dir)?["address"].as_str()?.to_owned())
}

fn check_certificate(source: Option<&TlsSource>, data_dir: &Path, findings: &mut Findings) {
    let made = wxcode_server::self_signed_files(data_dir);
    let (is_own, (cert, key)) = match source {
        Some(TlsSource::Files { cert, key }) => (false, (cert.clone(), key.clone())),
        Some(TlsSource::SelfSigned) if made.0.exists() => (true, made),
        Some(TlsSource::SelfSigned) => {
            return findings.note("certificate", "self-signed, made at the server's start");
        }
        None => return,
    };
    let facts = match wxcode_server::check_certificate(&cert, &key) {
        Ok(facts) => facts,
        Err(error) => return findings.bad("certificate", &error.to_string()),
    };
    let kind = if is_own { ", self-signed" } else { "" };
    let name = format!("{}{kind}, SHA-256 {}", cert.display(), facts.fingerprint);
    let end = Timestamp::from_second(facts.not_after);
    let end = end.map_or_else(|_| "an unknown time".to_owned(), |end| end.to_string());
    let left = facts.not_after - Timestamp::now().as_second();
    match left / DAY {
        _ if left <= 0 => findings.bad(
            "certificate",
            &format!("{name}: it ended at {end}, and clients refuse it: renew both files"),
        ),
        days if days < RENEW_DAYS => findings.doubtful(
            "certificate",
            &format!("{name}: it ends in {days} days, at {end}: renew both files"),
        ),
        _ => findings.good("certificate", &format!("{name}, valid until {end}")),
    }
}
