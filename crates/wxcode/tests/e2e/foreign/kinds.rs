//! Puts each wrong kind of file at every path that the server opens.

use std::{
    fs,
    os::unix::{fs::symlink, net::UnixListener},
    path::Path,
};

use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};
use serde_json::json;
use tokio::time::timeout;

use super::{REFUSED, answers, ends};
use crate::support::{Agent, Answer, Server, make_fifo};

const KINDS: [&str; 6] = ["fifo", "device", "folder", "loop", "socket", "huge"];

/// Creates a file of a wrong kind at a free path.
fn put(kind: &str, path: &Path) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    match kind {
        "fifo" => make_fifo(path),
        // Without the right to make devices: a link to a device.
        "device" => mknodat(
            CWD,
            path,
            FileType::CharacterDevice,
            Mode::RWXU,
            makedev(1, 5),
        )
        .or_else(|_| rustix::fs::symlink("/dev/zero", path))
        .unwrap(),
        "folder" => fs::create_dir(path).unwrap(),
        "loop" => symlink(path.file_name().unwrap(), path).unwrap(),
        // The socket file stays after the close.
        "socket" => {
            // The whole path may be too long for a socket's name.
            let near = tempfile::tempdir().unwrap();
            drop(UnixListener::bind(near.path().join("s")).unwrap());
            fs::rename(near.path().join("s"), path).unwrap();
        }
        "huge" => fs::File::create(path).unwrap().set_len(10 << 30).unwrap(),
        other => panic!("no kind {other}"),
    }
}

/// Removes any kind of file at a path.
fn clear(path: &Path) {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path).unwrap(),
        Ok(_) => fs::remove_file(path).unwrap(),
        Err(_) => {}
    }
}

/// Sends the same request twice at the same time, so that two server threads meet the file. The
/// server answers others meanwhile, and afterwards.
async fn twice(server: &Server, method: &str, path: &str) -> [Answer; 2] {
    let ask = || async {
        match method {
            "GET" => server.get(path).await,
            _ => server.post(path, json!({})).await,
        }
    };
    let both = timeout(REFUSED, async { tokio::join!(ask(), ask()) });
    tokio::pin!(both);
    let both = loop {
        tokio::select! {
            both = &mut both => break both,
            () = answers(server) => {}
        }
    };
    let (one, two) = both.unwrap_or_else(|_| panic!("{method} {path} hangs"));
    answers(server).await;
    [one, two]
}

/// Checks that the status of both answers is permitted, and that refusals name the kind.
fn check(what: &str, answers: [Answer; 2], allowed: &[u16], name: &str) {
    for answer in answers {
        let status = answer.status.as_u16();
        assert!(
            allowed.contains(&status),
            "{what}: {status} {}",
            answer.body
        );
        if status >= 400 {
            let code = answer.body["code"].as_str().unwrap();
            assert!(
                code.starts_with("file_") || code == "transcripts_unavailable",
                "{what}: {code}"
            );
            let detail = answer.body["detail"].as_str().unwrap();
            assert!(detail.contains(name), "{what}: {detail}");
        }
    }
}

#[tokio::test]
async fn each_path_of_a_workspace_may_be_anything() {
    let mut server = Server::start(Agent::fake("")).await;
    for kind in KINDS {
        let project = server.project(kind).await;
        let workspace = server.workspace(&project).await;
        let milestone = server.milestone(&project, "one").await;
        let folder = format!(".milestones/{milestone}");
        let context = format!("{folder}/MILESTONE-CONTEXT.md");
        // The expected statuses of `prepare` and of `planning` with a wrong kind of file.
        for (name, prepared, looked) in [
            (".milestones", 409, 200),
            (folder.as_str(), 409, 200),
            (&context, if kind == "huge" { 200 } else { 409 }, 200),
            // Only the agent writes into `.planning`, so preparing ignores a link there.
            (".planning", 409, 409),
            (".planning/ROADMAP.md", 200, 200),
            (".planning/STATE.md", 200, 200),
            (".planning/phases", 200, 200),
            (".planning/phases/01-a/01-01-PLAN.md", 200, 200),
            ("", 409, 409),
        ] {
            let path = if name.is_empty() {
                workspace.clone()
            } else {
                workspace.join(name)
            };
            clear(&path);
            put(kind, &path);
            let what = format!("{kind} at {name:?}");
            let folder_is_right = kind == "folder" && !name.ends_with("CONTEXT.md");
            let expected = |status: u16| if folder_is_right { 200 } else { status };
            let is_link = path.is_symlink();
            let prepared = match name {
                ".planning" if is_link => 200,
                _ => expected(prepared),
            };
            let prepare = format!("/milestones/{milestone}/prepare");
            let prepare = twice(&server, "POST", &prepare).await;
            check(&what, prepare, &[prepared], name);
            let show = format!("/output-projects/{project}/planning");
            let show = twice(&server, "GET", &show).await;
            check(&what, show, &[expected(looked)], name);
            clear(&path);
            fs::create_dir_all(&workspace).unwrap();
        }
        if kind != "folder" {
            clear(&workspace);
            put(kind, &workspace);
            let body = json!({ "name": "new", "workspace_path": workspace });
            let answer = server.post("/output-projects", body).await;
            assert_eq!(answer.status, 422, "{}", answer.body);
        }
    }
    ends(&mut server).await;
}

