//! The documented configuration of nginx, run by a real nginx: page, API, terminals, events.

use std::{fs, net::SocketAddr, process::Command};

use reqwest::Method;
use serde_json::json;

use crate::support::{Agent, FrontProxy, PATIENCE, Server};

const DOCUMENTED: &str = include_str!("../../../../docs/proxy/nginx.conf");

/// An nginx in front of a server; `None` where it is not installed.
fn nginx(server: &Server) -> Option<FrontProxy> {
    let upstream = server.base.strip_prefix("http://").unwrap();
    assert!(DOCUMENTED.contains("127.0.0.1:8052"));
    let location = DOCUMENTED.replace("127.0.0.1:8052", upstream);
    let programs = ["/usr/sbin/nginx", "/usr/bin/nginx", "/usr/local/sbin/nginx"];
    FrontProxy::start("nginx", &programs, |program, folder, address| {
        let at = folder.display();
        let user = match rustix::process::geteuid().is_root() {
            true => "user root;",
            false => "",
        };
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {at}/{kind};\n"))
            .concat();
        let text = format!(
            "{user} daemon off; master_process off; pid {at}/pid; error_log stderr;\n\
             events {{}}\nhttp {{\naccess_log off;\n{temporary}\
             map $http_upgrade $wxcode_connection {{ default upgrade; \"\" \"\"; }}\n\
             server {{ listen {address};\n{location}\n}}\n}}\n"
        );
        let path = folder.join("nginx.conf");
        fs::write(&path, text).unwrap();
        let mut command = Command::new(program);
        command.arg("-c").arg(&path).arg("-p").arg(folder);
        command
    })
}

#[tokio::test]
async fn documented_nginx_configuration_forwards_everything() {
    let flags = ["--behind-proxy", "--base-path", "/wx"];
    let mut server = Server::start_with_flags(Agent::fake(""), &flags).await;
    let Some(nginx) = nginx(&server) else {
        return;
    };
    passes_everything(&mut server, nginx.address).await;
}

/// Checks the page, the API, events, terminals, uploads and addresses through a proxy.
pub(crate) async fn passes_everything(server: &mut Server, proxy: SocketAddr) {
    server.base = format!("http://{proxy}/wx");
    let project = server.project("p").await;
    let page = server.request(Method::GET, "/");
    let page = page.bearer_auth(&server.token).send().await.unwrap();
    assert_eq!(page.status(), 200);
    let mut events = server
        .request(
            Method::GET,
            &format!("/api/v1/output-projects/{project}/events"),
        )
        .bearer_auth(&server.token)
        .send()
        .await
        .unwrap();
    let first = tokio::time::timeout(PATIENCE, events.chunk()).await;
    let first = first.expect("events are not buffered").unwrap().unwrap();
    let first = String::from_utf8_lossy(&first).into_owned();
    assert!(first.contains("event: state"), "{first}");
    let path = format!("/output-projects/{project}/terminal");
    let mut terminal = server.socket(&path).await;
    terminal.until("fake mode on").await;
    terminal.input("hello").await;
    terminal.until("hello").await;
    let upload = format!("/api/v1/output-projects/{project}/uploads?name=a.bin");
    let upload = server
        .request(Method::POST, &upload)
        .bearer_auth(&server.token)
        .body(vec![7; 15 << 20]);
    server.answer(upload).await.expect(201);
    let foreign = server
        .request(Method::GET, "/api/v1/output-projects")
        .header("host", "evil.example");
    let foreign = server.answer(foreign).await;
    let text = foreign.problem(403);
    assert!(
        text.contains("evil.example") && text.contains("allowed_hosts"),
        "{text}"
    );
    let audit = server
        .until("/audit", "the attach is in it", |audit| {
            audit.to_string().contains("\"attach\"")
        })
        .await;
    let entries = audit["entries"].as_array().unwrap();
    let attach = entries.iter().find(|entry| entry["action"] == "attach");
    assert_eq!(attach.unwrap()["address"], json!("127.0.0.1"));
}
