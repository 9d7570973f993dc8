//! Exhausted resources: agents go on, requests fail with a remedy, and nothing needs a restart.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
};

use reqwest::Method;
use serde_json::{Value, json};
use tokio::{
    net::TcpStream,
    time::{sleep, timeout},
};

use crate::support::{
    Agent, LOOK, Namespaces, Outage, PATIENCE, Server, Socket, eventually, is_alive,
};
use wxcode_testbed::skip;

/// Takes all free space.
fn fill(filler: &Path) {
    let mut file = File::options()
        .append(true)
        .create(true)
        .open(filler)
        .unwrap();
    for size in [1 << 20, 4 << 10, 1] {
        loop {
            match file.write(&vec![b'x'; size]) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => break,
                Err(error) => panic!("{error}"),
            }
        }
    }
}

/// Types a prompt and waits for the answer.
async fn converse(socket: &mut Socket, text: &str) {
    socket.input(text).await;
    socket.until(&format!("❯ {text}")).await;
    socket.input("\r").await;
    socket.until(&format!("last: {text}")).await;
}

async fn ready(server: &Server) -> u16 {
    let request = server
        .request(Method::GET, "/readyz")
        .bearer_auth(&server.token);
    server.answer(request).await.status.as_u16()
}

#[tokio::test]
async fn a_full_disk_is_reported_and_survived() {
    let disk = "mount -t tmpfs -o size=24m none \"$0\"";
    let Some(small) = Namespaces::start(Agent::fake(""), disk).await else {
        return;
    };
    let server = &small.server;
    let project = small.project("p").await;
    let other = small.project("other").await;
    server.start_session(&project).await;
    let path = format!("/output-projects/{project}");
    let mut socket = server.socket(&format!("{path}/terminal")).await;
    server.idle(&project).await;
    let filler = small.path("filler");
    fill(&filler);

    // Writes are refused with a remedy; reads still work.
    let body = json!({ "text": "x".repeat(200_000) });
    let detail = server
        .post(&format!("{path}/deliveries"), body)
        .await
        .problem(503);
    assert!(detail.contains("free some space"), "{detail}");
    let deliveries = server.get(&format!("{path}/deliveries")).await.expect(200);
    assert_eq!(deliveries["total"], 0, "nothing is half-written");
    let detail = server
        .post(&format!("/output-projects/{other}/session"), json!({}))
        .await
        .problem(503);
    assert!(detail.contains("space"), "{detail}");
    assert_eq!(server.session(&other).await["status"], "none");
    // The agent reads and writes as before, beyond the capacity of the log.
    socket.input("fake:flood 300000").await;
    socket.until("❯ fake:flood").await;
    socket.input("\r").await;
    let told = server
        .session_until(&project, "the log is off", |session| {
            !session["log_off"].is_null()
        })
        .await;
    let reason = told["log_off"].as_str().unwrap();
    assert!(reason.contains("free space"), "{reason}");
    converse(&mut socket, "still here").await;

    fs::remove_file(&filler).unwrap();
    let delivery = server.deliver(&project, "room again").await;
    server
        .delivery_until(&project, &delivery, "submitted")
        .await;
    server.start_session(&other).await;
    assert_eq!(server.session(&other).await["log_off"], Value::Null);
    assert_eq!(ready(server).await, 200);
    server.delete(&format!("{path}/session")).await.expect(204);
    assert_eq!(server.session(&project).await["exit"]["reason"], "stopped");
}

