//! The documented configuration of Caddy, run by a real Caddy: page, API, terminals, events.

use std::{
    fs,
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::{
    nginx::passes_everything,
    support::{Agent, PATIENCE, Server},
};

const DOCUMENTED: &str = include_str!("../../../../docs/proxy/Caddyfile");

/// A running Caddy; dropping it ends it.
struct Caddy {
    child: Child,
    address: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Caddy {
    /// A Caddy in front of a server; `None`, with the reason printed, where it is not installed.
    /// Unlike other skips, this one is no failure anywhere: Caddy is no part of wxcode.
    fn start(server: &Server) -> Option<Self> {
        let program = ["/usr/bin/caddy", "/usr/local/bin/caddy"];
        let Some(program) = program.into_iter().find(|path| Path::new(path).exists()) else {
            eprintln!("SKIPPED: Caddy is not installed: run scripts/caddy");
            return None;
        };
        let upstream = server.base.strip_prefix("http://").unwrap();
        assert!(DOCUMENTED.contains("127.0.0.1:8052") && DOCUMENTED.contains("\nbox.example {"));
        // Another program may take the port meanwhile: then Caddy ends at once.
        for _ in 0..5 {
            let folder = tempfile::tempdir().unwrap();
            let port = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = port.local_addr().unwrap();
            drop(port);
            // Without a certificate, for any host, on the loopback address.
            let site = format!("\nhttp://:{} {{\n\tbind 127.0.0.1", address.port());
            let text = DOCUMENTED
                .replace("127.0.0.1:8052", upstream)
                .replace("\nbox.example {", &site);
            let path = folder.path().join("Caddyfile");
            fs::write(&path, format!("{{\n\tadmin off\n}}\n{text}")).unwrap();
            let mut child = Command::new(program)
                .args(["run", "--adapter", "caddyfile", "--config"])
                .arg(&path)
                .env_clear()
                .env("HOME", folder.path())
                .stdin(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            let deadline = Instant::now() + PATIENCE;
            while child.try_wait().unwrap().is_none() {
                if TcpStream::connect(address).is_ok() {
                    return Some(Self {
                        child,
                        address,
                        _folder: folder,
                    });
                }
                assert!(Instant::now() < deadline, "Caddy does not listen");
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        panic!("Caddy does not start");
    }
}

impl Drop for Caddy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn the_documented_caddy_passes_everything() {
    let flags = ["--behind-proxy", "--base-path", "/wx"];
    let mut server = Server::start_with_flags(Agent::fake(""), &flags).await;
    let Some(caddy) = Caddy::start(&server) else {
        return;
    };
    passes_everything(&mut server, caddy.address).await;
}
