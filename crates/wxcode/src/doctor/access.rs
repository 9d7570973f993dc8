//! Checks the way to the server, and whether agents can look into the server's process.

use std::{fs, os::unix::fs::MetadataExt};

use rustix::process::geteuid;
use wxcode_server::TlsSource;

use super::Findings;
use crate::config::Resolved;

pub(super) fn check(resolved: &Resolved, server: Option<i32>, findings: &mut Findings) {
    check_listen(resolved, findings);
    check_process(server, findings);
}

fn check_listen(resolved: &Resolved, findings: &mut Findings) {
    let (listen, web) = (resolved.listen, &resolved.settings.web);
    match &web.tls {
        Some(TlsSource::Files { cert, key }) => match wxcode_server::check_certificate(cert, key) {
            Ok(fingerprint) => {
                let detail = format!("{}, SHA-256 {fingerprint}", cert.display());
                findings.good("certificate", &detail);
            }
            Err(error) => findings.bad("certificate", &error.to_string()),
        },
        Some(TlsSource::SelfSigned) => findings.note(
            "certificate",
            "self-signed: clients compare the fingerprint that the server prints",
        ),
        None => {}
    }
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

/// The files in `/proc` of a process that is closed to its user belong to root.
fn check_process(server: Option<i32>, findings: &mut Findings) {
    if geteuid().is_root() {
        return findings.note(
            "agents",
            "run as root, from which nothing is kept: run wxcode as a user of its own",
        );
    }
    let owner = server.and_then(|pid| fs::metadata(format!("/proc/{pid}/environ")).ok());
    match owner.map(|found| found.uid() == geteuid().as_raw()) {
        None => {}
        Some(false) => findings.good(
            "agents",
            "the server's memory and environment are closed to them; the files of the user are not",
        ),
        Some(true) => findings.doubtful(
            "agents",
            "can read the server's memory and environment: start it without WXCODE_DUMPABLE",
        ),
    }
}
