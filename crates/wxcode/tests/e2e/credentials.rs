//! The command line sends its token only to the server of the data folder; `--server` needs a
//! separate token.

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use crate::support::{Agent, Attached, Server};

/// Time for which the listener waits for the bytes of a client.
const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// Listens at the address of a former server and records all received bytes.
struct Listener {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<String>>>,
    ending: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    fn on(address: &str) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let heard = Arc::<Mutex<Vec<String>>>::default();
        let ending = Arc::<AtomicBool>::default();
        let (keeps, is_ending) = (Arc::clone(&heard), Arc::clone(&ending));
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if is_ending.load(Ordering::Relaxed) {
                    return;
                }
                let mut stream = stream.unwrap();
                stream.set_read_timeout(Some(READ_TIMEOUT)).unwrap();
                let mut bytes = [0; 4096];
                let n = stream.read(&mut bytes).unwrap_or(0);
                let text = String::from_utf8_lossy(&bytes[..n]).into_owned();
                keeps.lock().unwrap().push(text);
                let _ = stream.write_all(b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n");
            }
        });
        Self {
            address,
            heard,
            ending,
            thread: Some(thread),
        }
    }

    /// Returns the received bytes. A marker from the test comes last, so no earlier byte is
    /// missing.
    fn heard(&self) -> Vec<String> {
        let mut own = TcpStream::connect(self.address).unwrap();
        own.write_all(b"the test").unwrap();
        let _ = own.read(&mut [0; 64]);
        let mut heard = self.heard.lock().unwrap().clone();
        assert_eq!(heard.pop().as_deref(), Some("the test"));
        self.heard.lock().unwrap().pop();
        heard
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.ending.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Returns the exit code and the output.
async fn run(server: &Server, arguments: &[&str], token: Option<&str>) -> (Option<i32>, String) {
    let mut command = server.command(arguments);
    command.envs(token.map(|token| ("WXCODE_TOKEN", token)));
    let output = command.output().await.unwrap();
    let text = [&output.stdout[..], b"\n", &output.stderr].concat();
    (
        output.status.code(),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

#[tokio::test]
async fn a_killed_servers_port_gets_no_token() {
    let mut server = Server::start(Agent::fake("")).await;
    server.project("p").await;
    let (code, text) = run(&server, &["ls"], None).await;
    assert_eq!(code, Some(0), "{text}");
    let address = server.base.strip_prefix("http://").unwrap().to_owned();
    server.crash().await;
    assert!(server.data_dir().join("server.json").exists());
    let listener = Listener::on(&address);
    for command in [&["ls"][..], &["ls", "--json"], &["send", "p", "hello"]] {
        let (code, text) = run(&server, command, None).await;
        assert_eq!(code, Some(1), "{command:?}: {text}");
        assert!(text.contains("start it with `wxcode serve`"), "{text}");
    }
    let (_, text) = run(&server, &["doctor"], None).await;
    assert!(text.contains("does not run on this data folder"), "{text}");
    assert_eq!(listener.heard(), Vec::<String>::new());
}

#[tokio::test]
async fn attach_reconnects_only_to_its_own_server() {
    let mut server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    server.start_session(&project).await;
    let attached = Attached::start(&server, &["p"], (220, 30));
    attached.until_shows("❯");
    let address = server.base.strip_prefix("http://").unwrap().to_owned();
    server.crash().await;
    let listener = Listener::on(&address);
    attached.until_shows("no server runs on the data folder");
    assert_eq!(listener.heard(), Vec::<String>::new());
    drop(listener);
    server.up().await;
    attached.until(|shown| !shown.contains("is away"));
    attached.keys("\x1d");
    assert_eq!(attached.ended().code, 0);
}

#[tokio::test]
async fn a_named_server_gets_its_own_token() {
    let server = Server::start(Agent::fake("")).await;
    let listener = Listener::on("127.0.0.1:0");
    let url = format!("http://{}", listener.address);
    let ls = ["ls", "--server", &url];
    let (code, text) = run(&server, &ls, None).await;
    assert_eq!(code, Some(2), "{text}");
    assert!(
        text.contains("WXCODE_TOKEN") && text.contains("--token-file"),
        "{text}"
    );
    assert_eq!(listener.heard(), Vec::<String>::new());

    run(&server, &ls, Some("token-of-a-variable")).await;
    let file = server.agent.home.path().join("token-file");
    fs::write(&file, "token-of-a-file\n").unwrap();
    let with_file = [&ls[..], &["--token-file", file.to_str().unwrap()]].concat();
    run(&server, &with_file, Some("token-of-a-variable")).await;
    let heard = listener.heard();
    assert_eq!(heard.len(), 2, "{heard:?}");
    for (request, token) in heard.iter().zip(["token-of-a-variable", "token-of-a-file"]) {
        assert!(request.contains(&format!("Bearer {token}")), "{request}");
        assert!(!request.contains(&server.token));
    }

    for (url, word) in [
        ("http://192.0.2.1:8052", "plain http"),
        ("nonsense", "such as http://127.0.0.1:8052"),
    ] {
        let given = Some("token-of-a-variable");
        let (code, text) = run(&server, &["ls", "--server", url], given).await;
        assert_eq!(code, Some(2), "{url}: {text}");
        assert!(text.contains(word), "{url}: {text}");
    }
    let flag = ["ls", "--token", "seen-by-other-users"];
    let (code, text) = run(&server, &flag, None).await;
    assert_eq!(code, Some(2), "{text}");
}
