//! A hanging file system: a FUSE mount whose server never reads a request.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

use futures_util::future::join_all;
use serde_json::json;
use tokio::time::timeout;
use wxcode_testbed::skip;

use super::{REFUSED, answers, ends};
use crate::support::{Agent, Server};

/// A mounted file system; each access blocks until the mount is dropped.
struct Mount {
    device: Option<File>,
    path: PathBuf,
}

impl Mount {
    /// `None`, with the reason printed, where mounting is impossible.
    fn over(path: &Path) -> Option<Self> {
        let device = File::options().read(true).write(true).open("/dev/fuse");
        let mounted = device.and_then(|device| {
            let options = "fd=0,rootmode=40000,user_id=0,group_id=0,allow_other";
            let mut mount = Command::new("mount");
            mount.args(["-i", "-t", "fuse", "-o", options, "hanging"]);
            let stdin = Stdio::from(device.try_clone()?);
            let output = mount.arg(path).stdin(stdin).output()?;
            Ok(output.status.success().then_some(device))
        });
        match mounted {
            Ok(Some(device)) => Some(Self {
                device: Some(device),
                path: path.to_owned(),
            }),
            Ok(None) | Err(_) => {
                skip("a FUSE file system cannot be mounted here: it needs root and /dev/fuse");
                None
            }
        }
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Blocked processes get an error.
        drop(self.device.take());
        let _ = Command::new("umount").arg("-l").arg(&self.path).output();
    }
}

#[tokio::test]
async fn a_hanging_workspace_fails_only_its_requests() {
    let mut server = Server::start(Agent::fake("")).await;
    let (hanging, fine) = (
        server.project("hanging").await,
        server.project("fine").await,
    );
    let milestone = server.milestone(&hanging, "one").await;
    let workspace = server.workspace(&hanging).await;
    let Some(mount) = Mount::over(&workspace) else {
        return;
    };
    let begun = Instant::now();
    let ask = |n: usize| {
        let (server, hanging, milestone) = (&server, &hanging, &milestone);
        let workspace = workspace.join("sub");
        async move {
            match n % 4 {
                0 => {
                    server
                        .post(&format!("/milestones/{milestone}/prepare"), json!({}))
                        .await
                }
                1 => {
                    server
                        .get(&format!("/output-projects/{hanging}/planning"))
                        .await
                }
                2 => {
                    server
                        .post(&format!("/output-projects/{hanging}/session"), json!({}))
                        .await
                }
                _ => {
                    let body = json!({ "name": "new", "workspace_path": workspace });
                    server.post("/output-projects", body).await
                }
            }
        }
    };
    // More than the server has threads.
    let refused = async {
        for answer in timeout(REFUSED, join_all((0..64).map(ask)))
            .await
            .expect("each is answered")
        {
            assert_eq!(answer.body["code"], "file_hangs", "{}", answer.body);
            let detail = answer.problem(503);
            assert!(detail.contains("did not answer within 10 s"), "{detail}");
        }
    };
    let goes_on = async {
        for _ in 0..20 {
            answers(&server).await;
        }
        server.start_session(&fine).await;
        let prepared = server.milestone(&fine, "two").await;
        let path = format!("/milestones/{prepared}/prepare");
        server.post(&path, json!({})).await.expect(200);
        let path = format!("/output-projects/{fine}/planning");
        server.get(&path).await.expect(200);
        begun.elapsed()
    };
    let ((), went_on) = tokio::join!(refused, goes_on);
    println!(
        "the others went on for {went_on:?}; all was refused within {:?}",
        begun.elapsed()
    );
    // A request does not wait while the file system is known to hang.
    let asked = Instant::now();
    let path = format!("/milestones/{milestone}/prepare");
    server.post(&path, json!({})).await.problem(503);
    assert!(asked.elapsed() < REFUSED / 2, "{:?}", asked.elapsed());
    ends(&mut server).await;
    drop(mount);
}

#[tokio::test]
async fn a_hanging_claude_folder_blocks_no_server() {
    let mut server = Server::start(Agent::fake("")).await;
    let projects = [server.project("one").await, server.project("two").await];
    let sessions = server.agent.home.config_dir().join("sessions");
    std::fs::create_dir_all(&sessions).unwrap();
    let Some(mount) = Mount::over(&sessions) else {
        return;
    };
    let paths = projects.iter().flat_map(|project| {
        let path = format!("/output-projects/{project}/session");
        [path.clone(), path]
    });
    let paths: Vec<String> = paths.collect();
    let starts = join_all(paths.iter().map(|path| server.post(path, json!({}))));
    // Requests of a project are served one after the other.
    let refused = timeout(2 * REFUSED, async {
        tokio::join!(starts, answers(&server)).0
    });
    for answer in refused.await.expect("each is answered") {
        assert_eq!(answer.body["code"], "file_hangs", "{}", answer.body);
    }
    ends(&mut server).await;
    drop(mount);
}
