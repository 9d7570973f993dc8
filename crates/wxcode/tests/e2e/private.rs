//! The data folder is private to its owner, and agents have the user's umask.

use std::{
    ffi::OsString,
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use crate::support::{Agent, Server, eventually};

/// Starts a program with another umask.
fn with_umask(mask: &str) -> Vec<OsString> {
    let script = format!("umask {mask}; exec \"$@\"");
    ["sh", "-c", &script, "sh"].map(Into::into).into()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

/// All files of wxcode in a folder.
fn entries(dir: &Path) -> Vec<PathBuf> {
    let mut found = vec![dir.to_owned()];
    let mut next = 0;
    while let Some(path) = found.get(next).cloned() {
        next += 1;
        if fs::symlink_metadata(&path).is_ok_and(|meta| meta.is_dir()) {
            let inner = fs::read_dir(&path).into_iter().flatten().flatten();
            let inner = inner.map(|entry| entry.path());
            found.extend(inner.filter(|path| !path.ends_with("workspaces")));
        }
    }
    found
}

/// Files with any permission for other users.
fn open_entries(dir: &Path) -> Vec<String> {
    let open = entries(dir).into_iter().filter_map(|path| {
        let mode = fs::symlink_metadata(&path).ok()?.mode() & 0o7777;
        (mode & 0o077 != 0).then(|| format!("{} {mode:04o}", path.display()))
    });
    open.collect()
}

#[tokio::test]
async fn the_first_command_creates_a_private_folder() {
    let mut server = Server::elsewhere(Agent::fake(""));
    server.program.splice(0..0, with_umask("022"));
    let dir = server.data_dir().join("first");
    let mut first = server.command(&["token", "list"]);
    let output = first.env("WXCODE_DATA_DIR", &dir).output().await.unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(!dir.exists(), "no server runs");
    let mut first = server.command(&["doctor"]);
    let output = first.env("WXCODE_DATA_DIR", &dir).output().await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(mode(&dir), 0o700, "{text}");
    assert_eq!(open_entries(&dir), Vec::<String>::new());
}

#[tokio::test]
async fn an_agent_has_the_users_umask() {
    let agent =
        Agent::script("umask > \"$HOME/mask.tmp\"; mv \"$HOME/mask.tmp\" \"$HOME/mask\"; cat");
    let mut server = Server::start(agent).await;
    for mask in ["0022", "0027"] {
        server.terminate().await;
        let before = server.program.clone();
        server.program.splice(0..0, with_umask(mask));
        server.up().await;
        let project = server.project(mask).await;
        server.start_session(&project).await;
        let told = server.agent.home.path().join("mask");
        eventually("the agent runs", || told.exists()).await;
        assert_eq!(fs::read_to_string(&told).unwrap().trim(), mask);
        fs::remove_file(told).unwrap();
        assert_eq!(open_entries(server.data_dir()), Vec::<String>::new());
        server.program = before;
    }
}

#[tokio::test]
async fn doctor_and_serve_close_an_open_folder() {
    let mut server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    server.start_session(&project).await;
    let dir = server.data_dir().to_owned();
    let open = || {
        for path in entries(&dir) {
            let mode = if path.is_dir() { 0o755 } else { 0o644 };
            // A temporary file may be gone by now.
            let _ = fs::set_permissions(path, fs::Permissions::from_mode(mode));
        }
        assert!(open_entries(&dir).len() > 10);
    };
    open();
    let output = server.command(&["doctor"]).output().await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("note    permissions: "), "{text}");
    assert_eq!(open_entries(&dir), Vec::<String>::new());

    server.terminate().await;
    open();
    server.up().await;
    assert_eq!(open_entries(&dir), Vec::<String>::new());
    assert!(
        server.log().contains("open to other users"),
        "{}",
        server.log()
    );
    let output = server.command(&["doctor"]).output().await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("ok      permissions: "), "{text}");
}
