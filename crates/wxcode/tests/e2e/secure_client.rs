//! The command line over `https://`: certificates taken and refused, and every command over TLS.

use std::{
    fs,
    path::Path,
    process::{Output, Stdio},
};

use tokio::io::{AsyncBufReadExt, BufReader};
use wxcode_testbed::certificate::Authority;

use crate::support::{Agent, Attached, PATIENCE, Server, TOKEN, eventually};

/// A server with a self-signed certificate and an idle agent in the project `shop`.
async fn secure() -> (Server, String) {
    let server = Server::start_with_flags(Agent::fake(""), &["--tls-self-signed"]).await;
    eventually("the fingerprint is printed", || {
        fingerprint(&server).is_some()
    })
    .await;
    let fingerprint = fingerprint(&server).unwrap();
    (server, fingerprint)
}

/// The fingerprint that the server prints.
fn fingerprint(server: &Server) -> Option<String> {
    let log = server.log();
    let (_, rest) = log.split_once("SHA-256 ")?;
    let end = rest.find(|c: char| !c.is_ascii_hexdigit() && c != ':')?;
    Some(rest[..end].trim_end_matches(':').to_owned())
}

/// Runs a command against the server's URL with these further variables.
async fn run(server: &Server, arguments: &[&str], env: &[(&str, &str)]) -> Output {
    command(server, arguments, env).output().await.unwrap()
}

fn command(server: &Server, arguments: &[&str], env: &[(&str, &str)]) -> tokio::process::Command {
    let nowhere = server.agent.home.path().join("nowhere");
    let mut command = server.command(arguments);
    command
        .env("WXCODE_SERVER", &server.base)
        .env("WXCODE_DATA_DIR", nowhere)
        .env(TOKEN, &server.token)
        .envs(env.iter().copied())
        .stdin(Stdio::null());
    command
}

#[track_caller]
fn good(output: &Output) -> String {
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[track_caller]
fn refused(output: &Output, words: &[&str]) {
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{error}");
    for word in words {
        assert!(error.contains(word), "`{word}` is missing: {error}");
    }
}

#[tokio::test]
async fn commands_speak_https_by_fingerprint() {
    let (server, fingerprint) = secure().await;
    let env = [("WXCODE_FINGERPRINT", fingerprint.as_str())];
    let id = good(&run(&server, &["new", "shop"], &env).await);
    assert!(good(&run(&server, &["ls"], &env).await).contains("shop"));
    let flag = ["ls", "--fingerprint", &fingerprint.replace(':', "")];
    assert!(good(&run(&server, &flag, &[]).await).contains(id.trim()));

    let mut following = command(&server, &["events", "shop", "--follow", "--json"], &env)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(following.stdout.take().unwrap()).lines();
    let sent = run(&server, &["send", "shop", "hello over tls", "--wait"], &env).await;
    good(&sent);
    let submitted = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if line.contains("delivery.state") && line.contains("submitted") {
                return true;
            }
        }
        false
    };
    assert!(tokio::time::timeout(PATIENCE, submitted).await.unwrap());
    assert!(good(&run(&server, &["screen", "shop"], &env).await).contains("hello over tls"));
    good(&run(&server, &["logs", "shop"], &env).await);
    let audit = good(&run(&server, &["audit"], &env).await);
    assert!(audit.contains("127.0.0.1"), "{audit}");
}

#[tokio::test]
async fn attach_types_over_https() {
    let (mut server, fingerprint) = secure().await;
    let env = [("WXCODE_FINGERPRINT", fingerprint.as_str())];
    good(&run(&server, &["new", "shop"], &env).await);
    for (name, value) in [
        ("WXCODE_SERVER", server.base.clone()),
        ("WXCODE_FINGERPRINT", fingerprint.clone()),
        (TOKEN, server.token.clone()),
    ] {
        server.agent.env.push((name.into(), value.into()));
    }
    let attached = Attached::start(&server, &["shop"], (100, 30));
    attached.until_shows("❯");
    attached.keys("typed over tls");
    attached.until_shows("typed over tls");
    // The connection is made again over TLS.
    server.crash().await;
    server.up().await;
    attached.keys(" and back");
    attached.until_shows("typed over tls and back");
    attached.keys("\x1d");
    assert_eq!(attached.ended().code, 0);
}

