//! Commands with an unwritable output end without a panic, and quietly after a closed pipe.

use std::{fs::File, io::pipe, process::Stdio};

use crate::support::{Agent, Server};

/// Commands with output, on a server with a single project.
const COMMANDS: [&[&str]; 7] = [
    &["ls"],
    &["ls", "--json"],
    &["token", "list", "--json"],
    &["openapi"],
    &["doctor"],
    &["send", "p", "hello"],
    &["--help"],
];

async fn run(server: &Server, arguments: &[&str], stdout: Stdio) -> (Option<i32>, String) {
    let mut command = server.command(arguments);
    command.stdin(Stdio::null()).stdout(stdout);
    let child = command.stderr(Stdio::piped()).spawn().unwrap();
    let output = child.wait_with_output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), said)
}

#[tokio::test]
async fn a_closed_pipe_ends_a_command_quietly() {
    let server = Server::start(Agent::fake("")).await;
    server.project("p").await;
    for arguments in COMMANDS {
        let (reader, writer) = pipe().unwrap();
        drop(reader);
        let (code, said) = run(&server, arguments, writer.into()).await;
        assert!(said.is_empty(), "{arguments:?}: {said}");
        assert_eq!(code, Some(0), "{arguments:?}");
    }
}

#[tokio::test]
async fn a_command_names_a_full_disk() {
    let server = Server::start(Agent::fake("")).await;
    server.project("p").await;
    for arguments in COMMANDS.iter().filter(|words| words[0] != "--help") {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let (code, said) = run(&server, arguments, full.into()).await;
        assert!(
            said.contains("standard output") && !said.contains("panicked"),
            "{arguments:?}: {said}"
        );
        assert_eq!(code, Some(1), "{arguments:?}");
    }
}

#[tokio::test]
async fn full_disks_on_both_outputs_never_panic() {
    let server = Server::start(Agent::fake("")).await;
    server.project("p").await;
    for arguments in COMMANDS.iter().filter(|words| words[0] != "--help") {
        let full = || File::options().write(true).open("/dev/full").unwrap();
        let mut command = server.command(arguments);
        command.stdin(Stdio::null()).stdout(full()).stderr(full());
        let status = command.status().await.unwrap();
        assert_eq!(status.code(), Some(1), "{arguments:?}");
    }
}
