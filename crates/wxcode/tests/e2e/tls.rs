//! TLS on the listen address: certificates, their change, cookies, deadlines, open addresses.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    pki_types::{CertificateDer, pem::PemObject},
};

use crate::support::{Agent, PATIENCE, Server, eventually};

/// The answer to a request over TLS, or the reason without one. Only this certificate is trusted.
fn ask(server: &Server, cert: &str, request: &str) -> Result<String, String> {
    let mut roots = RootCertStore::empty();
    let cert = CertificateDer::from_pem_slice(cert.as_bytes()).unwrap();
    roots.add(cert).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = "localhost".try_into().unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let address = server.base.strip_prefix("https://").unwrap();
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut stream = StreamOwned::new(connection, stream);
    let written = stream.write_all(request.as_bytes());
    written.map_err(|error| error.to_string())?;
    let mut answer = Vec::new();
    // The server may end without the last message of TLS.
    let _ = stream.read_to_end(&mut answer);
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn get(server: &Server, path: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer {}\r\n\r\n",
        server.token
    )
}

#[tokio::test]
async fn a_self_signed_server_speaks_https() {
    let server = Server::start_with_flags(Agent::fake(""), &["--tls-self-signed"]).await;
    assert!(server.base.starts_with("https://127.0.0.1:"));
    let folder = server.data_dir().join("tls");
    let key = fs::metadata(folder.join("key.pem")).unwrap();
    assert_eq!(key.permissions().mode() & 0o777, 0o600);
    eventually("the fingerprint is printed", || {
        let log = server.log();
        log.contains("SHA-256 ") && log.contains("https://")
    })
    .await;
    let cert = fs::read_to_string(folder.join("cert.pem")).unwrap();
    let list = ask(&server, &cert, &get(&server, "/api/v1/output-projects")).unwrap();
    assert!(list.starts_with("HTTP/1.1 200 "), "{list}");
    let body = format!("token={}", server.token);
    let login = format!(
        "POST /login HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let login = ask(&server, &cert, &login).unwrap();
    let cookie = login.lines().find(|line| line.starts_with("set-cookie: "));
    let cookie = cookie.unwrap().trim_start_matches("set-cookie: ");
    assert!(cookie.starts_with("__Host-wxcode_"), "{cookie}");
    for part in ["; Secure", "; HttpOnly", "; SameSite=Lax", "; Path=/;"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let pair = cookie.split(';').next().unwrap();
    let with = get(&server, "/api/v1/tokens").replace(
        &format!("Authorization: Bearer {}", server.token),
        &format!("Cookie: {pair}"),
    );
    let tokens = ask(&server, &cert, &with).unwrap();
    assert!(tokens.starts_with("HTTP/1.1 200 "), "{tokens}");
    // Plain HTTP is told the remedy.
    let address = server.base.strip_prefix("https://").unwrap();
    let mut plain = TcpStream::connect(address).unwrap();
    plain
        .write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    let _ = plain.read_to_string(&mut answer);
    assert!(
        answer.starts_with("HTTP/1.1 400 ") && answer.contains("https://"),
        "{answer}"
    );
    let ls = server.command(&["ls"]).output().await.unwrap();
    assert!(ls.status.success());
}

/// Writes a new certificate and its key; returns the certificate.
fn issue(folder: &Path) -> String {
    let pair = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let cert = params.self_signed(&pair).unwrap().pem();
    fs::write(folder.join("key"), pair.serialize_pem()).unwrap();
    fs::write(folder.join("cert"), &cert).unwrap();
    cert
}

#[tokio::test]
async fn a_changed_certificate_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let first = issue(folder.path());
    let (cert, key) = (path("cert"), path("key"));
    let flags = ["--tls-cert", cert.as_str(), "--tls-key", key.as_str()];
    let server = Server::start_with_flags(Agent::fake(""), &flags).await;
    let health = get(&server, "/healthz");
    assert!(ask(&server, &first, &health).unwrap().contains(" 200 "));
    let second = issue(folder.path());
    eventually("the second certificate is in use", || {
        ask(&server, &second, &health).is_ok()
    })
    .await;
    assert!(ask(&server, &first, &health).is_err());
    fs::write(folder.path().join("cert"), "no certificate").unwrap();
    eventually("the broken one is named", || {
        server.log().contains("the certificate before stays in use")
    })
    .await;
    assert!(ask(&server, &second, &health).unwrap().contains(" 200 "));
}

#[tokio::test]
async fn a_slow_handshake_is_cut() {
    let server = Server::start_with_flags(Agent::fake(""), &["--tls-self-signed"]).await;
    let address = server.base.strip_prefix("https://").unwrap().to_owned();
    let clients = [&b""[..], &b"\x16"[..], &b"\x16\x03\x01\x02\x00\x01"[..]].map(|begin| {
        let address = address.clone();
        tokio::task::spawn_blocking(move || {
            let since = Instant::now();
            let mut stream = TcpStream::connect(address).unwrap();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            stream.write_all(begin).unwrap();
            let mut rest = Vec::new();
            let _ = stream.read_to_end(&mut rest);
            since.elapsed()
        })
    });
    for client in clients {
        let time = client.await.unwrap();
        assert!(time < PATIENCE, "{time:?}");
        assert!(time > Duration::from_secs(5), "{time:?}");
    }
}

#[tokio::test]
async fn an_open_address_needs_protection() {
    let server = Server::elsewhere(Agent::fake(""));
    for (flags, words) in [
        (
            &["--listen", "0.0.0.0:0"][..],
            ["--tls-cert", "--behind-proxy"],
        ),
        (
            &["--listen", "0.0.0.0:0", "--behind-proxy"],
            ["trusted_proxies", "0.0.0.0"],
        ),
        (&["--listen", "[::]:0"], ["--tls-self-signed", "127.0.0.1"]),
        (&["--tls-cert", "/nowhere"], ["--tls-key", "both"]),
        (
            &[
                "--listen",
                "127.0.0.1:0",
                "--behind-proxy",
                "--trusted-proxies",
                "x",
            ],
            ["trusted_proxies", "10.0.0.0/8"],
        ),
    ] {
        let arguments = [&["serve"], flags].concat();
        let output = server.command(&arguments).output().await.unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "{flags:?}");
        for word in words {
            assert!(text.contains(word), "{flags:?}: {text}");
        }
    }
}