#[tokio::test]
async fn unknown_certificates_are_refused_with_a_remedy() {
    let (server, fingerprint) = secure().await;
    let unknown = run(&server, &["ls"], &[]).await;
    refused(
        &unknown,
        &[&fingerprint, "--fingerprint", "--ca-file", "127.0.0.1"],
    );
    let other = fingerprint.replace(&fingerprint[..2], "00");
    let pinned = run(&server, &["ls", "--fingerprint", &other], &[]).await;
    refused(&pinned, &[&fingerprint, &other, "expected"]);
    let attach = run(&server, &["attach", "shop", "--fingerprint", &other], &[]).await;
    assert!(!attach.status.success());
    let short = run(&server, &["ls", "--fingerprint", "AB:CD"], &[]).await;
    refused(&short, &["AB:CD", "64 hex digits"]);
    assert_eq!(short.status.code(), Some(2));
    let both = ["ls", "--fingerprint", &fingerprint, "--ca-file", "/x"];
    refused(&run(&server, &both, &[]).await, &["give one of them"]);
    // No request of a refused connection reached the server.
    let env = [("WXCODE_FINGERPRINT", fingerprint.as_str())];
    let audit = good(&run(&server, &["audit", "--json"], &env).await);
    assert!(!audit.contains("\"project\""), "{audit}");
}

/// Writes an authority, and a certificate by this authority with its key.
pub(crate) fn issue(folder: &Path, name: &str) {
    let authority = Authority::new().unwrap();
    let issued = authority.issue(name, "tests").unwrap();
    fs::write(folder.join("ca"), authority.pem).unwrap();
    fs::write(folder.join("cert"), issued.certificate).unwrap();
    fs::write(folder.join("key"), issued.key).unwrap();
}

#[tokio::test]
async fn an_authority_of_a_file_is_trusted() {
    let folder = tempfile::tempdir().unwrap();
    issue(folder.path(), "localhost");
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (ca, cert, key) = (path("ca"), path("cert"), path("key"));
    let flags = ["--tls-cert", cert.as_str(), "--tls-key", key.as_str()];
    let server = Server::start_with_flags(Agent::fake(""), &flags).await;
    let named = server.base.replace("127.0.0.1", "localhost");
    let by_name = ["ls", "--server", named.as_str()];
    good(&run(&server, &by_name, &[("WXCODE_CA_FILE", &ca)]).await);
    // The list of the system, by the variable that others also read.
    good(&run(&server, &by_name, &[("SSL_CERT_FILE", &ca)]).await);
    let stranger = run(&server, &by_name, &[]).await;
    refused(&stranger, &["localhost", "--ca-file"]);
    let other_name = run(&server, &["ls", "--ca-file", &ca], &[]).await;
    refused(&other_name, &["127.0.0.1", "not valid for"]);
    let no_file = run(&server, &["ls", "--ca-file", &key], &[]).await;
    refused(&no_file, &[&key, "no certificate"]);
}

#[tokio::test]
async fn a_token_stays_off_plain_http() {
    let server = Server::start(Agent::fake("")).await;
    let away = ["ls", "--server", "http://192.0.2.1:8052"];
    let output = run(&server, &away, &[]).await;
    refused(&output, &["plain http", "https://"]);
    assert_eq!(output.status.code(), Some(2));
    // TLS asked of a port without TLS ends before the token is sent.
    let base = server.base.replace("http://", "https://");
    let output = run(&server, &["ls", "--server", &base], &[]).await;
    refused(&output, &[&base]);
}
