//! The server writes nothing outside the workspace, and concurrent preparations do not collide.

use std::{fs, os::unix::fs::symlink};

use serde_json::json;

use super::ends;
use crate::support::{Agent, Server};

#[tokio::test]
async fn links_as_milestone_folders_are_refused() {
    let mut server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let workspace = server.workspace(&project).await;
    let outside = tempfile::tempdir().unwrap();
    let file = outside.path().join("file");
    fs::write(&file, "kept").unwrap();
    let milestone = server.milestone(&project, "one").await;
    let context = format!(".milestones/{milestone}/MILESTONE-CONTEXT.md");
    let folder = format!(".milestones/{milestone}");
    for (name, target) in [
        (".milestones", outside.path()),
        (&folder, outside.path()),
        (&context, file.as_path()),
    ] {
        let link = workspace.join(name);
        fs::create_dir_all(link.parent().unwrap()).unwrap();
        symlink(target, &link).unwrap();
        for path in ["prepare", "start"] {
            let path = format!("/milestones/{milestone}/{path}");
            let answer = server.post(&path, json!({})).await;
            assert_eq!(answer.body["code"], "file_is_link");
            let detail = answer.problem(409);
            assert!(
                detail.contains(&format!("{} is a link", link.display())),
                "{detail}"
            );
        }
        let mut socket = server
            .socket(&format!("/milestones/{milestone}/terminal"))
            .await;
        assert_eq!(socket.close_code().await, 4003);
        fs::remove_file(&link).unwrap();
    }
    let left: Vec<_> = fs::read_dir(outside.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "kept");
    let path = format!("/milestones/{milestone}/prepare");
    server.post(&path, json!({})).await.expect(200);
    ends(&mut server).await;
}

#[tokio::test]
async fn a_guessed_temporary_name_redirects_nothing() {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let milestone = server.milestone(&project, "one").await;
    let folder = server
        .workspace(&project)
        .await
        .join(".milestones")
        .join(&milestone);
    fs::create_dir_all(&folder).unwrap();
    let outside = tempfile::tempdir().unwrap();
    let file = outside.path().join("file");
    fs::write(&file, "kept").unwrap();
    let draft = folder.join(format!(".MILESTONE-CONTEXT.{}.tmp", server.pid()));
    symlink(&file, &draft).unwrap();
    let path = format!("/milestones/{milestone}/prepare");
    server.post(&path, json!({})).await.expect(200);
    assert_eq!(fs::read_to_string(&file).unwrap(), "kept");
    let context = fs::symlink_metadata(folder.join("MILESTONE-CONTEXT.md")).unwrap();
    assert!(context.is_file());
    assert!(fs::symlink_metadata(&draft).unwrap().is_symlink());
}

#[tokio::test]
async fn ten_terminals_open_one_pending_milestone() {
    let server = Server::start(
        Agent::fake("").with_config("[commands]\nnew_project = 'begin {context_path}'\n"),
    )
    .await;
    for round in 0..5 {
        let project = server.project(&format!("p{round}")).await;
        let milestone = server.milestone(&project, "one").await;
        let path = format!("/milestones/{milestone}/terminal");
        let clients = (0..10).map(|_| async {
            let mut socket = server.socket(&path).await;
            socket.message("status").await["connected"].clone()
        });
        for connected in futures_util::future::join_all(clients).await {
            assert_eq!(connected, true);
        }
        let folder = server
            .workspace(&project)
            .await
            .join(".milestones")
            .join(&milestone);
        let files = fs::read_dir(folder).unwrap();
        let names: Vec<_> = files.map(|file| file.unwrap().file_name()).collect();
        assert_eq!(names, ["MILESTONE-CONTEXT.md"]);
    }
}
