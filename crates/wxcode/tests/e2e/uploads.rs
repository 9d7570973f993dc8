//! Files uploaded for the agent.

use std::{fs, path::Path, process::Command};

use reqwest::Method;

use crate::support::{Agent, Answer, Server};

async fn upload(server: &Server, project: &str, name: &str, bytes: Vec<u8>) -> Answer {
    let name = name.replace(' ', "%20");
    let path = format!("/api/v1/output-projects/{project}/uploads?name={name}");
    let request = server
        .request(Method::POST, &path)
        .bearer_auth(&server.token)
        .body(bytes);
    server.answer(request).await
}

#[tokio::test]
async fn an_upload_is_a_file_for_the_agent() {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let workspace = server.workspace(&project).await;
    let run = |arguments: &[&str]| {
        let output = Command::new("git")
            .args(arguments)
            .current_dir(&workspace)
            .output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    };
    run(&["init", "--quiet"]);
    let bytes: Vec<u8> = (0..=255).collect();
    let mut paths = Vec::new();
    for _ in 0..2 {
        let kept = upload(&server, &project, "../../a plan.png", bytes.clone()).await;
        let kept = kept.expect(201);
        let path = kept["path"].as_str().unwrap().to_owned();
        assert!(Path::new(&path).starts_with(&workspace), "{path}");
        assert!(path.ends_with("a_plan.png"), "{path}");
        assert_eq!(fs::read(&path).unwrap(), bytes);
        paths.push(path);
    }
    assert_ne!(paths[0], paths[1]);
    assert_eq!(
        run(&["status", "--porcelain", "--", ".wxcode"]),
        "",
        "git ignores it"
    );

    let path = format!("/output-projects/{project}/uploads");
    let unnamed = server.request(Method::POST, &format!("/api/v1{path}"));
    let unnamed = server
        .answer(unnamed.bearer_auth(&server.token).body("x"))
        .await;
    assert!(unnamed.problem(422).contains("name"));
    upload(&server, "000000000000000000000000", "x", Vec::new())
        .await
        .problem(404);
    server
        .delete(&format!("/output-projects/{project}"))
        .await
        .expect(204);
    assert!(!Path::new(&paths[0]).exists(), "it goes with the project");
    assert!(workspace.is_dir());
}

#[tokio::test]
async fn uploads_are_bounded() {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    upload(&server, &project, "whole", vec![7; 16 << 20])
        .await
        .expect(201);
    let detail = upload(&server, &project, "more", vec![7; (16 << 20) + 1])
        .await
        .problem(413);
    assert!(detail.contains("16777216"), "{detail}");
    let folder = server.workspace(&project).await.join(".wxcode/uploads");
    let large = fs::File::create(folder.join("large")).unwrap();
    large.set_len(256 << 20).unwrap();
    let full = upload(&server, &project, "x", vec![7]).await;
    assert_eq!(full.body["code"], "uploads_full");
    full.problem(409);
    fs::remove_file(folder.join("large")).unwrap();
    upload(&server, &project, "x", vec![7]).await.expect(201);
}

#[tokio::test]
async fn an_upload_never_follows_a_link() {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let workspace = server.workspace(&project).await;
    let outside = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(outside.path(), workspace.join(".wxcode")).unwrap();
    upload(&server, &project, "x", vec![7]).await.problem(409);
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
}
