//! What a milestone changed in its workspace.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Command};

use serde_json::{Value, json};

use crate::support::{Agent, Server};

/// Runs git as the user would.
fn git(dir: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=u", "-c", "user.email=u@example.org"])
        .args(arguments)
        .current_dir(dir)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn status<'a>(changes: &'a Value, path: &str) -> &'a Value {
    let files = changes["files"].as_array().unwrap();
    let found = files.iter().find(|file| file["path"] == path);
    found.map_or(&Value::Null, |file| &file["status"])
}

#[tokio::test]
async fn changes_since_the_beginning_are_shown() {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let dir = server.workspace(&project).await;
    git(&dir, &["init", "--quiet"]);
    fs::write(dir.join("kept"), "one\n").unwrap();
    fs::write(dir.join("gone"), "gone\n").unwrap();
    fs::write(dir.join("ignored"), "x").unwrap();
    fs::write(dir.join(".gitignore"), "ignored\n").unwrap();
    git(&dir, &["add", "-A"]);
    git(&dir, &["commit", "--quiet", "-m", "first"]);
    // Uncommitted work belongs to the base.
    fs::write(dir.join("kept"), "one\nbefore\n").unwrap();
    fs::write(dir.join("untracked before"), "u\n").unwrap();
    fs::write(dir.join("staged"), "s\n").unwrap();
    git(&dir, &["add", "staged"]);
    let before = (
        git(&dir, &["status", "--porcelain"]),
        git(&dir, &["count-objects", "-v"]),
    );
    let index = fs::read(dir.join(".git/index")).unwrap();

    let milestone = server.milestone(&project, "PAGE_Later").await;
    let pending = server
        .get(&format!("/milestones/{milestone}/changes"))
        .await;
    assert_eq!(pending.body["code"], "not_begun");
    pending.problem(409);
    let milestone = server.begun(&project).await;
    let path = format!("/milestones/{milestone}/changes");
    let none = server.get(&path).await.expect(200);
    assert_eq!((&none["files"], &none["patch"]), (&json!([]), &json!("")));
    assert_eq!(
        index,
        fs::read(dir.join(".git/index")).unwrap(),
        "the index stays"
    );
    let (status_before, objects) = before;
    let now = git(&dir, &["status", "--porcelain"]);
    let without_ours = |text: &str| -> Vec<String> {
        let lines = text
            .lines()
            .filter(|line| !line.contains(".milestones") && !line.contains(".planning"));
        lines.map(str::to_owned).collect()
    };
    assert_eq!(without_ours(&now), without_ours(&status_before));
    assert_eq!(
        git(&dir, &["count-objects", "-v"]),
        objects,
        "no object was added"
    );

    fs::write(dir.join("kept"), "one\nbefore\nafter\n").unwrap();
    fs::write(dir.join("new file"), "n\n").unwrap();
    fs::write(dir.join("binary"), [0_u8, 1, 2]).unwrap();
    fs::write(dir.join("ignored"), "y").unwrap();
    fs::remove_file(dir.join("gone")).unwrap();
    let seen = server.get(&path).await.expect(200);
    for (file, wanted) in [
        ("kept", json!("modified")),
        ("new file", json!("added")),
        ("binary", json!("added")),
        ("gone", json!("deleted")),
        ("untracked before", Value::Null),
        ("staged", Value::Null),
        ("ignored", Value::Null),
    ] {
        assert_eq!(*status(&seen, file), wanted, "{file}: {seen:#}");
    }
    let patch = seen["patch"].as_str().unwrap();
    assert!(
        patch.contains("+after\n") && !patch.contains("+before"),
        "{patch}"
    );
    assert_eq!(seen["truncated"], false);
    let kept = seen["files"]
        .as_array()
        .unwrap()
        .iter()
        .find(|file| file["path"] == "kept");
    assert_eq!(
        *kept.unwrap(),
        json!({ "path": "kept", "status": "modified", "additions": 1, "deletions": 0 })
    );
    // Commits of the milestone change nothing.
    git(&dir, &["add", "-A"]);
    git(&dir, &["commit", "--quiet", "-m", "second"]);
    let committed = server.get(&path).await.expect(200);
    assert_eq!(committed["patch"], seen["patch"]);

    let lines = "a line of the patch\n".repeat(200_000);
    fs::write(dir.join("large"), lines).unwrap();
    let large = server.get(&path).await.expect(200);
    assert_eq!(large["truncated"], true);
    let length = large["patch"].as_str().unwrap().len();
    assert!((1_900_000..=2 << 20).contains(&length), "{length}");
}

#[tokio::test]
async fn changes_need_a_repository() {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let milestone = server.begun(&project).await;
    let path = format!("/milestones/{milestone}/changes");
    let refused = server.get(&path).await;
    assert_eq!(refused.body["code"], "no_repository");
    assert!(refused.problem(409).contains("git init"));
    // A repository that the milestone itself makes shows all since its beginning.
    let dir = server.workspace(&project).await;
    git(&dir, &["init", "--quiet"]);
    fs::write(dir.join("made"), "m\n").unwrap();
    let seen = server.get(&path).await.expect(200);
    assert_eq!(*status(&seen, "made"), "added");
}

#[tokio::test]
async fn no_program_of_the_repository_runs() {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let dir = server.workspace(&project).await;
    git(&dir, &["init", "--quiet"]);
    fs::write(dir.join("file.txt"), "one\n").unwrap();
    git(&dir, &["add", "-A"]);
    git(&dir, &["commit", "--quiet", "-m", "first"]);
    let marker = dir.join("../ran");
    let program = dir.join("../program");
    fs::write(
        &program,
        format!("#!/bin/sh\necho \"$0 $*\" >> '{}'\ncat\n", marker.display()),
    )
    .unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let name = program.to_str().unwrap();
    for setting in [
        "core.fsmonitor",
        "diff.external",
        "diff.own.textconv",
        "diff.own.command",
        "filter.own.clean",
        "filter.own.smudge",
        "core.editor",
        "core.sshCommand",
    ] {
        git(&dir, &["config", setting, name]);
    }
    fs::write(dir.join(".gitattributes"), "*.txt filter=own diff=own\n").unwrap();
    fs::write(
        dir.join(".git/info/attributes"),
        "*.txt filter=own diff=own\n",
    )
    .unwrap();
    let hooks = dir.join(".git/hooks");
    fs::create_dir_all(&hooks).unwrap();
    for hook in [
        "post-index-change",
        "pre-commit",
        "post-checkout",
        "reference-transaction",
    ] {
        fs::copy(&program, hooks.join(hook)).unwrap();
    }
    let milestone = server.begun(&project).await;
    fs::write(dir.join("file.txt"), "two\n").unwrap();
    let path = format!("/milestones/{milestone}/changes");
    let seen = server.get(&path).await.expect(200);
    assert!(seen["patch"].as_str().unwrap().contains("+two"), "{seen:#}");
    assert!(!marker.exists(), "{:?}", fs::read_to_string(&marker));
}
