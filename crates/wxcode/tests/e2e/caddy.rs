//! Tests page, API, terminals and events through a real Caddy with the documented configuration.

use std::{
    fs,
    process::{Command, Stdio},
};

use crate::{
    nginx::passes_everything,
    support::{Agent, FrontProxy, Server},
};

const DOCUMENTED: &str = include_str!("../../../../docs/proxy/Caddyfile");

/// Starts a Caddy in front of a server; `None` if Caddy is not installed.
fn caddy(server: &Server) -> Option<FrontProxy> {
    let upstream = server.base.strip_prefix("http://").unwrap();
    assert!(DOCUMENTED.contains("127.0.0.1:8052") && DOCUMENTED.contains("\nbox.example {"));
    let programs = ["/usr/bin/caddy", "/usr/local/bin/caddy"];
    FrontProxy::start("caddy", &programs, |program, folder, address| {
        // Serves any host on the loopback address, without a certificate.
        let site = format!("\nhttp://:{} {{\n\tbind 127.0.0.1", address.port());
        let text = DOCUMENTED
            .replace("127.0.0.1:8052", upstream)
            .replace("\nbox.example {", &site);
        let path = folder.join("Caddyfile");
        fs::write(&path, format!("{{\n\tadmin off\n}}\n{text}")).unwrap();
        let mut command = Command::new(program);
        command
            .args(["run", "--adapter", "caddyfile", "--config"])
            .arg(&path)
            .env_clear()
            .env("HOME", folder)
            .stderr(Stdio::null());
        command
    })
}

#[tokio::test]
async fn documented_caddy_configuration_forwards_everything() {
    let flags = ["--behind-proxy", "--base-path", "/wx"];
    let mut server = Server::start_with_flags(Agent::fake(""), &flags).await;
    let Some(caddy) = caddy(&server) else {
        return;
    };
    passes_everything(&mut server, caddy.address).await;
}