#[tokio::test]
async fn each_path_of_claude_may_be_anything() {
    let mut server = Server::start(Agent::fake("")).await;
    let config = server.agent.home.config_dir();
    let project = server.project("p").await;
    let session = format!("/output-projects/{project}/session");
    server.start_session(&project).await;
    server.delete(&session).await.expect(204);
    let record = Path::new("sessions/4000000.json");
    for kind in KINDS {
        for (name, is_needed) in [
            (Path::new("sessions"), true),
            (record, false),
            (Path::new("projects"), true),
            (Path::new("projects/-odd"), kind == "loop"),
            (Path::new("projects/-odd/ID.jsonl"), true),
        ] {
            // An earlier start without messages may have given the conversation another id.
            let id = server.session(&project).await["claude_session_id"].clone();
            let name = name.to_str().unwrap().replace("ID", id.as_str().unwrap());
            let name = Path::new(&name);
            let path = config.join(name);
            let aside = config.join("aside");
            let is_kept = fs::rename(&path, &aside).is_ok();
            put(kind, &path);
            let what = format!("{kind} at {}", name.display());
            let is_refused = is_needed && kind != "folder";
            let allowed: &[u16] = if is_refused { &[503] } else { &[200, 201] };
            let started = twice(&server, "POST", &session).await;
            check(&what, started, allowed, name.to_str().unwrap());
            server.delete(&session).await.expect(204);
            clear(&path);
            if is_kept {
                fs::rename(&aside, &path).unwrap();
            }
        }
    }
    ends(&mut server).await;
}

/// Paths that only some requests read: the answer may be anything but a failure without a reason.
#[tokio::test]
async fn each_path_of_a_request_may_be_anything() {
    let mut server = Server::start(Agent::fake("")).await;
    let config = server.agent.home.config_dir();
    let project = server.project("p").await;
    let workspace = server.workspace(&project).await;
    let milestone = server.milestone(&project, "one").await;
    let root = format!("/output-projects/{project}");
    server.start_session(&project).await;
    server.idle(&project).await;
    let delivery = server.deliver(&project, "hello").await;
    server
        .delivery_until(&project, &delivery, "submitted")
        .await;
    server.idle(&project).await;
    server.delete(&format!("{root}/session")).await.expect(204);
    let id = server.session(&project).await["claude_session_id"].clone();
    let id = id.as_str().unwrap();
    let folders = fs::read_dir(config.join("projects")).unwrap();
    let transcripts = folders.map(|entry| entry.unwrap().path()).next().unwrap();
    let paths = [
        (
            workspace.join(".wxcode"),
            "POST",
            format!("{root}/uploads?name=a"),
        ),
        (
            workspace.join(".git"),
            "GET",
            format!("/milestones/{milestone}/changes"),
        ),
        (workspace.join(".claude"), "GET", "/environment".to_owned()),
        (
            workspace.join(".claude/settings.json"),
            "POST",
            format!("{root}/session"),
        ),
        (
            workspace.join(".claude/settings.local.json"),
            "POST",
            format!("{root}/session"),
        ),
        (
            workspace.join(".mcp.json"),
            "POST",
            format!("{root}/session"),
        ),
        (
            config.join("settings.json"),
            "GET",
            "/environment".to_owned(),
        ),
        (
            config.join("settings.json"),
            "POST",
            format!("{root}/session"),
        ),
        (
            config.join("commands"),
            "POST",
            format!("/milestones/{milestone}/start"),
        ),
        (
            config.join("skills"),
            "POST",
            format!("/milestones/{milestone}/start"),
        ),
        (
            transcripts.join(format!("{id}.jsonl")),
            "GET",
            format!("{root}/conversation"),
        ),
        (
            transcripts.join(format!("{id}.jsonl")),
            "GET",
            format!("{root}/search?q=hello"),
        ),
        (
            transcripts.join(format!("{id}.jsonl")),
            "GET",
            "/search?q=hello".to_owned(),
        ),
        (
            transcripts.join(format!("{id}.jsonl")),
            "GET",
            format!("{root}/usage"),
        ),
        (transcripts.join(id), "GET", format!("{root}/conversation")),
        (
            transcripts.join(format!("{id}/subagents/a.jsonl")),
            "GET",
            format!("{root}/usage"),
        ),
    ];
    for kind in KINDS {
        for (path, method, request) in &paths {
            let aside = path.with_file_name("aside");
            let is_kept = fs::rename(path, &aside).is_ok();
            put(kind, path);
            for answer in twice(&server, method, request).await {
                let what = format!("{kind} at {}: {method} {request}", path.display());
                let status = answer.status.as_u16();
                let has_reason = answer.body["detail"].is_string();
                assert!(status < 400 || has_reason, "{what}: {}", answer.body);
                assert!(status < 500 || status == 503, "{what}: {}", answer.body);
            }
            server.delete(&format!("{root}/session")).await.expect(204);
            clear(path);
            if is_kept {
                fs::rename(&aside, path).unwrap();
            }
        }
    }
    ends(&mut server).await;
}
