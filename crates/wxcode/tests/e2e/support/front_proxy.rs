//! A reverse proxy of Debian in front of a server: nginx, Caddy.

use std::{
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use super::PATIENCE;

/// A running proxy; dropping it ends it.
pub(crate) struct FrontProxy {
    child: Child,
    pub(crate) address: SocketAddr,
    _folder: tempfile::TempDir,
}

impl FrontProxy {
    /// Starts the first program that exists, at a free address of the loopback. `command` writes the
    /// configuration for the address into the folder. `None`, with the reason printed, where none
    /// is installed. Unlike other skips, this one is no failure anywhere: the proxies are no part
    /// of wxcode.
    pub(crate) fn start(
        name: &str,
        programs: &[&str],
        command: impl Fn(&str, &Path, SocketAddr) -> Command,
    ) -> Option<Self> {
        let Some(program) = programs.iter().find(|path| Path::new(path).exists()) else {
            eprintln!("SKIPPED: {name} is not installed: run scripts/{name}");
            return None;
        };
        // Another program may take the port meanwhile: then the proxy ends at once.
        for _ in 0..5 {
            let folder = tempfile::tempdir().unwrap();
            let port = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = port.local_addr().unwrap();
            drop(port);
            let mut child = command(program, folder.path(), address)
                .stdin(Stdio::null())
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
                assert!(Instant::now() < deadline, "{name} does not listen");
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        panic!("{name} does not start");
    }
}

impl Drop for FrontProxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