#[tokio::test]
async fn a_missing_store_is_reported_and_survived() {
    let Some((server, outage)) = Outage::prepare(Agent::fake("")).await else {
        return;
    };
    let project = server.project("p").await;
    let path = format!("/output-projects/{project}");
    server.start_session(&project).await;
    let mut socket = server.socket(&format!("{path}/terminal")).await;
    server.idle(&project).await;
    outage.begin();
    let detail = server.get(&path).await.problem(503);
    assert!(detail.contains(outage.remedy()), "{detail}");
    assert_eq!(ready(&server).await, 503);
    // The agent, the driver and the reports need no store.
    converse(&mut socket, "meanwhile").await;
    let mut session = server.socket(&format!("{path}/terminal")).await;
    assert!(session.close_code().await >= 1000);

    outage.end();
    let back = async {
        // A shared store needs a new connection.
        while ready(&server).await != 200 {
            sleep(LOOK).await;
        }
    };
    timeout(PATIENCE, back).await.expect("the store is back");
    converse(&mut socket, "and after").await;
    let delivery = server.deliver(&project, "delivered").await;
    server
        .delivery_until(&project, &delivery, "submitted")
        .await;
}

#[tokio::test]
async fn a_locked_store_is_reported_and_survived() {
    if std::env::var("WXCODE_TEST_STORE").is_ok_and(|store| store == "mongodb") {
        return; // A shared store has no file to lock.
    }
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let path = format!("/output-projects/{project}");
    server.start_session(&project).await;
    let mut socket = server.socket(&format!("{path}/terminal")).await;
    let before = server.idle(&project).await;
    let other = rusqlite::Connection::open(server.data_dir().join("wxcode.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let detail = server
        .post(&format!("{path}/deliveries"), json!({ "text": "lost" }))
        .await
        .problem(503);
    assert!(detail.contains("locked"), "{detail}");
    // Records stay readable, and the agent needs no store, even for another conversation.
    server.get(&path).await.expect(200);
    converse(&mut socket, "meanwhile").await;
    socket.input("/clear").await;
    socket.until("❯ /clear").await;
    socket.input("\r").await;

    other.execute_batch("ROLLBACK").unwrap();
    let after = server
        .session_until(&project, "the new conversation is known", |session| {
            session["claude_session_id"] != before["claude_session_id"]
        })
        .await;
    assert_eq!(after["pid"], before["pid"]);
    let delivery = server.deliver(&project, "delivered").await;
    server
        .delivery_until(&project, &delivery, "submitted")
        .await;
    let deliveries = server.get(&format!("{path}/deliveries")).await.expect(200);
    assert_eq!(deliveries["total"], 1, "what was refused is not there");
}

#[tokio::test]
async fn a_server_survives_a_lack_of_descriptors() {
    // The default caps on connections keep descriptors free. With these caps a single address may
    // have all connections, and the limit on descriptors is below the need.
    let caps = "[network]\nconnections_per_address = 16\nconnections_unauthenticated = 16\n";
    let mut server = Server::start(Agent::fake("").with_config(caps)).await;
    server.terminate().await;
    let limited = ["sh", "-c", "ulimit -n 34; exec \"$@\"", "sh"];
    let mut program: Vec<OsString> = limited.into_iter().map(Into::into).collect();
    program.append(&mut server.program);
    server.program = program;
    server.up().await;
    let project = server.project("p").await;
    let other = server.project("other").await;
    let session = server.start_session(&project).await;
    let mut socket = server
        .socket(&format!("/output-projects/{project}/terminal"))
        .await;
    server.idle(&project).await;

    let address = server.base.strip_prefix("http://").unwrap().to_owned();
    let mut held = Vec::new();
    for _ in 0..16 {
        held.push(TcpStream::connect(&address).await.unwrap());
    }
    eventually("it has none left", || {
        server.log().contains("cannot accept a connection")
    })
    .await;
    // Over the existing connection.
    let detail = server
        .post(&format!("/output-projects/{other}/session"), json!({}))
        .await
        .problem(503);
    assert!(
        detail.contains("open files") || detail.contains("descriptors"),
        "{detail}"
    );
    converse(&mut socket, "no descriptor needed").await;

    drop(held);
    // The server closes its ends one by one.
    let path = format!("/output-projects/{other}/session");
    let started = async {
        while server.post(&path, json!({})).await.status != 201 {
            sleep(LOOK).await;
        }
    };
    timeout(PATIENCE, started).await.expect("a session again");
    assert_eq!(server.session(&project).await["pid"], session["pid"]);
}

#[tokio::test]
async fn a_lack_of_terminals_is_reported() {
    let terminals = "mount -t devpts -o newinstance,ptmxmode=0666,max=1 devpts /dev/pts && mount --bind /dev/pts/ptmx /dev/ptmx";
    let Some(few) = Namespaces::start(Agent::fake(""), terminals).await else {
        return;
    };
    let server = &few.server;
    let (first, second) = (
        server.project("first").await,
        server.project("second").await,
    );
    server.start_session(&first).await;
    let path = format!("/output-projects/{second}/session");
    let detail = server.post(&path, json!({})).await.problem(503);
    assert!(detail.contains("kernel.pty.max"), "{detail}");
    assert_eq!(server.session(&second).await["status"], "none");
    server
        .delete(&format!("/output-projects/{first}/session"))
        .await
        .expect(204);
    server.start_session(&second).await;
}

/// A cgroup with little memory; removed on drop.
struct LittleMemory(PathBuf);

impl LittleMemory {
    fn new() -> Result<Self, String> {
        let own = fs::read_to_string("/proc/self/cgroup").unwrap();
        let path = |mark: &str| {
            let mut lines = own.lines();
            lines.find_map(|line| line.split_once(mark).map(|(_, path)| path.to_owned()))
        };
        let name = format!("wxcode-test-{}", uuid::Uuid::new_v4().simple());
        let (folder, limit) = match path(":memory:") {
            Some(path) => (
                format!("/sys/fs/cgroup/memory{path}"),
                "memory.limit_in_bytes",
            ),
            None => {
                let path = path("0::").ok_or("there are no cgroups")?;
                (format!("/sys/fs/cgroup{path}"), "memory.max")
            }
        };
        let folder = Path::new(&folder).join(name);
        fs::create_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let cgroup = Self(folder);
        fs::write(cgroup.0.join(limit), "128M").map_err(|error| format!("{limit}: {error}"))?;
        Ok(cgroup)
    }
}

impl Drop for LittleMemory {
    fn drop(&mut self) {
        for _ in 0..500 {
            if fs::remove_dir(&self.0).is_ok() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }
}

#[tokio::test]
async fn an_out_of_memory_kill_is_reported() {
    let little = match LittleMemory::new() {
        Ok(little) => little,
        Err(reason) => {
            skip(&format!(
                "no cgroup with a limit of memory can be made here: {reason}"
            ));
            return;
        }
    };
    // A reader of an endless line takes all the memory.
    let agent = Agent::script("echo greedy; read -r x; exec tail /dev/zero");
    let mut server = Server::start(agent).await;
    server.terminate().await;
    let enter = "echo $$ > \"$0\"/cgroup.procs && exec \"$@\"";
    let mut program: Vec<OsString> =
        vec!["sh".into(), "-c".into(), enter.into(), (&little.0).into()];
    program.append(&mut server.program);
    server.program = program;
    server.up().await;
    let project = server.project("p").await;
    let session = server.start_session(&project).await;
    let pid = i32::try_from(session["pid"].as_i64().unwrap()).unwrap();
    let mut socket = server
        .socket(&format!("/output-projects/{project}/terminal"))
        .await;
    socket.until("greedy").await;
    socket.input("\r").await;
    eventually("it is killed", || !is_alive(pid)).await;
    let ended = server
        .session_until(&project, "exited", |session| session["status"] == "exited")
        .await;
    assert_eq!(
        (&ended["exit"]["signal"], &ended["exit"]["reason"]),
        (&json!(9), &json!("oom_killed"))
    );
    server.start_session(&project).await;
    server.delete(&format!("/output-projects/{project}")).await;
    drop(server);
}
