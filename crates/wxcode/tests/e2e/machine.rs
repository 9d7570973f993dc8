//! Machines as they are: old kernels, strict filters of system calls, slow disks, low limits.

use std::fs;

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
use serde_json::json;
use tokio::time::timeout;
use wxcode_testbed::binary;

use crate::support::{Agent, PATIENCE, Server, make_fifo};

/// A server, started again under a filter. The filter answers all system calls since Linux 5.1 as
/// an older kernel does.
async fn on_an_old_kernel() -> Server {
    let mut server = Server::start(Agent::fake("")).await;
    server.terminate().await;
    let launcher = binary::path("without-calls").into_os_string();
    let filter = [launcher, "38".into(), "424-480".into()];
    server.program.splice(0..0, filter);
    server.up().await;
    server
}

#[tokio::test]
async fn sessions_run_on_an_old_kernel() {
    let mut server = on_an_old_kernel().await;
    let project = server.project("p").await;
    let session = server.start_session(&project).await;
    let delivery = server.deliver(&project, "hello").await;
    server
        .delivery_until(&project, &delivery, "submitted")
        .await;
    server.crash().await;
    server.up().await;
    assert_eq!(server.session(&project).await["pid"], session["pid"]);
    let path = format!("/output-projects/{project}/session");
    server.delete(&path).await.expect(204);

    let output = server.command(&["doctor"]).output().await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}");
    for part in [
        "kernel: Linux ",
        "ok      memfd: ",
        "note    pidfd: ",
        "note    openat2: ",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[tokio::test]
async fn doctor_tries_sockets_and_memory_files() {
    let mut server = Server::start(Agent::fake("")).await;
    server.terminate().await;
    let run = async |server: &Server, arguments: &[&str]| {
        let output = server.command(arguments).output().await.unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let text = run(&server, &["doctor"]).await;
    for part in ["memfd", "pidfd", "openat2", "sockets"] {
        assert!(
            text.contains(&format!("ok      {part}: ")),
            "{part}: {text}"
        );
    }
    let long = format!("/{}", "long/".repeat(800));
    let text = run(&server, &["doctor", "--data-dir", &long]).await;
    assert!(
        text.contains("FAILED  sockets: the data folder's path has 4"),
        "{text}"
    );
    // `memfd_create`.
    let launcher = binary::path("without-calls").into_os_string();
    let call = if cfg!(target_arch = "aarch64") {
        "279-279"
    } else {
        "319-319"
    };
    server
        .program
        .splice(0..0, [launcher, "1".into(), call.into()]);
    let text = run(&server, &["doctor"]).await;
    assert!(
        text.contains("warning memfd: ") && text.contains("seccomp"),
        "{text}"
    );
}

#[tokio::test]
async fn a_hanging_event_log_holds_up_nobody() {
    let server = Server::start(Agent::fake("")).await;
    // More than the server has threads for requests.
    let threads = std::thread::available_parallelism().unwrap().get();
    let mut hanging = Vec::new();
    for number in 0..=threads {
        let project = server.project(&number.to_string()).await;
        let log = server.data_dir().join("events").join(&project);
        fs::create_dir_all(&log).unwrap();
        // Writing waits until a reader comes, as on a disk without an answer.
        make_fifo(&log.join("whole"));
        hanging.push((project, log.join("whole")));
    }
    let other = server.project("other").await;
    let starts = hanging
        .iter()
        .map(|(project, _)| server.start_session(project));
    let starts = futures_util::future::join_all(starts);
    tokio::pin!(starts);
    let served = async {
        // The sessions above have begun, each with a first event.
        for (project, _) in &hanging {
            let begun = || {
                server.session_dirs().iter().any(|dir| {
                    fs::read_to_string(dir.join("spec.json"))
                        .is_ok_and(|spec| spec.contains(project.as_str()))
                })
            };
            crate::support::eventually("the session begins", begun).await;
        }
        server.start_session(&other).await;
    };
    tokio::select! {
        biased;
        _ = &mut starts => panic!("the log does not hang"),
        served = timeout(PATIENCE, served) => served.expect("the others are served"),
    }
    for (_, whole) in &hanging {
        let whole = whole.clone();
        std::thread::spawn(move || {
            std::io::copy(&mut fs::File::open(whole)?, &mut std::io::sink())
        });
    }
    timeout(PATIENCE, starts)
        .await
        .expect("the disk answers again");
}

#[tokio::test]
async fn a_file_size_limit_ends_no_server() {
    let server = Server::start(Agent::fake("")).await;
    let limit = |current: Option<u64>| {
        let maximum = getrlimit(Resource::Fsize).maximum;
        let limits = Rlimit { current, maximum };
        prlimit(Pid::from_raw(server.pid()), Resource::Fsize, limits).unwrap();
    };
    limit(Some(0));
    // The shared store is in another process.
    let answer = server
        .post("/output-projects", json!({ "name": "p" }))
        .await;
    assert!(
        [201, 500, 503, 507].contains(&answer.status.as_u16()),
        "{}",
        answer.status
    );
    limit(None);
    let project = server.project("after").await;
    server.start_session(&project).await;
    server.idle(&project).await;
}
